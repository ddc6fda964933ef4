import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { LogEvent } from '../../src/stores/change-log.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import { createMemoryChangeLog } from '../../src/stores/memory/change-log.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const codec = createKeyCodec(notesResource);
const GUARD = { epoch: 1, attach: 0 };
const WHY = { instance: 'a', reason: 'test' };

function note(id: string) {
  const key = codec.fromValues(['ann', id]);
  return { key, row: [...key.values, 'title', null, null], columns: [2] } as const;
}

async function openDatabase() {
  const clock = new VirtualClock();
  const database = new MemoryDatabase({ clock, random: systemRandom });
  const control = createMemoryControlStore(database);
  const call = (change = {}) => testCall({ deadlineMs: clock.monotonicMs() + 1_000, ...change });
  await control.ensure([notesResource.id], call());
  return { clock, database, control, call, store: createMemoryRecordStore({ database, resource: notesResource }) };
}

async function readControl(open: Awaited<ReturnType<typeof openDatabase>>): Promise<ControlRecord> {
  const [record] = await open.control.poll(open.call());
  if (record === undefined) throw new Error('no control record');
  return record;
}

describe('the control store in memory', () => {
  it('changes a record once for each generation, and remembers how', async () => {
    const open = await openDatabase();
    const first = await readControl(open);
    const next = { ...first, state: 'syncing', attach: 1, generation: first.generation + 1 } as const;
    expect(await open.control.compareAndSet(next, WHY, open.call())).toBe(true);
    expect(await open.control.compareAndSet(next, WHY, open.call())).toBe(false);
    expect(await readControl(open)).toEqual(next);
    expect(await open.control.transitions(notesResource.id, null, 5, open.call())).toMatchObject([
      { fromState: 'detached', toState: 'syncing', generation: next.generation, reason: 'test' },
    ]);
    await open.control.ensure([notesResource.id], open.call());
    expect(await readControl(open)).toEqual(next);
  });

  it('takes no beat of an incarnation that was declared dead, and declares none dead that has beaten since', async () => {
    const { control, call } = await openDatabase();
    const beat = (n: bigint) => control.beat({ incarnation: 'i', instance: 'a', beat: n, seen: {} }, call());
    expect(await beat(1n)).toBe(true);
    expect(await beat(2n)).toBe(true);
    expect(await control.declareDead('i', 1n, call())).toBe(false);
    expect(await control.declareDead('i', 2n, call())).toBe(true);
    expect(await beat(3n)).toBe(false);
    expect(await control.heartbeats(call())).toMatchObject([{ incarnation: 'i', beat: 2n, dead: true }]);
  });
});

