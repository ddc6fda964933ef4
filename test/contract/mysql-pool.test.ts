import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createMysqlPool, type MysqlPool, type MysqlPoolConfig } from '../../src/stores/mysql/pool.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase;
const pools: MysqlPool[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.run('CREATE TABLE counters (id INT PRIMARY KEY, value INT NOT NULL)');
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await database?.drop();
});

function open(change: Partial<MysqlPoolConfig> = {}): MysqlPool {
  const pool = createMysqlPool({ ...inject('mysql'), ...change });
  pools.push(pool);
  return pool;
}

const within = (ms: number) => testCall({ deadlineMs: performance.now() + ms });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills the connection that runs a statement like this one. */
async function kill(statement: string): Promise<void> {
  const killer = await createConnection(inject('mysql'));
  try {
    // Bounded: the statement is on its way.
    for (let tries = 0; tries < 100; tries++) {
      const [rows] = await killer.query('SELECT ID id FROM information_schema.PROCESSLIST WHERE INFO LIKE ?', [
        `${statement}%`,
      ]);
      const [found] = rows as { id: number }[];
      if (found !== undefined) {
        await killer.query(`KILL ${found.id}`);
        return;
      }
      await pause(20);
    }
    throw new Error('nobody runs the statement');
  } finally {
    await killer.end();
  }
}

describe('a session', () => {
  it('has the zone, the isolation and the modes that the service counts on', async () => {
    const client = open().client('authority');
    const { rows } = await client.read(
      'SELECT @@time_zone, @@transaction_isolation, @@autocommit, @@innodb_lock_wait_timeout, @@sql_mode',
      [],
      testCall(),
    );
    expect(rows[0]?.slice(0, 4)).toEqual(['+00:00', 'REPEATABLE-READ', 1, 1]);
    expect(rows[0]?.[4]).toContain('STRICT_ALL_TABLES');
    expect(rows[0]?.[4]).not.toContain('ANSI');
  });
});

describe('a deadline', () => {
  it('ends a statement, and its connection is not used again', async () => {
    const client = open({ connections: 1 }).client('authority');
    const before = await client.read('SELECT CONNECTION_ID()', [], testCall());
    const startedAt = performance.now();
    await expect(client.read('SELECT SLEEP(5)', [], within(100))).rejects.toMatchObject({
      kind: 'deadline_exceeded',
      metadata: {},
    });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    const after = await client.read('SELECT CONNECTION_ID()', [], testCall());
    expect(after.rows).not.toEqual(before.rows);
  });

  it('says that the outcome is not known of a statement that commits', async () => {
    const client = open({ connections: 1 }).client('authority');
    // Connected, so that the deadline passes while the statement is under way.
    await client.read('SELECT 1', [], testCall());
    await expect(client.write('SELECT SLEEP(5)', [], within(400))).rejects.toMatchObject({
      kind: 'deadline_exceeded',
      metadata: { outcome: 'unknown' },
    });
  });

  it('ends the wait for a connection, and a caller can cancel it', async () => {
    const client = open({ connections: 1 }).client('authority');
    const slow = client.read('SELECT SLEEP(1)', [], testCall());
    await pause(50);
    await expect(client.read('SELECT 1', [], within(100))).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    const signal = AbortSignal.timeout(100);
    await expect(client.read('SELECT 1', [], testCall({ signal }))).rejects.toMatchObject({ kind: 'cancelled' });
    await slow;
    expect((await client.read('SELECT 1', [], testCall())).rows).toEqual([[1]]);
  });
});

describe('a transaction', () => {
  it('that fails is rolled back, and its connection is good for the next one', async () => {
    const client = open({ connections: 1 }).client('authority');
    const table = `${database.name}.counters`;
    const failing = client.transaction(testCall(), async (session) => {
      await session.execute(`INSERT INTO ${table} VALUES (1, 1)`, []);
      await session.execute(`INSERT INTO ${table} VALUES (1, 2)`, []);
    });
    await expect(failing).rejects.toMatchObject({ kind: 'failed_precondition', reason: 'CONSTRAINT_VIOLATED' });
    expect((await client.read(`SELECT COUNT(*) FROM ${table}`, [], testCall())).rows).toEqual([[0]]);
  });

  it('is begun again after a deadlock, so that all of them get through', async () => {
    const client = open().client('authority');
    const table = `${database.name}.counters`;
    await client.write(`REPLACE INTO ${table} VALUES (10, 0), (11, 0)`, [], testCall());
    const add = (order: readonly number[]): Promise<void> =>
      client.transaction(testCall(), async (session) => {
        for (const id of order) {
          await session.execute(`UPDATE ${table} SET value = value + 1 WHERE id = ?`, [id]);
          await pause(10);
        }
      });
    await Promise.all(Array.from({ length: 6 }, (_, i) => add(i % 2 === 0 ? [10, 11] : [11, 10])));
    const { rows } = await client.read(`SELECT value FROM ${table} WHERE id IN (10, 11)`, [], testCall());
    expect(rows).toEqual([[6], [6]]);
  });
});

describe('a server', () => {
  it('that can not be reached is unavailable, called as its role is, for everybody who waits', async () => {
    const pool = open({ port: 1 });
    const reads = await Promise.allSettled(
      Array.from({ length: 40 }, () => pool.client('authority').read('SELECT 1', [], testCall())),
    );
    for (const read of reads) {
      expect(read).toMatchObject({ reason: { kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE' } });
    }
    await expect(pool.client('follower').write('SELECT 1', [], testCall())).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'FOLLOWER_UNAVAILABLE',
    });
  });

  it('that breaks the link of a read is unavailable, of a commit leaves its outcome unknown', async () => {
    const client = open({ connections: 2 }).client('authority');
    const read = client.read('SELECT SLEEP(11)', [], testCall());
    await Promise.all([
      expect(read).rejects.toMatchObject({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE' }),
      kill('SELECT SLEEP(11)'),
    ]);
    const write = client.write('SELECT SLEEP(12)', [], testCall());
    await Promise.all([
      expect(write).rejects.toMatchObject({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN' }),
      kill('SELECT SLEEP(12)'),
    ]);
    expect((await client.read('SELECT 1', [], testCall())).rows).toEqual([[1]]);
  });

  it('that ends idle connections costs no request', async () => {
    const client = open({ connections: 2 }).client('authority');
    const { rows } = await client.read('SELECT CONNECTION_ID()', [], testCall());
    const killer = await createConnection(inject('mysql'));
    await killer.query(`KILL ${rows[0]?.[0]}`);
    await killer.end();
    await pause(100);
    expect((await client.read('SELECT 1', [], testCall())).rows).toEqual([[1]]);
  });

  it('never has its own words in an error', async () => {
    const client = open().client('authority');
    const error: unknown = await client.read('SELECT nonsense', [], testCall()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'internal', metadata: { mysqlErrno: '1054' } });
    expect((error as Error).message).not.toContain('nonsense');
  });
});

describe('a pool that is closed', () => {
  it('refuses work, also what waited', async () => {
    const pool = open({ connections: 1 });
    const slow = pool.client('authority').read('SELECT SLEEP(5)', [], testCall());
    await pause(100);
    const waiting = pool.client('authority').read('SELECT 1', [], testCall());
    const unavailable = { kind: 'unavailable' };
    await Promise.all([
      expect(slow).rejects.toMatchObject(unavailable),
      expect(waiting).rejects.toMatchObject(unavailable),
      pool.close(),
    ]);
    await expect(pool.client('authority').read('SELECT 1', [], testCall())).rejects.toMatchObject(unavailable);
  });
});
