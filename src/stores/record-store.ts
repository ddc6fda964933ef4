import type { Key } from '../domain/key.ts';
import type { Index, Row, Value } from '../domain/resource.ts';
import type { Call } from './call.ts';
import type { ControlRecord } from './control-store.ts';
import type { WriteRequest } from './remembered-requests.ts';

/** One record as a store has it, or its absence. */
export interface Stored {
  readonly key: Key;
  /** The record in row order; null: there is none. */
  readonly row: Row | null;
  /**
   * From an engine: the stored version, 0 if the record was never written through the service. From the two-store
   * decorator: the version, `max(stored, floor)` (docs/protocol.md, section 1).
   */
  readonly version: bigint;
  /**
   * What it remembers of requests (`remembered-requests.ts`); empty: nothing. Absent: not read. It is there in what is to be copied:
   * pages of a walk, what touches answer, and what a write answers where it may have changed.
   */
  readonly requests?: Buffer;
}

/**
 * The most changes of one batch: it is one transaction, of a record after the other in MySQL, and one round of Paxos in Cassandra,
 * and everybody else who wants one of its records waits for it.
 */
export const MAX_BATCH_CHANGES = 100;

/** A page of one parent's records. */
export interface ListQuery {
  /** The values of the parent's key columns. */
  readonly parent: readonly Key['values'][number][];
  /** Only records that come after this key in the order asked for, exclusive; null: from the start. */
  readonly after: Key | null;
  /** Whether the greatest key comes first. Default: the least does. */
  readonly descending?: boolean;
  /** At most this many. */
  readonly limit: number;
}

/** A page of the records that have the same values in an index. */
export interface LookupQuery {
  /** One of the resource's. */
  readonly index: Index;
  /** The values of its columns, in its order; none is null. */
  readonly values: readonly Value[];
  /** Only records after this key, exclusive; null: from the start. */
  readonly after: Key | null;
  /** At most this many. */
  readonly limit: number;
}

/** A record that can't be found by an index, although it has all values. */
export interface Unindexed {
  readonly key: Key;
  readonly index: Index;
}

/** A write through the service. */
export interface Change {
  readonly key: Key;
  /**
   * `create`: refused with `already_exists` if there is a record. `update`: refused with `not_found` if there is none.
   * `upsert`: either. `delete`: refused with `not_found` if there is none. `touch`: changes nothing, gives the record,
   * present or absent, a newer version.
   */
  readonly kind: 'create' | 'update' | 'upsert' | 'delete' | 'touch';
  /** The new values in row order; only those of `columns` count. Null for `delete` and `touch`. */
  readonly row: Row | null;
  /**
   * The indexes of the columns to set, ascending; never key columns. A create sets the others to the column's default, as
   * far as the engine knows it: Cassandra, which knows none, to null, and refuses the write where that is not allowed.
   */
  readonly columns: readonly number[];
  /** Refused with `etag_mismatch` unless this returns true for the record as it is under its lock. */
  readonly accepts?: (current: Row) => boolean;
  /**
   * Which request asks for it. One that is remembered is not done again: the outcome is `repeated`, or `request_reused` if its content is
   * another. Only for resources whose records remember.
   */
  readonly request?: WriteRequest;
  /** Of a delete in a batch: a `not_found` of it does not refuse the others. Default false. */
  readonly allowsMissing?: boolean;
}

/** The answer to a write. Every outcome but `control_changed` has committed a newer version (unless `detached`). */
export interface Written {
  /**
   * `control_changed`: the control record is not the one expected, or authority is being handed over; nothing was done.
   * `withheld`: of a batch alone: another of its changes was refused, so this one was not made. `repeated`: the record remembers the
   * request; it was done before, and the record is as it is now. `request_reused`: it remembers another one with this id.
   */
  readonly outcome:
    | 'written'
    | 'already_exists'
    | 'not_found'
    | 'etag_mismatch'
    | 'control_changed'
    | 'withheld'
    | 'repeated'
    | 'request_reused';
  /** The record after the commit, or, where the write was refused, as it was found. Its version is the stored one. */
  readonly stored: Stored;
  /**
   * The control record under which the write committed. MySQL: as read under the shared lock of the write's own
   * transaction. Cassandra has no such lock: it is the guard's own view, for which `ready` has vouched.
   */
  readonly control: ControlView;
  /** The write-ahead entry under which it committed; absent: the authority keeps a log of its own. */
  readonly entry?: WrittenEntry;
}

