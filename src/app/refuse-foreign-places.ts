import { systemClock } from '../domain/clock.ts';
import type { Resource } from '../domain/resource.ts';
import { internalCall } from '../stores/call.ts';
import type { MysqlPool } from '../stores/mysql/pool.ts';
import { notePlaces } from '../stores/mysql/resource-places.ts';
import { StartError } from './start-error.ts';

const NOTE_TIMEOUT_MS = 10_000;

/**
 * Stops the start where a resource's id is known in the control schema as that of other tables: it would take over what is known of
 * those. Throws a StartError that names all of them.
 */
export async function refuseForeignPlaces(pool: MysqlPool, resources: readonly Resource[]): Promise<void> {
  const foreign = await notePlaces(pool, resources, internalCall(systemClock, NOTE_TIMEOUT_MS));
  if (foreign.length === 0) return;
  const schema = pool.controlSchema;
  throw new StartError(
    foreign.map(
      ({ resource, noted, wanted }) =>
        `${resource}: the control schema ${schema} knows it as ${noted}, and here it is ${wanted}: set storage.id to another id, or give this ` +
        'deployment control places of its own (stores.mysql.controlSchema, stores.cassandra.controlKeyspace); if tables were only ' +
        `renamed, while the follower was detached: DELETE FROM ${schema}.crossfade_place WHERE resource = '${resource}'`,
    ),
  );
}
