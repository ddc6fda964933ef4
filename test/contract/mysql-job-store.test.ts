import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Job, JobStore } from '../../src/stores/job-store.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { notesResource } from '../support/resources.ts';

const LONG_MS = 60_000;
const SHORT_MS = 200;
const codec = createKeyCodec(notesResource);

let database: TestDatabase;
let pool: MysqlPool;
let jobs: JobStore;
let resource: string;
let resources = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
  jobs = createMysqlJobStore({ pool });
});

beforeEach(() => {
  resource = `r${++resources}`;
});

afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

const init = (change: Partial<Job> = {}): Parameters<JobStore['createJob']>[0] => ({
  resource,
  kind: 'backfill',
  attach: 3,
  compareWithItself: false,
  rowsPerSecondLimit: 500,
  ...change,
});
const planned = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ sequence: i, range: `range ${i}`, expectedRows: 10 }));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a leased task', () => {
  it('has one owner at a time, who may renew it', async () => {
    const task = `capture/${resource}`;
    expect(await jobs.readTask(task, testCall())).toBeNull();
    expect(await jobs.leaseTask(task, 'a', LONG_MS, '{"lag":1}', testCall())).toBe(true);
    expect(await jobs.leaseTask(task, 'b', LONG_MS, 'b', testCall())).toBe(false);
    expect(await jobs.readTask(task, testCall())).toEqual({ owner: 'a', status: '{"lag":1}' });
    expect(await jobs.leaseTask(task, 'a', LONG_MS, 'again', testCall())).toBe(true);
    expect(await jobs.readTask(task, testCall())).toEqual({ owner: 'a', status: 'again' });
  });

  it('goes to another one when it is given back, or when its time is over', async () => {
    const task = `capture/${resource}`;
    await jobs.leaseTask(task, 'a', LONG_MS, 'a', testCall());
    await jobs.releaseTask(task, 'b', testCall());
    expect(await jobs.leaseTask(task, 'b', LONG_MS, 'b', testCall())).toBe(false);
    await jobs.releaseTask(task, 'a', testCall());
    expect(await jobs.readTask(task, testCall())).toEqual({ owner: null, status: 'a' });
    expect(await jobs.leaseTask(task, 'b', SHORT_MS, 'b', testCall())).toBe(true);
    await pause(SHORT_MS + 50);
    expect(await jobs.leaseTask(task, 'a', LONG_MS, 'a', testCall())).toBe(true);
  });

  it('goes to exactly one of many who ask at once', async () => {
    const owners = Array.from({ length: 12 }, (_, i) => `owner ${i}`);
    for (const task of [`new/${resource}`, `expired/${resource}`]) {
      if (task.startsWith('expired')) await jobs.leaseTask(task, 'old', 0, '', testCall());
      const taken = await Promise.all(owners.map((owner) => jobs.leaseTask(task, owner, LONG_MS, owner, testCall())));
      expect(taken.filter(Boolean)).toHaveLength(1);
      const owner = owners[taken.indexOf(true)];
      expect(await jobs.readTask(task, testCall())).toEqual({ owner, status: owner });
    }
  });
});

