/** `npm run sim`: the real code of `records/` and `migration/`, simulated from seeds. See docs/simulation.md. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { runSeeds } from './pool.ts';
import { playScenario, scenarios } from './scenarios.ts';
import { type Outcome, simulate } from './simulate.ts';

const HELP = `npm run sim -- [options]

Runs instances of the service over two stores in memory, under faults, and checks what their callers are told.

  --seeds N       how many seeds (default 200)
  --from S        the first seed (default: by the time, so others each time)
  --jobs K        threads (default: as many as there are processors, at most 2)
  --trace         one thread, and everything that happens is printed
  --mutations     leave one rule out of the code after the other: is it found, by its scenario or by a seed?
  --only NAME     with this mutation, or, with --mutations, only the ones that begin so; may be repeated
  --list          print the mutations
  --help

Examples:

  npm run sim -- --seeds 10000 --from 1                     ten thousand seeds
  npm run sim -- --seeds 1 --from 4711 --trace              what happens in one of them
  npm run sim -- --mutations --seeds 1500                   is each rule needed, and missed?
  npm run sim -- --only no_fence --seeds 1 --from 12 --trace
`;

const MOST_JOBS = 2;
/** More say no more. */
const MOST_VIOLATIONS = 10;
const PROGRESS_MS = 1_000;

interface Options {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly only: readonly string[];
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '200' },
      from: { type: 'string' },
      jobs: { type: 'string', default: String(Math.min(MOST_JOBS, availableParallelism())) },
      trace: { type: 'boolean', default: false },
      mutations: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const from = values.from === undefined ? (values.mutations ? 1 : freshSeed()) : whole('--from', values.from);
  const [seeds, jobs] = [whole('--seeds', values.seeds), whole('--jobs', values.jobs)];
  const options: Options = { from, seeds, jobs, only: values.only };
  if (values.help) say(HELP);
  else if (values.list) for (const { name, what } of mutations) say(`${name.padEnd(NAME_WIDTH)}${what}`);
  else if (values.mutations) return findMutations(options);
  else if (values.trace) return trace(options);
  else return runAll(options);
  return true;
}

/** True: no seed broke a promise. */
async function runAll({ from, seeds, jobs, only }: Options): Promise<boolean> {
  const mutation = only[0] ?? null;
  const beganMs = performance.now();
  const total = { seeds: 0, violations: 0, acknowledged: 0, reads: 0, handovers: 0 };
  let saidMs = beganMs;
  say(`seeds ${from} to ${from + seeds - 1}, ${jobs} threads`);
  await runSeeds({
    from,
    seeds,
    jobs,
    mutation,
    onOutcome: (outcome) => {
      total.seeds += 1;
      for (const counter of ['acknowledged', 'reads', 'handovers'] as const) total[counter] += outcome[counter];
      if (outcome.violation !== null) {
        total.violations += 1;
        sayViolation(outcome, mutation);
      }
      if (process.stderr.isTTY && performance.now() - saidMs > PROGRESS_MS) {
        saidMs = performance.now();
        process.stderr.write(`\r${total.seeds} of ${seeds} seeds, ${total.violations} violations `);
      }
      return total.violations < MOST_VIOLATIONS;
    },
  });
  const seconds = (performance.now() - beganMs) / 1000;
  const { acknowledged, reads, handovers, violations } = total;
  const did = `${acknowledged} writes acknowledged, ${reads} reads, ${handovers} handovers`;
  say(`${total.seeds} seeds in ${seconds.toFixed(1)} s: ${did}; ${violations} violations`);
  return violations === 0;
}

function sayViolation({ seed, violation }: Outcome, mutation: string | null): void {
  const only = mutation === null ? '' : ` --only ${mutation}`;
  say(`\nseed ${seed}: ${violation}\n  replay: npm run sim -- --seeds 1 --from ${seed}${only} --trace`);
}

async function trace({ from, seeds, only }: Options): Promise<boolean> {
  const mutation = mutations.find(({ name }) => name === only[0]) ?? null;
  let isSound = true;
  for (let seed = from; seed < from + seeds; seed++) {
    const outcome = await simulate(seed, { mutation, trace: say });
    say(JSON.stringify(outcome));
    isSound &&= outcome.violation === null;
  }
  return isSound;
}

/** True: each was found, by its scenario if it has one, or within the seeds. */
async function findMutations(options: Options): Promise<boolean> {
  const { only } = options;
  const wanted = mutations.filter(({ name }) => only.length === 0 || only.some((one) => name.startsWith(one)));
  let missed = 0;
  for (const mutation of wanted) {
    const found = (await playAgainst(mutation)) ?? (await searchSeeds(mutation, options));
    if (found === null) missed += 1;
    say(`${mutation.name.padEnd(NAME_WIDTH)}${found?.split('\n')[0] ?? `not found in ${options.seeds} seeds`}`);
  }
  say(`${wanted.length - missed} of ${wanted.length} mutations found`);
  return missed === 0;
}

/** Null: there is no scenario for it, or it does not show it. */
async function playAgainst(mutation: Mutation): Promise<string | null> {
  const scenario = scenarios.find((one) => one.mutation === mutation.name);
  const violation = scenario === undefined ? null : await playScenario(scenario, mutation);
  return violation === null ? null : `scenario: ${violation}`;
}

/** Null: none of the seeds shows it. */
async function searchSeeds({ name }: Mutation, { from, seeds, jobs }: Options): Promise<string | null> {
  let found: Outcome | undefined;
  const onOutcome = (outcome: Outcome): boolean => {
    if (outcome.violation !== null && outcome.seed < (found?.seed ?? Number.POSITIVE_INFINITY)) found = outcome;
    return found === undefined;
  };
  await runSeeds({ from, seeds, jobs, mutation: name, onOutcome });
  return found === undefined ? null : `seed ${found.seed}: ${found.violation}`;
}

const NAME_WIDTH = 40;

/** Seeds that nobody has seen: by the time, in steps that leave room for a run. */
function freshSeed(): number {
  return (Math.floor(Date.now() / 1000) % 1_000_000) * 1_000;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${option} must be a whole number: ${text}`);
  return value;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = (await main()) ? 0 : 1;
