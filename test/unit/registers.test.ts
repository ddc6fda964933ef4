import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import {
  attach,
  beginHandover,
  confirmed,
  moved,
  raisedFloor,
  step,
  undoHandover,
} from '../../src/migration/control-record.ts';
import { isNewer, Registers, registerOf } from '../../src/migration/registers.ts';
import { type ControlRecord, firstControlRecord } from '../../src/stores/control-store.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { testCall } from '../support/calls.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const inSync: ControlRecord = { ...firstControlRecord('notes'), state: 'in_sync', attach: 1, generation: 5 };
const gone = moved(beginHandover(inSync, 'attempt'), 7n);
const arrived: ControlRecord = { ...gone, state: 'in_sync', generation: 8 };
const back = moved(beginHandover(arrived, 'attempt'), 9n);

describe('a control record', () => {
  it('is kept by its authority’s store, and `moved` by the store that decided it', () => {
    expect([inSync, gone, arrived, back].map(registerOf)).toEqual(['source', 'source', 'target', 'target']);
  });

  it('is newer by its epoch, and within one where the authority itself says it', () => {
    expect(isNewer(inSync, undefined)).toBe(true);
    expect(isNewer(gone, inSync)).toBe(true);
    expect(isNewer(arrived, gone)).toBe(true);
    expect(isNewer(gone, arrived)).toBe(false);
    expect(isNewer(back, arrived)).toBe(true);
    expect(isNewer(inSync, back)).toBe(false);
    // A lower generation of a later epoch is newer all the same: the stores count apart.
    expect(isNewer({ ...arrived, generation: 1 }, inSync)).toBe(true);
    expect(isNewer(arrived, arrived)).toBe(false);
  });

  it('forgets its attempt when it is undone, when authority has moved, and with a new attach', () => {
    expect(undoHandover(beginHandover(inSync, 'attempt'))).toMatchObject({ state: 'in_sync', attempt: null, epoch: 1 });
    expect(gone).toMatchObject({ state: 'moved', attempt: null, epoch: 2, authority: 'target', floor: 7n });
    const detached = step(step(step(confirmed(arrived, 'decommission'), 'leaving'), 'syncing'), 'detached');
    expect(detached.attempt).toBe('decommission');
    expect(attach(detached, 100n, 5n)).toMatchObject({ state: 'syncing', attempt: null, attach: 2 });
  });

  it('has a floor that always rises, above what the clock can have given out', () => {
    expect(raisedFloor(0n, 5_000_000n, 50n)).toBe(5_000_100n);
    expect(raisedFloor(9_000_000n, 5_000_000n, 50n)).toBe(10_000_000n);
  });
});

describe('the registers of both stores', () => {
  const faults = { source: createFaults(), target: createFaults() };
  let sourceDatabase: MemoryDatabase;
  let targetDatabase: MemoryDatabase;
  let registers: Registers;

  beforeEach(() => {
    const time = { clock: systemClock, random: systemRandom };
    sourceDatabase = new MemoryDatabase(time);
    targetDatabase = new MemoryDatabase(time);
    faults.source.lift();
    faults.target.lift();
    registers = new Registers(
      injectFaults(createMemoryControlStore(sourceDatabase), { ...time, faults: faults.source, role: 'authority' }),
      injectFaults(createMemoryControlStore(targetDatabase), { ...time, faults: faults.target, role: 'authority' }),
    );
  });
  const put = (inSource: ControlRecord, inTarget: ControlRecord): void => {
    sourceDatabase.control.set('notes', inSource);
    targetDatabase.control.set('notes', inTarget);
  };

  it('answer the newest record, whichever store has it, and never one that is not its store’s to keep', async () => {
    put(inSync, firstControlRecord('notes'));
    expect(await registers.poll(testCall())).toEqual([inSync]);
    put(gone, firstControlRecord('notes'));
    expect(await registers.poll(testCall())).toEqual([gone]);
    put(gone, arrived);
    expect(await registers.poll(testCall())).toEqual([arrived]);
    put(gone, back);
    expect(await registers.poll(testCall())).toEqual([back]);
  });

  it('answer what one store has while the other is down, and fail only when both are', async () => {
    put(gone, arrived);
    faults.target.add({ fail: 'refused', times: FOREVER });
    expect(await registers.poll(testCall())).toEqual([gone]);
    faults.target.lift();
    faults.source.add({ fail: 'refused', times: FOREVER });
    expect(await registers.poll(testCall())).toEqual([arrived]);
    faults.target.add({ fail: 'refused', times: FOREVER });
    await expect(registers.poll(testCall())).rejects.toMatchObject({ reason: 'AUTHORITY_UNAVAILABLE' });
  });

  it('change a record where it is kept', async () => {
    put(gone, arrived);
    const why = { instance: 'test', reason: 'test' };
    expect(await registers.compareAndSet(step(arrived, 'leaving'), why, testCall())).toBe(true);
    expect(targetDatabase.control.get('notes')?.state).toBe('leaving');
    expect(sourceDatabase.control.get('notes')).toEqual(gone);
    expect(await registers.compareAndSet(step(arrived, 'leaving'), why, testCall())).toBe(false);
  });

  it('tell one history, newest first, as far as the stores can be reached', async () => {
    put(inSync, arrived);
    const why = { instance: 'test', reason: 'test' };
    const begun = beginHandover(inSync, 'attempt');
    await registers.compareAndSet(begun, why, testCall());
    await registers.compareAndSet(moved(begun, 7n), why, testCall());
    await registers.compareAndSet(step(arrived, 'leaving'), why, testCall());
    const states = async (before: number | null, limit: number) =>
      (await registers.transitions('notes', before, limit, testCall())).map((one) => one.toState);
    expect(await states(null, 10)).toEqual(['leaving', 'moved', 'handing_over']);
    expect(await states(null, 2)).toEqual(['leaving', 'moved']);
    expect(await states(7, 2)).toEqual(['handing_over']);
    faults.source.add({ fail: 'refused', times: FOREVER });
    expect(await states(null, 10)).toEqual(['leaving']);
  });

  it('are one where there is no target', async () => {
    const alone = new Registers(createMemoryControlStore(sourceDatabase), null);
    sourceDatabase.control.set('notes', inSync);
    expect(await alone.poll(testCall())).toEqual([inSync]);
    expect(() => alone.of(arrived)).toThrow(RangeError);
  });
});
