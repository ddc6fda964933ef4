package dev.crossfade.client;

import io.grpc.CallOptions;

/**
 * What a read is for. For one call: {@code stub.withOption(Consistency.OPTION, Consistency.AUTHORITY)}; for all reads of a client:
 * {@link CrossfadeClient.Builder#consistency}.
 */
public enum Consistency {
  /** The store that the flags choose; acknowledged writes are always seen. The service's default. */
  LATENCY("latency"),
  /** A state no older than the session knows of is enough, also while the authority can't be reached. */
  AT_LEAST("at-least"),
  /** The authority answers. */
  AUTHORITY("authority");

  /** Says of one call what it is for. */
  public static final CallOptions.Key<Consistency> OPTION = CallOptions.Key.create("crossfade-consistency");

  private final String text;

  Consistency(String text) {
    this.text = text;
  }

  /** As it goes over the wire. */
  String text() {
    return text;
  }
}
