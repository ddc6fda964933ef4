// The domain's values as messages of the migration API. One way only: requests are read where they are handled.

import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, durationFromMs, type Timestamp, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  FollowerState,
  type HoldSchema,
  type InstanceSchema,
  JobKind,
  type JobSchema,
  JobState,
  MismatchKind,
  type MismatchSchema,
  Phase,
  Store,
  type TransitionSchema,
} from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Phase as PhaseName } from '../migration/flags.ts';
import type { Hold } from '../migration/phase.ts';
import type { FollowerState as FollowerStateName, Heartbeat, StoreName, Transition } from '../stores/control-store.ts';
import type { Job, Mismatch } from '../stores/job-store.ts';

const phaseMessages: Readonly<Record<PhaseName, Phase>> = {
  'source-only': Phase.SOURCE_ONLY,
  synchronize: Phase.SYNCHRONIZE,
  'target-authority': Phase.TARGET_AUTHORITY,
  'target-only': Phase.TARGET_ONLY,
};

const stateMessages: Readonly<Record<FollowerStateName, FollowerState>> = {
  detached: FollowerState.DETACHED,
  syncing: FollowerState.SYNCING,
  joining: FollowerState.JOINING,
  in_sync: FollowerState.IN_SYNC,
  leaving: FollowerState.LEAVING,
  handing_over: FollowerState.HANDING_OVER,
  moved: FollowerState.MOVED,
};

const jobKindMessages: Readonly<Record<Job['kind'], JobKind>> = {
  backfill: JobKind.BACKFILL,
  verification: JobKind.VERIFICATION,
};

const jobStateMessages: Readonly<Record<Job['state'], JobState>> = {
  running: JobState.RUNNING,
  succeeded: JobState.SUCCEEDED,
  failed: JobState.FAILED,
  cancelled: JobState.CANCELLED,
};

const mismatchKindMessages: Readonly<Record<Mismatch['kind'], MismatchKind>> = {
  different: MismatchKind.DIFFERENT,
  missing_in_follower: MismatchKind.MISSING_IN_FOLLOWER,
  extra_in_follower: MismatchKind.EXTRA_IN_FOLLOWER,
  missing_in_index: MismatchKind.MISSING_IN_INDEX,
};

/** A phase, or unspecified. */
export function phaseMessage(phase: PhaseName | null): Phase {
  return phase === null ? Phase.UNSPECIFIED : phaseMessages[phase];
}

/** One of the two stores. */
export function storeMessage(store: StoreName): Store {
  return store === 'source' ? Store.SOURCE : Store.TARGET;
}

/** A follower's state. */
export function followerStateMessage(state: FollowerStateName): FollowerState {
  return stateMessages[state];
}

/** Microseconds since 1970 as a timestamp. */
export function timestampOf(micros: bigint): Timestamp {
  const timestamp = timestampFromMs(0);
  timestamp.seconds = micros / 1_000_000n;
  timestamp.nanos = Number(micros % 1_000_000n) * 1000;
  return timestamp;
}

/** Milliseconds as a duration. */
export function durationOf(ms: number): Duration {
  return durationFromMs(Math.round(ms));
}

/** A job with the rate at which it walked lately. */
export function jobMessage(job: Job, rowsPerSecond: number): MessageInitShape<typeof JobSchema> {
  return {
    operation: operationName(job),
    kind: jobKindMessages[job.kind],
    state: jobStateMessages[job.state],
    createTime: timestampOf(job.createdAtMicros),
    ...(job.endedAtMicros !== null && { endTime: timestampOf(job.endedAtMicros) }),
    rowCount: BigInt(job.rows),
    expectedRowCount: BigInt(job.expectedRows),
    doneChunkCount: BigInt(job.doneChunks),
    chunkCount: BigInt(job.chunks),
    rowsPerSecond,
    rowsPerSecondLimit: BigInt(job.rowsPerSecondLimit),
    mismatchCount: BigInt(job.mismatches),
    error: job.error,
    compareWithItself: job.compareWithItself,
    stage: job.stage,
    workerCount: job.workers,
    ...remaining(job, rowsPerSecond),
  };
}

/** The name of a job's operation. */
export function operationName({ resource, id }: Pick<Job, 'resource' | 'id'>): string {
  return `migrations/${resource}/operations/${id}`;
}

function remaining(job: Job, rowsPerSecond: number): Pick<MessageInitShape<typeof JobSchema>, 'remainingDuration'> {
  const rows = job.expectedRows - job.rows;
  if (job.state !== 'running' || rows <= 0 || rowsPerSecond <= 0) return {};
  return { remainingDuration: durationOf((rows * 1000) / rowsPerSecond) };
}

/** A mismatch with its record's name. */
export function mismatchMessage(mismatch: Mismatch, record: string): MessageInitShape<typeof MismatchSchema> {
  return {
    id: BigInt(mismatch.id),
    record,
    kind: mismatchKindMessages[mismatch.kind],
    fieldPaths: [...mismatch.fieldPaths],
    foundBy: mismatch.foundBy,
    createTime: timestampOf(mismatch.createdAtMicros),
    open: mismatch.open,
  };
}

/** A change of the control record. `pauseMs`: how long writes paused, if it ended a handover. */
export function transitionMessage(
  transition: Transition,
  pauseMs: number | undefined,
): MessageInitShape<typeof TransitionSchema> {
  return {
    generation: BigInt(transition.generation),
    createTime: timestampOf(transition.atMicros),
    fromState: stateMessages[transition.fromState],
    toState: stateMessages[transition.toState],
    instance: transition.instance,
    reason: transition.reason,
    epoch: BigInt(transition.epoch),
    authority: storeMessage(transition.authority),
    ...(pauseMs !== undefined && { writePause: durationOf(pauseMs) }),
  };
}

/** An instance, as far as one migration goes. */
export function instanceMessage(heartbeat: Heartbeat, resource: string): MessageInitShape<typeof InstanceSchema> {
  return {
    id: `${heartbeat.instance}/${heartbeat.incarnation}`,
    generation: BigInt(heartbeat.seen[resource] ?? 0),
    dead: heartbeat.dead,
  };
}

/** A condition that the controller waits for. */
export function holdMessage(hold: Hold): MessageInitShape<typeof HoldSchema> {
  return { reason: hold.reason, message: hold.message };
}
