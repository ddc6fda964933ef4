import { setTimeout as sleep } from 'node:timers/promises';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { FollowerState } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { bar, zero } from '../../../examples/hospital/demo/report.ts';
import { moveAuthority, type StoreName, titleOf } from '../moves.ts';
import { type Scenario, stageOf } from '../scenario.ts';
import { failedRequests, median, seenPauseMs } from '../statistics.ts';

const HANDOVERS = 10;
const QUICK_HANDOVERS = 4;
/** How long each authority reigns at least. */
const REIGN_MS = 3_000;
const MEDIAN_BELOW_MS = 500;
const WORST_BELOW_MS = 2_000;

interface Move {
  readonly stage: string;
  readonly direction: 'to-target' | 'to-source';
  /** By the history of the control record. */
  readonly pauseMs: number;
}

/** Authority goes there and back under even traffic. */
export const handovers: Scenario = {
  name: 'handovers',
  title: 'authority to Cassandra and back, five times, under 300 writes/s: how long writes pause',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const moves: Move[] = [];
    for (let i = 0; i < (bed.quick ? QUICK_HANDOVERS : HANDOVERS); i++) {
      const store: StoreName = i % 2 === 0 ? 'target' : 'source';
      const stage = `${i + 1}: to ${titleOf(store)}`;
      await traffic.beginStage(stage);
      bed.terminal.say(`  ${stage}`);
      await moveAuthority(bed, store);
      await sleep(REIGN_MS, undefined, { signal: bed.signal });
      const moved = (await bed.watch.transitions()).find(({ toState }) => toState === FollowerState.MOVED);
      const pauseMs = moved?.writePause === undefined ? Number.NaN : Math.round(durationMs(moved.writePause));
      moves.push({ stage, direction: `to-${store}`, pauseMs });
    }
    return {
      allowances: [],
      judge: (stages) => {
        const measured = moves.map(({ stage, direction, pauseMs }) => {
          const seen = stageOf(stages, stage);
          return { direction, pauseMs, seenPauseMs: seenPauseMs(seen), failedRequests: failedRequests(seen) };
        });
        const pauses = measured.map((one) => Math.max(one.pauseMs, one.seenPauseMs));
        const figures = {
          handovers: measured,
          median: median(measured.map(({ pauseMs }) => pauseMs)),
          worst: Math.max(...measured.map(({ pauseMs }) => pauseMs)),
          seenMedian: median(pauses),
          seenWorst: Math.max(...pauses),
        };
        const failed = measured.reduce((total, one) => total + one.failedRequests, 0);
        return {
          figures,
          bars: [
            zero('failed requests while authority moved', failed),
            below('median pause, by the history or as seen', figures.seenMedian, MEDIAN_BELOW_MS),
            below('longest pause, by the history or as seen', figures.seenWorst, WORST_BELOW_MS),
          ],
        };
      },
    };
  },
};

function below(name: string, found: number, most: number) {
  return bar(name, found < most, `${Math.round(found)} ms, below ${most}`);
}
