import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { Resource } from '../../src/domain/resource.ts';
import type { ChangeLog, LogEvent } from '../../src/stores/change-log.ts';
import { BinlogConnection } from '../../src/stores/mysql/binlog-connection.ts';
import { gapOf } from '../../src/stores/mysql/binlog-state.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { testCall } from '../support/calls.ts';
import { type LogTail, tailLog } from '../support/log-tail.ts';
import { mysqlTable, placeResource, testResource } from '../support/resources.ts';

// A server of this file's own: others could not do without their logs, settings and links.
let stack: Stack;
let pool: MysqlPool;
let outside: Connection;
let resource: Resource;
let log: ChangeLog;
let tables = 0;
const tails: LogTail[] = [];
const SCHEMA = 'gaps';
const flavour = inject('flavour');

function mysql(): NonNullable<Stack['mysql']> {
  const server = stack[flavour];
  if (server === undefined) throw new Error(`the stack has no ${flavour}`);
  return server;
}

async function connect(): Promise<void> {
  outside = await createConnection({ ...stack.addresses[flavour], database: SCHEMA });
}

beforeAll(async () => {
  stack = await startStack({ [flavour]: { bufferPoolMib: 64 } });
  const first = await createConnection({ ...stack.addresses[flavour] });
  await first.query(`CREATE DATABASE ${SCHEMA}`);
  await first.end();
  pool = createMysqlPool({ ...mysql(), controlSchema: 'crossfade' });
  await setUpSchema(pool, testCall());
  await connect();
});

beforeEach(async () => {
  resource = placeResource(
    testResource(
      `t${++tables}`,
      { id: { kind: 'int', bits: 32, unsigned: false } },
      { a: { kind: 'int', bits: 32, unsigned: false } },
    ),
    SCHEMA,
  );
  await outside.query(mysqlTable(resource));
  log = createMysqlChangeLog({ pool, connection: mysql(), resource });
});

afterEach(async () => {
  for (const tail of tails.splice(0)) await tail.stop();
});

afterAll(async () => {
  await outside?.end();
  await pool?.close();
  await stack?.stop();
});

const table = (): string => resource.mysql.table;
const insert = (id: number): Promise<unknown> => outside.query(`INSERT INTO ${table()} (id, a) VALUES (${id}, ${id})`);

async function follow(position?: string): Promise<LogTail> {
  const tail = tailLog(log, position ?? (await log.position(testCall())));
  tails.push(tail);
  return tail;
}

/** The ids of the changes that were shown, and why the log stopped after them. */
async function stopped(tail: LogTail): Promise<unknown> {
  const stop = await tail.until((event) => event.type === 'stopped');
  expect(await tail.ended).toBeNull();
  expect(tail.events.at(-1)).toBe(stop);
  const ids = tail.events.flatMap((event) => (event.type === 'change' ? [event.key.values[0]] : []));
  return [...ids, stop.type === 'stopped' && stop.reason];
}

