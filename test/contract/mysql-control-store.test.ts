import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlRecord, ControlStore, Heartbeat } from '../../src/stores/control-store.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

const WHY = { instance: 'one', reason: 'a test' };

let database: TestDatabase;
let pool: MysqlPool;
let control: ControlStore;
let resource: string;
let resources = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await Promise.all([setUpSchema(pool, testCall()), setUpSchema(pool, testCall())]);
  control = createMysqlControlStore({ pool });
});

beforeEach(() => {
  resource = `r${++resources}`;
});

afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

async function current(): Promise<ControlRecord> {
  const found = (await control.poll(testCall())).find((record) => record.resource === resource);
  if (found === undefined) throw new Error('there is no control record');
  return found;
}

describe('a control record', () => {
  it('begins detached in epoch 1 of the source, and is made once, by however many', async () => {
    await Promise.all(Array.from({ length: 4 }, () => control.ensure([resource], testCall())));
    const first: ControlRecord = {
      resource,
      epoch: 1,
      authority: 'source',
      floor: 0n,
      attach: 0,
      state: 'detached',
      generation: 1,
      copiedAttach: 0,
      attempt: null,
    };
    expect(await current()).toEqual(first);
    const next: ControlRecord = { ...first, generation: 2, state: 'syncing', attach: 1, floor: 2n ** 63n };
    expect(await control.compareAndSet(next, WHY, testCall())).toBe(true);
    await control.ensure([resource], testCall());
    expect(await current()).toEqual(next);
  });

  it('is replaced only over the generation that was seen', async () => {
    await control.ensure([resource], testCall());
    const first = await current();
    const next: ControlRecord = { ...first, generation: 2, state: 'syncing', attempt: 'try' };
    expect(await control.compareAndSet({ ...next, generation: 3 }, WHY, testCall())).toBe(false);
    expect(await control.compareAndSet(next, WHY, testCall())).toBe(true);
    expect(await control.compareAndSet(next, WHY, testCall())).toBe(false);
    expect(await control.compareAndSet({ ...next, resource: 'nobody' }, WHY, testCall())).toBe(false);
    expect(await current()).toEqual(next);
  });

  it('may jump generations where the caller says what it replaces', async () => {
    await control.ensure([resource], testCall());
    const next: ControlRecord = { ...(await current()), generation: 40, state: 'leaving' };
    expect(await control.compareAndSet(next, { ...WHY, replaces: 7 }, testCall())).toBe(false);
    expect(await control.compareAndSet(next, { ...WHY, replaces: 1 }, testCall())).toBe(true);
    expect((await current()).generation).toBe(40);
  });

  it('lets one of concurrent changes win, each winner with its place in the history', async () => {
    await control.ensure([resource], testCall());
    for (let round = 0; round < 5; round++) {
      const before = await current();
      const tries = ['syncing', 'joining', 'in_sync', 'leaving'] as const;
      const won = await Promise.all(
        tries.map((state, i) => {
          const next: ControlRecord = { ...before, generation: before.generation + 1, state };
          return control.compareAndSet(next, { instance: `instance ${i}`, reason: state }, testCall());
        }),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await current()).state).toBe(tries[won.indexOf(true)]);
    }
    const history = await control.transitions(resource, null, 10, testCall());
    expect(history.map(({ generation }) => generation)).toEqual([6, 5, 4, 3, 2]);
    expect(history.at(-1)?.fromState).toBe('detached');
    for (const [i, transition] of history.entries()) {
      expect(transition.reason).toBe(transition.toState);
      if (i > 0) expect(history[i - 1]?.fromState).toBe(transition.toState);
    }
    expect(await control.transitions(resource, 4, 1, testCall())).toEqual([history[3]]);
    expect(await control.transitions('nobody', null, 10, testCall())).toEqual([]);
  });

  it('waits for whoever holds its shared lock, beyond one lock time-out', async () => {
    await control.ensure([resource], testCall());
    const writer = await createConnection({ ...database.address, database: database.name });
    await writer.beginTransaction();
    await writer.query('SELECT * FROM crossfade_control WHERE resource = ? LOCK IN SHARE MODE', [resource]);
    const startedAt = performance.now();
    const next: ControlRecord = { ...(await current()), generation: 2, state: 'syncing' };
    const change = control.compareAndSet(next, WHY, testCall());
    await new Promise((resolve) => setTimeout(resolve, 1_400));
    await writer.commit();
    await writer.end();
    expect(await change).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(1_300);
  });

  it('is the same for a poll that began after a change was answered', async () => {
    await control.ensure([resource], testCall());
    const otherPool = createMysqlPool({ ...database.address, controlSchema: database.name });
    const other = createMysqlControlStore({ pool: otherPool });
    for (let generation = 2; generation < 20; generation++) {
      const next: ControlRecord = { ...(await current()), generation, floor: BigInt(generation) };
      await control.compareAndSet(next, WHY, testCall());
      const seen = (await other.poll(testCall())).find((record) => record.resource === resource);
      expect(seen?.generation).toBe(generation);
    }
    await otherPool.close();
  });
});

