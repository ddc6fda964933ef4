/** Instances of the service over in-memory stores, in virtual time: hours of a migration in a second. */
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { CaptureStatus } from '../../src/migration/capture.ts';
import type { ControllerStatus, HoldReason } from '../../src/migration/phase.ts';
import { maxVersion } from '../../src/migration/versions.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { ControlRecord, FollowerState, StoreName } from '../../src/stores/control-store.ts';
import type { Change, RecordStore } from '../../src/stores/record-store.ts';
import { createMemoryWorld, type MemoryInstance, type MemoryWorldOptions } from './memory-instances.ts';
import { notesResource } from './resources.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

export const resource = notesResource;
const keys = createKeyCodec(resource);
const TITLE = 2;
const LOOK_MS = 10;

/** The key of a note of one owner. */
export function noteKey(note: string): Key {
  return keys.fromValues(['owner', note]);
}

/** A note as it is stored. */
export function noteRow(note: string, title: string): Row {
  return ['owner', note, title, null, null];
}

export type VirtualWorld = Awaited<ReturnType<typeof createVirtualWorld>>;

/** Two instances by default, running, with nothing wanted yet. */
export async function createVirtualWorld(options: MemoryWorldOptions & { readonly names?: readonly string[] } = {}) {
  const { names = ['one', 'other'], ...rest } = options;
  const clock = new VirtualClock();
  const world = createMemoryWorld(resource, { clock, random: seededRandom(1), ...rest });
  const instances: MemoryInstance[] = [];
  const start = async (name: string): Promise<MemoryInstance> => {
    const started = await clock.until(world.startInstance(name));
    instances.push(started);
    return started;
  };
  for (const name of names) await start(name);

  const call = (more: Partial<Call> = {}): Call => ({ ...internalCall(clock, 8_000), consistency: 'latency', ...more });
  const waitUntil = async (what: string, isSo: () => boolean | Promise<boolean>, maxMs = 120_000): Promise<void> => {
    const endMs = clock.monotonicMs() + maxMs;
    while (!(await clock.until(Promise.resolve(isSo())))) {
      if (clock.monotonicMs() >= endMs) throw new Error(`${what}: not within ${maxMs} ms of virtual time`);
      await clock.pass(LOOK_MS);
    }
  };
  const statusOf = async (task: string): Promise<string> =>
    (await clock.until(world.jobs.readTask(`${task}/${resource.id}`, call())))?.status ?? '';

  return {
    ...world,
    clock,
    instances,
    call,
    start,
    waitUntil,
    pass: (ms: number) => clock.pass(ms),
    async end(): Promise<void> {
      for (const { faults } of instances) for (const one of Object.values(faults)) one.lift();
      await clock.until(Promise.all(instances.map((one) => one.stop())));
    },
    /** The instance leaves the world as in a crash. */
    async crash(instance: MemoryInstance): Promise<void> {
      instances.splice(instances.indexOf(instance), 1);
      void instance.kill();
      await clock.pass(0);
    },
    setAll(change: Partial<MemoryInstance['flags']>): void {
      for (const { flags } of instances) Object.assign(flags, change);
    },
    /** A fault of every instance's link to a store with all that is in it, until it is lifted. */
    cut(store: StoreName, fail: 'refused' | 'hung', among: readonly MemoryInstance[] = instances): void {
      for (const { faults } of among) {
        const links = store === 'target' ? [faults.target] : [faults.source, faults.control, faults.rest];
        for (const link of links) link.add({ fail, times: Number.POSITIVE_INFINITY });
      }
    },
    mend(): void {
      for (const { faults } of instances) for (const one of Object.values(faults)) one.lift();
    },
    /** The record that the first instance may trust. */
    current: (): ControlRecord | undefined => instances[0]?.lease.current(resource.id),
    becomes: (authority: StoreName, state: FollowerState, maxMs?: number) =>
      waitUntil(
        `${authority}, ${state}`,
        () =>
          instances.every(({ lease }) => {
            const record = lease.current(resource.id);
            return record?.authority === authority && record.state === state;
          }),
        maxMs,
      ),
    async holds(): Promise<readonly HoldReason[]> {
      const status = await statusOf('controller');
      return status === '' ? [] : (JSON.parse(status) as ControllerStatus).holds.map((hold) => hold.reason);
    },
    holdBecomes: (reason: HoldReason, maxMs?: number) =>
      waitUntil(
        `hold ${reason}`,
        async () => {
          const status = await statusOf('controller');
          return status.includes(`"${reason}"`);
        },
        maxMs,
      ),
    captureStatus: async () => JSON.parse(await statusOf('capture')) as CaptureStatus,
    /** A write through an instance; the answer, or the error's reason. */
    async write(instance: MemoryInstance, note: string, title: string | null, more: Partial<Call> = {}) {
      const key = noteKey(note);
      const change: Change =
        title === null
          ? { key, kind: 'delete', row: null, columns: [] }
          : { key, kind: 'upsert', row: noteRow(note, title), columns: [TITLE] };
      return await clock.until(
        instance.migration.records.write(change, call(more)).then(
          ({ outcome }) => outcome as string,
          (error: { reason?: string }) => error.reason ?? String(error),
        ),
      );
    },
    async read(instance: MemoryInstance, note: string, more: Partial<Call> = {}): Promise<string | null> {
      const [stored] = await clock.until(instance.migration.records.getMany([noteKey(note)], call(more)));
      return (stored?.row?.[TITLE] ?? null) as string | null;
    },
    /** What a store itself has. */
    async titleIn(store: Pick<RecordStore, 'getMany'>, note: string): Promise<string | null> {
      const [stored] = await clock.until(store.getMany([noteKey(note)], call()));
      return (stored?.row?.[TITLE] ?? null) as string | null;
    },
    /** Content and versions, as callers see them, of some notes in both stores: to be compared. */
    async contents(notes: readonly string[]) {
      const floor = instances[0]?.lease.latest(resource.id)?.floor ?? 0n;
      const of = async (store: Pick<RecordStore, 'getMany'>) =>
        (await clock.until(store.getMany(notes.map(noteKey), call()))).map(
          ({ row, version }) => `${row}@${maxVersion(version, floor)}`,
        );
      return { source: await of(world.source), target: await of(world.target) };
    },
    async openEntries(): Promise<number> {
      let open = 0;
      for (const { incarnation } of await clock.until(world.targetControl.heartbeats(call()))) {
        const query = { incarnation, closedUpTo: 0, after: null, limit: 1000 };
        open += (await clock.until(world.writeAheadLog.openEntries(query, call()))).entries.length;
      }
      return open;
    },
    /** Both stores in sync, the target the authority. */
    async toTarget(): Promise<void> {
      this.setAll({ phase: 'target-authority' });
      await this.becomes('target', 'in_sync');
    },
    /** How many times a transition between two states was made, of both stores' histories. */
    async transitions(from: FollowerState, to: FollowerState): Promise<number> {
      const all = [
        ...(await clock.until(world.control.transitions(resource.id, null, 1000, call()))),
        ...(await clock.until(world.targetControl.transitions(resource.id, null, 1000, call()))),
      ];
      return all.filter((one) => one.fromState === from && one.toState === to).length;
    },
  };
}