describe('a change of the table', () => {
  it.each([
    ['ALTER TABLE $t ADD COLUMN extra INT', 'definition_changed'],
    ['ALTER TABLE $t MODIFY a BIGINT', 'definition_changed'],
    ['ALTER TABLE $t DROP COLUMN a', 'definition_changed'],
    ['RENAME TABLE $t TO old_$t', 'definition_changed'],
    ['TRUNCATE $t', 'table_truncated'],
    ['DROP TABLE $t', 'table_truncated'],
  ])('%s stops the log before what follows', async (statement, reason) => {
    const tail = await follow();
    await insert(1);
    await outside.query(statement.replaceAll('$t', table()));
    if (!/^(?:DROP|RENAME)/.test(statement)) await outside.query(`INSERT INTO ${table()} (id) VALUES (2)`);
    expect(await stopped(tail)).toEqual([1, reason]);
  });

  it.runIf(flavour === 'mariadb').each([
    ['SET STATEMENT lock_wait_timeout = 5 FOR TRUNCATE $t', 'table_truncated'],
    ['CREATE OR REPLACE TABLE $t (id INT PRIMARY KEY, a INT)', 'definition_changed'],
    ['ALTER ONLINE TABLE $t DROP COLUMN a', 'definition_changed'],
    ['ALTER TABLE $t /*M! DROP COLUMN a */', 'definition_changed'],
  ])('%s, which only MariaDB has, stops the log too', async (statement, reason) => {
    const tail = await follow();
    await insert(1);
    await outside.query(statement.replaceAll('$t', table()));
    expect(await stopped(tail)).toEqual([1, reason]);
  });

  it('stops the log also when it was missed while nobody followed', async () => {
    const position = await log.position(testCall());
    await insert(1);
    await outside.query(`ALTER TABLE ${table()} ADD COLUMN extra INT`);
    expect(await stopped(await follow(position))).toEqual([1, 'definition_changed']);
  });

  it('stops the log before rows of a table that was another one', async () => {
    await outside.query(`ALTER TABLE ${table()} MODIFY a VARCHAR(20)`);
    const position = await log.position(testCall());
    await insert(1);
    expect(await stopped(await follow(position))).toEqual(['definition_changed']);
  });

  it('that drops the schema, or empties the versions, stops the log', async () => {
    const tail = await follow();
    await outside.query('TRUNCATE crossfade.crossfade_version');
    expect(await stopped(tail)).toEqual(['table_truncated']);
  });
});

