package dev.crossfade.client;

import io.grpc.Metadata;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * What a session tells the service of its caller, and how long it tries.
 *
 * @param caller the calling service's name; null: none
 * @param user on whose behalf calls are made; null: nobody's
 * @param token where to get the bearer token, asked for each call; null: none
 * @param consistency what reads are for that say nothing themselves; null: the service's default
 */
record SessionOptions(
    String caller,
    String user,
    Supplier<String> token,
    Consistency consistency,
    Duration timeout,
    RetryPolicy retryPolicy) {

  private static final Metadata.Key<String> CALLER = key("crossfade-caller");
  private static final Metadata.Key<String> USER = key("crossfade-user");
  private static final Metadata.Key<String> AUTHORIZATION = key("authorization");

  SessionOptions withUser(String name) {
    return new SessionOptions(caller, name, token, consistency, timeout, retryPolicy);
  }

  /** Says who calls. */
  void identify(Metadata headers) {
    put(headers, CALLER, caller);
    put(headers, USER, user);
    put(headers, AUTHORIZATION, token == null ? null : "Bearer " + token.get());
  }

  /** What the caller says itself counts. */
  private static void put(Metadata headers, Metadata.Key<String> key, String value) {
    if (value != null && !headers.containsKey(key)) {
      headers.put(key, value);
    }
  }

  static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
