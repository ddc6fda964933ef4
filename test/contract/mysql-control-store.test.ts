import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlRecord, ControlStore, Heartbeat } from '../../src/stores/control-store.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { describeControlStore } from './control-store-contract.ts';

describeControlStore(
  'the control store on MySQL',
  async () => {
    const database = await createTestDatabase();
    const pools = [1, 2].map(() => createMysqlPool({ ...database.address, controlSchema: database.name }));
    const [pool, otherPool] = pools as [MysqlPool, MysqlPool];
    await Promise.all(pools.map((one) => setUpSchema(one, testCall())));
    return {
      control: createMysqlControlStore({ pool }),
      other: createMysqlControlStore({ pool: otherPool }),
      close: async () => {
        await Promise.all(pools.map((one) => one.close()));
        await database.drop();
      },
    };
  },
  { log: 'MySQL has its binary log' },
);

describe('in MySQL', () => {
  let database: TestDatabase;
  let pool: MysqlPool;
  let control: ControlStore;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createMysqlPool({ ...database.address, controlSchema: database.name });
    await setUpSchema(pool, testCall());
    control = createMysqlControlStore({ pool });
  });

  afterAll(async () => {
    await pool?.close();
    await database?.drop();
  });

  it('a change of a control record waits for whoever holds its shared lock, beyond one lock time-out', async () => {
    const resource = 'locked';
    await control.ensure([resource], testCall());
    const writer = await createConnection({ ...database.address, database: database.name });
    await writer.beginTransaction();
    await writer.query('SELECT * FROM crossfade_control WHERE resource = ? LOCK IN SHARE MODE', [resource]);
    const startedAt = performance.now();
    const [current] = (await control.poll(testCall())).filter((record) => record.resource === resource);
    const next = { ...(current as ControlRecord), generation: 2, state: 'syncing' } as const;
    const change = control.compareAndSet(next, { instance: 'one', reason: 'a test' }, testCall());
    await new Promise((resolve) => setTimeout(resolve, 1_400));
    await writer.commit();
    await writer.end();
    expect(await change).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(1_300);
  });

  it('a history of an earlier version gets its new columns, by however many instances at once', async () => {
    const resource = 'older';
    await database.run('ALTER TABLE crossfade_history DROP COLUMN epoch, DROP COLUMN authority');
    await database.run(
      `INSERT INTO crossfade_history VALUES ('${resource}', 2, 7, 'detached', 'syncing', 'one', 'a test')`,
    );
    for (let time = 0; time < 2; time++) {
      await Promise.all(Array.from({ length: 4 }, () => setUpSchema(pool, testCall())));
    }
    expect(await control.transitions(resource, null, 10, testCall())).toMatchObject([
      { generation: 2, epoch: 1, authority: 'source', reason: 'a test' },
    ]);
    await control.ensure([resource], testCall());
    const [current] = (await control.poll(testCall())).filter((record) => record.resource === resource);
    const next: ControlRecord = { ...(current as ControlRecord), generation: 3, epoch: 2, authority: 'target' };
    const why = { instance: 'one', reason: 'a test', replaces: 1 };
    expect(await control.compareAndSet(next, why, testCall())).toBe(true);
    expect((await control.transitions(resource, null, 1, testCall()))[0]).toMatchObject({
      epoch: 2,
      authority: 'target',
    });
  });

  const heartbeat = (incarnation: string, beat: bigint): Omit<Heartbeat, 'dead'> => ({
    incarnation: incarnation.padEnd(32, '0'),
    instance: 'service-1',
    beat,
    seen: { medications: 12, encounters: 3 },
  });
  const find = async (incarnation: string): Promise<Heartbeat | undefined> =>
    (await control.heartbeats(testCall())).find((row) => row.incarnation === incarnation.padEnd(32, '0'));

  it('a heartbeat is removed, with rows that were dead for long, and not shown when it is old', async () => {
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