describe('a log of another format', () => {
  it.each([
    ['statements', "SET SESSION binlog_format = 'STATEMENT'", "SET SESSION binlog_format = 'ROW'"],
    ['partial rows', "SET SESSION binlog_row_image = 'MINIMAL'", "SET SESSION binlog_row_image = 'FULL'"],
    ['rows without names', "SET GLOBAL binlog_row_metadata = 'MINIMAL'", "SET GLOBAL binlog_row_metadata = 'FULL'"],
  ])('stops at %s', async (_, set, reset) => {
    await insert(1);
    const tail = await follow();
    await insert(2);
    await tail.until((event) => event.type === 'change');
    await outside.query(set);
    try {
      await outside.query(`UPDATE ${table()} SET a = 9 WHERE id = 1`);
    } finally {
      await outside.query(reset);
    }
    expect(await stopped(tail)).toEqual([2, 'log_format']);
  });

  it.skipIf(flavour === 'mariadb')('stops at documents that were logged in parts', async () => {
    await outside.query(`CREATE TABLE documents (id INT PRIMARY KEY, d JSON)`);
    resource = placeResource(
      testResource('documents', { id: { kind: 'int', bits: 32, unsigned: false } }, { d: { kind: 'json' } }),
      SCHEMA,
    );
    log = createMysqlChangeLog({ pool, connection: mysql(), resource });
    const tail = await follow();
    await outside.query(`INSERT INTO documents VALUES (1, JSON_OBJECT('a', REPEAT('x', 500), 'b', 'c'))`);
    await outside.query("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
    await outside.query("UPDATE documents SET d = JSON_SET(d, '$.b', 'e')");
    await outside.query("SET SESSION binlog_row_value_options = ''");
    expect(await stopped(tail)).toEqual([1, 'log_format']);
  });
});

describe('a log of another shape', () => {
  it('is read with and without checksums, whichever they have when it begins', async () => {
    const tails: LogTail[] = [];
    for (let i = 1; i <= 4; i++) {
      await outside.query(`SET GLOBAL binlog_checksum = '${i % 2 === 0 ? 'CRC32' : 'NONE'}'`);
      tails.push(await follow());
      await insert(i);
      await outside.query(`ALTER TABLE ${table()} COMMENT '${i}'`);
    }
    tails.push(await follow(await log.position(testCall())));
    await insert(5);
    for (const [i, tail] of tails.entries()) {
      await tail.until((event) => event.type === 'change' && event.key.values[0] === 5);
      const ids = tail.events.flatMap((event) => (event.type === 'change' ? [event.key.values[0]] : []));
      expect(ids).toEqual([1, 2, 3, 4, 5].slice(i));
    }
  });

  it('is read with rows that take several packets', async () => {
    const title = { kind: 'string', maxChars: 2 ** 32 - 1, maxBytes: 2 ** 32 - 1, padSpace: false } as const;
    resource = placeResource(
      testResource('big', { id: { kind: 'int', bits: 32, unsigned: false } }, { title }),
      SCHEMA,
    );
    log = createMysqlChangeLog({ pool, connection: mysql(), resource });
    await outside.query('CREATE TABLE big (id INT PRIMARY KEY, title LONGTEXT CHARACTER SET utf8mb4)');
    const tail = await follow();
    await outside.query("INSERT INTO big VALUES (1, REPEAT('é', 17 * 1024 * 1024)), (2, 'small')");
    await tail.until((event) => event.type === 'change' && event.key.values[0] === 2);
    const lengths = tail.events.flatMap((event) => (event.type === 'change' ? [String(event.row?.[1]).length] : []));
    expect(lengths).toEqual([17 * 1024 * 1024, 5]);
  });

  it('is read past columns that the resource does not have, of every kind', async () => {
    await outside.query('DROP TABLE IF EXISTS wide');
    await outside.query(`CREATE TABLE wide (
      before_it GEOMETRY, bits BIT(13), virt INT AS (id + 1) VIRTUAL, kept INT AS (id * 2) STORED,
      year YEAR, tiny TINYINT, small SMALLINT, medium MEDIUMINT, big BIGINT, ratio FLOAT, real_one DOUBLE,
      amount DECIMAL(31, 11), day DATE, clock TIME(1), at DATETIME(3), stamp TIMESTAMP(5) NULL,
      short_text VARCHAR(20), long_text VARCHAR(300), fixed CHAR(100) CHARACTER SET utf8mb4, bytes BINARY(9),
      var_bytes VARBINARY(9), tiny_blob TINYBLOB, texts MEDIUMTEXT, blobs LONGBLOB, doc JSON,
      state ENUM('a', 'b'), tags SET('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'), sjis VARCHAR(9) CHARACTER SET sjis,
      id INT PRIMARY KEY, after_it GEOMETRY, a INT)`);
    resource = placeResource(
      testResource(
        'wide',
        { id: { kind: 'int', bits: 32, unsigned: false } },
        { a: { kind: 'int', bits: 32, unsigned: false } },
      ),
      SCHEMA,
    );
    log = createMysqlChangeLog({ pool, connection: mysql(), resource });
    const tail = await follow();
    await outside.query('INSERT INTO wide (id, a) VALUES (1, 10)');
    await outside.query(`INSERT INTO wide SET id = 2, a = 20, before_it = POINT(1, 2), bits = b'1000000000001', year = 2020,
      tiny = 1, small = 2, medium = 3, big = 4, ratio = 5, real_one = 6, amount = -7.5, day = '2020-01-01',
      clock = '-10:00:00.1', at = '2020-01-01 00:00:00.123', stamp = '2020-01-01 00:00:00.12345', short_text = 'x',
      long_text = REPEAT('y', 300), fixed = 'z', bytes = 'b', var_bytes = 'v', tiny_blob = 't', texts = 'm', blobs = 'l',
      doc = '{"a": 1}', state = 'b', tags = 'a,i', sjis = 'x', after_it = LINESTRING(POINT(0, 0), POINT(1, 1))`);
    await outside.query('UPDATE wide SET a = a + 1, bits = NULL');
    await outside.query('DELETE FROM wide WHERE id = 2');
    await tail.until((event) => event.type === 'change' && event.row === null);
    const rows = tail.events.flatMap((event) => (event.type === 'change' ? [event.row] : []));
    expect(rows).toEqual([[1, 10], [2, 20], [1, 11], [2, 21], null]);
  });
});

describe('a gap', () => {
  it('is a log that was purged before it was read', async () => {
    const position = await log.position(testCall());
    await insert(1);
    await outside.query('FLUSH BINARY LOGS');
    const last = (await binaryLogs()).at(-1);
    // MariaDB keeps a file until the engine has written what it would be needed for after a crash.
    await vi.waitUntil(async () => {
      await outside.query(`PURGE BINARY LOGS TO '${last}'`);
      return (await binaryLogs()).length === 1;
    }, 10_000);
    expect(await stopped(await follow(position))).toEqual(['log_purged']);
    expect(await stopped(await follow(''))).toEqual(['log_purged']);
    expect(await refusalOf(position)).toMatchObject({ reason: 'log_purged' });
  });

  it('is a server that lacks what was read from it', async () => {
    const position = await log.position(testCall());
    const ahead = position.replace(/-(\d+)$/, (_, last) => `-${Number(last) + 5}`);
    expect(await stopped(await follow(ahead))).toEqual(['source_lost_its_tail']);
    const elsewhere = `${position},${flavour === 'mariadb' ? '7-1-3' : '11111111-2222-3333-4444-555555555555:1-3'}`;
    expect(await stopped(await follow(elsewhere))).toEqual(['source_lost_its_tail']);
    expect(await refusalOf(ahead)).toMatchObject({ reason: 'source_lost_its_tail' });
  });

  async function binaryLogs(): Promise<readonly string[]> {
    const [logs] = await outside.query('SHOW BINARY LOGS');
    return (logs as { Log_name: string }[]).map((each) => each.Log_name);
  }

  /** What the server itself says when it is asked for the log after a position. */
  async function refusalOf(position: string): Promise<LogEvent | null> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const sink = { event: () => true, table: () => {}, gtid: () => {}, failed: resolve };
    const connection = new BinlogConnection({ connection: mysql(), position, serverId: 77 }, sink);
    const error = await promise;
    await connection.close();
    return gapOf(error);
  }
});