describe('a job', () => {
  it('begins as it was asked for', async () => {
    const job = await jobs.createJob(init({ kind: 'verification', compareWithItself: true }), testCall());
    expect(job).toMatchObject({
      ...init({ kind: 'verification', compareWithItself: true }),
      state: 'running',
      stage: 'planning',
      expectedRows: 0,
      rows: 0,
      chunks: 0,
      doneChunks: 0,
      mismatches: 0,
      workers: 0,
      endedAtMicros: null,
      error: '',
    });
    expect(Math.abs(Number(job.createdAtMicros) / 1000 - Date.now())).toBeLessThan(60_000);
    expect(job.id).toMatch(/^[0-9a-f]{32}$/);
    expect(await jobs.getJob(job.id, testCall())).toEqual(job);
    expect(await jobs.getJob('0'.repeat(32), testCall())).toBeNull();
  });

  it('is the only one of its kind that runs, however many ask for one at once', async () => {
    const created = await Promise.all(Array.from({ length: 8 }, () => jobs.createJob(init(), testCall())));
    expect(new Set(created.map(({ id }) => id)).size).toBe(1);
    const other = await jobs.createJob(init({ kind: 'verification' }), testCall());
    expect(other.id).not.toBe(created[0]?.id);
  });

  it('changes while it runs and not after', async () => {
    const { id } = await jobs.createJob(init(), testCall());
    expect(await jobs.updateJob(id, { stage: 'source', expectedRows: 77 }, testCall())).toBe(true);
    expect(await jobs.updateJob(id, { stage: 'source', expectedRows: 77 }, testCall())).toBe(true);
    expect(await jobs.updateJob(id, {}, testCall())).toBe(true);
    expect(await jobs.updateJob(id, { state: 'failed', error: 'é'.repeat(3000) }, testCall())).toBe(true);
    const ended = await jobs.getJob(id, testCall());
    expect(ended).toMatchObject({ state: 'failed', stage: 'source', expectedRows: 77, error: 'é'.repeat(1024) });
    expect(ended?.endedAtMicros).toBeGreaterThanOrEqual(ended?.createdAtMicros ?? 0n);
    expect(await jobs.updateJob(id, { state: 'succeeded' }, testCall())).toBe(false);
    expect((await jobs.createJob(init(), testCall())).id > id).toBe(true);
  });

  it('is found as the newest of its kind, whatever came after it', async () => {
    expect(await jobs.newestJob(resource, 'backfill', testCall())).toBeNull();
    const end = async ({ id }: Job) => void (await jobs.updateJob(id, { state: 'succeeded' }, testCall()));
    await end(await jobs.createJob(init({ kind: 'backfill' }), testCall()));
    const copy = await jobs.createJob(init({ kind: 'backfill' }), testCall());
    await jobs.addChunks(copy.id, 'source', planned(3), testCall());
    await end(copy);
    for (let i = 0; i < 3; i++) await end(await jobs.createJob(init({ kind: 'verification' }), testCall()));
    const found = await jobs.newestJob(resource, 'backfill', testCall());
    expect(found).toMatchObject({ id: copy.id, kind: 'backfill', state: 'succeeded', chunks: 3 });
    expect(found).toEqual(await jobs.getJob(copy.id, testCall()));
  });

  it('is listed newest first, page by page', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { id } = await jobs.createJob(init(), testCall());
      await jobs.updateJob(id, { state: 'cancelled' }, testCall());
      ids.unshift(id);
    }
    const first = await jobs.listJobs(resource, null, 3, testCall());
    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = await jobs.listJobs(resource, first.at(-1)?.id ?? null, 3, testCall());
    expect(second.map(({ id }) => id)).toEqual(ids.slice(3));
  });
});

