import fc from 'fast-check';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { ChangeLog, LogEvent } from '../../src/stores/change-log.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore, type MysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { createRowBinds } from '../../src/stores/mysql/values.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { type LogTail, tailLog } from '../support/log-tail.ts';
import { intType, mysqlTable, placeResource, testResource, typesResource } from '../support/resources.ts';

let database: TestDatabase;
let pool: MysqlPool;
let store: MysqlRecordStore;
let log: ChangeLog;
let outside: Connection;
let tail: LogTail;
let columns: readonly string[];

const codec = createKeyCodec(typesResource);
const binds = createRowBinds(typesResource);

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
  const resource = placeResource(typesResource, database.name);
  columns = resource.columns.map(({ mysqlName }) => mysqlName);
  outside = await createConnection({ ...database.address, database: database.name, timezone: 'Z' });
  await outside.query("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'");
  await outside.query(mysqlTable(resource));
  await outside.query("INSERT INTO crossfade_control VALUES ('types', 1, 'source', 0, 0, 'detached', 1, 0, NULL)");
  store = createMysqlRecordStore({ pool, resource, role: 'authority' });
  log = createMysqlChangeLog({ pool, connection: database.address, resource });
  tail = tailLog(log, await log.position(testCall()));
});

afterAll(async () => {
  await tail?.stop();
  await outside?.end();
  await pool?.close();
  await database?.drop();
});

/** The last content of each key, by id, that the log shows up to now. */
async function logged(from: number): Promise<ReadonlyMap<string, Row | null>> {
  const id = await log.requestBarrier(testCall());
  await tail.until((event) => event.type === 'barrier' && event.id === id);
  const changes = tail.events
    .slice(from)
    .filter((event): event is LogEvent & { type: 'change' } => event.type === 'change');
  return new Map(changes.map(({ key, row }) => [key.id, row]));
}

/** What the log shows of a row of these columns' SQL, and what a read gives. Its key is new each time. */
async function bothWays(values: Readonly<Record<string, string>>): Promise<{ inLog: Row; read: Row | null }> {
  const from = tail.events.length;
  const names = Object.keys(values).map((name) => `\`${name}\``);
  await outside.query(
    `INSERT INTO types (owner, sample, ${names.join(', ')}) VALUES ('sql', ${from}, ${Object.values(values).join(', ')})`,
  );
  const key = codec.fromValues(['sql', BigInt(from)]);
  const inLog = (await logged(from)).get(key.id);
  if (inLog === undefined || inLog === null) throw new Error('the row is not in the log');
  const [stored] = await store.getMany([key], testCall());
  return { inLog, read: stored?.row ?? null };
}

const cell = (row: Row, name: string): Row[number] => row[columns.indexOf(name)] ?? null;