describe('the server', () => {
  const dumps = async (): Promise<number> => {
    const [rows] = await outside.query('SHOW PROCESSLIST');
    return (rows as { Command: string }[]).filter(({ Command }) => Command.startsWith('Binlog Dump')).length;
  };
  const eventually = async (holds: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + 10_000;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error('it did not come to hold');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it('keeps no thread of a stream that was left', async () => {
    await eventually(async () => (await dumps()) === 0);
    const some = await Promise.all(Array.from({ length: 5 }, () => follow()));
    const id = await log.requestBarrier(testCall());
    for (const tail of some) await tail.until((event) => event.type === 'barrier' && event.id === id);
    expect(await dumps()).toBe(5);
    for (const tail of some) await tail.stop();
    await eventually(async () => (await dumps()) === 0);
  });

  it('ends the older of two streams with one id, which may be begun again', async () => {
    log = createMysqlChangeLog({ pool, connection: mysql(), resource, serverId: 4711 });
    const older = await follow();
    await insert(1);
    await older.until((event) => event.type === 'change');
    const newer = await follow();
    expect(await older.ended).toMatchObject({ kind: 'unavailable' });
    await insert(2);
    await newer.until((event) => event.type === 'change');
  });

  it('may be killed and started again: the stream fails at once, and the next one goes on from its position', async () => {
    const tail = await follow();
    await insert(1);
    const commit = await tail.until(
      (event) => event.type === 'commit' && tail.events.some(({ type }) => type === 'change'),
    );
    await insert(2);
    const killedAt = performance.now();
    await mysql().kill();
    expect(await tail.ended).toMatchObject({
      name: 'DomainError',
      kind: 'unavailable',
      reason: 'AUTHORITY_UNAVAILABLE',
    });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    const refused = tailLog(log, commit.type === 'commit' ? commit.position : '');
    expect(await refused.ended).toMatchObject({ kind: 'unavailable' });
    await mysql().restart();
    await connect();
    await insert(3);
    const again = await follow(commit.type === 'commit' ? commit.position : '');
    await again.until((event) => event.type === 'change' && event.key.values[0] === 3);
    const ids = again.events.flatMap((event) => (event.type === 'change' ? [event.key.values[0]] : []));
    expect(ids).toEqual([2, 3]);
  });

  it('that hangs is noticed within seconds', async () => {
    const tail = await follow();
    await insert(1);
    await tail.until((event) => event.type === 'change');
    mysql().pause();
    const pausedAt = performance.now();
    try {
      expect(await tail.ended).toMatchObject({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE' });
      expect(performance.now() - pausedAt).toBeLessThan(8_000);
      const started = tailLog(log, '');
      expect(await started.ended).toMatchObject({ kind: 'unavailable' });
    } finally {
      mysql().resume();
    }
  });
});
