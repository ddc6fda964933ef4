import type { Key, KeyValue } from '../domain/key.ts';
import type { Row, Value } from '../domain/resource.ts';
import type { Call } from './call.ts';

/**
 * One event of the authority's log, in commit order. Events of one transaction follow each other and end with
 * `commit`; a transaction is never held whole, so a consumer sees a transaction's rows before its end.
 */
export type LogEvent =
  /** A version was set by a service transaction: comes before the same transaction's change of the record, if any. */
  | { readonly type: 'bump'; readonly key: Key; readonly version: bigint }
  /** What a record remembers of requests was set: comes after the bump of the same transaction, before its change. */
  | { readonly type: 'requests'; readonly key: Key; readonly requests: Buffer }
  /** A record changed. `row` null: it was deleted. A change of the key comes as a deletion and a change. */
  | { readonly type: 'change'; readonly key: Key; readonly row: Row | null }
  /** A barrier was committed. */
  | { readonly type: 'barrier'; readonly id: string }
  /** The control record changed. */
  | { readonly type: 'control'; readonly epoch: number; readonly attach: number; readonly generation: number }
  /** Another table changed in a way that changes records here, which the log does not name. */
  | { readonly type: 'cascade'; readonly cascade: Cascade }
  /** A transaction ended; `position` is after it, `committedAtMicros` by the server's clock (0 if not known). */
  | { readonly type: 'commit'; readonly position: string; readonly committedAtMicros: bigint }
  /** The log can't be carried on from here: a gap, TRUNCATE, DROP, ALTER. Nothing follows. */
  | { readonly type: 'stopped'; readonly reason: LogStop; readonly message: string };

/** What an action of a foreign key (CASCADE, SET NULL) may have done to records: it is not in the log, only the parent's change is. */
export interface Cascade {
  /** The same for two that reach the same records. */
  readonly id: string;
  /** Through which of the resource's foreign keys it comes. */
  readonly foreignKey: string;
  /**
   * The first values of the keys under which records may have gone: of the whole key, or of the parent's part, under which the
   * follower still has them. Null: none have.
   */
  readonly former: readonly KeyValue[] | null;
  /** The columns, by index, by whose values the authority has the records now. Null: they are gone. */
  readonly present: readonly { readonly column: number; readonly value: Value }[] | null;
  /** Whether `present` holds nulls, which any number of records may have had before. */
  readonly isCleared: boolean;
  /** Why nothing tells which records it has reached, so that it is a gap; null: `former` and `present` do. */
  readonly unbounded: string | null;
}

/** Why a log can't be carried on. */
export type LogStop =
  | 'log_purged'
  | 'source_lost_its_tail'
  | 'definition_changed'
  | 'table_truncated'
  | 'log_format'
  /** What a foreign key did by itself can't be told from the log. */
  | 'cascade';

/** How far capture of one resource is; written only when everything before `position` is acknowledged by the follower. */
export interface Checkpoint {
  readonly resource: string;
  readonly epoch: number;
  readonly attach: number;
  /** The log's own text: a GTID set. */
  readonly position: string;
  /** Of the table's definition as the log's decoder sees it. */
  readonly definitionHash: string;
  /**
   * Whether the control event of this attach lies before `position`. False in the checkpoint that an attach writes with
   * the position it read before its compare-and-set: everything up to that event is to be dropped.
   */
  readonly begun: boolean;
}

/** The port of the authority's change log for one resource, with the same file name in both engines. */
export interface ChangeLog {
  /** The position now: everything committed before the call is before it. */
  position(call: Call): Promise<string>;
  /** The hash of the table's definition now. */
  definitionHash(call: Call): Promise<string>;
  /**
   * Events after `position`, until the signal aborts. Pulls: reads ahead no more than a bound, so a slow consumer
   * holds the log, not memory. Throws a DomainError when the link breaks; the caller starts again from its checkpoint.
   */
  stream(position: string, signal: AbortSignal): AsyncIterable<readonly LogEvent[]>;
  /** The stored checkpoint; null: none. */
  readCheckpoint(call: Call): Promise<Checkpoint | null>;
  /** Stores it, if it is of the same or a later epoch and attach number than the stored one. */
  writeCheckpoint(checkpoint: Checkpoint, call: Call): Promise<void>;
  /** Commits a barrier and returns its id. */
  requestBarrier(call: Call): Promise<string>;
  /** Marks barriers as met, so that waiters in other instances learn of it. */
  meetBarriers(ids: readonly string[], call: Call): Promise<void>;
  /** A page of the keys, in order, of records that the authority has with the values which a cascade left. Absent: nothing cascades. */
  findCascaded?(present: NonNullable<Cascade['present']>, after: Key | null, call: Call): Promise<readonly Key[]>;
  /** Whether records may go without a trace of their own in the log. Default false. */
  readonly hidesRemovals?: boolean;
  /** Whether a barrier has been met. */
  isBarrierMet(id: string, call: Call): Promise<boolean>;
}
