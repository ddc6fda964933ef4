// Copies to a follower that keeps values unique (docs/protocol.md, section 13). Copies come in any order:
//
//   the authority   a: x -> none    b: none -> x        a: x -> z, b: y -> x, a: z -> y
//   the follower                    b: x  refused, as a has it    either copy alone is refused for ever
//
// A refusal says that the follower has another record in an older state. So all records that are in each other's way are
// read anew from the authority, where no two have the same values, and applied in one transaction.

import { isDomainError } from '../domain/errors.ts';
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
/** How often others are found in the way of those that were. */
const MAX_ROUNDS = 5;

/** A follower whose `apply` settles what copies of different records refuse each other. Errors: as the follower's. */
export function settlingRivals<Follower extends CopyTarget>(follower: Follower, options: RivalOptions): Follower {
  const { rivals } = options;
  if (rivals === undefined) return follower;
  return {
    ...follower,
    apply: async (copies: readonly Copy[], call: Call, guard?: FollowerGuard) => {
      try {
        await follower.apply(copies, call, guard);
      } catch (error) {
        if (!isDomainError(error, 'already_exists')) throw error;
        const settled = await settle({ ...options, rivals }, copies, call, (all) => follower.apply(all, call, guard));
        if (!settled) throw error;
      }
    },
  };
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
