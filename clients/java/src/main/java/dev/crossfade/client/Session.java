package dev.crossfade.client;

import io.grpc.Channel;

/**
 * What one user, job or request reads and writes in order. The version that the service last gave for a record, or for a parent's list,
 * goes back with the next call, so that no read shows an older state than one before it: of a record always, also after a NOT_FOUND; of
 * a list as far as one version can say it, which is that of its newest record. A list gives no versions of its records, so the first Get
 * of a record after a List of its parent asks for the authority. A batch that is read has one version too: where more is known of some
 * of its records, the authority is asked.
 *
 * <p>Reads, and writes of which it is certain that they were not done, are sent again on UNAVAILABLE; a write whose every record has a
 * {@code request_id} also when its outcome is not known. Sessions are cheap, and may be used by several threads.
 */
public final class Session {
  private final Channel channel;
  private final SessionState state;

  Session(Channel channel, SessionState state) {
    this.channel = channel;
    this.state = state;
  }

  /** For any stub: {@code MedicationsGrpc.newBlockingStub(session.channel())}. */
  public Channel channel() {
    return channel;
  }

  /** The version last given for a record's name; 0: none. */
  public long versionOf(String name) {
    return state.versionOf(name);
  }
}
