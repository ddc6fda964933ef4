import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { ControlRecord, FollowerState, StoreName } from '../../src/stores/control-store.ts';
import { createMemoryWorld, type MemoryInstance } from '../support/memory-instances.ts';
import { notesResource } from '../support/resources.ts';

const keys = createKeyCodec(notesResource);
const key = (note: string) => keys.fromValues(['owner', note]);
const TITLE = notesResource.columns.findIndex((column) => column.mysqlName === 'title');

function rowOf(note: string, title: string): Row {
  return notesResource.columns.map((_, index) => (['owner', note, title][index] ?? null) as Row[number]);
}

/** Writes to one note without a pause, and reads it through the other instance; counts what must not be. */
class Traffic {
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  readonly stale: string[] = [];
  readonly failed: unknown[] = [];
  readonly acknowledged = new Map<string, number>();
  writes = 0;
  longestMs = 0;

  constructor(writer: MemoryInstance, reader: MemoryInstance, notes: readonly string[]) {
    this.#running = Promise.all(
      notes.flatMap((note) => [this.#keepWriting(writer, note), this.#keepReading(reader, note)]),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keepWriting({ migration }: MemoryInstance, note: string): Promise<void> {
    for (let n = 1; !this.#stop.signal.aborted; n++) {
      const began = performance.now();
      try {
        const change = { key: key(note), kind: 'upsert', row: rowOf(note, String(n)), columns: [TITLE] } as const;
        await migration.records.write(change, call());
        this.acknowledged.set(note, n);
        this.writes += 1;
      } catch (error) {
        this.failed.push(error);
      }
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      await systemClock.sleep(2);
    }
  }

  async #keepReading({ migration }: MemoryInstance, note: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const least = this.acknowledged.get(note) ?? 0;
      try {
        const [stored] = await migration.records.getMany([key(note)], call());
        const found = Number(stored?.row?.[TITLE] ?? 0);
        if (found < least) this.stale.push(`${note}: ${found} after ${least} was acknowledged`);
      } catch (error) {
        this.failed.push(error);
      }
      await systemClock.sleep(1);
    }
  }
}

const call = (): Call => ({ ...internalCall(systemClock, 8_000), consistency: 'latency' });

describe('authority moves between two stores under traffic of two instances', () => {
  let world: ReturnType<typeof createMemoryWorld>;
  let instances: MemoryInstance[];

  beforeEach(async () => {
    world = createMemoryWorld(notesResource);
    instances = [await world.startInstance('one'), await world.startInstance('other')];
  });
  afterEach(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
  });

  const setAll = (change: Partial<MemoryInstance['flags']>) => {
    for (const instance of instances) Object.assign(instance.flags, change);
  };
  const becomes = (authority: StoreName, state: FollowerState) =>
    vi.waitUntil(
      () =>
        instances.every((instance) => {
          const record = instance.lease.current('notes');
          return record?.authority === authority && record.state === state;
        }),
      { timeout: 20_000, interval: 10 },
    );
  const alike = async () => {
    const content = async (store: typeof world.source | typeof world.target) => {
      const found = await store.getMany(['a', 'b', 'c'].map(key), call());
      return found.map(({ row, version }) => `${row}@${version}`);
    };
    expect(await content(world.target)).toEqual(await content(world.source));
  };

  it('goes to the target and comes back, and nothing is lost, stale or refused', { timeout: 60_000 }, async () => {
    const [one, other] = instances as [MemoryInstance, MemoryInstance];
    const traffic = [new Traffic(one, other, ['a', 'b']), new Traffic(other, one, ['c'])];
    setAll({ phase: 'synchronize' });
    await becomes('source', 'in_sync');
    for (let round = 0; round < 3; round++) {
      setAll({ phase: 'target-authority', target: round % 2 === 0 });
      await becomes('target', 'in_sync');
      await systemClock.sleep(150);
      setAll({ phase: 'synchronize', target: round % 2 === 1 });
      await becomes('source', 'in_sync');
      await systemClock.sleep(150);
    }
    await Promise.all(traffic.map((one) => one.stop()));
    expect(traffic.flatMap((one) => one.stale)).toEqual([]);
    expect(traffic.flatMap((one) => one.failed)).toEqual([]);
    expect(Math.max(...traffic.map((one) => one.longestMs))).toBeLessThan(3_000);
    await alike();
  });

  it('lets a follower that misses a write just after it became one rejoin without another copy of everything', async () => {
    setAll({ phase: 'synchronize' });
    await becomes('source', 'in_sync');
    setAll({ phase: 'target-authority' });
    await becomes('target', 'in_sync');
    // No checkpoint of this epoch has been written yet: that of the epoch before belongs to the same attach.
    const record = instances[0]?.lease.latest('notes') as ControlRecord;
    const left = { ...record, state: 'leaving', generation: record.generation + 1 } as const;
    expect(
      await world.targetControl.compareAndSet(left, { instance: 'one', reason: 'a write was missed' }, call()),
    ).toBe(true);
    await vi.waitUntil(() => (instances[0]?.lease.latest('notes')?.generation ?? 0) > left.generation, 20_000);
    await becomes('target', 'in_sync');
    expect(instances[0]?.lease.latest('notes')?.attach).toBe(record.attach);
  });
});
