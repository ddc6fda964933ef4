package dev.crossfade.client;

import com.google.protobuf.Message;
import dev.crossfade.client.SessionState.Exchange;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A unary call that may take several attempts. Its metadata depend on its message, so it begins when that is there; its caller hears of
 * the last attempt alone, when it is over.
 */
final class SessionCall<Q, A> extends ClientCall<Q, A> {
  /**
   * How long, how often, and on which threads.
   *
   * @param executor where the caller is told, as a blocking stub waits for nothing else; null: wherever it is
   */
  record Limits(Deadline deadline, RetryPolicy policy, ScheduledExecutorService timer, Executor executor) {}

  private final Supplier<ClientCall<Q, A>> attempts;
  private final Function<Q, Exchange> exchanges;
  private final Limits limits;
  /** The caller's: a deadline in it holds for every attempt, and so does its cancellation. */
  private final Context context = Context.current();

  private Listener<A> listener;
  private Metadata given;
  private Q request;
  private Exchange exchange;
  private int count;

  private final Object lock = new Object();
  // Guarded by the lock, as a call may be cancelled from any thread.
  private ClientCall<Q, A> current;
  private Status cancelled;

  SessionCall(Supplier<ClientCall<Q, A>> attempts, Function<Q, Exchange> exchanges, Limits limits) {
    this.attempts = attempts;
    this.exchanges = exchanges;
    this.limits = limits;
  }

  @Override
  public void start(Listener<A> responseListener, Metadata headers) {
    listener = responseListener;
    given = headers;
  }

  @Override
  public void sendMessage(Q message) {
    request = message;
  }

  @Override
  public void halfClose() {
    exchange = exchanges.apply(request);
    attempt();
  }

  /** Each attempt asks for all that there is: one message. */
  @Override
  public void request(int numMessages) {}

  @Override
  public void cancel(String message, Throwable cause) {
    ClientCall<Q, A> running;
    synchronized (lock) {
      if (cancelled != null) {
        return;
      }
      cancelled = Status.CANCELLED.withDescription(message).withCause(cause);
      running = current;
    }
    if (running != null) {
      running.cancel(message, cause);
    }
  }

  private void attempt() {
    Status ended = cancelled();
    if (ended != null) {
      close(ended);
      return;
    }
    Metadata headers;
    try {
      headers = exchange.headers(given);
    } catch (RuntimeException noToken) {
      Status status = Status.UNAUTHENTICATED.withDescription("the token can't be had: " + noToken.getMessage());
      close(status.withCause(noToken));
      return;
    }
    ClientCall<Q, A> call = attempts.get();
    call.start(new AttemptListener(), headers);
    synchronized (lock) {
      current = call;
      ended = cancelled;
    }
    if (ended != null) {
      call.cancel(ended.getDescription(), ended.getCause());
      return;
    }
    send(call);
  }

  private void close(Status status) {
    Runnable telling = () -> listener.onClose(status, new Metadata());
    if (limits.executor() == null) {
      telling.run();
    } else {
      limits.executor().execute(telling);
    }
  }

  private void send(ClientCall<Q, A> call) {
    try {
      // Two, as ClientCalls does: a second message of a unary call is a mistake that is then seen.
      call.request(2);
      call.sendMessage(request);
      call.halfClose();
    } catch (IllegalStateException gone) {
      // Cancelled in between: the attempt's listener hears of it.
      call.cancel("the call was cancelled while it was sent", gone);
    }
  }

  private Status cancelled() {
    synchronized (lock) {
      return cancelled;
    }
  }

  /** Whether another attempt will follow. */
  private boolean goesOn(Status status, Metadata trailers) {
    synchronized (lock) {
      current = null;
      if (cancelled != null) {
        return false;
      }
    }
    if (count >= limits.policy().retries() || !RetryPolicy.maySendAgain(status, trailers, exchange.kind())) {
      return false;
    }
    Duration pause = RetryPolicy.pauseBefore(count, status, trailers);
    if (timeLeftNanos() <= pause.toNanos()) {
      return false;
    }
    count += 1;
    try {
      limits.timer().schedule(context.wrap(this::attempt), pause.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (RejectedExecutionException closed) {
      // The client was closed: there is no other attempt.
      return false;
    }
  }

  private long timeLeftNanos() {
    long own = limits.deadline().timeRemaining(TimeUnit.NANOSECONDS);
    Deadline outer = context.getDeadline();
    return outer == null ? own : Math.min(own, outer.timeRemaining(TimeUnit.NANOSECONDS));
  }

  /** Keeps what one attempt brought until it is over. */
  private final class AttemptListener extends Listener<A> {
    private Metadata headers;
    private A message;

    @Override
    public void onHeaders(Metadata metadata) {
      headers = metadata;
    }

    @Override
    public void onMessage(A answer) {
      message = answer;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (status.isOk() && message instanceof Message answer) {
        exchange.answered(headers, trailers, answer);
      } else if (!status.isOk()) {
        exchange.failed(status, headers, trailers);
        if (goesOn(status, trailers)) {
          return;
        }
      }
      if (headers != null) {
        listener.onHeaders(headers);
      }
      if (message != null) {
        listener.onMessage(message);
      }
      listener.onClose(status, trailers);
    }
  }
}
