import type { Clock, Random } from '../domain/clock.ts';
import type { Key, KeyCodec } from '../domain/key.ts';
import type { Log } from '../domain/log.ts';
import type { Resource } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { IdSequences } from '../stores/id-sequence.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { FollowerStore, ListQuery, RecordStore, Records, SourceStore } from '../stores/record-store.ts';
import type { SourceFence } from '../stores/source-fence.ts';
import type { WriteAheadLog } from '../stores/write-ahead-log.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { createBackfill } from './backfill.ts';
import { Barriers } from './barrier.ts';
import { Capture, type CaptureStatus } from './capture.ts';
import type { CaptureSettings } from './capture-settings.ts';
import type { JobSettings } from './chunk-worker.ts';
import { Controller } from './controller.ts';
import { Demotion } from './demotion.ts';
import type { Flags } from './flags.ts';
import type { FollowerSettings } from './follower-keeper.ts';
import { type GapOptions, isMendedByWalk, mendGap } from './gap.ts';
import { Handover } from './handover.ts';
import { IndexReadiness } from './index-readiness.ts';
import { JobRunner } from './job-runner.ts';
import type { Lease } from './lease.ts';
import { LiveTraffic } from './live-traffic.ts';
import { LogBarriers } from './log-barriers.ts';
import { LogKeeper } from './log-keeper.ts';
import { createLoggedStore, type OwnHand } from './logged-store.ts';
import { createHoldOutside } from './outside-writes.ts';
import { RecentAcknowledgements } from './recent-acknowledgements.ts';
import type { Registers } from './registers.ts';
import { type Repaired, repair } from './repair.ts';
import { settlingRivals } from './rival-copies.ts';
import { forAttach, type ResourceStores, type Roles, rolesOf } from './roles.ts';
import type { ProtocolSettings } from './settings.ts';
import { ShadowReads } from './shadow-read.ts';
import type { SourceWitness } from './source-witness.ts';
import { createTwoStores, type StoreReads } from './two-stores.ts';
import { createVerification } from './verification.ts';
import type { Writers } from './write-through.ts';

/** The part of a store that takes copies. */
type CopyTarget = Pick<FollowerStore, 'apply'>;

/** What makes the target able to be the authority. */
export interface TargetAuthority {
  /** The target in this role. */
  readonly store: RecordStore;
  readonly log: WriteAheadLog;
  /** This instance's entries for this resource. */
  readonly hand: OwnHand;
}

/** What the migration of one resource needs in one instance. */
export interface ResourceMigrationOptions {
  readonly resource: Resource;
  readonly keys: KeyCodec;
  /** The instance's name, for people. */
  readonly instance: string;
  /** This life of this process. */
  readonly owner: string;
  readonly source: SourceStore;
  /** Null: the resource stays at the source. */
  readonly target: FollowerStore | null;
  /** Null: authority stays at the source. */
  readonly targetAuthority: TargetAuthority | null;
  /** Why that is so of every resource in such a target, for people. Absent: the log of the start says it. */
  readonly whyTargetFollows?: string;
  /** The stores' reads as requests use them, batched where that is wanted. Default: the stores themselves. */
  readonly reads?: StoreReads;
  /** The stores' `apply` as writes use it, batched where that is wanted. Default: the stores' own. */
  readonly copies?: { readonly source: CopyTarget; readonly target: CopyTarget | null };
  readonly registers: Registers;
  readonly changeLog: ChangeLog;
  readonly jobs: JobStore;
  readonly lease: Lease;
  /** Absent: nobody watches whether the source still has what it had. */
  readonly witness?: Pick<SourceWitness, 'isDoubtful'>;
  readonly flags: Flags;
  readonly metrics: MigrationMetrics;
  /** Absent: the source can't be fenced. */
  readonly sourceFence?: Pick<SourceFence, 'isInstalled'>;
  /** Where the ids of new records come from. Absent: their creators name them all. */
  readonly sequences?: IdSequences;
  readonly settings: MigrationSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly nameOf: (key: Key) => string;
  readonly parentNameOf: (parent: ListQuery['parent']) => string;
}

/** All settings of a migration. */
export interface MigrationSettings {
  readonly protocol: ProtocolSettings & FollowerSettings;
  readonly capture: CaptureSettings;
  readonly jobs: JobSettings;
}

