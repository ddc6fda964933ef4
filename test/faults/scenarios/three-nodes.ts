import { setTimeout as sleep } from 'node:timers/promises';
import { bar } from '../../../examples/hospital/demo/report.ts';
import { moveAuthority } from '../moves.ts';
import { type Scenario, stageOf } from '../scenario.ts';
import { p99Ratio, seenPauseMs } from '../statistics.ts';
import type { Allowance } from '../verdict.ts';

/** The node that is harmed: not the first contact point. */
const NODE = 1;
const AWAY_MS = 10_000;
const QUICK_AWAY_MS = 6_000;
/** A call that waits for a node that has just gone is answered or given up by then. */
const NOTICED_MS = 5_000;
/** What the driver did not know to be gone: refused where nothing was written, unknown where that is not certain. */
const NOTICING = { writes: ['Unavailable', 'Unknown', 'DeadlineExceeded'], reads: ['Unavailable', 'DeadlineExceeded'] };

/** One of three nodes goes away while Cassandra is the authority. */
export const threeNodes: Scenario = {
  name: 'three-nodes',
  title: 'Cassandra of three nodes at QUORUM as the authority: kill -9, then SIGSTOP of one: the others go on',
  nodes: 3,
  run: async ({ bed, traffic }) => {
    const { stack, signal, quick, terminal } = bed;
    const node = stack.cassandra?.servers[NODE];
    if (node === undefined) throw new Error('there is no such node');
    await moveAuthority(bed, 'target');
    await traffic.beginStage('before');
    await sleep(quick ? 5_000 : 10_000, undefined, { signal });
    const harms = { killed: () => node.kill(), paused: async () => node.pause() };
    for (const [name, harm] of Object.entries(harms)) {
      terminal.say(`  one node ${name}`);
      await traffic.beginStage(`${name}: noticing`);
      await harm();
      await sleep(NOTICED_MS, undefined, { signal });
      await traffic.beginStage(`${name}: away`);
      await sleep(quick ? QUICK_AWAY_MS : AWAY_MS, undefined, { signal });
      await traffic.beginStage(`${name}: healing`);
      node.resume();
      if (node.pid === undefined) await node.start(signal);
      await sleep(NOTICED_MS, undefined, { signal });
      await moveAuthority(bed, 'target');
    }
    const stages = Object.keys(harms).map((name) => `${name}: noticing`);
    const allowances: Allowance[] = [{ stages, ...NOTICING }];
    return { allowances, judge: (found) => judge(found, Object.keys(harms)) };
  },
};

function judge(stages: Parameters<typeof stageOf>[0], harms: readonly string[]) {
  const before = stageOf(stages, 'before');
  const figures = Object.fromEntries(
    harms.map((name) => {
      const noticing = stageOf(stages, `${name}: noticing`);
      const away = stageOf(stages, `${name}: away`);
      const found = {
        failedWrites: noticing.all.failedWrites,
        failedReads: noticing.all.failedReads,
        longestMs: seenPauseMs(noticing),
        ratio: p99Ratio(before, away),
      };
      return [name, found];
    }),
  );
  const bars = Object.entries(figures).map(([name, { longestMs }]) =>
    bar(`one node ${name}: pause of writes`, longestMs < NOTICED_MS, `${longestMs} ms, below ${NOTICED_MS}`),
  );
  return { figures, bars };
}
