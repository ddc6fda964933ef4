package dev.crossfade.client;

import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * The instances of a Crossfade service, and the connections to them. One a program is enough; it makes a {@link Session} for each user,
 * job or request.
 */
public final class CrossfadeClient implements AutoCloseable {
  /** The most records and lists whose versions a session remembers. */
  private static final int MAX_VERSIONS = 10_000;

  private static final Duration CLOSE_GRACE = Duration.ofSeconds(5);

  /** While a call is under way and nothing comes for this long, the instance is asked for a sign of life. */
  private static final Duration KEEPALIVE_INTERVAL = Duration.ofSeconds(10);

  /** Without one its connection is closed: its calls are UNAVAILABLE, and the next ones go elsewhere. */
  private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(5);

  private static final AtomicInteger CLIENTS = new AtomicInteger();

  private final List<ManagedChannel> channels;
  private final SessionOptions options;
  private final int startAt;
  private final ScheduledThreadPoolExecutor timer;

  private CrossfadeClient(Builder builder) {
    channels = builder.addresses.stream().map(address -> connect(address, builder.credentials)).toList();
    options =
        new SessionOptions(
            builder.caller, null, builder.token, builder.consistency, builder.timeout, new RetryPolicy(builder.retries));
    startAt = builder.startAt;
    timer = new ScheduledThreadPoolExecutor(1, CrossfadeClient::timerThread);
  }

  private static ManagedChannel connect(String address, ChannelCredentials credentials) {
    return Grpc.newChannelBuilder(address, credentials)
        .keepAliveTime(KEEPALIVE_INTERVAL.toNanos(), TimeUnit.NANOSECONDS)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
        .build();
  }

  /**
   * Begins to describe a client.
   *
   * @param addresses gRPC ports of instances, {@code host:port} each; a failing one is passed over
   * @throws IllegalArgumentException without an address, or with an empty one
   */
  public static Builder builder(String... addresses) {
    return new Builder(List.of(addresses));
  }

  /** Begins a session. */
  public Session newSession() {
    return begin(options);
  }

  /** Begins a session on behalf of a user, whom flags see. */
  public Session newSession(String user) {
    return begin(options.withUser(user));
  }

  private Session begin(SessionOptions own) {
    SessionState state = new SessionState(own, new KnownVersions(MAX_VERSIONS));
    return new Session(
        ClientInterceptors.intercept(new FailoverChannel(channels, startAt), new SessionInterceptor(own, state, timer)),
        state);
  }

  /** Lets calls that are under way end, for five seconds at most, and closes the connections. */
  @Override
  public void close() {
    // Calls that wait for a retry make it, and find their channel closed.
    timer.shutdown();
    channels.forEach(ManagedChannel::shutdown);
    long untilNanos = System.nanoTime() + CLOSE_GRACE.toNanos();
    try {
      for (ManagedChannel channel : channels) {
        channel.awaitTermination(untilNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    channels.forEach(ManagedChannel::shutdownNow);
  }

  private static Thread timerThread(Runnable work) {
    Thread thread = new Thread(work, "crossfade-retries-" + CLIENTS.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  /** Describes a client. Whatever is not said has a default. */
  public static final class Builder {
    /** Longer than a handover of authority may make writers wait, which is five seconds unless the service is told otherwise. */
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    private static final int DEFAULT_RETRIES = 8;

    private final List<String> addresses;
    private ChannelCredentials credentials = InsecureChannelCredentials.create();
    private String caller;
    private Supplier<String> token;
    private boolean tokenInClear;
    private Consistency consistency;
    private Duration timeout = DEFAULT_TIMEOUT;
    private int retries = DEFAULT_RETRIES;
    private int startAt;

    private Builder(List<String> addresses) {
      if (addresses.isEmpty() || addresses.stream().anyMatch(String::isBlank)) {
        throw new IllegalArgumentException("a client needs at least one address, and none that is empty: " + addresses);
      }
      this.addresses = addresses;
    }

    /**
     * How connections are secured. Default: not at all. {@code TlsChannelCredentials.newBuilder()} takes the authorities to trust
     * ({@code trustManager(file)}; default: those that Java knows) and the caller's own certificate ({@code keyManager(cert, key)}).
     */
    public Builder credentials(ChannelCredentials value) {
      credentials = value;
      return this;
    }

    /** The token that goes with each call as {@code authorization: Bearer …}. It needs TLS, or {@link #tokenInClear}. */
    public Builder token(String value) {
      return token(() -> value);
    }

    /** Where to get the token: asked for each call, so that it can be renewed; it must not block. */
    public Builder token(Supplier<String> source) {
      token = source;
      return this;
    }

    /** Lets the token go without TLS, where whoever is on the way can read it: for a proxy on the same machine that does TLS. */
    public Builder tokenInClear() {
      tokenInClear = true;
      return this;
    }

    /** The calling service's name: flags and traces see it. */
    public Builder caller(String name) {
      caller = name;
      return this;
    }

    /** What reads are for that say nothing themselves. Default: the service's, {@link Consistency#LATENCY}. */
    public Builder consistency(Consistency value) {
      consistency = value;
      return this;
    }

    /** How long a call may take that has no deadline itself, its retries included; not for streams. Default: ten seconds. */
    public Builder timeout(Duration value) {
      timeout = value;
      return this;
    }

    /** How often a call that may safely be sent again is. Default: 8: some seconds, so that a rollout of all instances fails no call. */
    public Builder retries(int most) {
      retries = most;
      return this;
    }

    /** Where sessions begin among the addresses. Default: the first. */
    public Builder startAt(int index) {
      startAt = index;
      return this;
    }

    /**
     * Makes the client; connections are made when they are needed.
     *
     * @throws IllegalStateException where a token would go without TLS unasked
     */
    public CrossfadeClient build() {
      if (token != null && credentials instanceof InsecureChannelCredentials && !tokenInClear) {
        throw new IllegalStateException(
            "a token is sent over TLS only: set credentials, or tokenInClear to let others read it");
      }
      return new CrossfadeClient(this);
    }
  }
}
