import type { types } from 'cassandra-driver';
import type { Clock } from '../../domain/clock.ts';
import { systemClock } from '../../domain/clock.ts';
import { type ClockReading, narrowest, readClock } from '../clock-readings.ts';
import type { CassandraClient, StatementOptions } from './client.ts';
import { type Role, unavailable } from './errors.ts';
import { CLOCK_READINGS } from './limits.ts';

/** Asks each node that is up for its clock, each by a query pinned to it. Throws the driver's errors. */
export async function readClocks(
  client: CassandraClient,
  deadlineMs: number,
  clock: Clock = systemClock,
): Promise<readonly ClockReading[]> {
  await client.run(NOW, deadlineMs); // connects, so that the nodes are known
  return Promise.all(
    client.nodes().map((host) => readClock(host.address, () => readNow(client, deadlineMs, { host }), clock)),
  );
}

/** Reads each node's clock as often as narrows what is known of it. Throws the driver's errors. */
export async function measureClocks(client: CassandraClient, deadlineMs: number): Promise<readonly ClockReading[]> {
  const readings: ClockReading[] = [];
  for (let round = 0; round < CLOCK_READINGS; round++) readings.push(...(await readClocks(client, deadlineMs)));
  return narrowest(readings);
}

/** The clock of whichever node answers, or of one, in microseconds, in steps of a millisecond. Throws the driver's errors. */
export async function readNow(
  client: CassandraClient,
  deadlineMs: number,
  options?: Pick<StatementOptions, 'host'>,
): Promise<bigint> {
  const result = await client.run(NOW, deadlineMs, options);
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
