import type { types } from 'cassandra-driver';
import type { Clock } from '../../domain/clock.ts';
import { systemClock } from '../../domain/clock.ts';
import type { CassandraClient } from './client.ts';
import { type Role, unavailable } from './errors.ts';

/** What a node's clock said, between two readings of this machine's. */
export interface NodeClock {
  /** Address and port. */
  readonly node: string;
  /** The node's wall clock in microseconds, in steps of a millisecond. */
  readonly micros: bigint;
  /** The least and the most that the node's clock can be ahead of this machine's, in microseconds. */
  readonly aheadMicros: { readonly least: bigint; readonly most: bigint };
}

/** The step of a node's clock as its time UUIDs show it. */
const STEP_MICROS = 1_000n;

/** Asks each node that is up for its clock, each by a query pinned to it. Throws the driver's errors. */
export async function readClocks(
  client: CassandraClient,
  deadlineMs: number,
  clock: Clock = systemClock,
): Promise<readonly NodeClock[]> {
  await client.run(NOW, deadlineMs); // connects, so that the nodes are known
  return Promise.all(
    client.nodes().map(async (host) => {
      const before = clock.wallMicros();
      const result = await client.run(NOW, deadlineMs, { host });
      const after = clock.wallMicros();
      const micros = microsOf((result.first() as unknown as { readonly now: types.TimeUuid }).now);
      const aheadMicros = { least: micros - after - STEP_MICROS, most: micros + STEP_MICROS - before };
      return { node: host.address, micros, aheadMicros };
    }),
  );
}

/** The clock of whichever node answers, in microseconds, in steps of a millisecond. Throws the driver's errors. */
export async function readNow(client: CassandraClient, deadlineMs: number): Promise<bigint> {
  const result = await client.run(NOW, deadlineMs);
  return microsOf((result.first() as unknown as { readonly now: types.TimeUuid }).now);
}

/** What CQL's `now()` says, in microseconds, in steps of a millisecond. */
export function microsOf(now: types.TimeUuid): bigint {
  return BigInt(now.getDate().getTime()) * 1_000n;
}

/**
 * The clock of the slowest node, in microseconds. Of the nodes that are up: one that is down takes no writes either.
 * Throws the driver's errors, and `unavailable` when no node is up.
 */
export async function readSlowestClock(client: CassandraClient, role: Role, deadlineMs: number): Promise<bigint> {
  const [first, ...others] = await readClocks(client, deadlineMs);
  if (first === undefined) throw unavailable(role, 'no node is up');
  return others.reduce((slowest, { micros }) => (micros < slowest ? micros : slowest), first.micros);
}

const NOW = { query: 'SELECT now() AS now FROM system.local', params: [] } as const;
