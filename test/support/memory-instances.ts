import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { type CaptureSettings, defaultCaptureSettings } from '../../src/migration/capture-session.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import type { Flags, Phase } from '../../src/migration/flags.ts';
import { Lease } from '../../src/migration/lease.ts';
import { OwnHand } from '../../src/migration/logged-store.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import type { Call } from '../../src/stores/call.ts';
import { internalCall } from '../../src/stores/call.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, type Faults, injectFaults } from '../../src/stores/memory/faults.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { createMemoryTargetStore } from '../../src/stores/memory/target-store.ts';
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
  readonly migration: ResourceMigration;
  readonly lease: Lease;
  readonly flags: SetFlags;
  /** Faults between this instance and the stores. */
  readonly faults: { readonly source: Faults; readonly target: Faults; readonly control: Faults };
  stop(): Promise<void>;
}

/** What a test may say of an instance. */
export interface InstanceOptions {
  /** Default: `overwrite`. */
  readonly outsideWrites?: CaptureSettings['outsideWrites'];
  /** Default: it is not. */
  readonly sourceIsFenced?: () => boolean;
}

/** Two in-memory stores and as many instances over them as a test starts. */
export function createMemoryWorld(resource: Resource) {
  const time = { clock: systemClock, random: systemRandom };
  const database = new MemoryDatabase(time);
  const source = createMemoryRecordStore({ database, resource });
  const target = createMemoryTargetStore({ ...time, resource });
  const control = createMemoryControlStore(database);
  const targetControl = createMemoryControlStore(new MemoryDatabase(time));
  const writeAheadLog = createMemoryWriteAheadLog(time);
  const changeLog = createMemoryChangeLog({ database, resource: resource.id });
  const jobs = createMemoryJobStore(time);
  const keys = createKeyCodec(resource);
  const call = (timeoutMs = 5_000): Call => internalCall(systemClock, timeoutMs);

  async function startInstance(name: string, more: InstanceOptions = {}): Promise<MemoryInstance> {
    const { outsideWrites = 'overwrite', sourceIsFenced = () => false } = more;
    await control.ensure([resource.id], call());
    const faults = { source: createFaults(), target: createFaults(), control: createFaults() };
    const flags = createSetFlags();
    const links = {
      source: injectFaults(source, { faults: faults.source, clock: systemClock, role: 'authority' }),
      target: injectFaults(target, { faults: faults.target, clock: systemClock, role: 'follower' }),
    };
    const toTarget = { faults: faults.target, clock: systemClock, role: 'authority' } as const;
    const registers = new Registers(
      injectFaults(control, { faults: faults.control, clock: systemClock, role: 'authority' }),
      injectFaults(targetControl, toTarget),
    );
    const log = injectFaults(writeAheadLog, toTarget);
    const hand = new OwnHand();
    const stopping = new AbortController();
    const settings = {
      ...defaultProtocolSettings,
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
      onFollowerForgot: (record) => migration.onFollowerForgot(record),
      logClosedUpTo: (incarnation) => writeAheadLog.closedUpTo(incarnation),
      isDone: () => hand.isIdle,
    });
    const migration = createResourceMigration({
      ...time,
      resource,
      keys,
      instance: name,
      owner: systemRandom.id(),
      ...links,
      targetAuthority: { store: injectFaults(target, toTarget), log, hand },
      registers,
      changeLog,
      jobs,
      sourceFence: { isInstalled: async () => sourceIsFenced() },
      lease,
      flags,
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
    return { migration, lease, flags, faults, stop };
  }

  return {
    database,
    source,
    target,
    control,
    targetControl,
    writeAheadLog,
    jobs,
    changeLog,
    keys,
    call,
    startInstance,
  };
}
