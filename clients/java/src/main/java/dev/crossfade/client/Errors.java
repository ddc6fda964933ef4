package dev.crossfade.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What errors of the service say (docs/api.md has their reasons). They are gRPC's own {@code StatusRuntimeException}s. */
public final class Errors {
  /** A cause of a cause of a cause; deeper chains are none of a link's. */
  private static final int MAX_CAUSES = 5;

  private Errors() {}

  /** The reason of an error of the service, such as {@code RECORD_NOT_FOUND}; empty: the error is not of its making. */
  public static Optional<String> reasonOf(Throwable error) {
    return infoOf(error).map(ErrorInfo::getReason);
  }

  /** The {@code ErrorInfo} of an error of the service; empty: the error is not of its making. */
  public static Optional<ErrorInfo> infoOf(Throwable error) {
    return infoOf(Status.fromThrowable(error), Status.trailersFromThrowable(error));
  }

  /**
   * Whether a write that failed may or may not have been committed: its link broke, its deadline passed or the service says so. Read
   * before writing again.
   */
  public static boolean isOutcomeUnknown(Throwable error) {
    return isOutcomeUnknown(Status.fromThrowable(error), Status.trailersFromThrowable(error));
  }

  static boolean isOutcomeUnknown(Status status, Metadata trailers) {
    return switch (status.getCode()) {
      case UNKNOWN, DEADLINE_EXCEEDED, CANCELLED -> true;
      case UNAVAILABLE, ABORTED, INTERNAL -> infoOf(status, trailers).isEmpty() && !wasNotSent(status);
      default -> false;
    };
  }

  static Optional<ErrorInfo> infoOf(Status status, Metadata trailers) {
    return detail(status, trailers, ErrorInfo.class);
  }

  /** The pause that the service asks for before the same request is sent again; zero: it names none. */
  static Duration retryDelayOf(Status status, Metadata trailers) {
    return detail(status, trailers, RetryInfo.class)
        .map(RetryInfo::getRetryDelay)
        .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()))
        .filter(delay -> !delay.isNegative())
        .orElse(Duration.ZERO);
  }

  /** Whether it is certain that a request was never sent, as its connection was never made. */
  static boolean wasNotSent(Status status) {
    Throwable cause = status.getCause();
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++, cause = cause.getCause()) {
      if (cause instanceof ConnectException
          || cause instanceof NoRouteToHostException
          || cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }

  private static <T extends Message> Optional<T> detail(Status status, Metadata trailers, Class<T> type) {
    if (trailers == null) {
      return Optional.empty();
    }
    com.google.rpc.Status whole = StatusProto.fromStatusAndTrailers(status, trailers);
    for (Any detail : whole == null ? List.<Any>of() : whole.getDetailsList()) {
      try {
        if (detail.is(type)) {
          return Optional.of(detail.unpack(type));
        }
      } catch (InvalidProtocolBufferException malformed) {
        // What can't be read says nothing; the status itself stays.
        return Optional.empty();
      }
    }
    return Optional.empty();
  }
}
