// Copies to a follower that keeps values unique (docs/protocol.md, section 13). Copies come in any order:
//
//   the authority   a: x -> none    b: none -> x        a: x -> z, b: y -> x, a: z -> y
//   the follower                    b: x  refused, as a has it    either copy alone is refused for ever
//
// A refusal says that the follower has another record in an older state. So all records that are in each other's way are
// read anew from the authority, where no two have the same values, and applied in one transaction.

import { type DomainError, isDomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Copy, FollowerGuard, FollowerStore, RecordStore } from '../stores/record-store.ts';
import { applyTouched, touchKeys } from './touch.ts';

/** The part of a follower that takes copies. */
type CopyTarget = Pick<FollowerStore, 'apply'>;

/** What settling needs. */
export interface RivalOptions {
  /** The follower's own; undefined: it keeps nothing unique. */
  readonly rivals: FollowerStore['rivals'];
  readonly authority: RecordStore;
  /** Under which the authority is one. */
  readonly control: ControlRecord;
}

/** Records that are applied together, at most: a transaction of the follower holds as many. */
const MAX_TOGETHER = 100;
/** Of the copies of one call, so many are settled together, with room for those in their way. */
const PIECE = 25;
/** How often others are found in the way of those that were. */
const MAX_ROUNDS = 20;

/** A follower whose `apply` settles what copies of different records refuse each other. Errors: as the follower's. */
export function settlingRivals<Follower extends CopyTarget>(follower: Follower, options: RivalOptions): Follower {
  const { rivals } = options;
  if (rivals === undefined) return follower;
  return {
    ...follower,
    apply: async (copies: readonly Copy[], call: Call, guard?: FollowerGuard) => {
      const apply = (some: readonly Copy[]): Promise<void> => follower.apply(some, call, guard);
      if (!(await isRefused(apply, copies))) return;
      // What was applied before the refusal may be applied again.
      for (let at = 0; at < copies.length; at += PIECE) {
        const piece = copies.slice(at, at + PIECE);
        const refusal = await isRefused(apply, piece);
        if (refusal && !(await settle({ ...options, rivals }, piece, call, apply))) throw refusal;
      }
    },
  };
}

/** The refusal of a value that another record has; false: the copies are applied. */
async function isRefused(
  apply: (copies: readonly Copy[]) => Promise<void>,
  copies: readonly Copy[],
): Promise<DomainError | false> {
  try {
    await apply(copies);
    return false;
  } catch (error) {
    if (!isDomainError(error, 'already_exists')) throw error;
    return error;
  }
}

/** False: there are too many, or authority is moving: not now. */
async function settle(
  { rivals, authority, control }: RivalOptions & { readonly rivals: NonNullable<FollowerStore['rivals']> },
  copies: readonly Copy[],
  call: Call,
  apply: (copies: readonly Copy[]) => Promise<void>,
): Promise<boolean> {
  let keys = distinct([...copies.map(({ key }) => key), ...(await rivals(copies, call))]);
  for (let round = 0; round < MAX_ROUNDS && keys.length <= MAX_TOGETHER; round++) {
    const touched = await touchKeys(authority, keys, control, call);
    if (touched.refused.length > 0) {
      touched.entry?.left();
      return false;
    }
    const more = distinct([...keys, ...(await rivals(touched.copies, call))]);
    if (more.length === keys.length) {
      await applyTouched(touched, () => apply(touched.copies));
      return true;
    }
    // What was touched changed no content, and is touched again with the others.
    touched.entry?.left();
    keys = more;
  }
  return false;
}

function distinct(keys: readonly Key[]): readonly Key[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}
