import { parseArgs } from 'node:util';
import type { Kind } from './kind.ts';

/** What the command line asks for. */
export interface FuzzOptions {
  readonly help: boolean;
  readonly seed: number;
  readonly only: readonly string[];
  readonly count: number;
  readonly from: number;
  readonly lanes: number;
  /** Without Cassandra and flags. */
  readonly sourceOnly: boolean;
  /** A file that gets the report as JSON. */
  readonly report: string | undefined;
}

/** The text of `--help`. */
export function helpText(kinds: readonly Kind[]): string {
  return `Throws malformed and hostile input at both ports of a running instance, with real stores behind it: it must not crash, hang or grow,
must give the right code each time, and must serve good requests in between. What is planted in values must come back in no line of the
log, no span, no metric and no error.

  npm run fuzz -- [options]

  --count N         inputs; default 100000
  --seed N          draws them; default: another one each time, which is printed
  --only KIND,…     only these kinds, see below
  --from I          the index of each kind's first input; default 0
  --lanes N         inputs under way at once; default 32
  --source-only     MySQL alone; default: both stores, with the follower in sync
  --report FILE     write what was measured as JSON
  --help            this text

Kinds:
${kinds.map(({ name, about }) => `  ${name.padEnd(24)} ${about}`).join('\n')}

Examples:
  npm run fuzz
  npm run fuzz -- --seed 7 --count 5000 --source-only
  npm run fuzz -- --seed 7 --only page-tokens --from 412 --count 1     # one input again

With CROSSFADE_STACK=FILE the servers are those of a stack that runs (node stack/main.ts --state FILE).
Exit codes: 0 all as promised, 1 not, 2 wrong command line, 130 interrupted.`;
}

/** Reads the command line. Throws a TypeError that says what is wrong with it. */
export function parseOptions(args: readonly string[], kinds: readonly Kind[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      only: { type: 'string' },
      from: { type: 'string', default: '0' },
      lanes: { type: 'string', default: '32' },
      'source-only': { type: 'boolean', default: false },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? [];
  const unknown = only.filter((name) => !kinds.some((kind) => kind.name === name));
  if (unknown.length > 0) throw new TypeError(`--only: there is no kind ${unknown.join(', ')}`);
  return {
    help: values.help,
    seed: values.seed === undefined ? randomSeed() : wholeNumber('--seed', values.seed, 0),
    only,
    count: wholeNumber('--count', values.count, 1),
    from: wholeNumber('--from', values.from, 0),
    lanes: wholeNumber('--lanes', values.lanes, 1),
    sourceOnly: values['source-only'],
    report: values.report,
  };
}

/** A seed that is short enough to be typed again. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 1_000_000);
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new TypeError(`${option} must be a whole number from ${least}`);
  }
  return value;
}
