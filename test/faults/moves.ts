/** What a person does in Unleash, and the waiting for what it leads to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FollowerState, type Migration, Store } from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { type MigrationWatch, stateOf } from '../../examples/hospital/demo/migration-watch.ts';
import type { Bed } from './bed.ts';

/** The stores by their part in the migration; the source is MySQL. */
export type StoreName = 'source' | 'target';

/** In this order every scenario goes through both epochs. */
export const epochs: readonly StoreName[] = ['source', 'target'];

const LOOK_MS = 100;
/** A handover waits for a verification of all records first, and perhaps for a back-off of a minute. */
const MOVED_WITHIN_MS = 180_000;
const HEALED_WITHIN_MS = 180_000;

/** What both stores are called. */
export function titleOf(store: StoreName): string {
  return store === 'source' ? 'MySQL' : 'Cassandra';
}

/** The authority's part of the stack in an epoch, and its follower's. */
export function partsOf({ stack }: Bed, epoch: StoreName) {
  const { mysql, cassandra } = stack;
  if (mysql === undefined || cassandra === undefined) throw new Error('the stack lacks a store');
  return epoch === 'source' ? { authority: mysql, follower: cassandra } : { authority: cassandra, follower: mysql };
}

/** Sets the flag that moves authority, and waits for nothing. */
export function wantAuthority({ flags }: Bed, store: StoreName): Promise<void> {
  return flags.setPhase('target-authority', store === 'target');
}

/** Moves authority to a store unless it is there, and waits until the follower is in sync. */
export async function moveAuthority(bed: Bed, store: StoreName): Promise<Migration> {
  await wantAuthority(bed, store);
  return untilAuthority(bed, store);
}

/** Waits until a store is the authority and the other one in sync. */
export function untilAuthority(bed: Bed, store: StoreName, watch = bed.watch): Promise<Migration> {
  const authority = store === 'target' ? Store.TARGET : Store.SOURCE;
  return until(bed, watch, MOVED_WITHIN_MS, (one) => one.authority === authority && isInSync(one));
}

/** Waits until the follower is in sync again, under a later control record than `after`. */
export function untilHealed(bed: Bed, after?: Migration): Promise<Migration> {
  const { watch } = bed;
  return until(bed, watch, HEALED_WITHIN_MS, (one) => isInSync(one) && one.generation > (after?.generation ?? 0n));
}

/** Waits until the migration is as it should be; an instance that can't answer is asked again. */
export async function until(
  { terminal, signal }: Bed,
  watch: MigrationWatch,
  withinMs: number,
  isReached: (migration: Migration) => boolean,
): Promise<Migration> {
  const untilMs = performance.now() + withinMs;
  let shown = '';
  let failure: unknown;
  while (performance.now() < untilMs) {
    const migration = await watch.get().catch((error: unknown) => {
      failure = error;
    });
    signal.throwIfAborted();
    if (migration !== undefined) {
      const state = `authority ${migration.authority === Store.TARGET ? 'Cassandra' : 'MySQL'}, follower ${stateOf(migration)}`;
      if (state !== shown) terminal.say(`    ${state}`);
      shown = state;
      if (isReached(migration)) return migration;
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
  throw new Error(`it does not go on: ${shown}`, { cause: failure });
}

function isInSync({ followerState }: Migration): boolean {
  return followerState === FollowerState.IN_SYNC;
}
