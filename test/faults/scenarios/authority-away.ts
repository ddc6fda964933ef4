import { setTimeout as sleep } from 'node:timers/promises';
import { type Bar, bar } from '../../../examples/hospital/demo/report.ts';
import { epochs, moveAuthority, partsOf, type StoreName, titleOf, untilHealed } from '../moves.ts';
import { type Scenario, type ScenarioContext, stageOf } from '../scenario.ts';

const AWAY_MS = 5_000;
/** The last of the time away: by then every request is answered by what is known, not by waiting. */
const KNOWN_AFTER_MS = 2_000;
/** How long writes may go on failing once the authority answers again. */
const RECOVERED_WITHIN_MS = 10_000;
const RECOVERY_LOOK_MS = 50;
/** A call's own deadline: whoever waits for a server that says nothing can't be told earlier than this. */
const CALL_DEADLINE_MS = 5_000;
const DEADLINE_SLACK_MS = 500;

/** What an authority that is away makes of requests: reads may be refused, writes refused or of unknown outcome. */
const AWAY = { writes: ['Unavailable', 'Unknown', 'DeadlineExceeded'], reads: ['Unavailable', 'DeadlineExceeded'] };

/** Authority killed. */
export const authorityKilled: Scenario = {
  name: 'authority-killed',
  title: 'kill -9 of the authority in each epoch, started again after five seconds: writes fail, none is lost',
  nodes: 1,
  run: (context) =>
    inBothEpochs(context, {
      harm: (epoch) => partsOf(context.bed, epoch).authority.kill(),
      mend: (epoch) => partsOf(context.bed, epoch).authority.restart(context.bed.signal),
    }),
};

/** Authority paused: what was under way when it stopped goes on as if nothing had happened. */
export const authorityPaused: Scenario = {
  name: 'authority-paused',
  title: 'SIGSTOP of the authority for five seconds in each epoch: nothing that it does afterwards is stale',
  nodes: 1,
  run: (context) =>
    inBothEpochs(context, {
      harm: (epoch) => partsOf(context.bed, epoch).authority.pause(),
      mend: (epoch) => partsOf(context.bed, epoch).authority.resume(),
    }),
};

interface Harm {
  readonly harm: (epoch: StoreName) => void | Promise<void>;
  readonly mend: (epoch: StoreName) => void | Promise<void>;
}

async function inBothEpochs({ bed, traffic }: ScenarioContext, { harm, mend }: Harm) {
  const { signal, terminal } = bed;
  const recoveredMs: Partial<Record<StoreName, number>> = {};
  for (const epoch of epochs) {
    await traffic.beginStage(`${epoch}: moving`);
    await moveAuthority(bed, epoch);
    terminal.say(`  authority ${titleOf(epoch)} goes away`);
    await traffic.beginStage(`${epoch}: away`);
    await harm(epoch);
    await sleep(KNOWN_AFTER_MS, undefined, { signal });
    await traffic.beginStage(`${epoch}: known to be away`);
    await sleep(AWAY_MS - KNOWN_AFTER_MS, undefined, { signal });
    await traffic.beginStage(`${epoch}: healing`);
    await mend(epoch);
    terminal.say(`  ${titleOf(epoch)} is back`);
    recoveredMs[epoch] = await untilWritten(traffic, signal);
    await untilHealed(bed);
    // What began while it was away has ended.
    await sleep(CALL_DEADLINE_MS, undefined, { signal });
    await traffic.beginStage(`${epoch}: healed`);
    await sleep(bed.quick ? 2_000 : 5_000, undefined, { signal });
  }
  const stages = epochs.flatMap((epoch) => ['away', 'known to be away', 'healing'].map((part) => `${epoch}: ${part}`));
  return { allowances: [{ stages, ...AWAY }], judge: (found: Stages) => judge(found, recoveredMs) };
}

type Stages = Parameters<typeof stageOf>[0];

/** How long it took until a write was acknowledged, from now. */
async function untilWritten(traffic: ScenarioContext['traffic'], signal: AbortSignal): Promise<number> {
  const beganMs = performance.now();
  const { writes } = traffic.progress;
  while (traffic.progress.writes === writes && performance.now() - beganMs < RECOVERED_WITHIN_MS) {
    await sleep(RECOVERY_LOOK_MS, undefined, { signal });
  }
  return Math.round(performance.now() - beganMs);
}

function judge(stages: Stages, recoveredMs: Partial<Record<StoreName, number>>) {
  const figures: Record<string, object> = {};
  const bars: Bar[] = [];
  for (const epoch of epochs) {
    const parts = ['away', 'known to be away', 'healing'].map((part) => stageOf(stages, `${epoch}: ${part}`).all);
    const most = (of: (all: (typeof parts)[number]) => number) => Math.max(...parts.map(of));
    const total = (of: (all: (typeof parts)[number]) => number) => parts.reduce((sum, all) => sum + of(all), 0);
    const recovered = recoveredMs[epoch] ?? Number.NaN;
    const longestFailureMs = most((all) => all.longestFailureMs);
    figures[epoch] = {
      unknownWrites: total((all) => all.unknownWrites),
      failedWrites: total((all) => Object.values(all.failedWrites).reduce((a, b) => a + b, 0)),
      failedReads: total((all) => Object.values(all.failedReads).reduce((a, b) => a + b, 0)),
      longestFailureMs,
      longestGapMs: most((all) => all.longestGapMs),
      recoveredMs: recovered,
    };
    const title = `authority ${titleOf(epoch)}`;
    const mostMs = CALL_DEADLINE_MS + DEADLINE_SLACK_MS;
    bars.push(
      bar(`${title}: longest wait for a failure`, longestFailureMs < mostMs, `${longestFailureMs} ms, below ${mostMs}`),
      bar(`${title}: first write after it is back`, recovered < RECOVERED_WITHIN_MS, `${recovered} ms`),
    );
  }
  return { figures, bars };
}