describe('a heartbeat', () => {
  const heartbeat = (incarnation: string, beat: bigint): Omit<Heartbeat, 'dead'> => ({
    incarnation: incarnation.padEnd(32, '0'),
    instance: 'service-1',
    beat,
    seen: { medications: 12, encounters: 3 },
  });
  const find = async (incarnation: string): Promise<Heartbeat | undefined> =>
    (await control.heartbeats(testCall())).find((row) => row.incarnation === incarnation.padEnd(32, '0'));

  it('is written and read back, and grows', async () => {
    expect(await control.beat(heartbeat('a', 1n), testCall())).toBe(true);
    expect(await find('a')).toEqual({ ...heartbeat('a', 1n), dead: false });
    expect(await control.beat({ ...heartbeat('a', 2n ** 60n), seen: {} }, testCall())).toBe(true);
    expect(await find('a')).toMatchObject({ beat: 2n ** 60n, seen: {} });
    // The same values again: a row that was met counts, also if nothing changed.
    expect(await control.beat({ ...heartbeat('a', 2n ** 60n), seen: {} }, testCall())).toBe(true);
  });

  it('is refused once it was declared dead, which fails if it has beaten since', async () => {
    await control.beat(heartbeat('b', 1n), testCall());
    await control.beat(heartbeat('b', 2n), testCall());
    expect(await control.declareDead(heartbeat('b', 1n).incarnation, 1n, testCall())).toBe(false);
    expect(await control.beat(heartbeat('b', 3n), testCall())).toBe(true);
    expect(await control.declareDead(heartbeat('b', 3n).incarnation, 3n, testCall())).toBe(true);
    expect(await control.declareDead(heartbeat('b', 3n).incarnation, 3n, testCall())).toBe(true);
    expect(await control.beat(heartbeat('b', 4n), testCall())).toBe(false);
    expect(await find('b')).toMatchObject({ beat: 3n, dead: true });
    expect(await control.declareDead('nobody', 1n, testCall())).toBe(false);
  });

  it('of which one of beat and declareDead wins when they meet', async () => {
    for (let round = 0; round < 10; round++) {
      const name = `c${round}`;
      await control.beat(heartbeat(name, 1n), testCall());
      const [beaten, declared] = await Promise.all([
        control.beat(heartbeat(name, 2n), testCall()),
        control.declareDead(heartbeat(name, 1n).incarnation, 1n, testCall()),
      ]);
      expect(beaten).toBe(!declared);
    }
  });

  it('is removed, with rows that were dead for long, and not shown when it is old', async () => {
    for (const name of ['d', 'e', 'f']) await control.beat(heartbeat(name, 1n), testCall());
    await control.declareDead(heartbeat('e', 1n).incarnation, 1n, testCall());
    await database.run(
      "UPDATE crossfade_heartbeat SET beat_at = beat_at - INTERVAL 2 HOUR WHERE incarnation LIKE 'e%' OR incarnation LIKE 'f%'",
    );
    await control.removeHeartbeat(heartbeat('d', 1n).incarnation, testCall());
    expect(await find('d')).toBeUndefined();
    expect(await find('f')).toBeUndefined();
    const connection = await createConnection({ ...database.address, database: database.name });
    const [rows] = await connection.query(
      "SELECT LEFT(incarnation, 1) name FROM crossfade_heartbeat WHERE incarnation RLIKE '^[def]0'",
    );
    await connection.end();
    expect(rows).toEqual([{ name: 'f' }]);
  });
});

describe('the clock', () => {
  it('is the wall clock in microseconds, and moves on', async () => {
    const first = await control.clock(testCall());
    const second = await control.clock(testCall());
    expect(second).toBeGreaterThan(first);
    expect(Math.abs(Number(first / 1000n) - Date.now())).toBeLessThan(5_000);
  });
});
