import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Copy, FollowerStore, Stored, WalkPage } from '../stores/record-store.ts';
import type { Barriers } from './barrier.ts';
import type { PageResult } from './chunk-worker.ts';
import { getAll } from './get-all.ts';
import type { JobKind } from './job-runner.ts';
import type { Lease } from './lease.ts';
import type { Roles } from './roles.ts';
import { touchKeys } from './touch.ts';
import { atFloor } from './versions.ts';

/** What bulk copies need. */
export interface BackfillOptions {
  /** Who is what while a record holds. */
  readonly rolesOf: (control: ControlRecord) => Roles;
  readonly barriers: Pick<Barriers, 'pass'>;
  readonly lease: Pick<Lease, 'waitOneLease'>;
  /** Whether records may go without a trace of their own in the log. Absent: they may not. */
  readonly changeLog?: Pick<ChangeLog, 'hidesRemovals'>;
  readonly clock: Clock;
}

/** How long one try of the barrier before the walk may take: capture has to begin first. */
const BARRIER_MS = 30_000;
/** The look at a follower that may be empty: a few pages, as in the first seconds of an attach only capture writes to it. */
const LOOK_ROWS = 1000;
const LOOK_PAGES = 5;
const LOOK_CALL_MS = 10_000;

/**
 * The bulk copy of an attach (docs/protocol.md, section 3, steps 1 to 3): a barrier, so that capture runs and what was
 * committed before is visible; then every record of the authority, and the side table's traces of deleted ones, applied at
 * max(stored, floor); then markers for keys that only the follower has.
 */
export function createBackfill(options: BackfillOptions): JobKind {
  const { barriers, clock, rolesOf, lease } = options;
  const hidesRemovals = options.changeLog?.hidesRemovals ?? false;
  const cleanPage = hidesRemovals ? touchVanished : clean;
  return {
    kind: 'backfill',
    // Never into a follower that is read: an outside change that is not touched yet would tie with what is there.
    allows: (control) => control.state === 'syncing',
    open: (_job, control) => {
      const roles = rolesOf(control);
      const { authority, follower } = roles;
      return {
        prepare: async (signal) => {
          // Without a shared lock a write may still take the floor before, and be stored below what is copied here.
          if (control.authority === 'target' && !(await lease.waitOneLease(control, signal))) signal.throwIfAborted();
          await barriers.pass(internalCall(clock, BARRIER_MS, signal));
          // What goes without a trace while it is copied is in the follower at the floor.
          if (hidesRemovals) return [];
          return (await holdsNothingOld(follower, clock, control, signal)) ? ['follower'] : [];
        },
        stages: [
          { stage: 'source', walked: authority, work: (records, call) => copy(follower, records, control, call) },
          { stage: 'follower', walked: follower, work: (records, call) => cleanPage(roles, records, control, call) },
        ],
        finish: async () => {},
      };
    },
  };
}

/**
 * Whether the walk for what only the follower has can be left out: at the first attach of all, where no earlier write can
 * still arrive (not as a hint either), if the follower holds no row from before. All that this attach writes is at the floor
 * or above, so there will be none at the end either. False when a short look can't tell.
 */
async function holdsNothingOld(
  follower: FollowerStore,
  clock: Clock,
  control: ControlRecord,
  signal: AbortSignal,
): Promise<boolean> {
  if (control.attach > 1 || control.epoch > 1) return false;
  const call = () => internalCall(clock, LOOK_CALL_MS, signal);
  let pages = 0;
  for await (const { range } of follower.split(LOOK_ROWS, call())) {
    let after: string | null = null;
    do {
      if (++pages > LOOK_PAGES) return false;
      const page: WalkPage = await follower.walk(range, after, LOOK_ROWS, call());
      if (page.records.some((record) => isOld(record, control))) return false;
      after = page.next;
    } while (after !== null);
  }
  return true;
}

/** A row that came before this attach: all that this attach writes is at the floor or above. */
function isOld(record: Stored, control: ControlRecord): boolean {
  return record.row !== null && record.version < control.floor;
}

async function copy(
  follower: FollowerStore,
  records: readonly Stored[],
  control: ControlRecord,
  call: Call,
): Promise<PageResult> {
  if (records.length > 0) {
    await follower.apply(
      records.map((record) => atFloor(record, control.floor)),
      call,
    );
  }
  return { rows: records.length, mismatches: 0 };
}

/**
 * Marks what only the follower has. A row at the floor or above came with this attach: its deletion comes by itself, at a
 * newer version; so only older rows are asked for.
 */
async function clean(
  { authority, follower }: Roles,
  records: readonly Stored[],
  control: ControlRecord,
  call: Call,
): Promise<PageResult> {
  const old = records.filter((record) => isOld(record, control));
  if (old.length === 0) return { rows: 0, mismatches: 0 };
  const keys = old.map((record) => record.key);
  const markers: Copy[] = (await getAll(authority, keys, call))
    .filter((found) => found.row === null)
    .map((found) => atFloor(found, control.floor));
  if (markers.length > 0) await follower.apply(markers, call);
  return { rows: 0, mismatches: 0 };
}

/**
 * Touches what only the follower has, whenever it came: a foreign key of MySQL may have deleted the record between its copy's
 * reading and its arrival, when capture did not find it in the follower yet. A marker at the floor would tie with that copy.
 */
async function touchVanished(
  { authority, follower }: Roles,
  records: readonly Stored[],
  control: ControlRecord,
  call: Call,
): Promise<PageResult> {
  const live = records.filter(({ row }) => row !== null).map(({ key }) => key);
  const gone = (await getAll(authority, live, call)).filter(({ row }) => row === null).map(({ key }) => key);
  if (gone.length === 0) return { rows: 0, mismatches: 0 };
  const { copies, refused } = await touchKeys(authority, gone, control, call);
  if (refused.length > 0) {
    const message = 'The control record is not the one that the job copies for.';
    throw new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message });
  }
  await follower.apply(copies, call);
  return { rows: 0, mismatches: 0 };
}