describe('a row of all types', () => {
  it('is in the log what reads of it give', async () => {
    const sql = `REPLACE INTO types VALUES (${columns.map(() => '?').join(', ')})`;
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryRow(typesResource), { minLength: 1, maxLength: 10 }), async (rows) => {
        const from = tail.events.length;
        await outside.beginTransaction();
        for (const row of rows) {
          await outside.execute(sql, row.map((value, i) => binds[i]?.(value) ?? null) as string[]);
        }
        await outside.commit();
        const inLog = await logged(from);
        const keys = [...new Map(rows.map((row) => codec.fromRow(row)).map((key) => [key.id, key])).values()];
        const stored = await store.getMany(keys, testCall());
        expect(keys.map(({ id }) => inLog.get(id))).toEqual(stored.map(({ row }) => row));
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['-0 and the smallest doubles', { measure: '-0e0', ratio: '-0e0', positive: '5e-324' }],
    [
      'the largest of each',
      { big: '-9223372036854775808', big_unsigned: '18446744073709551615', measure: '1.7976931348623157e308' },
    ],
    [
      'the ends of decimals',
      { amount: '-9999999999999999.9999', digits: "REPEAT('9', 38)", fraction: '-0.000000000000000000000000000001' },
    ],
    ['a decimal that arithmetic made -0', { amount: '-0.00001', digits: '0', fraction: '0' }],
    ['the ends of times', { elapsed: "'-838:59:59'", alarm: "'838:59:59'" }],
    ['times just below zero', { elapsed: "'-00:00:00.000001'", alarm: "'-00:00:00.001'" }],
    ['negative times without a fraction', { elapsed: "'-01:00:00'", alarm: "'-01:00:00'" }],
    [
      'times before 1970 and before our era’s calendars',
      { occurred: "'1000-01-01 00:00:00.000001'", noted: "'1969-12-31 23:59:59'" },
    ],
    [
      'the first and the last second',
      { synced: "'1970-01-01 00:00:01.000001'", second: "'2038-01-19 03:14:07'", noted: "'9999-12-31 23:59:59'" },
    ],
    ['leap days', { birth: "'2000-02-29'", occurred: "'2400-02-29 12:00:00.5'", noted: "'1900-02-28'" }],
    ['years', { model_year: '0', tiny: '-128', tiny_unsigned: '255' }],
    ['empty strings and bytes', { code: "''", title: "''", payload: "''", checksum: "''", tags: "''" }],
    ['zeros at the end of bytes', { checksum: "X'0100'", external: "X'01020304050607080900'", payload: "X'010000'" }],
    ['characters of four bytes', { title: "CONCAT('a', _utf8mb4 X'F09F9880', 'b')" }],
    ['a byte order mark', { title: "_utf8mb4 X'EFBBBF61'", nickname: "_utf8mb4 X'EFBBBF'" }],
    [
      'every byte of latin1',
      { legacy: "_latin1 X'808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0FFC4'" },
    ],
    ['spaces at the end', { code: "'a  '", title: "'a  '" }],
    ['every member of a set', { tags: "'billed,urgent,checked'", state: "'it''s'" }],
    ['a true that is not 1', { flag: '-7' }],
  ])('keeps %s', async (_, values) => {
    const { inLog, read } = await bothWays(values);
    expect(inLog).toEqual(read);
    for (const name of Object.keys(values)) expect(cell(inLog, name)).not.toBeNull();
  });

  it.each([
    [
      'numbers beyond 2^53',
      `'[9007199254740993, 18446744073709551615, -9223372036854775808, 1e30, -0.0, 1.0, 5e-324]'`,
    ],
    [
      'decimals',
      `JSON_ARRAY(CAST(1.50 AS DECIMAL(10,2)), CAST(-0.00 AS DECIMAL(10,2)), CAST(REPEAT('9', 65) AS DECIMAL(65,0)))`,
    ],
    [
      'dates and times',
      `JSON_OBJECT('d', DATE'2020-02-29', 't', TIME'-12:34:56.789', 'p', TIME'838:59:59', 'm', TIMESTAMP'1960-01-01 00:00:00.000001')`,
    ],
    ['bytes', `JSON_ARRAY(CAST(X'00FF' AS BINARY), CAST(REPEAT('a', 300) AS BINARY), b'101')`],
    [
      'names that objects treat in their own way',
      `'{"__proto__": {"a": 1}, "10": 1, "9": 2, "constructor": null, "": [], "ü": {}}'`,
    ],
    ['scalars', `'"a \\\\u0001 \\\\" \\\\\\\\ \\\\ud83d\\\\ude00"'`],
    ['a true, a false, a null', `'[true, false, null, [], {}, ""]'`],
    ['a null that is a document', `'null'`],
    [
      'more than 64 KiB of text',
      `JSON_OBJECT('long', REPEAT('x', 70000), 'n', 70000, 'b', -3000000000, 'u', 3000000000)`,
    ],
    ['more than 64 KiB of small values', `CONCAT('[', REPEAT('{"a": [1, 100000, true]},', 5000), '{"b": 32768}]')`],
    ['the deepest nesting', `CONCAT(REPEAT('[', 100), REPEAT(']', 100))`],
    [
      'integers at the ends of each width',
      `'[32767, 32768, -32768, -32769, 65535, 2147483647, 2147483648, -2147483649, 4294967296]'`,
    ],
  ])('keeps JSON with %s', async (_, document) => {
    const { inLog, read } = await bothWays({ document });
    expect(cell(inLog, 'document')).toEqual(expect.any(String));
    expect(inLog).toEqual(read);
  });

  it('does not stop at what its type can’t show, as a touch reads it again', async () => {
    const from = tail.events.length;
    await outside.query(
      `INSERT INTO types (owner, sample, birth, occurred, state, tiny)
       VALUES ('odd', 1, '2021-02-30', '0000-00-00', 'unknown', 5), ('odd', 2, '2021-02-28', NULL, 'active', 6)`,
    );
    const rows = await logged(from);
    const row = rows.get(codec.fromValues(['odd', 1n]).id);
    if (row === undefined || row === null) throw new Error('the row is not in the log');
    expect(['birth', 'occurred', 'state', 'tiny'].map((name) => cell(row, name))).toEqual([null, null, null, 5]);
    expect(rows.get(codec.fromValues(['odd', 2n]).id)?.[columns.indexOf('birth')]).toBe('2021-02-28');
  });

  it('fails where the service itself would have written what its type can’t show', async () => {
    const position = await log.position(testCall());
    const key = codec.fromValues(['odd', 3n]).bytes.toString('hex');
    await outside.beginTransaction();
    await outside.query(`INSERT INTO crossfade_version VALUES ('types', X'${key}', 1)`);
    await outside.query("INSERT INTO types (owner, sample, birth) VALUES ('odd', 3, '2021-02-30')");
    await outside.commit();
    const failing = tailLog(log, position);
    expect(await failing.ended).toMatchObject({ kind: 'internal', reason: 'UNREPRESENTABLE_VALUE' });
  });
});

describe('a table with numbers behind a YEAR', () => {
  it('shows them in the log as a read does, whether or not the server gives the year a bit for its sign', async () => {
    const year = { kind: 'int', bits: 16, unsigned: true, year: true } as const;
    const films = testResource(
      'films',
      { film: intType(16, true) },
      {
        made: year,
        language: intType(8, true),
        dubbed: intType(8, true),
        days: intType(8, true),
        rate: { kind: 'decimal', precision: 4, scale: 2, unsigned: false },
        minutes: intType(16, true),
        rank: intType(32),
      },
    );
    const resource = placeResource(films, database.name);
    await outside.query(mysqlTable(resource));
    await outside.query("INSERT INTO crossfade_control VALUES ('films', 1, 'source', 0, 0, 'detached', 1, 0, NULL)");
    const filmLog = createMysqlChangeLog({ pool, connection: database.address, resource });
    const filmTail = tailLog(filmLog, await filmLog.position(testCall()));
    try {
      await outside.query('INSERT INTO films VALUES (40000, 2006, 200, NULL, 250, -9.99, 65000, -7)');
      const change = await filmTail.until((event) => event.type === 'change');
      expect(change).toMatchObject({ row: [40_000, 2006, 200, null, 250, '-9.99', 65_000, -7] });
    } finally {
      await filmTail.stop();
    }
  });
});