/** One resource's migration in one instance. */
export interface ResourceMigration {
  /** The records over both stores. */
  readonly records: Records;
  /** To be called when the source was found to lack what it had under this record: the follower is attached anew. */
  onSourceLost(record: ControlRecord): void;
  /** To be called with each newer control record that the lease brings. */
  onChange(record: ControlRecord): void;
  /** Sets the gauges of what is so now; to be called before the metrics are read. */
  measure(): void;
  /** Runs capture, jobs and the controller until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Keeps a person's word that writing to the source may end. Errors: see `Controller.confirmDecommission`. */
  confirmDecommission(call: Call): Promise<void>;
  /** Repairs records; null: the first open mismatches. */
  repair(keys: readonly Key[] | null, call: Call): Promise<Repaired>;
}

/** Wires one resource's migration. */
export function createResourceMigration(options: ResourceMigrationOptions): ResourceMigration {
  const { resource, lease, clock, metrics, target } = options;
  const stopped = new AbortController();
  metrics.announce(resource.id);
  const parts = createParts(options);
  const { demotion, acknowledged, handover, keeper } = parts;
  const records = createRecords(parts);
  const controller = createController(parts);
  const looking = { ...parts, control: () => lease.latest(resource.id) };
  let capture: Capture | null = null;
  let attachSeen = 0;
  return {
    records,
    onChange: (record) => {
      if (record.attach !== attachSeen) acknowledged.clear();
      attachSeen = record.attach;
      metrics.followerState(resource.id, record.state);
      demotion.onChange(record, stopped.signal);
      if (record.state === 'moved') void handover?.install(record, stopped.signal);
      if (record.state === 'handing_over') void handover?.undoWhenOverdue(record, stopped.signal);
    },
    onSourceLost: ({ epoch, attach }) => {
      const message =
        'MySQL lacks what it had committed: it was restored, or is another server; the follower is filled anew';
      void mendGap(gapOptions(parts), { epoch, attach, reason: 'source_lost_its_tail', message }, stopped.signal);
    },
    measure: () => measure(parts, capture),
    run: async (signal) => {
      signal.addEventListener('abort', () => stopped.abort(), { once: true });
      if (target !== null) capture = createCapture(parts, signal);
      const following = capture === null ? [] : [capture.run(signal), createJobs(parts).run(signal)];
      await Promise.all([controller.run(signal), ...following, keeper?.run(signal)]);
    },
    confirmDecommission: (call) => controller.confirmDecommission(call),
    repair: (keys, call) =>
      target === null ? Promise.resolve({ repaired: 0, open: 0 }) : repair({ ...looking, clock }, keys, call),
  };
}

function measure({ resource, lease, flags, metrics }: Parts, capture: Capture | null): void {
  const { id } = resource;
  metrics.lease(id, lease.current(id) !== undefined);
  metrics.wanted(id, lease.latest(id)?.authority ?? 'source', flags.wantedPhase(id));
  if (capture !== null) metrics.capture(id, capture.running, capture.backlogMs());
}

/** What the parts of a migration share. */
type Parts = ResourceMigrationOptions & ReturnType<typeof createParts>;

function createParts(options: ResourceMigrationOptions) {
  const { resource, lease, changeLog, clock, random, settings, targetAuthority } = options;
  const stores: ResourceStores = { ...options, targetAuthority: loggedTarget(options) };
  const roles = (record: ControlRecord): Roles => {
    const found = rolesOf(stores, record);
    if (found === null) throw new RangeError(`${resource.id} has no such authority, or no follower`);
    return found;
  };
  const id = resource.id;
  const keeper =
    targetAuthority === null || options.registers.target === null
      ? null
      : new LogKeeper({
          ...options,
          ...targetAuthority,
          resource: id,
          control: options.registers.target,
          rolesOf: roles,
          logger: options.log,
        });
  const authority = () => lease.latest(id)?.authority ?? 'source';
  const barriers = new Barriers({ changeLog: new LogBarriers({ changeLog, keeper, authority, random }), clock });
  const capturedLog = new Barriers({ changeLog, clock });
  const demotion = new Demotion({ ...options, resource: id, settings: settings.protocol });
  const handover =
    stores.targetAuthority === null || keeper === null
      ? null
      : new Handover({
          ...options,
          resource: id,
          targetAuthority: stores.targetAuthority,
          keeper,
          barrier: (call) => barriers.pass(call),
          captured: (call) => capturedLog.pass(call),
          settings: settings.protocol,
          logger: options.log,
        });
  const acknowledged = new RecentAcknowledgements();
  const traffic = new LiveTraffic(clock);
  return { ...options, stores, rolesOf: roles, keeper, barriers, demotion, handover, acknowledged, traffic };
}

