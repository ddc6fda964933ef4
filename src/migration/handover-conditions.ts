import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import type { Lease } from './lease.ts';
import { type Hold, hold } from './phase.ts';
import { otherStore, type Registers } from './registers.ts';

/** What looking for the conditions of a handover needs. */
export interface HandoverConditionsOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly registers: Registers;
  readonly lease: Pick<Lease, 'countIn'>;
  readonly jobs: JobStore;
  /** When an outside writer's change was last met, in microseconds; null: never. */
  readonly outsideAt: (call: Call) => Promise<bigint | null>;
  /** Whether the source refuses outside writers from the moment on at which authority leaves it. */
  readonly sourceIsFenced: (call: Call) => Promise<boolean>;
}

/** Enough jobs to find the newest verification among them, and enough transitions to find the last joining. */
const NEWEST_JOBS = 50;
const NEWEST_TRANSITIONS = 200;

/** What keeps authority from moving although the follower is in sync (docs/protocol.md, section 6, step 1); null: nothing. */
export async function missingForHandover(
  options: HandoverConditionsOptions,
  record: ControlRecord,
  call: Call,
): Promise<Hold | null> {
  const { resource, jobs, lease, registers, outsideAt, sourceIsFenced } = options;
  const open = await jobs.countOpenMismatches(resource, call);
  if (open > 0) {
    return hold(
      'mismatches_open',
      `${open} records differ: see \`crossfade status\`, then \`crossfade repair ${resource}\``,
    );
  }
  const clean = await newestClean(options, call);
  const joined = await lastJoined(options, call);
  if (clean === undefined || clean.createdAtMicros < (joined?.atMicros ?? 0n)) {
    return hold('verification_stale', 'a verification that began after the follower joined must end first');
  }
  const outside = await outsideAt(call);
  const isOutsideSeen = record.authority === 'source' && outside !== null && outside > clean.createdAtMicros;
  if (isOutsideSeen && !(await sourceIsFenced(call))) {
    return hold(
      'outside_writer_seen',
      `somebody writes to the source past the service: end that, then run \`crossfade verify ${resource}\`; or refuse it while authority leaves: \`crossfade fence ${resource}\``,
    );
  }
  const to = otherStore(record.authority);
  const isReached = await registers
    .named(to)
    .poll(call)
    .then(
      () => true,
      () => false,
    );
  if (!isReached) {
    return hold('instances_not_ready', `the control records in the ${to} can't be read: see the log of the start`);
  }
  const [here, there] = await Promise.all([lease.countIn(record.authority), lease.countIn(to)]);
  if (there < here) {
    return hold('instances_not_ready', `not every instance reaches the control records in the ${to} yet`);
  }
  return null;
}

/** The transition by which the follower last came in sync after it had missed anything. */
export async function lastJoined(
  { registers, resource }: Pick<HandoverConditionsOptions, 'registers' | 'resource'>,
  call: Call,
) {
  const recent = await registers.transitions(resource, null, NEWEST_TRANSITIONS, call);
  return recent.find((one) => one.fromState === 'joining' && one.toState === 'in_sync');
}

/** The newest verification that ended without a difference. */
async function newestClean({ jobs, resource }: HandoverConditionsOptions, call: Call): Promise<Job | undefined> {
  const newest = await jobs.listJobs(resource, null, NEWEST_JOBS, call);
  return newest.find((job) => job.kind === 'verification' && job.state === 'succeeded' && !job.compareWithItself);
}
