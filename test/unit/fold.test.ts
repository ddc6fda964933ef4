import { describe, expect, it } from 'vitest';
import { Fold } from '../../src/migration/fold.ts';
import type { LogEvent } from '../../src/stores/change-log.ts';
import { noteKey, noteRow } from '../support/memory-migration.ts';

const a = noteKey('o', 'a');
const b = noteKey('o', 'b');

function fold(begun = true, more: Partial<ConstructorParameters<typeof Fold>[0]> = {}): Fold {
  return new Fold({
    guard: { epoch: 1, attach: 2 },
    begun,
    maxRecords: 500,
    maxBytes: 1_000_000,
    alreadyAcknowledged: () => false,
    ...more,
  });
}

function take(into: Fold, ...events: LogEvent[]): Fold {
  for (const event of events) into.take(event);
  return into;
}

const bump = (key: typeof a, version: bigint): LogEvent => ({ type: 'bump', key, version });
const change = (key: typeof a, title: string | null): LogEvent => ({
  type: 'change',
  key,
  row: title === null ? null : noteRow(key, title),
});
const commit = (position: string): LogEvent => ({ type: 'commit', position, committedAtMicros: 7n });
const control = (attach: number, generation: number): LogEvent => ({ type: 'control', epoch: 1, attach, generation });

