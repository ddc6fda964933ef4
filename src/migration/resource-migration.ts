import type { Clock, Random } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Key, KeyCodec } from '../domain/key.ts';
import type { Log } from '../domain/log.ts';
import type { Resource } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { FollowerStore, ListQuery, ReadableRecords, RecordStore, Records } from '../stores/record-store.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { createBackfill } from './backfill.ts';
import { Barriers } from './barrier.ts';
import { Capture, type CaptureStatus } from './capture.ts';
import type { CaptureSettings } from './capture-session.ts';
import type { JobSettings } from './chunk-worker.ts';
import { Controller, type ControllerSettings } from './controller.ts';
import { Demotion } from './demotion.ts';
import type { Flags } from './flags.ts';
import { mendGap } from './gap.ts';
import { JobRunner } from './job-runner.ts';
import type { Lease } from './lease.ts';
import { LiveTraffic } from './live-traffic.ts';
import { RecentAcknowledgements } from './recent-acknowledgements.ts';
import { type Repaired, repair } from './repair.ts';
import type { ProtocolSettings } from './settings.ts';
import { ShadowReads } from './shadow-read.ts';
import { createTwoStores } from './two-stores.ts';
import { createVerification, type VerificationOptions } from './verification.ts';

/** What the migration of one resource needs in one instance. */
export interface ResourceMigrationOptions {
  readonly resource: Resource;
  readonly keys: KeyCodec;
  /** The instance's name, for people. */
  readonly instance: string;
  /** This life of this process. */
  readonly owner: string;
  readonly source: RecordStore;
  /** Null: the resource stays at the source. */
  readonly target: FollowerStore | null;
  /** The stores' reads as requests use them, batched where that is wanted. Default: the stores themselves. */
  readonly reads?: { readonly source: ReadableRecords; readonly target: ReadableRecords | null };
  /** The target's `apply` as writes use it, batched where that is wanted. Default: the target itself. */
  readonly copies?: Pick<FollowerStore, 'apply'> | null;
  readonly control: ControlStore;
  readonly changeLog: ChangeLog;
  readonly jobs: JobStore;
  readonly lease: Lease;
  readonly flags: Flags;
  readonly metrics: MigrationMetrics;
  readonly settings: MigrationSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly nameOf: (key: Key) => string;
  readonly parentNameOf: (parent: ListQuery['parent']) => string;
}

/** All settings of a migration. */
export interface MigrationSettings {
  readonly protocol: ProtocolSettings & ControllerSettings;
  readonly capture: CaptureSettings;
  readonly jobs: JobSettings;
}

/** One resource's migration in one instance. */
export interface ResourceMigration {
  /** The records over both stores. */
  readonly records: Records;
  /** To be called with each newer control record that the lease brings. */
  onChange(record: ControlRecord): void;
  /** Runs capture, jobs and the controller until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Repairs records; null: the first open mismatches. */
  repair(keys: readonly Key[] | null, call: Call): Promise<Repaired>;
  /** Confirms that writing to the source may end. Throws `failed_precondition` unless the target is the authority. */
  confirmDecommission(call: Call): Promise<void>;
}