/** The entry of one write, in the hands of whoever carries the write to the follower. Exactly one of both is called. */
export interface WrittenEntry {
  /** The follower has the write, or needs none: the entry is closed. */
  carried(): void;
  /** The follower may lack it: the entry stays open, and the log's keeper carries it. */
  left(): void;
}

/** The part of the control record that a write reads under its shared lock. */
export type ControlView = Pick<ControlRecord, 'epoch' | 'attach' | 'state' | 'floor' | 'generation'>;

/**
 * What a write expects of the control record. An engine whose write reads the control record in its own transaction
 * (MySQL) compares epoch and attach number, and ignores the rest. One that can't (Cassandra) believes the guard: it needs
 * all of the view, and asks `ready` (docs/protocol.md, section 5).
 */
export interface Guard extends Pick<ControlRecord, 'epoch' | 'attach'>, Partial<Omit<ControlView, 'epoch' | 'attach'>> {
  /** `handing_over` and `moved` refuse the write with `control_changed`. MySQL reads it itself. */
  readonly state?: ControlRecord['state'];
  /**
   * For touches that fence the open entries of a write-ahead log: they pass in `handing_over` too, as a handover asks for
   * it (docs/protocol.md, section 6, step 2). Default false; MySQL has no such log.
   */
  readonly fencing?: boolean;
  /** The write's version will be above it. MySQL reads it itself. */
  readonly floor?: bigint;
  /** Handed on in {@link Written.control}. MySQL reads it itself. */
  readonly generation?: number;
  /**
   * Whether the write-ahead entry is durable and the lease under which the guard was read is unbroken and valid now. Begun
   * beside the linearizable read of the record, and asked once more when both are there, right before the conditional
   * update; again for every try after a lost race. So the first call should begin the append, and each should look at
   * the lease last. False: outcome `control_changed`, nothing was done. Default, and in MySQL: not asked.
   */
  readonly ready?: () => Promise<boolean>;
  /**
   * Announces a touch of other keys that the write needs, as the write itself was announced: with an entry of its own, which exactly one
   * of `carried` and `left` must end. Default: nothing is announced.
   */
  readonly announce?: (keys: readonly Key[]) => { readonly guard: Guard; readonly entry: WrittenEntry };
}

/** A record on its way to a follower, "newer wins". */
export interface Copy {
  readonly key: Key;
  /** Null: a marker. */
  readonly row: Row | null;
  /** At which version it is applied. Greater than 0. */
  readonly version: bigint;
  /** What the record remembers of requests, as of this version; "newer wins" by itself. Absent: the copy says nothing of it. */
  readonly requests?: Buffer;
}

/** The attach for which a copy is meant. */
export type FollowerGuard = Pick<ControlRecord, 'epoch' | 'attach'>;

/** One page of a walk. */
export interface WalkPage {
  /** Records, and traces of deleted ones (a side-table row or marker without a record: `row` is null). */
  readonly records: readonly Stored[];
  /** Where the next page begins; null: the range is done. */
  readonly next: string | null;
}

/** A part of a walk, opaque but for its engine; may be stored and handed to another instance. */
export interface WalkRange {
  readonly range: string;
  /** How many records the planner expects in it. */
  readonly expectedRows: number;
}

/** The part of the port that a follower in this role needs no more than. Bounds: named in each engine's `limits.ts`. */
export interface ReadableRecords {
  /** The records with these keys, in the order of `keys`, read in one snapshot each; at most `maxKeys`. */
  getMany(keys: readonly Key[], call: Call): Promise<readonly Stored[]>;
  /** Live records of one parent in key order, or its reverse. */
  list(query: ListQuery, call: Call): Promise<readonly Stored[]>;
  /**
   * Live records of all parents with exactly these values, in key order. Texts are compared as they are, whatever the column's
   * collation says.
   */
  lookup(query: LookupQuery, call: Call): Promise<readonly Stored[]>;
}

