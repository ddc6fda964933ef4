import { parentPort, workerData } from 'node:worker_threads';
import { mutations } from './mutations.ts';
import type { SeedTask } from './pool.ts';
import { simulate } from './simulate.ts';

// Refusals and time-outs are part of the game: their stack traces would take a third of the time.
Error.stackTraceLimit = 0;

const { next, until, most, mutation } = workerData as SeedTask;
const taken = new BigInt64Array(next);
const mutated = mutations.find(({ name }) => name === mutation) ?? null;

for (let i = 0; i < most; i++) {
  const seed = Atomics.add(taken, 0, 1n);
  if (seed >= until) break;
  parentPort?.postMessage(await simulate(Number(seed), { mutation: mutated }));
}
