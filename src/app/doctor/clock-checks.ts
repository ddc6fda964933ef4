import type { Call } from '../../stores/call.ts';
import { measureClocks } from '../../stores/cassandra/clocks.ts';
import { type ClockReading, examineClocks } from '../../stores/clock-readings.ts';
import { measureClock } from '../../stores/mysql/clocks.ts';
import { type Answer, answersOf, type Check, notChecked } from './check.ts';
import type { Site } from './site.ts';

/** How far the clocks of this machine, of MySQL and of each Cassandra node are apart. */
export const clockChecks: readonly Check[] = [{ id: 'clocks.skew', run: checkSkew }];

/** Looks at whichever servers answer: that one does not is told elsewhere. */
async function checkSkew(site: Site, call: Call): Promise<readonly Answer[]> {
  const clocks = [...(await clockOfMysql(site, call)), ...(await clocksOfCassandra(site, call))];
  if (clocks.length === 0) return [notChecked('no server answers')];
  const { skewBoundMs } = site.config.migration;
  const shown = clocks.map(({ node, aheadMicros: { least, most } }) => `${node} ${inMs(least)} to ${inMs(most)}`);
  return answersOf(
    examineClocks(clocks, skewBoundMs),
    `${shown.join(', ')} ms ahead of this machine; at most ${skewBoundMs} ms`,
  );
}

async function clockOfMysql({ pool, unusable }: Site, call: Call): Promise<readonly ClockReading[]> {
  if (unusable.has('mysql')) return [];
  return await measureClock(pool, 'MySQL', call).then(
    (clock) => [clock],
    () => [],
  );
}

async function clocksOfCassandra({ cassandra, unusable }: Site, call: Call): Promise<readonly ClockReading[]> {
  if (cassandra === null || unusable.has('cassandra')) return [];
  const measure = () => measureClocks(cassandra, call.deadlineMs);
  return await cassandra.within('follower', call, measure).catch(() => []);
}

function inMs(micros: bigint): string {
  return (Number(micros) / 1_000).toFixed(1);
}
