/** Fresh seeds each time: docs/simulation.md says how to replay one that fails. */
import { expect, it } from 'vitest';
import { simulate } from './simulate.ts';

/** How long seeds are begun, in seconds. */
const SECONDS = Number(process.env.CROSSFADE_SIM_SECONDS ?? 20);
/** One seed takes longer than this only on a machine that is stuck. */
const LAST_SEED_MS = 30_000;
const MOST_FAILURES = 3;

it('keeps every promise, whatever fails', { timeout: SECONDS * 1_000 + LAST_SEED_MS }, async () => {
  const from = (Math.floor(Date.now() / 1_000) % 1_000_000) * 1_000;
  const untilMs = performance.now() + SECONDS * 1_000;
  const broken: string[] = [];
  let seed = from;
  for (; performance.now() < untilMs && broken.length < MOST_FAILURES; seed++) {
    const { violation } = await simulate(seed);
    if (violation !== null) broken.push(`npm run sim -- --seeds 1 --from ${seed} --trace: ${violation}`);
    // Vitest's own timers and messages need a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.info(`simulated the seeds ${from} to ${seed - 1}`);
  expect(broken).toEqual([]);
});

it('does the same for the same seed', async () => {
  const run = async (): Promise<readonly string[]> => {
    const lines: string[] = [];
    await simulate(7, { trace: (text) => lines.push(text) });
    return lines;
  };
  const lines = await run();
  expect(lines.length).toBeGreaterThan(100);
  expect(await run()).toEqual(lines);
});