/** Wires one resource's migration. */
export function createResourceMigration(options: ResourceMigrationOptions): ResourceMigration {
  const { resource, lease, changeLog, clock, metrics, target } = options;
  const stopped = new AbortController();
  const control = () => lease.latest(resource.id);
  const barriers = new Barriers({ changeLog, clock });
  const acknowledged = new RecentAcknowledgements();
  const traffic = new LiveTraffic(clock);
  const demotion = new Demotion({ ...options, resource: resource.id, settings: options.settings.protocol });
  const records = createRecords({ ...options, traffic }, demotion, acknowledged, barriers);
  const looking = { resource, authority: options.source, barriers, clock, jobs: options.jobs, metrics };
  let attachSeen = 0;
  return {
    records,
    onChange: (record) => {
      if (record.attach !== attachSeen) acknowledged.clear();
      attachSeen = record.attach;
      metrics.followerState(resource.id, record.state);
      demotion.onChange(record, stopped.signal);
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => stopped.abort(), { once: true });
      await Promise.all(
        target === null
          ? [createController(options, demotion, barriers).run(signal)]
          : [
              createController(options, demotion, barriers).run(signal),
              createCapture(options, target, demotion, acknowledged, barriers, signal).run(signal),
              createJobs({ ...options, traffic }, { ...looking, follower: target }).run(signal),
            ],
      );
    },
    repair: (keys, call) =>
      target === null
        ? Promise.resolve({ repaired: 0, open: 0 })
        : repair({ ...looking, control, follower: target }, keys, call),
    confirmDecommission: async () => {
      throw new DomainError({
        kind: 'failed_precondition',
        reason: 'MIGRATION_STATE',
        message: 'the target is not the authority',
      });
    },
  };
}

type WithTraffic = ResourceMigrationOptions & { readonly traffic: LiveTraffic };

function createRecords(
  options: WithTraffic,
  demotion: Demotion,
  acknowledged: RecentAcknowledgements,
  barriers: Barriers,
): Records {
  const { resource, lease, source, target } = options;
  const reads = options.reads ?? { source, target };
  const copies = options.copies ?? target;
  const shadow =
    reads.target === null
      ? null
      : new ShadowReads({
          ...options,
          source: reads.source,
          target: reads.target,
          barrier: (call) => barriers.pass(call),
          authority: () => {
            const record = lease.current(resource.id);
            return record?.state === 'in_sync' ? record.authority : undefined;
          },
        });
  return createTwoStores({
    ...options,
    reads,
    copies,
    shadow,
    demotion,
    acknowledged,
    settings: options.settings.protocol,
  });
}

function createController(options: ResourceMigrationOptions, demotion: Demotion, barriers: Barriers): Controller {
  const { resource, jobs, changeLog, log, owner } = options;
  const controllerOptions = {
    ...options,
    resource: resource.id,
    log: changeLog,
    logger: log,
    demotion,
    settings: options.settings.protocol,
    barrier: (call: Call) => barriers.pass(call),
    captureStopped: async (call: Call) => {
      const task = await jobs.readTask(`capture/${resource.id}`, call);
      if (task === null || task.status === '') return null;
      const { stoppedReason } = JSON.parse(task.status) as CaptureStatus;
      return stoppedReason === '' ? null : stoppedReason;
    },
  };
  return new Controller(controllerOptions, () => owner);
}

function createCapture(
  options: ResourceMigrationOptions,
  follower: FollowerStore,
  demotion: Demotion,
  acknowledged: RecentAcknowledgements,
  barriers: Barriers,
  signal: AbortSignal,
): Capture {
  const { resource, lease, changeLog, log, source } = options;
  const gapOptions = {
    ...options,
    resource: resource.id,
    log: changeLog,
    logger: log,
    demotion,
    settings: options.settings.protocol,
  };
  return new Capture({
    ...options,
    resource: resource.id,
    authority: source,
    follower,
    control: () => lease.latest(resource.id),
    onGap: (gap) => void mendGap(gapOptions, gap, signal),
    alreadyAcknowledged: (keyId, version) => acknowledged.has(keyId, version),
    onBarriersMet: (ids) => barriers.noteMet(ids),
    settings: options.settings.capture,
  });
}

function createJobs(options: WithTraffic, looking: VerificationOptions): JobRunner {
  const { resource, metrics, lease } = options;
  return new JobRunner({
    ...options,
    resource: resource.id,
    kinds: [createBackfill(looking), createVerification(looking)],
    control: () => lease.latest(resource.id),
    instances: () => lease.instances,
    onEnded: (job) => metrics.jobProgress(resource.id, job.kind, job.rows, job.expectedRows),
    settings: options.settings.jobs,
  });
}