function loggedTarget({ resource, targetAuthority, lease, clock }: ResourceMigrationOptions): RecordStore | null {
  return targetAuthority && createLoggedStore({ ...targetAuthority, resource: resource.id, lease, clock });
}

function createRecords(parts: Parts): Records {
  const { resource, lease, source, target, barriers, settings } = parts;
  const reads = parts.reads ?? { source, target };
  const shadow =
    reads.target === null
      ? null
      : new ShadowReads({
          ...parts,
          source: reads.source,
          target: reads.target,
          barrier: (call) => barriers.pass(call),
          authority: () => {
            const record = lease.current(resource.id);
            return record?.state === 'in_sync' ? record.authority : undefined;
          },
        });
  const indexes = new IndexReadiness(parts);
  return createTwoStores({
    ...parts,
    reads,
    indexesAreReady: (record) => indexes.isReady(record),
    maxKeys: Math.min(source.maxKeys, target?.maxKeys ?? source.maxKeys),
    writersOf: (record) => writersOf(parts, record),
    isFollowerDoubtful: (record) => record.authority === 'target' && (parts.witness?.isDoubtful(record) ?? false),
    shadow,
    settings: settings.protocol,
  });
}

function writersOf({ stores, copies, source, target }: Parts, record: ControlRecord): Writers {
  if (record.authority === 'source') return { authority: source, follower: copies?.target ?? target };
  if (stores.targetAuthority === null) throw new RangeError('the target can’t be the authority here');
  const options = { rivals: source.rivals, authority: stores.targetAuthority, control: record };
  const follower = settlingRivals(forAttach(copies?.source ?? source, record), options);
  return { authority: stores.targetAuthority, follower };
}

function createController(parts: Parts): Controller {
  const { resource, jobs, changeLog, log, owner, barriers, settings, target, keeper } = parts;
  const readCapture = async (call: Call): Promise<CaptureStatus | null> => {
    const task = await jobs.readTask(`capture/${resource.id}`, call);
    return task === null || task.status === '' ? null : (JSON.parse(task.status) as CaptureStatus);
  };
  const controllerOptions = {
    ...parts,
    resource: resource.id,
    hasTarget: target !== null,
    log: changeLog,
    logger: log,
    settings: settings.protocol,
    barrier: (call: Call) => barriers.pass(call),
    captureStopped: async (call: Call) => (await readCapture(call))?.stoppedReason || null,
    outsideAt: async (call: Call) => {
      const micros = (await readCapture(call))?.outsideAtMicros;
      return micros ? BigInt(micros) : null;
    },
    sourceIsFenced: async (call: Call) => (await parts.sourceFence?.isInstalled(call)) ?? false,
    logIsTooOld: () => keeper?.tooOld ?? false,
  };
  return new Controller(controllerOptions, () => owner);
}

function createCapture(parts: Parts, signal: AbortSignal): Capture {
  const { resource, lease, acknowledged, barriers, settings } = parts;
  return new Capture({
    ...parts,
    resource: resource.id,
    keyLength: resource.keyLength,
    control: () => lease.latest(resource.id),
    // While the target is the authority, the follower is not fed from the log. But one that lost its tail, or was emptied by
    // somebody, lacks what it had acknowledged, and unseen outside changes may be in it: a walk mends that too.
    onGap: (gap) => {
      const feeds = lease.latest(resource.id)?.authority === 'source';
      if (feeds || isMendedByWalk(gap)) void mendGap(gapOptions(parts), gap, signal);
    },
    remembersRequests: resource.remembersRequests ?? false,
    alreadyAcknowledged: (keyId, version, exactly) => acknowledged.has(keyId, version, exactly),
    onBarriersMet: (ids) => barriers.noteMet(ids),
    holdOutside: createHoldOutside(parts),
    settings: settings.capture,
  });
}

function gapOptions(parts: Parts): GapOptions {
  const { resource, changeLog, log, settings } = parts;
  return { ...parts, resource: resource.id, log: changeLog, logger: log, settings: settings.protocol };
}

function createJobs(parts: Parts): JobRunner {
  const { resource, metrics, lease, settings } = parts;
  return new JobRunner({
    ...parts,
    resource: resource.id,
    kinds: [createBackfill(parts), createVerification(parts)],
    control: () => lease.latest(resource.id),
    instances: () => lease.instances,
    onEnded: (job) => metrics.jobProgress(resource.id, job.kind, job.rows, job.expectedRows),
    settings: settings.jobs,
  });
}