describe('the chunks of a job', () => {
  it('go one by one, in order, to those who ask, each to one', async () => {
    const { id } = await jobs.createJob(init(), testCall());
    await jobs.addChunks(id, 'source', planned(300), testCall());
    await jobs.addChunks(id, 'source', [{ sequence: 5, range: 'another', expectedRows: 1 }], testCall());
    expect(await jobs.openChunks(id, 'source', testCall())).toBe(300);
    expect(await jobs.openChunks(id, 'follower', testCall())).toBe(0);
    const first = await jobs.leaseChunk(id, 'source', 'a', LONG_MS, testCall());
    expect(first).toEqual({ jobId: id, stage: 'source', sequence: 0, range: 'range 0', cursor: null, rows: 0 });
    const owners = Array.from({ length: 10 }, (_, i) => `owner ${i}`);
    const leased = await Promise.all(
      owners.map(async (owner) => {
        const own: number[] = [];
        for (let i = 0; i < 5; i++)
          own.push((await jobs.leaseChunk(id, 'source', owner, LONG_MS, testCall()))?.sequence ?? -1);
        return own;
      }),
    );
    expect(leased.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it('keep their progress when they go to somebody else', async () => {
    const { id } = await jobs.createJob(init(), testCall());
    await jobs.addChunks(id, 'source', planned(1), testCall());
    const chunk = await jobs.leaseChunk(id, 'source', 'a', SHORT_MS, testCall());
    if (chunk === null) throw new Error('no chunk');
    const progress = { cursor: 'here', addRows: 7, addMismatches: 2, done: false, leaseMs: SHORT_MS };
    expect(await jobs.saveChunk(chunk, 'b', progress, testCall())).toBe(false);
    expect(await jobs.saveChunk(chunk, 'a', progress, testCall())).toBe(true);
    expect(await jobs.leaseChunk(id, 'source', 'b', LONG_MS, testCall())).toBeNull();
    await pause(SHORT_MS + 50);
    expect(await jobs.saveChunk(chunk, 'a', progress, testCall())).toBe(false);
    const again = await jobs.leaseChunk(id, 'source', 'b', LONG_MS, testCall());
    expect(again).toEqual({ ...chunk, cursor: 'here', rows: 7 });
    const last = { cursor: null, addRows: 3, addMismatches: 0, done: true, leaseMs: LONG_MS };
    expect(await jobs.saveChunk(again ?? chunk, 'b', last, testCall())).toBe(true);
    expect(await jobs.saveChunk(again ?? chunk, 'b', last, testCall())).toBe(false);
    expect(await jobs.openChunks(id, 'source', testCall())).toBe(0);
    expect(await jobs.getJob(id, testCall())).toMatchObject({ rows: 10, chunks: 1, doneChunks: 1, mismatches: 2 });
  });

  it('are not given out when the job does not run', async () => {
    const { id } = await jobs.createJob(init(), testCall());
    await jobs.addChunks(id, 'source', planned(2), testCall());
    await jobs.updateJob(id, { state: 'cancelled' }, testCall());
    expect(await jobs.leaseChunk(id, 'source', 'a', LONG_MS, testCall())).toBeNull();
  });
});

describe('a mismatch', () => {
  const found = (record: string, change: object = {}) => ({
    resource,
    key: codec.fromValues(['o', record]).bytes,
    kind: 'different' as const,
    fieldPaths: ['title', 'amount'],
    foundBy: 'verification' as const,
    ...change,
  });

  it('can be found by capture, also in a table of an earlier version', async () => {
    await database.run(
      "ALTER TABLE crossfade_mismatch MODIFY found_by ENUM('verification','shadow_read') CHARACTER SET ascii NOT NULL",
    );
    await jobs.recordMismatch(found('old', { foundBy: 'shadow_read' }), testCall());
    await Promise.all(Array.from({ length: 4 }, () => setUpSchema(pool, testCall())));
    await jobs.recordMismatch(found('new', { foundBy: 'capture' }), testCall());
    const all = await jobs.listMismatches(resource, { after: 0, limit: 10, openOnly: true }, testCall());
    expect(all.map(({ foundBy }) => foundBy)).toEqual(['shadow_read', 'capture']);
  });

  it('is open once a key, until it is closed', async () => {
    await jobs.recordMismatch(found('a'), testCall());
    await jobs.recordMismatch(found('b'), testCall());
    await jobs.recordMismatch(
      found('a', { kind: 'missing_in_follower', fieldPaths: [], foundBy: 'shadow_read' }),
      testCall(),
    );
    expect(await jobs.countOpenMismatches(resource, testCall())).toBe(2);
    const all = await jobs.listMismatches(resource, { after: 0, limit: 10, openOnly: true }, testCall());
    expect(all).toMatchObject([
      { ...found('a'), kind: 'missing_in_follower', fieldPaths: [], foundBy: 'shadow_read', open: true },
      { ...found('b'), open: true },
    ]);
    await jobs.closeMismatches(resource, [codec.fromValues(['o', 'a']), codec.fromValues(['o', 'z'])], testCall());
    expect(await jobs.countOpenMismatches(resource, testCall())).toBe(1);
    await jobs.recordMismatch(found('a'), testCall());
    const open = await jobs.listMismatches(resource, { after: 0, limit: 10, openOnly: true }, testCall());
    expect(open.map(({ key }) => codec.fromBytes(key).values[1])).toEqual(['b', 'a']);
    const newest = { after: 0, limit: 1, openOnly: true, newestFirst: true };
    expect(await jobs.listMismatches(resource, newest, testCall())).toEqual([open[1]]);
    const later = await jobs.listMismatches(
      resource,
      { after: all[0]?.id ?? 0, limit: 1, openOnly: false },
      testCall(),
    );
    expect(later).toEqual([all[1]]);
  });

  it('is one, however many find it at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => jobs.recordMismatch(found('a'), testCall())));
    expect(await jobs.countOpenMismatches(resource, testCall())).toBe(1);
  });

  it('is closed among many', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => codec.fromValues(['o', `n${i}`]));
    for (const { bytes } of keys.slice(0, 20)) await jobs.recordMismatch(found('', { key: bytes }), testCall());
    await jobs.closeMismatches(resource, keys, testCall());
    expect(await jobs.countOpenMismatches(resource, testCall())).toBe(0);
  });
});