describe('the change log in memory', () => {
  async function readLog(
    open: Awaited<ReturnType<typeof openDatabase>>,
    position: string,
  ): Promise<readonly LogEvent[]> {
    const reading = new AbortController();
    const events: LogEvent[] = [];
    const log = createMemoryChangeLog({ database: open.database, resource: notesResource.id });
    for await (const batch of log.stream(position, reading.signal)) {
      events.push(...batch);
      reading.abort();
    }
    return events;
  }

  it('tells bumps, changes, barriers and control changes in commit order, outside changes without a bump', async () => {
    const open = await openDatabase();
    const { control, store, call, database } = open;
    const log = createMemoryChangeLog({ database, resource: notesResource.id });
    const start = await log.position(call());
    const first = await readControl(open);
    await control.compareAndSet({ ...first, state: 'syncing', generation: 2 }, WHY, call());
    await store.write({ ...note('a'), kind: 'create' }, GUARD, call());
    await store.write({ ...note('a'), kind: 'touch' }, GUARD, call());
    store.outsideWrite(note('a').key, null);
    await log.requestBarrier(call());
    const types = (await readLog(open, start)).map(({ type }) => type);
    const transactions = [['control'], ['bump', 'change'], ['bump'], ['change'], ['barrier']];
    expect(types).toEqual(transactions.flatMap((events) => [...events, 'commit']));
  });

  it('tells of copies of a follower as of a service transaction, and nothing of those that came to nothing', async () => {
    const { store, call, database, ...open } = await openDatabase();
    const log = createMemoryChangeLog({ database, resource: notesResource.id });
    const start = await log.position(call());
    const copy = (id: string, version: bigint) => ({ ...note(id), version });
    await store.apply([copy('a', 7n), { ...copy('b', 7n), row: null }], call(), GUARD);
    await store.apply([copy('a', 6n)], call(), GUARD);
    await expect(store.apply([copy('a', 9n)], call(), { ...GUARD, attach: 1 })).rejects.toThrow();
    await store.apply([copy('a', 8n)], call());
    expect(await readLog({ store, call, database, ...open }, start)).toMatchObject([
      { type: 'bump', key: { id: note('a').key.id }, version: 7n },
      { type: 'bump', key: { id: note('b').key.id }, version: 7n },
      { type: 'change', key: { id: note('a').key.id }, row: note('a').row },
      { type: 'commit' },
      { type: 'bump', key: { id: note('a').key.id }, version: 8n },
      { type: 'commit' },
    ]);
  });

  it('goes on from any position, and stops where it was purged, lost its tail or was altered', async () => {
    const open = await openDatabase();
    open.store.outsideWrite(note('a').key, note('a').row);
    open.store.outsideWrite(note('b').key, note('b').row);
    expect(await readLog(open, '2')).toMatchObject([
      { type: 'change', key: { id: note('b').key.id } },
      { position: '3' },
    ]);
    expect(await readLog(open, '4')).toMatchObject([{ type: 'stopped', reason: 'source_lost_its_tail' }]);
    open.database.purgeLog(2);
    expect(await readLog(open, '1')).toMatchObject([{ type: 'stopped', reason: 'log_purged' }]);
    open.database.stopLog(notesResource.id, 'table_truncated');
    expect((await readLog(open, '2')).at(-1)).toMatchObject({ type: 'stopped', reason: 'table_truncated' });
  });

  it('keeps the checkpoint of the latest attach', async () => {
    const { database, call } = await openDatabase();
    const log = createMemoryChangeLog({ database, resource: notesResource.id });
    const at = (attach: number, position: string) => ({
      ...{ resource: notesResource.id, epoch: 1, attach, position },
      ...{ definitionHash: 'memory', begun: true },
    });
    await log.writeCheckpoint(at(2, '5'), call());
    await log.writeCheckpoint(at(1, '9'), call());
    expect(await log.readCheckpoint(call())).toEqual(at(2, '5'));
    await log.writeCheckpoint(at(2, '6'), call());
    expect(await log.readCheckpoint(call())).toEqual(at(2, '6'));
  });
});

describe('the job store in memory', () => {
  const INIT = {
    resource: 'notes',
    kind: 'backfill',
    attach: 1,
    compareWithItself: false,
    rowsPerSecondLimit: 0,
  } as const;

  it('gives a task to one owner at a time, and to another after its lease', async () => {
    const { clock, database, call } = await openDatabase();
    const jobs = createMemoryJobStore(database);
    const lease = (owner: string) => jobs.leaseTask('capture/notes', owner, 100, '{}', call());
    expect([await lease('a'), await lease('b'), await lease('a')]).toEqual([true, false, true]);
    await clock.pass(101);
    expect([await lease('b'), await lease('a')]).toEqual([true, false]);
    await jobs.releaseTask('capture/notes', 'b', call());
    expect(await jobs.readTask('capture/notes', call())).toMatchObject({ owner: null });
  });

  it('shares the chunks of a job, takes no progress of a lost lease, and counts what was done', async () => {
    const { clock, database, call } = await openDatabase();
    const jobs = createMemoryJobStore(database);
    const { id } = await jobs.createJob(INIT, call());
    expect((await jobs.createJob(INIT, call())).id).toBe(id);
    const ranges = [1, 2].map((sequence) => ({ sequence, range: `range ${sequence}`, expectedRows: 10 }));
    await jobs.addChunks(id, 'source', ranges, call());
    await jobs.addChunks(id, 'source', ranges, call());
    const take = (owner: string) => jobs.leaseChunk(id, 'source', owner, 100, call());
    const [one, two, none] = [await take('a'), await take('b'), await take('a')];
    expect([one?.sequence, two?.sequence, none]).toEqual([1, 2, null]);
    if (one === null || two === null) throw new Error('no chunk');
    const progress = { cursor: 'here', addRows: 7, addMismatches: 1, done: false, leaseMs: 100 };
    expect(await jobs.saveChunk(one, 'b', progress, call())).toBe(false);
    expect(await jobs.saveChunk(one, 'a', progress, call())).toBe(true);
    expect(await jobs.getJob(id, call())).toMatchObject({ workers: 2 });
    await clock.pass(101);
    expect(await jobs.getJob(id, call())).toMatchObject({ workers: 0 });
    expect(await jobs.saveChunk(one, 'a', progress, call())).toBe(false);
    expect(await take('c')).toMatchObject({ sequence: 1, cursor: 'here', rows: 7 });
    expect(await jobs.saveChunk(one, 'c', { ...progress, done: true }, call())).toBe(true);
    expect(await jobs.getJob(id, call())).toMatchObject({ rows: 14, chunks: 2, doneChunks: 1, mismatches: 2 });
    expect(await jobs.openChunks(id, 'source', call())).toBe(1);
    expect(await jobs.updateJob(id, { state: 'cancelled' }, call())).toBe(true);
    expect(await jobs.updateJob(id, { stage: 'done' }, call())).toBe(false);
    expect(await take('c')).toBeNull();
  });
});

