import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { FollowerState } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { bar } from '../../../examples/hospital/demo/report.ts';
import type { Side } from '../../../examples/hospital/pharmacy/tally.ts';
import { type Bed, RECONNECTED_MS } from '../bed.ts';
import { type ArmRequest, type HandoverStep, handoverSteps } from '../handover-steps.ts';
import { moveAuthority, type StoreName, until, untilAuthority, wantAuthority } from '../moves.ts';
import { type Scenario, type ScenarioContext, stageOf } from '../scenario.ts';
import type { Allowance } from '../verdict.ts';

const PROGRAM = new URL('../instrumented-instance.ts', import.meta.url);
/** A handover waits for a verification first, and may wait for a back-off. */
const STRUCK_WITHIN_MS = 180_000;
const PAUSED_MS = 3_000;
const STRUCK_LOOK_MS = 10;
/** Until the other instance has finished what the struck one began, or undone it: the task's lease, then the time-out. */
const RESOLVED_WITHIN_MS = 60_000;
/** What comes out of an instance that is killed or stands still. */
const THROUGH_STRUCK = {
  writes: ['Unavailable', 'Unknown', 'DeadlineExceeded', 'Internal', 'Aborted', 'Canceled'],
  reads: ['Unavailable', 'Unknown', 'DeadlineExceeded', 'Internal', 'Aborted', 'Canceled'],
};

interface Struck {
  readonly stage: string;
  readonly side: Side;
  /** From the strike until authority and follower were clear again. */
  readonly resolvedMs: number;
  readonly outcome: 'finished' | 'undone';
}

/** The instance that hands authority over is killed, or stands still, just after each step. */
export const instanceKilledInHandover = scenarioOf('instance-killed-in-handover', 'kill -9', 'SIGKILL');

/** The same with an instance that comes back as if nothing had happened. */
export const instancePausedInHandover = scenarioOf('instance-paused-in-handover', 'SIGSTOP for 3 s', 'SIGSTOP');

function scenarioOf(name: string, what: string, signal: ArmRequest['signal']): Scenario {
  return {
    name,
    title: `${what} of the controlling instance after each step of a handover, both ways: the other finishes or undoes it`,
    nodes: 1,
    run: async (context) => {
      const { bed } = context;
      await moveAuthority(bed, 'source');
      await context.traffic.beginStage('instances replaced');
      await replaceBoth(bed, { program: PROGRAM });
      const struck: Struck[] = [];
      try {
        for (const step of handoverSteps) {
          for (const store of ['target', 'source'] as const) {
            struck.push(await strikeOnce(context, { store, step, signal }));
          }
        }
      } finally {
        await bed.mend();
        await context.traffic.beginStage('instances replaced again');
        await replaceBoth(bed, {});
      }
      return { allowances: allowancesOf(struck), judge: (stages) => judge(stages, struck) };
    },
  };
}

async function replaceBoth(bed: Bed, changed: Parameters<Bed['replaceInstance']>[1]): Promise<void> {
  for (const side of [0, 1] as const) await bed.replaceInstance(side, changed);
}

interface Strike {
  readonly store: StoreName;
  readonly step: HandoverStep;
  readonly signal: ArmRequest['signal'];
}

async function strikeOnce({ bed, traffic }: ScenarioContext, { store, step, signal }: Strike): Promise<Struck> {
  const stage = `${step}, to ${store}`;
  bed.terminal.say(`  ${stage}`);
  await traffic.beginStage(stage);
  const armed = arm(bed, step, signal);
  try {
    await wantAuthority(bed, store);
    const side = await armed.struck;
    const beganMs = performance.now();
    armed.disarm();
    const other = bed.watchThrough(side === 0 ? 1 : 0);
    const resolving = until(bed, other, RESOLVED_WITHIN_MS, isClear);
    if (signal === 'SIGSTOP') {
      await sleep(PAUSED_MS, undefined, { signal: bed.signal });
      bed.instances[side].resume();
    }
    const resolved = await resolving;
    const resolvedMs = Math.round(performance.now() - beganMs);
    bed.terminal.say(`    instance ${bed.instances[side].name} was struck; clear after ${resolvedMs} ms`);
    await bed.mend();
    const before = resolved.epoch;
    const { epoch } = await untilAuthority(bed, store);
    await sleep(RECONNECTED_MS, undefined, { signal: bed.signal });
    return { stage, side, resolvedMs, outcome: epoch === before ? 'finished' : 'undone' };
  } finally {
    armed.disarm();
  }
}

/** No handover is under way. */
function isClear({ followerState }: Migration): boolean {
  return followerState !== FollowerState.HANDING_OVER && followerState !== FollowerState.MOVED;
}

/** Both are armed, as either may control. */
function arm({ instances, signal: interrupted }: Bed, step: HandoverStep, signal: ArmRequest['signal']) {
  const tell = (request: ArmRequest): void => {
    for (const { child } of instances) if (child.process.connected) child.process.send(request, () => {});
  };
  const struck = Promise.withResolvers<Side>();
  const timer = setTimeout(() => struck.reject(new Error(`no instance came to ${step}`)), STRUCK_WITHIN_MS);
  const abort = (): void => struck.reject(interrupted.reason);
  interrupted.addEventListener('abort', abort, { once: true });
  const look = setInterval(() => {
    for (const side of [0, 1] as const) if (isStruck(instances[side].child.process)) struck.resolve(side);
  }, STRUCK_LOOK_MS);
  tell({ type: 'arm', step, signal });
  return {
    struck: struck.promise,
    disarm: () => {
      clearTimeout(timer);
      interrupted.removeEventListener('abort', abort);
      clearInterval(look);
      tell({ type: 'arm', step: null, signal });
    },
  };
}

/** Whether it has ended or stands still, by Linux' own word: it can't say so itself. */
function isStruck({ pid, exitCode, signalCode }: ChildProcess): boolean {
  if (exitCode !== null || signalCode !== null) return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return false;
  }
}

/** Instances are replaced one by one, so that callers of either meet one that is gone. */
function allowancesOf(struck: readonly Struck[]): Allowance[] {
  return [
    { stages: ['instances replaced', 'instances replaced again'], ...THROUGH_STRUCK },
    ...struck.map(({ stage, side }) => ({ stages: [stage], side, ...THROUGH_STRUCK })),
  ];
}

function judge(stages: Parameters<typeof stageOf>[0], struck: readonly Struck[]) {
  const figures = {
    strikes: struck.map((one) => {
      const other = stageOf(stages, one.stage).sides[one.side === 0 ? 1 : 0];
      return { ...one, longestWriteThroughOtherMs: other.longestWriteMs };
    }),
  };
  const expected = handoverSteps.length * 2;
  const all = struck.length === expected;
  return { figures, bars: [bar('strikes', all, `${struck.length} of ${expected}`)] };
}
