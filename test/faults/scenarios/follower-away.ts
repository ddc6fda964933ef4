import { setTimeout as sleep } from 'node:timers/promises';
import { type Bar, bar } from '../../../examples/hospital/demo/report.ts';
import { epochs, moveAuthority, partsOf, type StoreName, titleOf, untilHealed } from '../moves.ts';
import { type Scenario, type ScenarioContext, stageOf } from '../scenario.ts';
import { p99Ratio, seenPauseMs } from '../statistics.ts';

/** How much slower writes may be without the follower than with it. */
const P99_RATIO = 1.5;
/** The longest pause of writes while a follower that is gone is taken out, on top of the retry budget: `leaving`. */
const LEAVING_BELOW_MS = 2_500;

/** Follower hung: it holds its connections and answers nothing. */
export const followerHung: Scenario = {
  name: 'follower-hung',
  title: 'SIGSTOP of the follower in each epoch: one pause, then writes as fast as before, no read fails; it rejoins',
  nodes: 1,
  run: (context) =>
    inBothEpochs(context, {
      harm: (epoch) => partsOf(context.bed, epoch).follower.pause(),
      mend: (epoch) => partsOf(context.bed, epoch).follower.resume(),
      awayMs: context.bed.quick ? 6_000 : 12_000,
    }),
};

/** Follower killed. */
export const followerKilled: Scenario = {
  name: 'follower-killed',
  title: 'kill -9 of the follower in each epoch, started again: writes pause once, reads never, it rejoins',
  nodes: 1,
  run: (context) =>
    inBothEpochs(context, {
      harm: (epoch) => partsOf(context.bed, epoch).follower.kill(),
      mend: (epoch) => partsOf(context.bed, epoch).follower.restart(context.bed.signal),
      awayMs: context.bed.quick ? 5_000 : 10_000,
    }),
};

interface Harm {
  readonly harm: (epoch: StoreName) => void | Promise<void>;
  readonly mend: (epoch: StoreName) => void | Promise<void>;
  /** From the demotion on. */
  readonly awayMs: number;
}

/** What is over by then: a lease and a margin of `leaving`, after the retry budget. */
const DEMOTED_WITHIN_MS = 2_500;

async function inBothEpochs({ bed, traffic }: ScenarioContext, { harm, mend, awayMs }: Harm) {
  const { signal, terminal, quick } = bed;
  for (const epoch of epochs) {
    await traffic.beginStage(`${epoch}: moving`);
    const before = await moveAuthority(bed, epoch);
    await traffic.beginStage(`${epoch}: before`);
    await sleep(quick ? 5_000 : 10_000, undefined, { signal });
    terminal.say(`  authority ${titleOf(epoch)}: the follower goes away`);
    await traffic.beginStage(`${epoch}: demotion`);
    await harm(epoch);
    await sleep(bed.retryBudgetMs + DEMOTED_WITHIN_MS, undefined, { signal });
    await traffic.beginStage(`${epoch}: away`);
    await sleep(awayMs, undefined, { signal });
    await traffic.beginStage(`${epoch}: healing`);
    await mend(epoch);
    terminal.say('  the follower is back');
    await untilHealed(bed, before);
  }
  const pauseBelowMs = bed.retryBudgetMs + LEAVING_BELOW_MS;
  return { allowances: [], judge: (stages: Stages) => judge(stages, pauseBelowMs) };
}

type Stages = Parameters<typeof stageOf>[0];

function judge(stages: Stages, pauseBelowMs: number) {
  const figures: Record<string, object> = {};
  const bars: Bar[] = [];
  for (const epoch of epochs) {
    const before = stageOf(stages, `${epoch}: before`);
    const demotion = stageOf(stages, `${epoch}: demotion`);
    const away = stageOf(stages, `${epoch}: away`);
    const healing = stageOf(stages, `${epoch}: healing`);
    const found = {
      p99BeforeMs: round(before.all.writeMs.p99),
      p99AwayMs: round(away.all.writeMs.p99),
      ratio: p99Ratio(before, away),
      pauseMs: seenPauseMs(demotion),
      longestWhileHealingMs: seenPauseMs(healing),
      pauses: demotion.all.pauses + away.all.pauses,
    };
    figures[epoch] = found;
    const title = `authority ${titleOf(epoch)}`;
    bars.push(
      bar(`${title}: p99 of writes without the follower`, found.ratio <= P99_RATIO, `${found.ratio} of before`),
      bar(`${title}: pause of writes`, found.pauseMs < pauseBelowMs, `${found.pauseMs} ms, below ${pauseBelowMs}`),
      bar(`${title}: pauses without any acknowledgement`, found.pauses <= 1, `${found.pauses}, at most 1`),
    );
  }
  return { figures, bars };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
