/**
 * `npm run spec`: the models hold their promises, and every mutation of them breaks the one that it is known to break.
 * Exits with 1 if a sound model fails or a mutation is not found.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { CHECKS, type Check, MUTATION_SEEDS, SOUND_SEED } from './checks.ts';
import { type Simulation, simulate } from './quint.ts';

const HELP = `npm run spec -- [options]

Simulates the models of the protocol as they are, then each mutation: the same model with one rule left out.

  --only NAME     a model or a mutation, or what its name begins with; may be given more than once
  --seed SEED     this seed instead of the fixed and random ones
  --samples N     runs for each seed, instead of what each check asks for
  --jobs N        simulators at a time (default: as many as there are processors, at most 2)
  --trace         print the trace of every violation
  --list          print the names and say nothing more
  --help

Examples:

  npm run spec
  npm run spec -- --only mysqlEpoch --samples 20000     the sound model and its mutations, for longer
  npm run spec -- --only cassandraEpoch/fence --trace   how a takeover without a fence loses a write
  npm run spec -- --only handover/oneRegister --seed 0x2a --samples 1
`;

/** A simulator takes one processor, and more than two of them leave none for the rest. */
const MOST_JOBS = 2;
const RANDOM_SEEDS = 2 ** 32;

interface Options {
  readonly checks: readonly Check[];
  readonly seed: string | undefined;
  readonly samples: number | undefined;
  readonly jobs: number;
  readonly trace: boolean;
}

/** @returns undefined where help or the list was asked for, and was printed. */
function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      samples: { type: 'string' },
      jobs: { type: 'string' },
      trace: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(HELP);
  const checks = pick(values.only);
  if (values.list) return say(checks.map((check) => check.name).join('\n'));
  const samples = values.samples === undefined ? undefined : positive('--samples', values.samples);
  const jobs = positive('--jobs', values.jobs ?? String(Math.min(MOST_JOBS, availableParallelism())));
  return { checks, seed: values.seed, samples, jobs, trace: values.trace };
}

function say(text: string): undefined {
  console.log(text);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} takes a positive number, not ${text}`);
  return value;
}

function pick(names: readonly string[]): readonly Check[] {
  const unknown = names.find((name) => !CHECKS.some((check) => check.name.startsWith(name)));
  if (unknown !== undefined) throw new Error(`nothing is called ${unknown}: see --list`);
  return names.length === 0 ? CHECKS : CHECKS.filter((check) => names.some((name) => check.name.startsWith(name)));
}

function seedsOf(check: Check, options: Options): readonly string[] {
  if (options.seed !== undefined) return [options.seed];
  const seeds = check.without === '' ? [SOUND_SEED, randomInt(RANDOM_SEEDS)] : MUTATION_SEEDS;
  return seeds.map(String);
}

/** Tries the seeds one after the other, until one shows a violation. @returns whether the result is the wanted one. */
async function perform(check: Check, options: Options): Promise<boolean> {
  const wanted = check.without === '' ? 'ok' : 'violation';
  for (const seed of seedsOf(check, options)) {
    const simulation = await simulate(check, seed, options.samples ?? check.samples);
    console.log(line(check, seed, simulation));
    if (options.trace && simulation.outcome === 'violation') console.log(simulation.output);
    if (simulation.outcome === 'violation') return wanted === 'violation';
  }
  return wanted === 'ok';
}

function line(check: Check, seed: string, simulation: Simulation): string {
  const isViolation = simulation.outcome === 'violation';
  const result = check.without === '' ? (isViolation ? 'BROKEN' : 'holds') : isViolation ? 'found' : 'not found';
  const steps = isViolation ? simulation.traceSteps : check.steps;
  return [
    check.name.padEnd(34),
    check.invariants.join(',').padEnd(11),
    `${String(simulation.samples).padStart(5)} samples`,
    `${String(steps).padStart(2)} steps`,
    `seed ${seed.padEnd(10)}`,
    result.padEnd(9),
    `${simulation.seconds.toFixed(1).padStart(5)} s`,
    isViolation ? `--seed ${simulation.traceSeed} --samples 1` : check.says,
  ].join('  ');
}

/** Runs `jobs` checks at a time, in order. @returns the names of those that did not end as they should. */
async function performAll(options: Options): Promise<readonly string[]> {
  const waiting = [...options.checks];
  const failed: string[] = [];
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (!(await perform(check, options))) failed.push(check.name);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
  return failed;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) return;
  const startedAt = performance.now();
  const failed = await performAll(options);
  const sound = options.checks.filter((check) => check.without === '').length;
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const counts = `${sound} sound models, ${options.checks.length - sound} mutations, ${seconds} s`;
  console.log(
    failed.length === 0 ? `all as it should be: ${counts}` : `NOT as it should be: ${failed.join(', ')} (${counts})`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

await main();
