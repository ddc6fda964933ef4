import { systemClock } from '../../domain/clock.ts';
import { type ClockReading, narrowest, readClock } from '../clock-readings.ts';
import { CLOCK_READINGS } from './limits.ts';
import type { Deadline, MysqlPool } from './pool.ts';
import { microsOfDatetime } from './temporal-text.ts';

/** Reads the server's clock as often as narrows what is known of it. */
export async function measureClock(pool: MysqlPool, node: string, deadline: Deadline): Promise<ClockReading> {
  const client = pool.client('authority');
  const ask = async (): Promise<bigint> => {
    const { rows } = await client.read('SELECT UTC_TIMESTAMP(6)', [], deadline);
    return microsOfDatetime(String(rows[0]?.[0])) ?? 0n;
  };
  await ask(); // connects and prepares, so that the readings are quick
  const readings: ClockReading[] = [];
  for (let round = 0; round < CLOCK_READINGS; round++) readings.push(await readClock(node, ask, systemClock));
  return narrowest(readings)[0] as ClockReading;
}