/**
 * The store port of a follower for one resource: reads, "newer wins" writes and walks. Rows cross it in the resource's
 * column order and canonical values.
 *
 * Errors: `unavailable`/AUTHORITY_UNAVAILABLE or FOLLOWER_UNAVAILABLE (by the role the engine was created for) when the
 * server can't be reached, `deadline_exceeded` past `call.deadlineMs`, `unknown`/OUTCOME_UNKNOWN when a commit's answer was lost,
 * `failed_precondition`/CONSTRAINT_VIOLATED when the store refuses the content for ever, `already_exists`/UNIQUE_KEY_TAKEN while
 * another record has the values of a unique index: for an authority that is an answer, for a follower it says "not now", as
 * the copy by which the other record gives them up may be on its way.
 */
export interface FollowerStore extends ReadableRecords {
  readonly engine: 'mysql' | 'cassandra' | 'riak' | 'memory';
  /** The most keys of one `getMany`. */
  readonly maxKeys: number;
  /**
   * Applies copies as the follower, "newer wins": at once, twice and in any order. Resolves when all are durable. `guard`: an
   * engine that can compares it with its own control record in each of its transactions, and throws
   * `failed_precondition`/MIGRATION_STATE without a trace where it is another one (docs/protocol.md, section 1): MySQL. The others
   * ignore it.
   */
  apply(copies: readonly Copy[], call: Call, guard?: FollowerGuard): Promise<void>;
  /** Plans a walk over everything the store has: ranges of about `chunkRows`, in order, as they are found. */
  split(chunkRows: number, call: Call): AsyncIterable<WalkRange>;
  /** One page of a range, from `after` (a page's `next`) or, if null, its beginning. Records are with or after their version. */
  walk(range: string, after: string | null, limit: number, call: Call): Promise<WalkPage>;
  /** The server's clock in microseconds; of several nodes the slowest. */
  clock(call: Call): Promise<bigint>;
  /**
   * The keys of other records that have, in this store, a value of a unique index that one of these copies would bring: the copy is
   * refused as long as they do. Absent: the store keeps nothing unique as a follower.
   */
  rivals?(copies: readonly Copy[], call: Call): Promise<readonly Key[]>;
  /**
   * Which of these records the store's own indexes lack, so that a lookup would not find them. Absent: the store's indexes are the
   * server's own, and lack nothing.
   */
  unindexed?(records: readonly Stored[], call: Call): Promise<readonly Unindexed[]>;
}

/** The store port of an authority for one resource: what a follower can, and writes under the control record's guard. */
export interface RecordStore extends FollowerStore {
  /** Commits one change as the authority (docs/protocol.md, sections 1 and 5). */
  write(change: Change, guard: Guard, call: Call): Promise<Written>;
  /**
   * Commits all changes together, or none (docs/protocol.md, section 1): at least one and at most {@link MAX_BATCH_CHANGES}, of
   * different keys of one parent. The answers are in the order of `changes`. If any is refused, each that is has its own outcome and the
   * others are `withheld`; all keys have a newer version all the same. All of them `control_changed` if the guard did not hold.
   * Unless `detached`, all keys have one version, greater than each had. What the store refuses for ever names the change's place
   * as `index` in its metadata, where the store tells.
   */
  writeMany(changes: readonly Change[], guard: Guard, call: Call): Promise<readonly Written[]>;
  /**
   * Touches many keys, each as a `touch` of `write`, in key order and small transactions. The answers are in the order of `keys`.
   * All of them `control_changed` if the guard did not hold. An error leaves open which keys were touched.
   */
  touchMany(keys: readonly Key[], guard: Guard, call: Call): Promise<readonly Written[]>;
}

/** The store port of the source: an authority whose versions are all below or at one that it can tell. */
export interface SourceStore extends RecordStore {
  /** The highest stored version of the resource, of deleted records too; 0: none. Walks all of them: for handovers. */
  highestVersion(call: Call): Promise<bigint>;
}

/**
 * The records of one resource as the use cases see them: one store, whatever is behind it. Versions are
 * `max(stored, floor)`; a write's outcome is never `control_changed`.
 */
export interface Records extends ReadableRecords {
  readonly maxKeys: number;
  write(change: Change, call: Call): Promise<Written>;
  /** As {@link RecordStore.writeMany}. */
  writeMany(changes: readonly Change[], call: Call): Promise<readonly Written[]>;
}
