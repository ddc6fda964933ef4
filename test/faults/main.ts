/** `npm run faults`: real servers and instances killed, paused and cut off under live traffic. */
import { writeFile } from 'node:fs/promises';
import { INTERRUPTED, interruption } from '../../examples/hospital/demo/interruption.ts';
import { createTerminal } from '../../examples/hospital/demo/terminal.ts';
import { helpText, parseOptions } from './options.ts';
import { runScenarios } from './run-scenarios.ts';
import { scenarios } from './scenarios.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: INTERRUPTED } as const;

// Not by itself: connections that are kept open for a next request would hold it up for seconds.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(args, scenarios);
  } catch (error) {
    console.error(`${(error as Error).message}\n\nnpm run faults -- --help shows the options.`);
    return EXIT.usage;
  }
  if (options.help) {
    console.log(helpText(scenarios));
    return EXIT.ok;
  }
  const { only } = options;
  const terminal = createTerminal();
  const signal = interruption();
  const stops: (() => Promise<void>)[] = [];
  try {
    const chosen = scenarios.filter(({ name }) => only.length === 0 || only.includes(name));
    const cleanup = (stop: () => Promise<void>): void => void stops.push(stop);
    const report = await runScenarios({ options, scenarios: chosen, terminal, signal, cleanup });
    if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
    return report.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    terminal.say(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.failed;
  } finally {
    terminal.say('stopping everything');
    // In the reverse order of their coming: the servers go last.
    for (const stop of stops.toReversed()) await stop().catch(() => {});
  }
}
