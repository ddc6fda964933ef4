// Tells a difference from a race. A record is read from the authority, then a barrier is passed, then it is read from
// the follower: whatever the authority said has reached the follower by then. So after the barrier
//
//   the follower is at or below the version that the authority showed, with other content: it missed something;
//   the follower is above it: the record was written meanwhile, by the service (the authority shows that version too,
//   when asked past another barrier) or by somebody who wrote to the follower itself (it never does).
//
// The second barrier is needed as capture can be ahead of what the authority shows: a transaction is in the log before
// it is visible.

import type { Clock } from '../domain/clock.ts';
import type { Key } from '../domain/key.ts';
import type { Resource } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { FollowerStore, Stored } from '../stores/record-store.ts';
import type { Barriers } from './barrier.ts';
import { compareRecords, type Difference } from './compare.ts';
import { getAll } from './get-all.ts';
import { lookAtIndexes } from './index-check.ts';
import { maxVersion } from './versions.ts';

/** What looking at records needs. */
export interface LookOptions {
  readonly resource: Resource;
  readonly authority: FollowerStore;
  /** The authority itself where a store is compared with itself. */
  readonly follower: FollowerStore;
  readonly barriers: Pick<Barriers, 'pass'>;
  readonly clock: Clock;
}

/** A difference that was still there past a barrier. */
export interface FoundDifference {
  readonly key: Key;
  /** `missing_in_index`: both stores have it, and a lookup would not find it. */
  readonly kind: Exclude<Difference['comparison'], 'match'> | 'missing_in_index';
  readonly fieldPaths: readonly string[];
}

/** What looking again at some keys has shown. */
export interface LookedAgain {
  readonly differences: readonly FoundDifference[];
  /** Keys of equal content. */
  readonly equal: readonly Key[];
  /** Keys that were written at every look, so that nothing can be said of them. */
  readonly raced: readonly Key[];
}

/** How often a record that is being written is looked at again. */
const MAX_LOOKS = 5;

/** Whether a pair read on either side of one barrier needs a second look. */
export function isSuspect(resource: Resource, authority: Stored, follower: Stored, floor: bigint): boolean {
  if (compareRecords(resource, authority, follower).comparison !== 'match') return true;
  return follower.version > maxVersion(authority.version, floor);
}

/** Looks at keys past barriers of their own until each is equal, different for certain, or has raced too often. */
export async function lookAgain(
  options: LookOptions,
  keys: readonly Key[],
  floor: bigint,
  call: Call,
): Promise<LookedAgain> {
  const differences: FoundDifference[] = [];
  const equal: Key[] = [];
  /** The follower's version at the look before, where it was above the authority's. */
  const above = new Map<string, bigint>();
  let undecided = keys;
  for (let look = 0; look < MAX_LOOKS && undecided.length > 0; look++) {
    const next: Key[] = [];
    for (const pair of await readPairs(options, undecided, call)) {
      const judged = judge(options, pair, floor, above);
      if (judged === 'equal') equal.push(pair.authority.key);
      else if (judged === 'undecided') next.push(pair.authority.key);
      else differences.push(judged);
    }
    undecided = next;
  }
  const unindexed = await lookAtIndexes(options, equal, call);
  const lacking = new Set(unindexed.map(({ key }) => key.id));
  return {
    differences: [...differences, ...unindexed],
    equal: equal.filter(({ id }) => !lacking.has(id)),
    raced: undecided,
  };
}

interface Pair {
  readonly authority: Stored;
  readonly follower: Stored;
  /** The authority's version as read after the follower. */
  readonly later: bigint;
}

async function readPairs(options: LookOptions, keys: readonly Key[], call: Call): Promise<readonly Pair[]> {
  const { authority, follower, barriers } = options;
  const first = await getAll(authority, keys, call);
  await barriers.pass(call);
  const second = await getAll(follower, keys, call);
  const third = await getAll(authority, keys, call);
  return first.map((stored, index) => ({
    authority: stored,
    follower: second[index] ?? { key: stored.key, row: null, version: 0n },
    later: third[index]?.version ?? stored.version,
  }));
}

function judge(
  { resource, authority, follower }: LookOptions,
  pair: Pair,
  floor: bigint,
  above: Map<string, bigint>,
): 'equal' | 'undecided' | FoundDifference {
  const { key } = pair.authority;
  const { comparison, fieldPaths } = compareRecords(resource, pair.authority, pair.follower);
  const isNewer = pair.follower.version > maxVersion(pair.authority.version, floor);
  if (comparison === 'match' && !isNewer) return 'equal';
  // A store compared with itself shows an outside writer's change before its touch, at the version before.
  if (!isNewer && authority === follower) return 'undecided';
  if (isNewer) {
    const seenBefore = above.get(key.id);
    above.set(key.id, pair.follower.version);
    const foreign = seenBefore === pair.follower.version && pair.follower.version > maxVersion(pair.later, floor);
    if (!foreign) return 'undecided';
  }
  return { key, kind: comparison === 'match' ? 'different' : comparison, fieldPaths };
}
