import type { Clock } from '../domain/clock.ts';
import type { Examined } from './server-findings.ts';

/** What a server's clock said, between two readings of this machine's. */
export interface ClockReading {
  /** The server, for people. */
  readonly node: string;
  /** The server's wall clock in microseconds. */
  readonly micros: bigint;
  /** The least and the most that the server's clock can be ahead of this machine's, in microseconds. */
  readonly aheadMicros: { readonly least: bigint; readonly most: bigint };
}

/** The step of this machine's clock, and of a clock that time UUIDs show. */
const STEP_MICROS = 1_000n;

/** Reads a server's clock by `ask`: the answer was made between two readings of this machine's clock. */
export async function readClock(node: string, ask: () => Promise<bigint>, clock: Clock): Promise<ClockReading> {
  const before = clock.wallMicros();
  const micros = await ask();
  const after = clock.wallMicros();
  return { node, micros, aheadMicros: { least: micros - after - STEP_MICROS, most: micros + STEP_MICROS - before } };
}

/** One reading a server: each reading narrows what is known, as the answer's own way counts less with the quickest one. */
export function narrowest(readings: readonly ClockReading[]): readonly ClockReading[] {
  const byNode = new Map<string, ClockReading>();
  for (const reading of readings) {
    const known = byNode.get(reading.node)?.aheadMicros ?? reading.aheadMicros;
    const { least, most } = reading.aheadMicros;
    const aheadMicros = {
      least: known.least > least ? known.least : least,
      most: known.most < most ? known.most : most,
    };
    byNode.set(reading.node, { ...reading, aheadMicros });
  }
  return [...byNode.values()];
}

/**
 * Compares clocks with each other, which the protocol counts on, and with this machine's, which only says something about
 * this machine. Finds only what is certain: a slow answer says nothing against a clock.
 */
export function examineClocks(clocks: readonly ClockReading[], skewBoundMs: number): readonly Examined[] {
  const bound = BigInt(Math.ceil(skewBoundMs * 1_000));
  const examine = (who: string, micros: bigint, severity: 'error' | 'warning'): Examined => ({
    setting: `${who}: clocks`,
    found: micros > 0n ? `at least ${Number(micros) / 1_000} ms apart` : 'not seen to be apart',
    wanted: `at most ${skewBoundMs} ms`,
    cure: 'let chrony or ntpd set the clocks by the same servers',
    verdict: micros > bound ? severity : 'ok',
  });
  return clocks.flatMap((one, i) => [
    ...clocks.slice(i + 1).map((other) => {
      const [mine, theirs] = [one.aheadMicros, other.aheadMicros];
      const apart = highest(mine.least - theirs.most, theirs.least - mine.most);
      return examine(`${one.node} and ${other.node}`, apart, 'error');
    }),
    examine(`${one.node} and this machine`, highest(one.aheadMicros.least, -one.aheadMicros.most), 'warning'),
  ]);
}

function highest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
