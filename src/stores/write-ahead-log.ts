import type { Key } from '../domain/key.ts';
import type { Call } from './call.ts';

/** Names one entry of a write-ahead log. Never used twice. */
export interface LogEntry {
  /** The life of the instance that appended it. */
  readonly incarnation: string;
  /** The minute since 1970 that it belongs to, by the instance's clock. */
  readonly minute: number;
  /** Unique: 32 hexadecimal digits. */
  readonly id: string;
}

/** How many entries of one minute of an incarnation were left open. */
export interface LeftEntries extends Pick<LogEntry, 'incarnation' | 'minute'> {
  readonly count: number;
}

/** What is announced. */
export interface AppendRequest {
  readonly incarnation: string;
  readonly resource: string;
  readonly keys: readonly Key[];
  /** Told of the entry before anything of it can be read. Must not throw. Default: nobody is told. */
  readonly onBegun?: (entry: LogEntry) => void;
}

/** An entry that is not closed: its keys may have been changed, and the follower may not have them. */
export interface OpenEntry extends LogEntry {
  readonly resource: string;
  /** Encodings of keys, as `KeyCodec.fromBytes` takes them. */
  readonly keys: readonly Buffer[];
  /** Older than half the time that entries are kept: others of its time may have expired. Asks for a new attach. */
  readonly tooOld: boolean;
}

/** What part of a log to read. */
export interface OpenEntriesQuery {
  readonly incarnation: string;
  /**
   * The minute up to which all is closed, as the incarnation's heartbeat says it (`logClosedUpTo`). All minutes behind it are
   * read, some of them in the future, for an instance whose clock is ahead.
   */
  readonly closedUpTo: number;
  /** A page's `next`; null: from the beginning. */
  readonly after: string | null;
  /** At most this many entries. */
  readonly limit: number;
}

/** One page of open entries. */
export interface OpenEntriesPage {
  /** By minute, then by id. A page may be empty and not the last. */
  readonly entries: readonly OpenEntry[];
  /** Where the next page begins; null: the range is done. */
  readonly next: string | null;
  /**
   * What is closed ends longer ago than half the time that entries are kept: that nothing is open since says nothing. Asks
   * for a new attach.
   */
  readonly tooOld: boolean;
}

/**
 * The port of the log that stands in for a binary log where the authority has none: which keys may be changed without
 * the follower having them (docs/protocol.md, section 5). One object serves all resources of an instance.
 *
 * Errors: `unavailable` and `deadline_exceeded` as the stores' own, `cancelled`.
 */
export interface WriteAheadLog {
  /** How long entries are kept, in seconds. */
  readonly ttlSeconds: number;
  /**
   * Appends an entry that names the keys of one write; resolves when it is durable. Appends that come together share a
   * statement. After an error nothing may be written under it: whether it is there is not known, it counts as open,
   * and the log closes it by itself as soon as it can.
   */
  append(request: AppendRequest, call: Call): Promise<LogEntry>;
  /**
   * Closes an entry, whoever appended it: the follower has all of its keys, or needs none of them. May be repeated. After
   * an error the log repeats it by itself.
   */
  close(entry: LogEntry, call: Call): Promise<void>;
  /** Whoever appended an entry through this object is done with it, and it stays open: somebody has to carry it. */
  leave(entry: LogEntry): void;
  /** Those of what was left are closed by now, whoever did that. */
  carried(left: readonly LeftEntries[]): void;
  /** Open entries of one incarnation, in pages; each call is bounded, also where there are none. */
  openEntries(query: OpenEntriesQuery, call: Call): Promise<OpenEntriesPage>;
  /**
   * For the heartbeat: the minute up to which, inclusive, every entry is closed of an incarnation that appends through this
   * object alone. Never falls, and no later append goes into it. Asking also repeats the closing of what is left to close.
   */
  closedUpTo(incarnation: string): number;
}
