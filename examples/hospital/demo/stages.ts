import { setTimeout as sleep } from 'node:timers/promises';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { FollowerState, type Migration } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Stack } from '../../../stack/stack.ts';
import { monotonicMs } from '../pharmacy/tally.ts';
import { handOverAndBack, type MeasuredHandover } from './handover-stage.ts';
import { jobProgress, type MigrationWatch, stateOf } from './migration-watch.ts';
import type { Outside, OutsideResult } from './outside.ts';
import type { ShadowCounter } from './shadow-counts.ts';
import type { Terminal } from './terminal.ts';
import type { Traffic } from './traffic.ts';
import type { FlagSwitches } from './unleash-admin.ts';

/** What a stage works with. */
export interface StageContext {
  readonly stack: Stack;
  readonly flags: FlagSwitches;
  readonly watch: MigrationWatch;
  readonly shadows: ShadowCounter;
  readonly traffic: Traffic;
  readonly outside: Outside;
  readonly terminal: Terminal;
  readonly quick: boolean;
  readonly signal: AbortSignal;
  /** What stages measure. */
  readonly measured: {
    bulk: { rows: number; rowsPerSecond: number };
    /** From the flag's change to the last read of the target; null: not measured yet. */
    rollbackMs: number | null;
    readonly handovers: MeasuredHandover[];
    /** Why authority did not move on; null: it did. */
    stuck: string | null;
    /** Null: the outside program still runs. */
    outside: OutsideResult | null;
    /** Whether a write to the source past the service was noticed while the target was the authority. */
    outsideDetected: boolean;
  };
}

/** One stage of the migration; traffic goes on through all of them. */
export interface Stage {
  readonly id: string;
  readonly title: string;
  /** Whether both stores can be read in it, so that reads are compared. */
  readonly twoStores: boolean;
  /** Does what a person would do in Unleash's UI, and waits for what it leads to. */
  readonly begin: (context: StageContext) => Promise<void>;
}

const SHADOW_PERCENT = 20;
/** The flag has reached both instances, and Cassandra answers all reads. */
const BEFORE_OUTAGE_MS = 3_000;
/** How long there is traffic before anything moves. */
const BEFORE_MIGRATION_MS = 2_000;
/** Longer than the bar: what the target still answers after that comes out in it. */
const ROLLED_BACK_WITHIN_MS = 3_000;
const OUTAGE_MS = 10_000;
const QUICK_OUTAGE_MS = 5_000;
const LOOK_MS = 100;
/** A follower that was away has been missed by a write long before. */
const LEFT_WITHIN_MS = 15_000;

/** The stages in order. */
export const stages: readonly Stage[] = [
  {
    id: 'bulk-copy',
    title: 'MySQL alone, then phase synchronize: bulk copy while capture runs, until Cassandra is in sync',
    twoStores: true,
    begin: synchronize,
  },
  {
    id: 'write-both',
    title: `writes to both, reads from MySQL, ${SHADOW_PERCENT} % of them compared`,
    twoStores: true,
    begin: async () => {},
  },
  readStage('read-1', 1),
  readStage('read-25', 25),
  readStage('read-100', 100),
  {
    id: 'rollback-and-again',
    title: '0 % from Cassandra, the fast rollback, then 100 % again, and kill -9 of Cassandra in the middle of it',
    twoStores: true,
    begin: async (context) => {
      await rollBack(context);
      await context.flags.setReadTarget(100);
      await sleep(BEFORE_OUTAGE_MS, undefined, { signal: context.signal });
      await killCassandra(context);
    },
  },
  {
    id: 'handover',
    title: 'phase target-authority: Cassandra decides what is true; back to MySQL; and Cassandra again',
    twoStores: true,
    begin: handOverAndBack,
  },
];

function readStage(id: string, percent: number): Stage {
  return {
    id,
    title: `${percent} % of the reads from Cassandra`,
    twoStores: true,
    begin: ({ flags }) => flags.setReadTarget(percent),
  };
}

async function synchronize(context: StageContext): Promise<void> {
  const { flags, watch, terminal, measured, signal } = context;
  await sleep(BEFORE_MIGRATION_MS, undefined, { signal });
  await flags.setShadowRead(SHADOW_PERCENT);
  await flags.setPhase('synchronize', true);
  const migration = await watch.untilInSync(showChanges(terminal));
  measured.bulk = bulkOf(migration);
}

/** Sets the reads back to MySQL and takes the time from before the flag's change to the last answer of Cassandra. */
async function rollBack({ flags, traffic, measured, terminal, signal }: StageContext): Promise<void> {
  const beganMs = monotonicMs();
  await flags.setReadTarget(0);
  await sleep(ROLLED_BACK_WITHIN_MS, undefined, { signal });
  measured.rollbackMs = Math.max(0, traffic.progress.lastTargetReadMs - beganMs);
  terminal.say(
    `  rolled back: Cassandra's last answer came ${Math.round(measured.rollbackMs)} ms after the flag was set`,
  );
}

async function killCassandra({ stack, watch, terminal, quick, signal }: StageContext): Promise<void> {
  const { cassandra } = stack;
  if (cassandra === undefined) throw new Error('the stack has no Cassandra');
  const outageMs = quick ? QUICK_OUTAGE_MS : OUTAGE_MS;
  const before = await watch.get();
  await cassandra.kill();
  terminal.say(`  Cassandra is gone; it is started again in ${outageMs / 1000} s`);
  await sleep(outageMs, undefined, { signal });
  terminal.say(`  meanwhile the follower is ${stateOf(await watch.get())}`);
  await cassandra.restart(signal);
  terminal.say('  Cassandra is up again');
  // Not the state from before: a follower that nobody has missed yet still says in_sync.
  const show = showChanges(terminal);
  const untilMs = performance.now() + LEFT_WITHIN_MS;
  while (performance.now() < untilMs) {
    const migration = await watch.untilInSync(show);
    if (migration.generation > before.generation) return;
    await sleep(LOOK_MS, undefined, { signal });
  }
  terminal.say('  the follower was never taken out');
}

/** Shows each new state as a line, and the bulk copy as a bar. */
function showChanges(terminal: Terminal): (migration: Migration) => void {
  let shown = '';
  return (migration) => {
    const state = stateOf(migration);
    const { backfill, followerState } = migration;
    if (state !== shown) terminal.say(`  follower: ${state}`);
    shown = state;
    if (followerState === FollowerState.SYNCING && backfill !== undefined && backfill.endTime === undefined) {
      terminal.status(jobProgress('  bulk copy', backfill));
    }
  };
}

function bulkOf({ backfill }: Migration): { rows: number; rowsPerSecond: number } {
  if (backfill?.createTime === undefined || backfill.endTime === undefined) return { rows: 0, rowsPerSecond: 0 };
  const seconds = (timestampMs(backfill.endTime) - timestampMs(backfill.createTime)) / 1000;
  const rows = Number(backfill.rowCount);
  return { rows, rowsPerSecond: seconds > 0 ? Math.round(rows / seconds) : 0 };
}
