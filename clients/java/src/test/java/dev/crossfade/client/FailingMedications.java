package dev.crossfade.client;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.hospital.v1.BatchCreateMedicationsRequest;
import dev.hospital.v1.BatchCreateMedicationsResponse;
import dev.hospital.v1.CreateMedicationRequest;
import dev.hospital.v1.GetMedicationRequest;
import dev.hospital.v1.ListMedicationsRequest;
import dev.hospital.v1.ListMedicationsResponse;
import dev.hospital.v1.Medication;
import dev.hospital.v1.MedicationsGrpc;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * A gRPC server that fails as the service does, when a test asks for it: what a real one can't be made to do at will. Each answer has
 * the next version, from 1 on.
 */
final class FailingMedications extends MedicationsGrpc.MedicationsImplBase implements AutoCloseable {
  static final Metadata.Key<String> VERSION = SessionOptions.key("crossfade-version");

  /** The metadata of each call that came in, in order. */
  final List<Metadata> calls = new CopyOnWriteArrayList<>();

  /** Until the deadline of each call; null: it had none. */
  final List<Long> millisLeft = new CopyOnWriteArrayList<>();

  /** Thrown by the next calls, one each. */
  final Queue<StatusRuntimeException> failures = new ConcurrentLinkedQueue<>();

  private final Server server;

  FailingMedications() throws IOException {
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(this)
            .intercept(new Versions())
            .build()
            .start();
  }

  String address() {
    return "127.0.0.1:" + port();
  }

  int port() {
    return server.getPort();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  /** An error as the service makes it. {@code retryMillis} 0: without a RetryInfo. */
  static StatusRuntimeException error(Code code, String reason, int retryMillis) {
    Status.Builder status =
        Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage(reason)
            .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).setDomain("crossfade.dev").build()));
    if (retryMillis > 0) {
      Duration delay = Duration.newBuilder().setNanos(retryMillis * 1_000_000).build();
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  @Override
  public void getMedication(GetMedicationRequest request, StreamObserver<Medication> answer) {
    end(answer, Medication.newBuilder().setName(request.getName()).build());
  }

  @Override
  public void listMedications(ListMedicationsRequest request, StreamObserver<ListMedicationsResponse> answer) {
    end(answer, ListMedicationsResponse.getDefaultInstance());
  }

  @Override
  public void createMedication(CreateMedicationRequest request, StreamObserver<Medication> answer) {
    end(answer, Medication.newBuilder().setName(request.getParent() + "/medications/" + request.getMedicationId()).build());
  }

  @Override
  public void batchCreateMedications(
      BatchCreateMedicationsRequest request, StreamObserver<BatchCreateMedicationsResponse> answer) {
    end(answer, BatchCreateMedicationsResponse.getDefaultInstance());
  }

  private <T> void end(StreamObserver<T> answer, T message) {
    StatusRuntimeException failure = failures.poll();
    if (failure != null) {
      answer.onError(failure);
      return;
    }
    answer.onNext(message);
    answer.onCompleted();
  }

  private final class Versions implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Deadline deadline = Context.current().getDeadline();
      millisLeft.add(deadline == null ? null : deadline.timeRemaining(TimeUnit.MILLISECONDS));
      calls.add(headers);
      String version = Integer.toString(calls.size());
      return next.startCall(
          new io.grpc.ForwardingServerCall.SimpleForwardingServerCall<>(call) {
            @Override
            public void sendHeaders(Metadata answered) {
              answered.put(VERSION, version);
              super.sendHeaders(answered);
            }
          },
          headers);
    }
  }
}