describe('faults between a caller and a store', () => {
  async function openFaulty() {
    const open = await openDatabase();
    const faults = createFaults();
    const store = injectFaults(open.store, { faults, clock: open.clock, role: 'authority' });
    const titles = async () => (await open.store.list({ parent: ['ann'], after: null, limit: 9 }, open.call())).length;
    return { ...open, faults, store, titles };
  }

  it('refuse a call before the store sees it, as often as told, and then let it through', async () => {
    const { faults, store, call, titles } = await openFaulty();
    faults.add({ method: 'write', fail: 'refused', times: 2 });
    const create = () => store.write({ ...note('a'), kind: 'create' }, GUARD, call());
    const absent = { kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE' };
    await expect(create()).rejects.toMatchObject(absent);
    await expect(create()).rejects.toMatchObject(absent);
    expect(await titles()).toBe(0);
    expect((await create()).outcome).toBe('written');
  });

  it('lose an answer, so that a write that happened is of unknown outcome at its deadline', async () => {
    const { faults, store, call, titles, clock } = await openFaulty();
    faults.add({ method: 'write', fail: 'lost' });
    const start = clock.monotonicMs();
    const lost = store.write({ ...note('a'), kind: 'create' }, GUARD, call());
    await expect(clock.until(lost)).rejects.toMatchObject({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN' });
    expect(clock.monotonicMs() - start).toBe(1_000);
    expect(await titles()).toBe(1);
  });

  it('hang a call until its deadline', async () => {
    const { clock, faults, store, call } = await openFaulty();
    faults.add({ fail: 'hung' });
    await expect(clock.until(store.getMany([note('a').key], call()))).rejects.toMatchObject({
      kind: 'deadline_exceeded',
    });
    expect(await store.getMany([note('a').key], call())).toHaveLength(1);
  });

  it('let what was sent arrive after its caller gave up', async () => {
    const { faults, store, call, titles, clock } = await openFaulty();
    faults.add({ method: 'write', requestMs: 1_500 });
    const late = store.write({ ...note('a'), kind: 'create' }, GUARD, call());
    await expect(clock.until(late)).rejects.toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
    expect(await titles()).toBe(0);
    await clock.pass(600);
    expect(await titles()).toBe(1);
  });

  it('hand on what comes after the call', async () => {
    const { faults, store, call, clock } = await openFaulty();
    faults.add({ method: 'apply', requestMs: 10 });
    const late = store.apply([{ key: note('a').key, row: null, version: 7n }], call(), { epoch: 1, attach: 9 });
    await expect(clock.until(late)).rejects.toMatchObject({ reason: 'MIGRATION_STATE' });
  });

  it('break what is handed out in pieces, and are lifted', async () => {
    const { faults, store, call } = await openFaulty();
    faults.add({ fail: 'refused', times: Number.POSITIVE_INFINITY });
    const iterate = async (): Promise<void> => {
      for await (const _ of store.split(10, call()));
    };
    await expect(iterate()).rejects.toMatchObject({ kind: 'unavailable' });
    faults.lift();
    await iterate();
  });
});
