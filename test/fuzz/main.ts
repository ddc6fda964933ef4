/** `npm run fuzz`: bad input, thrown at both ports of a running instance. */
import { writeFile } from 'node:fs/promises';
import { INTERRUPTED, interruption } from '../../examples/hospital/demo/interruption.ts';
import { createTerminal } from '../../examples/hospital/demo/terminal.ts';
import { present, useServers } from '../support/stack.ts';
import { type Bed, makeBed } from './bed.ts';
import { kinds } from './kinds.ts';
import { type FuzzOptions, helpText, parseOptions } from './options.ts';
import { reportText } from './report-text.ts';
import { type FuzzReport, runFuzz } from './run-fuzz.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: INTERRUPTED } as const;
/** As much more memory as the program may have at the end. */
const GROWTH = 0.2;
const WARM_UP = 0.15;
/** So small that V8 collects what nobody holds rather than ask for more: what grows then is what is kept. */
const HEAP_MIB = 256;
const SETTLE_MS = 25_000;

// Not by itself: connections that are kept open for a next request would hold it up.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: FuzzOptions;
  try {
    options = parseOptions(args, kinds);
  } catch (error) {
    console.error(`${(error as Error).message}\n\nnpm run fuzz -- --help shows the options.`);
    return EXIT.usage;
  }
  if (options.help) {
    console.log(helpText(kinds));
    return EXIT.ok;
  }
  const signal = interruption();
  const report = await fuzz(options, signal);
  if (signal.aborted) return EXIT.interrupted;
  console.log(reportText(report));
  if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, asJson, 2)}\n`);
  return report.breachCount === 0 ? EXIT.ok : EXIT.failed;
}

async function fuzz({ seed, only, count, from, lanes, sourceOnly }: FuzzOptions, signal: AbortSignal) {
  const terminal = createTerminal();
  const parts = sourceOnly ? { mysql: true } : { mysql: true, cassandra: true, unleash: true };
  const { addresses, release } = await useServers('fuzz', parts);
  let bed: Bed | undefined;
  let report: FuzzReport;
  try {
    const target = sourceOnly
      ? undefined
      : {
          cassandra: present(addresses.cassandra, 'Cassandra'),
          unleash: present(addresses.unleash, 'Unleash'),
        };
    const say = (line: string): void => terminal.say(line);
    bed = await makeBed({
      mysql: present(addresses.mysql, 'MySQL'),
      ...(target && { target }),
      heapMib: HEAP_MIB,
      say,
    });
    terminal.say(`seed ${seed}`);
    const chosen = kinds.filter(({ name }) => only.length === 0 || only.includes(name));
    const status = (line: string): void => terminal.status(line);
    report = await runFuzz(bed, {
      seed,
      kinds: chosen,
      count,
      from,
      lanes,
      growth: GROWTH,
      warmUp: WARM_UP,
      settleMs: SETTLE_MS,
      say: status,
      signal,
    });
  } finally {
    terminal.say('stopping everything');
    await bed?.close();
    await release();
  }
  return report;
}

function asJson(_name: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
