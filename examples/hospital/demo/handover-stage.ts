/** The last stage: authority goes to Cassandra, comes back, and goes again, while everybody goes on reading and writing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { durationMs } from '@bufbuild/protobuf/wkt';
import {
  FollowerState,
  type Migration,
  Store,
} from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { connectToHospital, HOSPITAL_DATABASE } from '../mysql-connection.ts';
import { stateOf } from './migration-watch.ts';
import type { StageContext } from './stages.ts';

/** One move of authority. */
export interface MeasuredHandover {
  readonly direction: 'to-target' | 'to-source';
  /** How long writes paused, by the history of the control record. */
  readonly pauseMs: number;
  /** Reads and writes that failed from the flag's change until the next part of the stage. */
  readonly failedRequests: number;
}

/** How long each step may take, also on a machine that is busy with other things. */
const WITHIN_MS = 120_000;
const QUICK_WITHIN_MS = 30_000;
const DETECTED_WITHIN_MS = 20_000;
const LOOK_MS = 100;
/** How long each authority reigns at least. */
const REIGN_MS = 2_000;

/**
 * The outside program stops first: what it writes past the service from then on would be lost. That it is noticed all the
 * same is shown by one more of its writes. Where authority does not move, the run goes on and its report says so.
 */
export async function handOverAndBack(context: StageContext): Promise<void> {
  const { measured, terminal, signal, outside } = context;
  measured.outside = await outside.stop();
  try {
    await moveThreeTimes(context);
  } catch (error) {
    signal.throwIfAborted();
    measured.stuck = (error as Error).message;
    terminal.say(`  ${measured.stuck}`);
  }
}

async function moveThreeTimes(context: StageContext): Promise<void> {
  const { flags, watch, measured, terminal, signal } = context;
  terminal.say('  the outside program has stopped; a verification shows that nothing differs');
  await watch.verify(() => {});
  await handOver(context, 'to-target', () => flags.setPhase('target-authority', true));
  await sleep(REIGN_MS, undefined, { signal });
  await handOver(context, 'to-source', () => flags.setPhase('target-authority', false));
  await sleep(REIGN_MS, undefined, { signal });
  await handOver(context, 'to-target', () => flags.setPhase('target-authority', true));
  measured.outsideDetected = await writeOutside(context);
}

async function handOver(
  context: StageContext,
  direction: MeasuredHandover['direction'],
  setFlag: () => Promise<void>,
): Promise<void> {
  const { watch, traffic, measured, terminal } = context;
  const problems = () => Object.values(traffic.progress.problems).reduce((sum, count) => sum + count, 0);
  const before = problems();
  await setFlag();
  const authority = direction === 'to-target' ? Store.TARGET : Store.SOURCE;
  let shown = '';
  await until(context, (migration) => {
    const state = stateOf(migration);
    if (state !== shown) terminal.say(`  authority ${nameOf(migration.authority)}, follower: ${state}`);
    shown = state;
    return migration.authority === authority && migration.followerState === FollowerState.IN_SYNC;
  });
  const [moved] = (await watch.transitions()).filter(({ toState }) => toState === FollowerState.MOVED);
  const pauseMs = moved?.writePause === undefined ? Number.NaN : Math.round(durationMs(moved.writePause));
  const failedRequests = problems() - before;
  measured.handovers.push({ direction, pauseMs, failedRequests });
  terminal.say(
    `  ${nameOf(authority)} is the authority; writes paused for ${pauseMs} ms, ${failedRequests} requests failed`,
  );
}

/** Writes to MySQL past the service while Cassandra is the authority. Whether that is noticed, and taken back. */
async function writeOutside(context: StageContext): Promise<boolean> {
  const { stack, watch, terminal } = context;
  if (stack.mysql === undefined) throw new Error('the stack has no MySQL');
  const before = (await watch.get()).capture?.touchedCount ?? 0n;
  const { host, port, user, password } = stack.mysql;
  const connection = await connectToHospital({ host, port, user, password }, HOSPITAL_DATABASE);
  try {
    await connection.query(`UPDATE medications SET dispenses = dispenses + 1 LIMIT 1`);
  } finally {
    await connection.end();
  }
  const seen = await until(context, ({ capture }) => (capture?.touchedCount ?? 0n) > before, DETECTED_WITHIN_MS)
    .then(() => true)
    .catch(() => false);
  terminal.say(`  a write to MySQL past the service was ${seen ? 'noticed, and the record set back' : 'NOT noticed'}`);
  return seen;
}

/** Writing to MySQL ends: a person types the resource's name. What is left then; null: it did not come so far. */
export async function decommission(context: StageContext): Promise<readonly string[] | null> {
  const { flags, watch, measured, terminal, signal } = context;
  if (measured.stuck !== null) return null;
  try {
    await flags.setPhase('target-only', true);
    await until(context, ({ holds }) => holds.some(({ reason }) => reason === 'confirmation_missing'));
    await watch.decommission();
    const { leftovers } = await until(context, ({ followerState }) => followerState === FollowerState.DETACHED);
    terminal.say('  only Cassandra is written now; nothing was dropped');
    return leftovers.map(({ description }) => description);
  } catch (error) {
    signal.throwIfAborted();
    terminal.say(`  ${(error as Error).message}`);
    return null;
  }
}

async function until(
  { watch, quick, signal }: StageContext,
  isReached: (migration: Migration) => boolean,
  withinMs = quick ? QUICK_WITHIN_MS : WITHIN_MS,
): Promise<Migration> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const migration = await watch.get();
    if (isReached(migration)) return migration;
    if (performance.now() > untilMs) throw new Error(`it does not go on: ${stateOf(migration)}`);
    await sleep(LOOK_MS, undefined, { signal });
  }
}

function nameOf(store: Store): string {
  return store === Store.TARGET ? 'Cassandra' : 'MySQL';
}
