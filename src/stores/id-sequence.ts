import type { Call } from './call.ts';

/**
 * Where a store keeps which ids of one resource come next (AUTO_INCREMENT in the last column of its key). An id from here is a proposal:
 * whether a record gets it is decided by the record's own create, as callers and outside programs may have taken it.
 *
 * Safe for concurrent use by any number of instances. Errors: as the engine's other calls; a `take` of unknown outcome may be
 * made again, at the price of a gap.
 */
export interface IdSequence {
  /**
   * The first of `count` ids in a row, above all that were given before; null: none is given here now, as authority leaves this store or
   * is not in it, or nothing was ever raised or taken.
   */
  take(count: number, call: Call): Promise<bigint | null>;
  /** The least id that comes next, counting each `take` that ended before this call; null: nothing was ever raised or taken. */
  next(call: Call): Promise<bigint | null>;
  /** From now on no id below `next` is given. Never lowers. */
  raiseTo(next: bigint, call: Call): Promise<void>;
}

/** The sequences of one resource. */
export interface IdSequences {
  readonly source: IdSequence;
  /** Null: the resource stays at the source. */
  readonly target: IdSequence | null;
}

/** The ids of one resource, whichever store is the authority. */
export interface IdSource {
  /** The first of `count` ids in a row, above all that were given before. Throws `unavailable`, or what the store throws. */
  take(count: number, call: Call): Promise<bigint>;
  /** Lifts what comes next above the records that are there, as far as that can be found out. Errors: as `take`. */
  rise(call: Call): Promise<void>;
}

/** The first id of a table that never had one. */
export const FIRST_ID = 1n;
