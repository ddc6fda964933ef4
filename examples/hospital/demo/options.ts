import { parseArgs } from 'node:util';
import { isSabotage, type SabotageName, sabotages } from './sabotages.ts';

/** What the command line asks for. */
export interface DemoOptions {
  readonly keep: boolean;
  readonly report: string | undefined;
  readonly sabotage: SabotageName | undefined;
  /** How often an instance is killed. */
  readonly kills: number;
  readonly seed: number;
  readonly quick: boolean;
  readonly help: boolean;
}

/** The text of `--help`. */
export const help = `Moves a hospital's medication records from MySQL to Cassandra while everybody goes on reading and writing:
real servers on loopback, two instances of the service, an example service, and a program that knows nothing of it all.

  npm run demo -- [options]

  --keep            leave everything up at the end, to look at, until Ctrl-C
  --report FILE     write the report as JSON too
  --kills N         kill -9 one of the two instances at N moments of the run, and start it again each time
  --seed N          draws those moments and the traffic; default 1
  --sabotage NAME   break one rule of the protocol on purpose; the report must turn red
  --quick           fewer records and writes, for trying out: it proves less
  --help            this text

Sabotages:
${Object.entries(sabotages)
  .map(([name, { breaks }]) => `  ${name.padEnd(22)} ${breaks}`)
  .join('\n')}

Examples:
  npm run demo
  npm run demo -- --keep
  npm run demo -- --report report.json
  npm run demo -- --sabotage lease-ignored --quick
  npm run demo:kills                             (--kills 10)

Exit codes: 0 all as promised, 1 not, or the demo failed, 2 wrong command line, 130 interrupted.`;

/** Reads the command line. Throws a TypeError that says what is wrong with it. */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keep: { type: 'boolean', default: false },
      report: { type: 'string' },
      sabotage: { type: 'string' },
      kills: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { keep, report, sabotage, quick, help: wantsHelp } = values;
  if (sabotage !== undefined && !isSabotage(sabotage)) {
    throw new TypeError(`--sabotage: there is no ${sabotage}; there are: ${Object.keys(sabotages).join(', ')}`);
  }
  const kills = wholeNumber('--kills', values.kills, 100);
  const seed = wholeNumber('--seed', values.seed, 2 ** 31);
  return { keep, report, sabotage, kills, seed, quick, help: wantsHelp };
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > most) {
    throw new TypeError(`${option} must be a whole number from 0 to ${most}`);
  }
  return value;
}
