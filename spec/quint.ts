/**
 * One run of Quint's simulator, with its TypeScript backend: the default one is a program that Quint would download.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Check } from './checks.ts';

const QUINT = join(
  dirname(createRequire(import.meta.url).resolve('@informalsystems/quint/package.json')),
  'dist/src/cli.js',
);

/** A run that hangs is a failure of its own. */
const DEADLINE_MS = 10 * 60_000;

export interface Simulation {
  readonly outcome: 'ok' | 'violation';
  /** Runs made, the violating one included. */
  readonly samples: number;
  /** Steps of the violating run. */
  readonly traceSteps: number;
  /** With `--max-samples=1` it leads straight to the violation. */
  readonly traceSeed: string;
  readonly seconds: number;
  /** Quint's own words, with the trace. */
  readonly output: string;
}

/** The arguments for `quint`, so that a reader can repeat a run by hand. */
export function quintArguments(check: Check, seed: string, samples: number): readonly string[] {
  const model = join(import.meta.dirname, `${check.model}.qnt`);
  return [
    ...['run', model, '--backend=typescript', `--init=init("${check.without}")`, `--step=${check.step}`],
    ...[`--max-samples=${samples}`, `--max-steps=${check.steps}`, `--seed=${seed}`],
    // a witness that always holds: Quint tells how many runs it made only beside a witness
    ...['--witnesses=true', '--invariants', ...check.invariants],
  ];
}

/**
 * Runs the check's model until it breaks a promise, or as many times as asked.
 *
 * @throws Error if Quint ends in any other way: a mistake in a model is no result.
 */
export async function simulate(check: Check, seed: string, samples: number): Promise<Simulation> {
  const startedAt = performance.now();
  const output = await outputOf([QUINT, ...quintArguments(check, seed, samples)]);
  const outcome = /^\[(ok|violation)\]/m.exec(output)?.[1];
  const made = /out of (\d+) explored/.exec(output)?.[1];
  if ((outcome !== 'ok' && outcome !== 'violation') || made === undefined) {
    throw new Error(`quint failed on ${check.name}:\n${output}`);
  }
  return {
    outcome,
    samples: Number(made),
    traceSteps: [...output.matchAll(/^\[State \d+\]/gm)].length - 1,
    traceSeed: /--seed=(\w+)/.exec(output)?.[1] ?? seed,
    seconds: (performance.now() - startedAt) / 1000,
    output,
  };
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    const child = spawn(process.execPath, args, { env, timeout: DEADLINE_MS, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}
