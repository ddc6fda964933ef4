import { Worker } from 'node:worker_threads';
import type { Outcome } from './simulate.ts';

/** What a worker is given. */
export interface SeedTask {
  /** The next seed to take, shared by all workers: one BigInt64. */
  readonly next: SharedArrayBuffer;
  /** Exclusive. */
  readonly until: bigint;
  /** The most that it runs. */
  readonly most: number;
  /** By name; null: the code as it is. */
  readonly mutation: string | null;
}

/** A seed leaves half a MiB behind, what its dead processes wait for: after so many a new thread takes over. */
const SEEDS_PER_WORKER = 500;

export interface PoolOptions {
  readonly from: number;
  readonly seeds: number;
  /** Threads: each runs one seed at a time. */
  readonly jobs: number;
  readonly mutation: string | null;
  /** Called for each seed, as it ends. False: no further seeds are begun. */
  readonly onOutcome: (outcome: Outcome) => boolean;
}

/** Runs seeds in several threads. */
export async function runSeeds({ from, seeds, jobs, mutation, onOutcome }: PoolOptions): Promise<void> {
  const next = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const taken = new BigInt64Array(next);
  const until = BigInt(from + seeds);
  taken[0] = BigInt(from);
  const runSome = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const task: SeedTask = { next, until, most: SEEDS_PER_WORKER, mutation };
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
      worker.on('message', (outcome: Outcome) => {
        if (!onOutcome(outcome)) Atomics.store(taken, 0, until);
      });
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
  const run = async (): Promise<void> => {
    while (Atomics.load(taken, 0) < until) await runSome();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, run));
}
