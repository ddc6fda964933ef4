// Whether lookups find what they should. Records of the target are equal to the source's or not, but its indexes are tables of
// their own: a record can be there and its hint not, after somebody deleted it, or a restored table. Only a hint that
// is still missing past a barrier counts: a copy's record may be seen a moment before its hints.

import type { Key } from '../domain/key.ts';
import type { Resource } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { FollowerStore, Stored, Unindexed } from '../stores/record-store.ts';
import { fieldPathOf } from './compare.ts';
import { getAll } from './get-all.ts';
import type { FoundDifference, LookOptions } from './look.ts';

type Stores = Pick<LookOptions, 'authority' | 'follower'>;

/** Of a page of pairs of equal records, those that one of the stores can't find by its indexes. */
export async function unindexedOf(
  { authority, follower }: Stores,
  pairs: { readonly authority: readonly Stored[]; readonly follower: readonly Stored[] },
  call: Call,
): Promise<ReadonlySet<string>> {
  const missing = [
    ...((await authority.unindexed?.(pairs.authority, call)) ?? []),
    ...((await follower.unindexed?.(pairs.follower, call)) ?? []),
  ];
  return new Set(missing.map(({ key }) => key.id));
}

/** The records that one of the stores can't find by its indexes, for certain: each with the fields of those indexes. */
export async function lookAtIndexes(
  options: Stores & Pick<LookOptions, 'resource' | 'barriers'>,
  keys: readonly Key[],
  call: Call,
): Promise<readonly FoundDifference[]> {
  const { resource, authority, follower, barriers } = options;
  const differences: FoundDifference[] = [];
  for (const store of new Set([authority, follower])) {
    const first = await missingIn(store, keys, call);
    if (first.size === 0) continue;
    await barriers.pass(call);
    const suspects = keys.filter(({ id }) => first.has(id));
    const second = await missingIn(store, suspects, call);
    for (const key of suspects) {
      const before = first.get(key.id) as Missing;
      const after = second.get(key.id);
      // Another version: its hints may be on their way again, and the next look will tell.
      if (after === undefined || after.version !== before.version) continue;
      differences.push({ key, kind: 'missing_in_index', fieldPaths: pathsOf(resource, after.unindexed) });
    }
  }
  return differences;
}

/** What a record lacks at one version. */
interface Missing {
  readonly version: bigint;
  readonly unindexed: readonly Unindexed[];
}

async function missingIn(
  store: FollowerStore,
  keys: readonly Key[],
  call: Call,
): Promise<ReadonlyMap<string, Missing>> {
  if (store.unindexed === undefined || keys.length === 0) return new Map();
  const records = await getAll(store, keys, call);
  const missing = Map.groupBy(await store.unindexed(records, call), ({ key }) => key.id);
  const versions = new Map(records.map(({ key, version }) => [key.id, version]));
  return new Map([...missing].map(([id, unindexed]) => [id, { version: versions.get(id) ?? 0n, unindexed }]));
}

function pathsOf(resource: Resource, unindexed: readonly Unindexed[]): readonly string[] {
  const columns = new Set(unindexed.flatMap(({ index }) => index.columns));
  return [...columns].sort((a, b) => a - b).map((column) => fieldPathOf(resource, column));
}