describe('folding the log', () => {
  it('carries a bumped change at its version, with the last image of its transaction', () => {
    const batch = take(fold(), bump(a, 5n), change(a, 'x'), change(a, 'y'), commit('1')).cut();
    expect([...batch.copies.values()]).toEqual([{ key: a, row: noteRow(a, 'y'), version: 5n }]);
    expect(batch.touches.size).toBe(0);
    expect(batch.position).toBe('1');
  });

  it('ignores a bump without a change', () => {
    const batch = take(fold(), bump(a, 5n), commit('1')).cut();
    expect(batch.copies.size + batch.touches.size).toBe(0);
  });

  const requests = Buffer.from('remembered');
  const remembers = (key: typeof a): LogEvent => ({ type: 'requests', key, requests });

  it('carries what a record remembers of requests with its change, and on with later changes that say nothing of it', () => {
    const into = take(fold(), bump(a, 5n), remembers(a), change(a, 'x'), commit('1'));
    const batch = take(into, bump(a, 6n), change(a, 'y'), commit('2')).cut();
    expect([...batch.copies.values()]).toEqual([{ key: a, row: noteRow(a, 'y'), version: 6n, requests }]);
  });

  it('reads a record again that remembers a request which changed nothing: it was no outside writer’s', () => {
    const batch = take(fold(), bump(a, 5n), remembers(a), commit('1'), bump(a, 6n), change(a, 'x'), commit('2')).cut();
    expect([...batch.rereads.keys()]).toEqual([a.id]);
    expect(batch.touches.size).toBe(0);
    expect([...batch.copies.values()]).toEqual([{ key: a, row: noteRow(a, 'x'), version: 6n }]);
  });

  it('reads a deleted record again where records remember, as its marker must say what, unless the follower has it', () => {
    const own = (): LogEvent[] => [bump(a, 5n), change(a, null), commit('1')];
    const batch = take(fold(true, { remembersRequests: true }), ...own()).cut();
    expect([...batch.rereads.keys()]).toEqual([a.id]);
    expect(batch.copies.size + batch.touches.size).toBe(0);
    const known = { remembersRequests: true, alreadyAcknowledged: () => true };
    expect(take(fold(true, known), ...own()).cut().rereads.size).toBe(0);
  });

  it('leaves out a write that remembers a request only if the follower acknowledged this very one', () => {
    const own = (version: bigint): LogEvent[] => [bump(a, version), remembers(a), change(a, 'x'), commit('1')];
    const known = (_id: string, version: bigint, exactly: boolean) => (exactly ? version === 6n : version <= 6n);
    expect(take(fold(true, { alreadyAcknowledged: known }), ...own(6n)).cut().copies.size).toBe(0);
    expect(take(fold(true, { alreadyAcknowledged: known }), ...own(5n)).cut().copies.size).toBe(1);
  });

  it('does not take a bump of one transaction for a change of the next', () => {
    const batch = take(fold(), bump(a, 5n), commit('1'), change(a, 'x'), commit('2')).cut();
    expect([...batch.touches.keys()]).toEqual([a.id]);
  });

  it('holds own changes back until their transaction ends', () => {
    const into = take(fold(), bump(a, 5n), change(a, 'x'));
    expect(into.cut().copies.size).toBe(0);
    const batch = take(into, change(a, 'y'), commit('1')).cut();
    expect([...batch.copies.values()].map((copy) => copy.row?.[2])).toEqual(['y']);
  });

  it('hands on the keys of an outside transaction before it ends, without its position', () => {
    const batch = take(fold(), commit('1'), change(a, 'x'), change(b, null)).cut();
    expect([...batch.touches.keys()]).toEqual([a.id, b.id]);
    expect(batch.position).toBe('1');
  });

  it('lets newer versions of a key take the place of older ones in a batch', () => {
    const events = [bump(a, 5n), change(a, 'x'), commit('1'), bump(a, 6n), change(a, null), commit('2')];
    const batch = take(fold(), ...events).cut();
    expect([...batch.copies.values()]).toEqual([{ key: a, row: null, version: 6n }]);
  });

  it('is full when its records or their content reach a bound', () => {
    const few = take(fold(true, { maxRecords: 2 }), bump(a, 5n), change(a, 'x'), commit('1'));
    expect(few.full).toBe(false);
    expect(take(few, change(b, 'outside')).full).toBe(true);
    few.cut();
    expect(few.full).toBe(false);
    const long = 'x'.repeat(600);
    const heavy = take(fold(true, { maxBytes: 1_000 }), bump(a, 5n), change(a, long), commit('1'));
    expect(heavy.full).toBe(false);
    expect(take(heavy, bump(b, 6n), change(b, long), commit('2')).full).toBe(true);
  });

  it('leaves own changes of a key that is touched in the same batch to the touch', () => {
    const before = [bump(a, 5n), change(a, 'x'), commit('1'), change(a, 'y'), commit('2')];
    expect(take(fold(), ...before).cut().copies.size).toBe(0);
    const after = [change(a, 'y'), commit('1'), bump(a, 5n), change(a, 'x'), commit('2')];
    const batch = take(fold(), ...after).cut();
    expect([batch.copies.size, batch.touches.size]).toEqual([0, 1]);
  });

  it('drops everything up to the control event of its own attach, barriers too', () => {
    const into = take(fold(false), bump(a, 5n), change(a, 'x'), { type: 'barrier', id: 'early' }, commit('1'));
    take(into, change(b, 'x'), control(1, 7), commit('2'));
    const dropped = into.cut();
    expect([dropped.copies.size, dropped.touches.size, dropped.barriers, dropped.begun]).toEqual([0, 0, [], false]);
    const batch = take(into, control(2, 8), commit('3'), change(b, 'x'), { type: 'barrier', id: 'late' }).cut();
    expect([batch.touches.size, batch.barriers, batch.begun]).toEqual([1, ['late'], true]);
  });

  it('takes nothing any more after the control event of a later attach', () => {
    const into = take(fold(), control(2, 9), commit('1'), control(3, 10), change(a, 'x'));
    expect(into.superseded).toBe(true);
    expect(into.cut().touches.size).toBe(0);
  });

  it('skips what the follower is known to have', () => {
    const into = fold(true, { alreadyAcknowledged: (id, version) => id === a.id && version <= 5n });
    const batch = take(into, bump(a, 5n), bump(b, 5n), change(a, 'x'), change(b, 'x'), commit('1')).cut();
    expect([...batch.copies.keys()]).toEqual([b.id]);
    expect(batch.position).toBe('1');
  });

  it('touches the keys of an own transaction that is too large to hold', () => {
    const into = fold(true, { maxRecords: 100_000 });
    for (let i = 0; i < 25_000; i++) {
      const key = noteKey('big', String(i));
      take(into, bump(key, 5n), change(key, 'x'));
    }
    const batch = take(into, commit('1')).cut();
    const carried = new Set([...batch.copies.keys(), ...batch.touches.keys()]);
    expect(carried.size).toBe(25_000);
    expect(batch.copies.size).toBeLessThanOrEqual(10_000);
  });
});

describe('folding what lies before the epoch’s own beginning', () => {
  const before = [bump(a, 5n), change(a, 'x'), commit('1'), change(b, 'outside'), commit('2')];

  it('keeps nothing of it after a new attach: the walk comes later', () => {
    const batch = take(fold(false), ...before, control(2, 9), commit('3')).cut();
    expect(batch.copies.size + batch.touches.size).toBe(0);
    expect(batch.begun).toBe(true);
  });

  it('keeps outside changes alone where the attach goes on from the epoch before', () => {
    const batch = take(fold(false, { resumed: true }), ...before, control(2, 9), commit('3')).cut();
    expect(batch.copies.size).toBe(0);
    expect([...batch.touches.keys()]).toEqual([b.id]);
  });
});
