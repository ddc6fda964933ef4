import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { FollowerState } from '../../src/stores/control-store.ts';
import { createMemoryWorld, type MemoryInstance } from '../support/memory-instances.ts';
import { notesResource } from '../support/resources.ts';

const keys = createKeyCodec(notesResource);
const key = (note: string) => keys.fromValues(['owner', note]);
const columns = notesResource.columns.map((_, index) => index).slice(notesResource.keyLength);

function rowOf(note: string, title: string): Row {
  return notesResource.columns.map((column, index) => {
    if (index < notesResource.keyLength) return ['owner', note][index] ?? null;
    return column.type.kind === 'string' ? title : null;
  });
}

function titleOf(row: Row | null): unknown {
  return row?.find((value, index) => index >= notesResource.keyLength && typeof value === 'string') ?? null;
}

describe('two instances over two stores', () => {
  let world: ReturnType<typeof createMemoryWorld>;
  let one: MemoryInstance;
  let other: MemoryInstance;
  const call = (more: Partial<Call> = {}): Call => ({
    ...internalCall(systemClock, 5_000),
    consistency: 'latency',
    ...more,
  });

  beforeEach(async () => {
    world = createMemoryWorld(notesResource);
    one = await world.startInstance('one');
    other = await world.startInstance('other');
  });
  afterEach(async () => {
    await Promise.all([one.stop(), other.stop()]);
  });

  const setAll = (change: Partial<MemoryInstance['flags']>) => {
    for (const instance of [one, other]) Object.assign(instance.flags, change);
  };
  const stateBecomes = async (state: FollowerState) => {
    const untilMs = performance.now() + 15_000;
    while (performance.now() < untilMs) {
      const [record] = await world.control.poll(call());
      if (record?.state === state) return record;
      await systemClock.sleep(10);
    }
    throw new Error(`the follower did not become ${state}`);
  };
  const write = (instance: MemoryInstance, note: string, title: string) =>
    instance.migration.records.write({ key: key(note), kind: 'upsert', row: rowOf(note, title), columns }, call());
  const read = async (instance: MemoryInstance, note: string, more: Partial<Call> = {}) => {
    const [stored] = await instance.migration.records.getMany([key(note)], call(more));
    if (stored === undefined) throw new Error('no answer');
    return stored;
  };
  const synchronize = async () => {
    setAll({ phase: 'synchronize' });
    return await stateBecomes('in_sync');
  };

  it('serves from the source while nothing is asked for, and stays there', async () => {
    await write(one, 'a', 'first');
    expect(titleOf((await read(other, 'a', {})).row)).toBe('first');
    await systemClock.sleep(600);
    expect((await stateBecomes('detached')).generation).toBe(1);
  });

  it('copies what was there, carries what comes, and ends in sync', async () => {
    for (let i = 0; i < 50; i++) await write(one, `n${i}`, `before ${i}`);
    await synchronize();
    setAll({ target: true });
    for (let i = 0; i < 50; i++) expect(titleOf((await read(other, `n${i}`)).row)).toBe(`before ${i}`);
    expect((await world.target.getMany([key('n7')], call()))[0]?.row).toEqual(rowOf('n7', 'before 7'));
  });

  it('shows an acknowledged write to readers of the target in the other instance', async () => {
    await synchronize();
    setAll({ target: true });
    for (let i = 0; i < 100; i++) {
      await write(i % 2 === 0 ? one : other, 'shared', `value ${i}`);
      expect(titleOf((await read(i % 2 === 0 ? other : one, 'shared')).row)).toBe(`value ${i}`);
    }
  });

  it('carries an outside change by a touch', async () => {
    await synchronize();
    world.source.outsideWrite(key('outside'), rowOf('outside', 'by hand'));
    setAll({ target: true });
    await expect.poll(async () => titleOf((await read(one, 'outside')).row), { timeout: 5_000 }).toBe('by hand');
    expect((await read(one, 'outside')).version).toBeGreaterThan(0n);
  });

  it('demotes a follower that fails, answers every read, and lets it rejoin by itself', async () => {
    await synchronize();
    setAll({ target: true });
    await write(one, 'a', 'before');
    for (const instance of [one, other])
      instance.faults.target.add({ fail: 'refused', times: Number.POSITIVE_INFINITY });
    const beganMs = performance.now();
    await write(one, 'a', 'while it is down');
    const pauseMs = performance.now() - beganMs;
    expect(pauseMs).toBeLessThan(3_000);
    expect(titleOf((await read(other, 'a')).row)).toBe('while it is down');
    await stateBecomes('syncing');
    await write(other, 'a', 'still down');
    expect(titleOf((await read(one, 'a')).row)).toBe('still down');
    for (const instance of [one, other]) instance.faults.target.lift();
    const record = await stateBecomes('in_sync');
    expect(record.attach).toBe(1);
    expect(titleOf((await world.target.getMany([key('a')], call()))[0]?.row ?? null)).toBe('still down');
  });

  it('answers from the authority when the follower hangs', async () => {
    await synchronize();
    setAll({ target: true });
    await write(one, 'a', 'value');
    other.faults.target.add({ method: 'getMany', fail: 'hung', times: 1 });
    expect(titleOf((await read(other, 'a')).row)).toBe('value');
  });

  it('never shows a caller an older state than the version it sends back', async () => {
    await synchronize();
    for (let i = 0; i < 60; i++) {
      await write(one, 'p6', `value ${i}`);
      const first = await read(one, 'p6');
      setAll({ target: i % 2 === 0 });
      const second = await read(other, 'p6', { atLeast: first.version });
      expect(second.version).toBeGreaterThanOrEqual(first.version);
      expect(titleOf(second.row)).toBe(`value ${i}`);
    }
  });

  it('refuses a version that was never given out', async () => {
    const future = systemClock.wallMicros() + 60_000_000n;
    await expect(read(one, 'a', { atLeast: future })).rejects.toMatchObject({ reason: 'VERSION_FROM_THE_FUTURE' });
  });

  it('makes reads fail after one lease when the authority is gone, but for callers that accept their version', async () => {
    await synchronize();
    await write(one, 'a', 'known');
    const { version } = await read(one, 'a');
    for (const link of [one.faults.control, one.faults.source])
      link.add({ fail: 'refused', times: Number.POSITIVE_INFINITY });
    await systemClock.sleep(1_200);
    await expect(read(one, 'a', { deadlineMs: performance.now() + 1_500 })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const accepted = await read(one, 'a', { consistency: 'at-least', atLeast: version });
    expect(titleOf(accepted.row)).toBe('known');
  });

  it('goes back to source-only, and fills the follower anew the next time', async () => {
    await synchronize();
    await write(one, 'a', 'first');
    setAll({ phase: 'source-only' });
    await stateBecomes('detached');
    await write(one, 'a', 'while detached');
    world.source.outsideWrite(key('gone'), null);
    const record = await synchronize();
    expect(record.attach).toBe(2);
    setAll({ target: true });
    expect(titleOf((await read(other, 'a')).row)).toBe('while detached');
  });
});
