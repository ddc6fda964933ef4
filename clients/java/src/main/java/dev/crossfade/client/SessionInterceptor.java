package dev.crossfade.client;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The rules of a session, on any channel. Unary calls get a deadline, are told what the session knows, and are sent again where that is
 * safe; streams are told who calls, and are neither bounded in time nor begun again.
 */
final class SessionInterceptor implements ClientInterceptor {
  /** One a method that is called; there are as many as the services have. */
  private static final Map<com.google.protobuf.Descriptors.MethodDescriptor, RecordNames> NAMES = new ConcurrentHashMap<>();

  private final SessionOptions options;
  private final SessionState state;
  private final ScheduledExecutorService timer;

  SessionInterceptor(SessionOptions options, SessionState state, ScheduledExecutorService timer) {
    this.options = options;
    this.state = state;
    this.timer = timer;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions callOptions, Channel next) {
    RecordNames names = namesOf(method);
    if (method.getType() != MethodDescriptor.MethodType.UNARY || names == null) {
      return new SimpleForwardingClientCall<>(next.newCall(method, callOptions)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          options.identify(headers);
          super.start(listener, headers);
        }
      };
    }
    CallOptions bounded =
        callOptions.getDeadline() == null
            ? callOptions.withDeadlineAfter(options.timeout().toNanos(), TimeUnit.NANOSECONDS)
            : callOptions;
    return new SessionCall<>(
        () -> next.newCall(method, bounded),
        request -> state.exchange(names, (Message) request, bounded.getOption(Consistency.OPTION)),
        new SessionCall.Limits(bounded.getDeadline(), options.retryPolicy(), timer, bounded.getExecutor()));
  }

  /** Null: the messages are not protobuf's, or their stub was made without descriptors. */
  private static RecordNames namesOf(MethodDescriptor<?, ?> method) {
    return method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier supplier
        ? NAMES.computeIfAbsent(supplier.getMethodDescriptor(), RecordNames::new)
        : null;
  }
}
