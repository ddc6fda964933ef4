import { beforeEach, describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import { Barriers } from '../../src/migration/barrier.ts';
import { internalCall } from '../../src/stores/call.ts';
import type { ChangeLog } from '../../src/stores/change-log.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let log: ChangeLog;
let barriers: Barriers;
let requested: string[];
let asked: number;

beforeEach(() => {
  clock = new VirtualClock();
  requested = [];
  asked = 0;
  const database = new MemoryDatabase({ clock, random: seededRandom(1) });
  log = createMemoryChangeLog({ database, resource: 'notes' });
  const counted: ChangeLog = {
    ...log,
    requestBarrier: async (call) => {
      await clock.sleep(5);
      const id = await log.requestBarrier(call);
      requested.push(id);
      return id;
    },
    isBarrierMet: async (id, call) => {
      asked += 1;
      return await log.isBarrierMet(id, call);
    },
  };
  barriers = new Barriers({ changeLog: counted, clock });
});

function call(timeoutMs = 10_000, signal?: AbortSignal) {
  return internalCall(clock, timeoutMs, signal);
}

describe('barriers', () => {
  it('resolve when another instance has met them', async () => {
    const passed = barriers.pass(call());
    await clock.pass(100);
    await log.meetBarriers(requested, call());
    await clock.until(passed);
    expect(asked).toBeGreaterThan(1);
  });

  it('resolve at once when this process meets them', async () => {
    const passed = barriers.pass(call());
    await clock.pass(6);
    barriers.noteMet(requested);
    await clock.until(passed);
    expect(asked).toBe(0);
  });

  it('are shared by waiters that begin together', async () => {
    const passed = Promise.all(Array.from({ length: 50 }, () => barriers.pass(call())));
    await clock.pass(10);
    expect(requested).toHaveLength(1);
    await log.meetBarriers(requested, call());
    await clock.until(passed);
  });

  it('are never shared with a waiter that began after they were requested', async () => {
    const first = barriers.pass(call());
    await clock.pass(2);
    let passed = false;
    const second = barriers.pass(call()).then(() => {
      passed = true;
    });
    await clock.pass(20);
    expect(requested).toHaveLength(2);
    barriers.noteMet(requested.slice(0, 1));
    await clock.until(first);
    await clock.pass(200);
    expect(passed).toBe(false);
    barriers.noteMet(requested);
    await clock.until(second);
  });

  it('are bounded: many waiters at many times share few', async () => {
    const passed: Promise<void>[] = [];
    for (let i = 0; i < 100; i++) {
      passed.push(barriers.pass(call()));
      await clock.pass(1);
    }
    expect(requested.length).toBeLessThanOrEqual(4);
    for (let i = 0; i < 20; i++) {
      await log.meetBarriers(requested, call());
      await clock.pass(30);
    }
    await clock.until(Promise.all(passed));
    expect(requested.length).toBeLessThanOrEqual(8);
  });

  it('are requested again when nobody meets them, and any of the two will do', async () => {
    const passed = barriers.pass(call(30_000));
    await clock.pass(6000);
    expect(requested).toHaveLength(2);
    await log.meetBarriers(requested.slice(0, 1), call());
    await clock.until(passed);
  });

  it('end at the deadline, and leave nothing that goes on asking', async () => {
    await expect(clock.until(barriers.pass(call(500)))).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    await clock.pass(1000);
    const before = asked;
    await clock.pass(10_000);
    expect(asked).toBe(before);
  });

  it('end when the caller cancels', async () => {
    const stop = new AbortController();
    const passed = barriers.pass(call(5000, stop.signal));
    await clock.pass(20);
    stop.abort();
    await expect(clock.until(passed)).rejects.toMatchObject({ kind: 'cancelled' });
  });

  it('serve a waiter that comes after one that gave up before its barrier was requested', async () => {
    const stop = new AbortController();
    const given = Array.from({ length: 4 }, () => barriers.pass(call()));
    given.push(barriers.pass(call(5000, stop.signal)));
    stop.abort();
    const last = barriers.pass(call());
    await expect(given[4]).rejects.toMatchObject({ kind: 'cancelled' });
    await clock.pass(50);
    await log.meetBarriers(requested, call());
    await clock.until(Promise.all([...given.slice(0, 4), last]));
  });

  it('wait for a log that is away for a while', async () => {
    let tries = 0;
    const away = new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'away' });
    const flaky: ChangeLog = {
      ...log,
      requestBarrier: async (given) => {
        if (++tries < 5) throw away;
        const id = await log.requestBarrier(given);
        await log.meetBarriers([id], given);
        return id;
      },
    };
    barriers = new Barriers({ changeLog: flaky, clock });
    await clock.until(barriers.pass(call()));
    expect(tries).toBe(5);
  });

  it('fail at once when none can ever be requested', async () => {
    barriers = new Barriers({
      changeLog: { ...log, requestBarrier: () => Promise.reject(new Error('away')) },
      clock,
    });
    await expect(clock.until(barriers.pass(call()))).rejects.toThrow('away');
  });
});
