/** `npm run demo`: a live migration from MySQL to Cassandra, end to end, on real servers. */
import { writeFile } from 'node:fs/promises';
import { INTERRUPTED, interruption } from './interruption.ts';
import { help, parseOptions } from './options.ts';
import { reportText } from './report-text.ts';
import { runDemo } from './run-demo.ts';
import { createTerminal } from './terminal.ts';

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: INTERRUPTED } as const;

// Not by itself: connections that are kept open for a next request would hold it up for seconds.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\nnpm run demo -- --help shows the options.`);
    return EXIT.usage;
  }
  if (options.help) {
    console.log(help);
    return EXIT.ok;
  }
  const terminal = createTerminal();
  const interrupted = interruption();
  const stops: (() => Promise<void>)[] = [];
  try {
    const { report, places, leftovers } = await runDemo(options, terminal, interrupted, (stop) => stops.push(stop));
    terminal.print(reportText(report, places, leftovers));
    if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
    if (options.keep) {
      terminal.say('everything stays up until Ctrl-C');
      await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true }));
    }
    return report.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (interrupted.aborted) return EXIT.interrupted;
    terminal.say(`the demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.failed;
  } finally {
    terminal.say('stopping everything');
    // The servers came first and go last.
    const [stopServers, ...others] = stops;
    await Promise.allSettled(others.map((stop) => stop()));
    await stopServers?.().catch(() => {});
  }
}
