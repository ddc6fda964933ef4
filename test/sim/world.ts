import type { Clock, Random } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { defaultCaptureSettings } from '../../src/migration/capture-settings.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import type { MigrationSettings } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { createMemoryTargetStore } from '../../src/stores/memory/target-store.ts';
import type { KeptEntry } from '../../src/stores/memory/write-ahead-log.ts';
import { notesResource } from '../support/resources.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';
import { textOf } from './history.ts';
import type { Plan } from './plan.ts';

export const resource = notesResource;
const OWNER = 'o';
const codec = createKeyCodec(resource);

/** The key of a note, and the parent of all of them. */
export const noteKey = (note: string) => codec.fromValues([OWNER, note]);
export const parent = [OWNER];
export const keyCodec = codec;

/** The protocol's times, shorter by about the same factor: what counts is how they relate. */
export const settings: MigrationSettings = {
  protocol: {
    ...defaultProtocolSettings,
    roundMs: 100,
    leaseMs: 500,
    marginMs: 100,
    followerRetryBudgetMs: 200,
    followerReadBudgetMs: 100,
    handoverTimeoutMs: 1_500,
    settleMs: 200,
    verificationIntervalMs: 2_000,
    rowsPerSecondLimit: 0,
  },
  capture: {
    ...defaultCaptureSettings,
    taskLeaseMs: 1_500,
    callMs: 1_000,
    foldRecords: 12,
    applyBatch: 3,
    touchBatch: 2,
  },
  jobs: {
    ...defaultJobSettings,
    workers: 1,
    chunkRows: 3,
    pageRows: 2,
    chunkLeaseMs: 2_000,
    readMs: 1_000,
    shareBesideCallers: { backfill: 1, verification: 1 },
  },
};

/** Ages of the first epoch's floor, for worlds that begin in sync: shorter and longer than markers live. */
const YOUNG_MICROS = 60_000_000n;
const OLD_MICROS = 90n * 86_400_000_000n;

const STEP_MS = 1.5;
const SLOW_STEP_MS = 120;

/** What all instances share: time, both stores, and what the source keeps beside the records. */
export type World = ReturnType<typeof createWorld>;

/** Creates the stores of a plan. */
export function createWorld(plan: Plan, trace: (text: string) => void) {
  const clock = new VirtualClock();
  const randomOf = (name: string): Random => seededRandom(plan.seed * 1_000_003 + hash(name));
  const random = randomOf('stores');
  const sourceClock = shifted(clock, plan.sourceOffsetMicros);
  const targetClock = shifted(clock, plan.targetOffsetMicros);
  const steps = randomOf('steps');
  // Now and then a transaction is slow: whoever waits for its locks waits too.
  const step = () =>
    clock.sleep(steps.uniform() < plan.slowSteps ? steps.uniform() * SLOW_STEP_MS : steps.uniform() * STEP_MS);
  const database = new MemoryDatabase({ clock: sourceClock, random, step });
  const targetDatabase = new MemoryDatabase({ clock: targetClock, random });
  return {
    clock,
    randomOf,
    trace: (text: string) => trace(`${clock.monotonicMs().toFixed(1).padStart(9)} ${text}`),
    database,
    source: createMemoryRecordStore({ database, resource }),
    target: createMemoryTargetStore({ clock: targetClock, random, resource }),
    control: createMemoryControlStore(database),
    targetControl: createMemoryControlStore(targetDatabase),
    targetDatabase,
    /** All that ever were. */
    floors: new Set<bigint>([0n]),
    logEntries: new Map<string, KeptEntry>(),
    changeLog: createMemoryChangeLog({ database, resource: resource.id }),
    jobs: createMemoryJobStore({ clock: sourceClock, random }),
    call: (timeoutMs = 60_000): Call => internalCall(clock, timeoutMs),
  };
}

/** Puts the world where an attach ended well, so that a run need not begin with one. */
export async function beginInSync(
  { clock, database, changeLog, jobs, floors, call }: World,
  isOld: boolean,
): Promise<void> {
  const floor = clock.wallMicros() - (isOld ? OLD_MICROS : YOUNG_MICROS);
  floors.add(floor);
  const record: ControlRecord = {
    ...{ resource: resource.id, epoch: 1, authority: 'source', floor, attach: 1, state: 'in_sync' },
    ...{ generation: 10, copiedAttach: 1, attempt: null },
  };
  database.control.set(resource.id, record);
  const { epoch, attach } = record;
  const position = String(database.position);
  const checkpoint = { resource: resource.id, epoch, attach, position, definitionHash: 'memory', begun: true };
  await changeLog.writeCheckpoint(checkpoint, call());
  const init = { resource: resource.id, attach, compareWithItself: false, rowsPerSecondLimit: 0 };
  const job = await jobs.createJob({ ...init, kind: 'verification' }, call());
  await jobs.updateJob(job.id, { state: 'succeeded' }, call());
}

/** What the two stores hold differently of some notes; null: nothing. */
export async function differenceOf({ source, target, call }: World, notes: readonly string[]): Promise<string | null> {
  const keys = notes.map(noteKey);
  const [ours, theirs] = await Promise.all([source.getMany(keys, call()), target.getMany(keys, call())]);
  for (const [i, note] of notes.entries()) {
    const one = textOf(ours[i]?.row ?? null, `${note} in the source`);
    const other = textOf(theirs[i]?.row ?? null, `${note} in the target`);
    if (one !== other) {
      const versions = `${ours[i]?.version} and ${theirs[i]?.version}`;
      return `${note} is ${one} in the source and ${other} in the target, at ${versions}`;
    }
  }
  return null;
}

function shifted(clock: Clock, offsetMicros: bigint): Clock {
  return {
    wallMicros: () => clock.wallMicros() + offsetMicros,
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) >>> 0;
  return value;
}
