import { setTimeout as sleep } from 'node:timers/promises';
import { bar } from '../../../examples/hospital/demo/report.ts';
import { moveAuthority } from '../moves.ts';
import type { Scenario } from '../scenario.ts';

const DOWN_MS = 10_000;
/** The flags have been fetched again. */
const BACK_MS = 3_000;

/** The flag server is gone: the last known flags hold. */
export const unleashDown: Scenario = {
  name: 'unleash-down',
  title: 'kill -9 of Unleash for ten seconds: nothing moves, nothing fails',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const { stack, watch, signal } = bed;
    if (stack.unleash === undefined) throw new Error('the stack has no Unleash');
    await moveAuthority(bed, 'target');
    const before = await watch.get();
    await traffic.beginStage('Unleash is down');
    await stack.unleash.kill();
    await sleep(DOWN_MS, undefined, { signal });
    const during = await watch.get();
    await traffic.beginStage('Unleash is back');
    await stack.unleash.restart(signal);
    await sleep(BACK_MS, undefined, { signal });
    const after = await watch.get();
    const moved = Number(after.generation - before.generation);
    return {
      allowances: [],
      judge: () => ({
        figures: { transitions: moved },
        bars: [
          bar('transitions', moved === 0, `${moved}`),
          bar('authority', during.authority === before.authority, 'where it was'),
        ],
      }),
    };
  },
};
