package dev.crossfade.client;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The versions that a session was given. A list's version is the greatest of it and of its records that were read or written by
 * themselves, so a list is never older than they are. Bounded: what was not heard of for the longest is forgotten first.
 */
final class KnownVersions {
  /**
   * What is known of one record, or of one list.
   *
   * @param moment of a record: the moment at which the request was sent that gave it last; of a list: at which it was last shown
   */
  private record Known(long version, long moment) {}

  private final Map<String, Known> known = new LinkedHashMap<>();
  private final int most;
  private long moment;

  KnownVersions(int most) {
    this.most = most;
  }

  /** The moment as it is now; each list that is shown begins another one. */
  synchronized long moment() {
    return moment;
  }

  /** The version to send back; 0: none was given, or it was forgotten. */
  synchronized long of(String name) {
    Known one = known.get(name);
    return one == null ? 0 : one.version();
  }

  /** Whether a list has shown a record, or that there is none, after its own version was given: it may have shown more. */
  synchronized boolean isShownByList(String name) {
    String list = RecordNames.listOf(name);
    return !list.equals(name) && momentOf(list) > momentOf(name);
  }

  /** Notes what the answer to a request gave that was sent at {@code sentAt}. */
  synchronized void raise(String name, long version, long sentAt) {
    String list = RecordNames.listOf(name);
    if (list.equals(name)) {
      moment += 1;
      set(list, version, moment);
    } else {
      set(name, version, sentAt);
      set(list, version, momentOf(list));
    }
  }

  private long momentOf(String name) {
    Known one = known.get(name);
    return one == null ? 0 : one.moment();
  }

  /** Neither part goes back: an answer that was overtaken by a later one says nothing new. */
  private void set(String name, long version, long at) {
    Known before = known.remove(name);
    known.put(
        name,
        before == null ? new Known(version, at) : new Known(Math.max(version, before.version()), Math.max(at, before.moment())));
    if (known.size() > most) {
      known.remove(known.keySet().iterator().next());
    }
  }
}
