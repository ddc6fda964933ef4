import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface FaultsOptions {
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly report: string | undefined;
  /** A folder that gets the logs of servers and instances. */
  readonly logs: string | undefined;
  readonly quick: boolean;
  readonly seed: number;
  /** Writes a second of all callers together. */
  readonly rate: number;
  /** The instances' `followerRetryBudgetMs`. */
  readonly retryBudgetMs: number;
  readonly help: boolean;
}

/** What the help shows of a scenario. */
export interface Named {
  readonly name: string;
  readonly title: string;
}

/** The text of `--help`. */
export function helpText(scenarios: readonly Named[]): string {
  return `Kills, pauses and cuts off real servers and instances of the service under live traffic, and checks that nothing that was
promised is broken: no acknowledged write lost, no stale read, no failed request but where it must fail, both stores identical at the end.

  npm run faults -- [options]

  --only NAME,…   only these scenarios, in the order below; default all
  --report FILE   write everything that was measured as JSON
  --logs FOLDER   keep the logs of servers and instances there
  --quick         shorter waits and fewer handovers, for trying out: it proves less
  --seed N        draws the traffic; default 1
  --rate N        writes a second, all callers together; default 300
  --retry-budget MS   how long a write waits for the follower; default 500, as the service's own; more on a machine that is
                  so busy that a healthy follower often needs longer
  --help          this text

Scenarios:
${scenarios.map(({ name, title }) => `  ${name.padEnd(28)} ${title}`).join('\n')}

Examples:
  npm run faults
  npm run faults -- --only handovers --report handovers.json
  npm run faults -- --only follower-hung,follower-killed --quick

Exit codes: 0 all as promised, 1 not, or a scenario could not be run, 2 wrong command line, 130 interrupted.`;
}

/** Reads the command line. Throws a TypeError that says what is wrong with it. */
export function parseOptions(args: readonly string[], scenarios: readonly Named[]): FaultsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      report: { type: 'string' },
      logs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '300' },
      'retry-budget': { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? [];
  const names = scenarios.map(({ name }) => name);
  for (const name of only) {
    if (!names.includes(name)) throw new TypeError(`--only: there is no ${name}; there are: ${names.join(', ')}`);
  }
  const seed = wholeNumber('--seed', values.seed, 0);
  const rate = wholeNumber('--rate', values.rate, 1);
  const retryBudgetMs = wholeNumber('--retry-budget', values['retry-budget'], 1);
  return {
    only,
    report: values.report,
    logs: values.logs,
    quick: values.quick,
    seed,
    rate,
    retryBudgetMs,
    help: values.help,
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new TypeError(`${option} must be a whole number from ${least}`);
  }
  return value;
}
