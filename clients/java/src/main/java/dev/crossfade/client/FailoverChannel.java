package dev.crossfade.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** One channel an address. Calls go to one of them until it says UNAVAILABLE, can't be reached or does not answer in time; then to the next. */
final class FailoverChannel extends Channel {
  private static final Set<Status.Code> PASSED_OVER = EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);

  private final List<? extends Channel> channels;
  private final AtomicInteger position;

  FailoverChannel(List<? extends Channel> channels, int startAt) {
    this.channels = channels;
    this.position = new AtomicInteger(startAt);
  }

  @Override
  public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
    int taken = position.get();
    return new SimpleForwardingClientCall<>(current().newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                // Of calls that failed together only the first passes the address over.
                if (PASSED_OVER.contains(status.getCode())) {
                  position.compareAndSet(taken, taken + 1);
                }
                super.onClose(status, trailers);
              }
            },
            headers);
      }
    };
  }

  @Override
  public String authority() {
    return current().authority();
  }

  private Channel current() {
    return channels.get(Math.floorMod(position.get(), channels.size()));
  }
}
