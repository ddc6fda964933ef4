import type { Call } from './call.ts';

/** The follower's states (docs/protocol.md, section 4). */
export type FollowerState = 'detached' | 'syncing' | 'joining' | 'in_sync' | 'leaving' | 'handing_over' | 'moved';

/** One of the two stores. The names never change; the roles authority and follower do. */
export type StoreName = 'source' | 'target';

/** The one record that says who the authority is and whether the follower may be read. Kept in the authority's store. */
export interface ControlRecord {
  /** The resource's id. */
  readonly resource: string;
  /** One unbroken reign of one authority, from 1. */
  readonly epoch: number;
  readonly authority: StoreName;
  /** Versions below it count as it, in microseconds. Never falls. */
  readonly floor: bigint;
  /** Counts attaches of a follower; 0: never. */
  readonly attach: number;
  readonly state: FollowerState;
  /** Counts changes of this record; every change is a compare-and-set on it. */
  readonly generation: number;
  /** The attach number whose bulk copy is complete; `syncing` with another one needs a walk. 0: none. */
  readonly copiedAttach: number;
  /** The handover under way, if any. */
  readonly attempt: string | null;
}

/** One change of a control record. */
export interface Transition {
  readonly resource: string;
  readonly generation: number;
  /** Microseconds of the authority's clock. */
  readonly atMicros: bigint;
  readonly fromState: FollowerState;
  readonly toState: FollowerState;
  /** Of the record after the change. */
  readonly epoch: number;
  /** Of the record after the change. */
  readonly authority: StoreName;
  readonly instance: string;
  readonly reason: string;
}

/** One instance's heartbeat row. */
export interface Heartbeat {
  /** One life of an instance: a new one after every start and after being declared dead. */
  readonly incarnation: string;
  /** The instance's name from the config, for people. */
  readonly instance: string;
  /** Grows with every beat. */
  readonly beat: bigint;
  /** The newest generation seen, by resource id. */
  readonly seen: Readonly<Record<string, number>>;
  readonly dead: boolean;
  /**
   * The minute since 1970 up to which, inclusive, all entries of the incarnation's write-ahead log are closed; absent: not
   * known, so none. Only an engine with such a log keeps it (docs/protocol.md, section 5).
   */
  readonly logClosedUpTo?: number;
  /** What the instance has seen of the source, as its own text; absent: nothing. Only the target keeps it. */
  readonly sourceSeen?: string;
}

/**
 * The port of the control records, their history and the heartbeats, with the same file name in both engines.
 *
 * Errors: `unavailable` and `deadline_exceeded` as the stores' own; `unknown`/OUTCOME_UNKNOWN when an answer to a change was
 * lost and what became of it could not be found out.
 */
export interface ControlStore {
  /** Creates what is missing: a control record in `detached`, epoch 1, for each resource. Never changes an existing one. */
  ensure(resources: readonly string[], call: Call): Promise<void>;
  /** All control records, read fresh (linearizable). */
  poll(call: Call): Promise<readonly ControlRecord[]>;
  /**
   * Replaces the record if its generation is still `replaces` (default: `next.generation - 1`), and appends to the
   * history in the same transaction. False: it was not. In MySQL it waits for writes that hold the shared lock.
   */
  compareAndSet(
    next: ControlRecord,
    why: { instance: string; reason: string; replaces?: number },
    call: Call,
  ): Promise<boolean>;
  /** Writes the instance's heartbeat if it was not declared dead. False: it was; a new incarnation is needed. */
  beat(heartbeat: Omit<Heartbeat, 'dead'>, call: Call): Promise<boolean>;
  /**
   * All heartbeat rows of the last minutes, read fresh (linearizable). An engine with a write-ahead log shows every row that
   * was not removed: an incarnation that died long ago may have left open entries.
   */
  heartbeats(call: Call): Promise<readonly Heartbeat[]>;
  /** Declares an incarnation dead if its beat is still `beat`. False: it has beaten since. */
  declareDead(incarnation: string, beat: bigint, call: Call): Promise<boolean>;
  /**
   * Removes a row: its own on a graceful stop, and, in an engine with a write-ahead log, that of a dead incarnation whose
   * entries are all closed. In MySQL also rows that were declared dead long ago; elsewhere those expire.
   */
  removeHeartbeat(incarnation: string, call: Call): Promise<void>;
  /** The history of a resource, newest first. `before`: only generations below it. */
  transitions(resource: string, before: number | null, limit: number, call: Call): Promise<readonly Transition[]>;
  /** The authority's clock in microseconds. */
  clock(call: Call): Promise<bigint>;
}

/** The control record that a resource begins with: the source is the authority, and nothing follows it. */
export function firstControlRecord(resource: string): ControlRecord {
  return {
    resource,
    epoch: 1,
    authority: 'source',
    floor: 0n,
    attach: 0,
    state: 'detached',
    generation: 1,
    copiedAttach: 0,
    attempt: null,
  };
}
