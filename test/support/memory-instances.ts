import { type Clock, type Random, systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { createAuthorityIds } from '../../src/migration/authority-ids.ts';
import { type CaptureSettings, defaultCaptureSettings } from '../../src/migration/capture-session.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import type { Flags, Phase } from '../../src/migration/flags.ts';
import { Lease } from '../../src/migration/lease.ts';
import { OwnHand } from '../../src/migration/logged-store.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings, type ProtocolSettings } from '../../src/migration/settings.ts';
import type { Call } from '../../src/stores/call.ts';
import { internalCall } from '../../src/stores/call.ts';
import { FIRST_ID, type IdSource } from '../../src/stores/id-sequence.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, type Faults, injectFaults } from '../../src/stores/memory/faults.ts';
import { createMemoryIdSequence } from '../../src/stores/memory/id-sequence.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { createMemoryTargetStore, type MemoryTargetStoreOptions } from '../../src/stores/memory/target-store.ts';
import { createMemoryWriteAheadLog } from '../../src/stores/memory/write-ahead-log.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';

/** Flags that a test sets by hand. */
export interface SetFlags extends Flags {
  phase: Phase | undefined;
  target: boolean | undefined;
  shadow: boolean;
}

export function createSetFlags(): SetFlags {
  return {
    phase: undefined,
    target: undefined,
    shadow: false,
    readTarget() {
      return this.target;
    },
    shadowRead() {
      return this.shadow;
    },
    wantedPhase() {
      return this.phase;
    },
  };
}

/** One instance of the service over the shared in-memory stores. */
export interface MemoryInstance {
  /** This life of it, as tasks name it. */
  readonly owner: string;
  readonly migration: ResourceMigration;
  readonly lease: Lease;
  readonly flags: SetFlags;
  /** Faults between this instance and the stores. */
  readonly faults: {
    /** Of the source's records. */
    readonly source: Faults;
    /** Of all that is in the target. */
    readonly target: Faults;
    /** Of the source's control records. */
    readonly control: Faults;
    /** Of the source's log, and of the jobs and tasks. */
    readonly rest: Faults;
  };
  /** Of new records. */
  readonly ids: IdSource;
  stop(): Promise<void>;
  /** Ends it as a crash does: nothing more of it arrives anywhere. Resolves when its last wait is over. */
  kill(): Promise<void>;
}

/** How a world is other than by default. */
export interface MemoryWorldOptions
  extends Partial<Pick<MemoryTargetStoreOptions, 'clock' | 'random' | 'onUpdate' | 'onWay'>> {
  readonly settings?: Partial<ProtocolSettings>;
  /** How long the write-ahead log keeps entries. */
  readonly logTtlSeconds?: number;
}

/** What a test may say of an instance. */
export interface InstanceOptions {
  /** Default: `overwrite`. */
  readonly outsideWrites?: CaptureSettings['outsideWrites'];
  /** Default: it is not. */
  readonly sourceIsFenced?: () => boolean;
  /** What it goes by instead of the flags that the test sets by hand. */
  readonly flags?: Flags;
}

/** Two in-memory stores and as many instances over them as a test starts. */
export function createMemoryWorld(resource: Resource, options: MemoryWorldOptions = {}) {
  const { clock = systemClock, random = systemRandom, onUpdate, onWay, logTtlSeconds } = options;
  const time: { readonly clock: Clock; readonly random: Random } = { clock, random };
  const database = new MemoryDatabase(time);
  const source = createMemoryRecordStore({ database, resource });
  const target = createMemoryTargetStore({ ...time, resource, ...(onUpdate && { onUpdate }), ...(onWay && { onWay }) });
  const control = createMemoryControlStore(database);
  const targetControl = createMemoryControlStore(new MemoryDatabase(time), true);
  const writeAheadLog = createMemoryWriteAheadLog({
    ...time,
    ...(logTtlSeconds !== undefined && { ttlSeconds: logTtlSeconds }),
  });
  const changeLog = createMemoryChangeLog({ database, resource: resource.id });
  const sequences = {
    source: createMemoryIdSequence(database, resource.id, () => FIRST_ID),
    target: createMemoryIdSequence(new MemoryDatabase(time), resource.id),
  };
  const jobs = createMemoryJobStore(time);
  const keys = createKeyCodec(resource);
  const call = (timeoutMs = 5_000): Call => internalCall(clock, timeoutMs);

  async function startInstance(name: string, more: InstanceOptions = {}): Promise<MemoryInstance> {
    const { outsideWrites = 'overwrite', sourceIsFenced = () => false } = more;
    await control.ensure([resource.id], call());
    const faults = { source: createFaults(), target: createFaults(), control: createFaults(), rest: createFaults() };
    const toRest = { faults: faults.rest, clock, role: 'authority' } as const;
    const flags = createSetFlags();
    const links = {
      source: injectFaults(source, { faults: faults.source, clock, role: 'authority' }),
      target: injectFaults(target, { faults: faults.target, clock, role: 'follower' }),
    };
    const toTarget = { faults: faults.target, clock, role: 'authority' } as const;
    const registers = new Registers(
      injectFaults(control, { faults: faults.control, clock, role: 'authority' }),
      injectFaults(targetControl, toTarget),
    );
    const log = injectFaults(writeAheadLog, toTarget);
    const hand = new OwnHand();
    const sequencesHere = {
      source: injectFaults(sequences.source, { faults: faults.source, clock, role: 'authority' }),
      target: injectFaults(sequences.target, toTarget),
    };
    const owner = random.id();
    const stopping = new AbortController();
    const settings = {
      ...defaultProtocolSettings,
      ...options.settings,
      settleMs: 100,
      verificationIntervalMs: 3_600_000,
      rowsPerSecondLimit: 0,
    };
    const lease: Lease = new Lease({
      ...time,
      registers,
      instance: name,
      settings,
      log: noLog,
      onChange: (record) => migration.onChange(record),
      onSourceLost: (record) => migration.onSourceLost(record),
      logClosedUpTo: (incarnation) => writeAheadLog.closedUpTo(incarnation),
      isDone: () => hand.isIdle,
    });
    const migration = createResourceMigration({
      ...time,
      resource,
      keys,
      instance: name,
      owner,
      ...links,
      targetAuthority: { store: injectFaults(target, toTarget), log, hand },
      registers,
      changeLog: injectFaults(changeLog, toRest),
      jobs: injectFaults(jobs, toRest),
      sourceFence: { isInstalled: async () => sourceIsFenced() },
      lease,
      sequences: sequencesHere,
      flags: more.flags ?? flags,
      metrics: noMetrics,
      settings: { protocol: settings, capture: { ...defaultCaptureSettings, outsideWrites }, jobs: defaultJobSettings },
      log: noLog,
      nameOf: (key) => key.id,
      parentNameOf: (parent) => parent.join('/'),
    });
    const running = Promise.all([lease.run(stopping.signal), migration.run(stopping.signal)]);
    const stop = async (): Promise<void> => {
      stopping.abort();
      await running;
    };
    const kill = (): Promise<void> => {
      for (const one of Object.values(faults)) {
        one.lift();
        one.add({ fail: 'hung', times: Number.POSITIVE_INFINITY });
      }
      return stop();
    };
    const ids = createAuthorityIds({ resource: resource.id, sequences: sequencesHere, lease, clock });
    return { owner, migration, lease, ids, flags, faults, stop, kill };
  }

  return {
    database,
    source,
    target,
    control,
    targetControl,
    sequences,
    writeAheadLog,
    jobs,
    changeLog,
    keys,
    call,
    startInstance,
  };
}
