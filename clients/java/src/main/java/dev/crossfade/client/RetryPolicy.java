package dev.crossfade.client;

import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * When a call is sent again without the caller's saying so.
 *
 * @param retries how often at most
 */
record RetryPolicy(int retries) {
  /** What a call is, as far as sending it again is concerned. {@code NAMED}: a write whose every record has a {@code request_id}. */
  enum CallKind {
    READ,
    WRITE,
    NAMED
  }

  /** The pause before the first retry; it doubles with each up to the longest, half of it at random. */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);
  /** 20 ms doubled this often is beyond the longest pause. */
  private static final int MAX_DOUBLINGS = 6;

  /**
   * Reads: on UNAVAILABLE. Writes: only if it is certain that nothing was written, because the service itself said UNAVAILABLE or the
   * request was never sent; when the outcome is not known only if the request is named, as it is then recognised. Not past a deadline,
   * nor once the caller has cancelled.
   */
  static boolean maySendAgain(Status status, Metadata trailers, CallKind kind) {
    Status.Code code = status.getCode();
    if (kind == CallKind.NAMED && Errors.isOutcomeUnknown(status, trailers)) {
      return code != Status.Code.DEADLINE_EXCEEDED && code != Status.Code.CANCELLED;
    }
    return code == Status.Code.UNAVAILABLE
        && (kind == CallKind.READ || Errors.infoOf(status, trailers).isPresent() || Errors.wasNotSent(status));
  }

  /** At least as long as the service says, and then some: of callers who were refused together not all come back at once. */
  static Duration pauseBefore(int attempt, Status status, Metadata trailers) {
    Duration longest = FIRST_PAUSE.multipliedBy(1L << Math.min(attempt, MAX_DOUBLINGS));
    long nanos = Math.min(longest.toNanos(), LONGEST_PAUSE.toNanos());
    return Errors.retryDelayOf(status, trailers).plusNanos(nanos / 2 + ThreadLocalRandom.current().nextLong(nanos / 2));
  }
}
