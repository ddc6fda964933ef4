/** One resource over two in-memory stores, and instances of the parts that keep them alike. */
import type { Clock, Random } from '../../src/domain/clock.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { attachFollower } from '../../src/migration/attach-follower.ts';
import { Barriers } from '../../src/migration/barrier.ts';
import { Capture, type CaptureGap } from '../../src/migration/capture.ts';
import { type CaptureSettings, defaultCaptureSettings } from '../../src/migration/capture-settings.ts';
import { step } from '../../src/migration/control-record.ts';
import { Registers } from '../../src/migration/registers.ts';
import { internalCall } from '../../src/stores/call.ts';
import type { ControlRecord, FollowerState } from '../../src/stores/control-store.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { createMemoryTargetStore } from '../../src/stores/memory/target-store.ts';
import type { Change, FollowerStore, Stored } from '../../src/stores/record-store.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { notesResource } from './resources.ts';

export const resource = notesResource;
const codec = createKeyCodec(resource);

/** The key of a note. */
export function noteKey(owner: string, note: string): Key {
  return codec.fromValues([owner, note]);
}

/** A note as it is stored. */
export function noteRow(key: Key, title: string | null, stars: number | null = null): Row {
  return [key.values[0] as string, key.values[1] as string, title, null, stars];
}

/** What all instances share. */
export type MemoryWorld = Awaited<ReturnType<typeof createMemoryWorld>>;

/** Two stores in memory, detached. */
export async function createMemoryWorld(time: { readonly clock: Clock; readonly random: Random }) {
  const { clock } = time;
  const database = new MemoryDatabase(time);
  const control = createMemoryControlStore(database);
  const authority = createMemoryRecordStore({ database, resource });
  const follower = createMemoryTargetStore({ ...time, resource });
  const changeLog = createMemoryChangeLog({ database, resource: resource.id });
  const jobs = createMemoryJobStore(time);
  const call = (timeoutMs = 60_000) => internalCall(clock, timeoutMs);
  await control.ensure([resource.id], call());
  const record = (): ControlRecord => {
    const found = database.control.get(resource.id);
    if (found === undefined) throw new Error('there is no control record');
    return found;
  };
  return {
    ...time,
    database,
    control,
    authority,
    follower,
    changeLog,
    jobs,
    call,
    record,
    /** Attaches the follower as the controller does. */
    async attach(): Promise<void> {
      const registers = new Registers(control, null);
      const rolesOf = () => ({ authority, follower });
      const options = { registers, rolesOf, log: changeLog, instance: 'test', settings: { skewBoundMs: 50 }, clock };
      await attachFollower(options, record(), 'test');
    },
    async toState(...states: readonly FollowerState[]): Promise<void> {
      for (const state of states) {
        await control.compareAndSet(step(record(), state), { instance: 'test', reason: 'test' }, call());
      }
    },
    /** A write through the service, not yet applied to the follower. */
    async write(key: Key, title: string | null): Promise<Stored> {
      const change: Change =
        title === null
          ? { key, kind: 'delete', row: null, columns: [] }
          : { key, kind: 'upsert', row: noteRow(key, title), columns: [2] };
      return (await authority.write(change, record(), call())).stored;
    },
    /** Every record of a store by key id, without markers; or the markers too. */
    async contents(store: FollowerStore, markers = false): Promise<Map<string, string>> {
      const found = new Map<string, string>();
      for await (const { range } of store.split(1000, call())) {
        for (let after: string | null | undefined; after !== null; ) {
          const page = await store.walk(range, after ?? null, 1000, call());
          for (const { key, row, version } of page.records) {
            if (row !== null || markers) found.set(key.id, markers ? `${row}@${version}` : String(row));
          }
          after = page.next;
        }
      }
      return found;
    },
  };
}

/** One life of one instance that captures. */
export function createCapturing(
  world: MemoryWorld,
  owner: string,
  more: { sees?: () => ControlRecord; settings?: Partial<CaptureSettings> } = {},
) {
  const { clock, random } = world;
  const followerFaults = createFaults();
  const authorityFaults = createFaults();
  const gaps: CaptureGap[] = [];
  const link = { faults: authorityFaults, clock, role: 'authority' } as const;
  const changeLog = injectFaults(world.changeLog, link);
  const barriers = new Barriers({ changeLog, clock });
  const stop = new AbortController();
  const capture = new Capture({
    resource: resource.id,
    keys: createKeyCodec(resource),
    keyLength: resource.keyLength,
    owner,
    rolesOf: () => ({
      authority: injectFaults(world.authority, link),
      follower: injectFaults(world.follower, { faults: followerFaults, clock, role: 'follower' }),
    }),
    changeLog,
    jobs: injectFaults(world.jobs, link),
    control: more.sees ?? world.record,
    onGap: (gap) => gaps.push(gap),
    onBarriersMet: (ids) => barriers.noteMet(ids),
    metrics: noMetrics,
    settings: { ...defaultCaptureSettings, ...more.settings },
    clock,
    random,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  return { capture, barriers, followerFaults, authorityFaults, gaps, stop, ended: capture.run(stop.signal) };
}
