import { describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Log, LogFields } from '../../src/domain/log.ts';
import { auditedControlStore } from '../../src/migration/audited-control-store.ts';
import { internalCall } from '../../src/stores/call.ts';
import type { ControlStore } from '../../src/stores/control-store.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';

const call = internalCall(systemClock, 1_000);
const why = { instance: 'one', reason: 'the phase flag asks for synchronize' };

function audited(change: Partial<ControlStore> = {}): { store: ControlStore; lines: LogFields[] } {
  const lines: LogFields[] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    lines.push({ message, ...fields });
  };
  const log: Log = { info: keep, warn: keep, error: keep };
  const database = new MemoryDatabase({ clock: systemClock, random: systemRandom });
  return { store: auditedControlStore({ ...createMemoryControlStore(database), ...change }, log), lines };
}

describe('the audit of control records', () => {
  it('has a line for each change: who asked, from what, to what, why', async () => {
    const { store, lines } = audited();
    await store.ensure(['medications'], call);
    const [record] = await store.poll(call);
    if (record === undefined) throw new Error('no record');
    const next = { ...record, state: 'syncing' as const, attach: 1, generation: record.generation + 1 };
    expect(await store.compareAndSet(next, why, { ...call, caller: 'ann', user: 'u1' })).toBe(true);
    expect(lines).toEqual([
      {
        message: 'the state of a migration was changed',
        audit: true,
        resource: 'medications',
        fromState: 'detached',
        toState: 'syncing',
        authority: 'source',
        epoch: 1,
        attach: 1,
        generation: 2,
        reason: why.reason,
        caller: 'ann',
        user: 'u1',
      },
    ]);
  });

  it('has none for a change that somebody else was faster with', async () => {
    const { store, lines } = audited();
    await store.ensure(['medications'], call);
    const [record] = await store.poll(call);
    if (record === undefined) throw new Error('no record');
    expect(await store.compareAndSet({ ...record, generation: 9 }, why, call)).toBe(false);
    expect(lines).toEqual([]);
  });

  it('says so where it is not known whether the change was made', async () => {
    const unknown = new DomainError({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN', message: 'lost' });
    const { store, lines } = audited({ compareAndSet: () => Promise.reject(unknown) });
    await store.ensure(['medications'], call);
    const [record] = await store.poll(call);
    if (record === undefined) throw new Error('no record');
    await expect(store.compareAndSet({ ...record, generation: 2 }, why, call)).rejects.toBe(unknown);
    expect(lines).toMatchObject([{ audit: true, message: 'the state of a migration may have been changed' }]);
  });
});
