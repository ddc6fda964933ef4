import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { canonicalJson } from '../../src/domain/json-text.ts';
import type { ColumnType } from '../../src/domain/resource.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import { checkString } from '../../src/schema/canonical-values.ts';
import { checkCassandraTable, createTableCql } from '../../src/schema/cassandra-ddl.ts';
import { columnTypeOf } from '../../src/schema/types.ts';
import { internalCall } from '../../src/stores/call.ts';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { describeTable as describeTarget } from '../../src/stores/cassandra/describe-table.ts';
import { describeTable } from '../../src/stores/mysql/describe-table.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { allTypesDefinition, allTypesResource, allTypesSql, allTypesTable } from '../support/all-types.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase } from '../support/databases.ts';
import { placeResource } from '../support/resources.ts';

const CALL_TIMEOUT_MS = 20_000;

let database: TestDatabase;
let connection: mysql.Connection;
let pool: MysqlPool;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.run(allTypesSql);
  connection = await mysql.createConnection({
    ...inject('mysql'),
    database: database.name,
    charset: 'utf8mb4',
    jsonStrings: true,
  });
  pool = createMysqlPool(inject('mysql'));
});

afterAll(async () => {
  await connection?.end();
  await pool?.close();
  await database?.drop();
});

/** What a server gives back for a value of a one-column table; undefined: it refused it. */
async function stored(columnType: string, value: string): Promise<string | undefined> {
  await connection.query(`CREATE TABLE IF NOT EXISTS one (v ${columnType})`);
  try {
    await connection.execute('DELETE FROM one');
    await connection.execute('INSERT INTO one VALUES (?)', [value]);
    const [rows] = await connection.execute<mysql.RowDataPacket[]>('SELECT v FROM one');
    return rows[0]?.v as string;
  } catch {
    return undefined;
  }
}

function canonicalOrRefused(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : canonicalJson(text);
  } catch {
    return undefined;
  }
}

describe('the table with every type', () => {
  it('is described as the tests have it, and binds', async () => {
    const name = { schema: database.name, table: 'all_types' };
    const table = await describeTable(pool, name, internalCall(systemClock, CALL_TIMEOUT_MS));
    expect({ ...table, schema: allTypesTable.schema }).toEqual(allTypesTable);
    expect(table && bindResource(allTypesDefinition, table, { mysqlSchema: database.name })).toEqual({
      resource: { ...allTypesResource, mysql: name },
    });
  });

  it('has a target that Cassandra makes as it is derived', async () => {
    const keyspace = await createTestKeyspace();
    const client = createCassandraClient(inject('cassandra'));
    try {
      const resource = placeResource(allTypesResource, keyspace.name);
      await keyspace.run(createTableCql(resource));
      const name = { keyspace: keyspace.name, table: 'all_types' };
      const described = await describeTarget(client, name, internalCall(systemClock, CALL_TIMEOUT_MS));
      expect(described && checkCassandraTable(resource, described)).toEqual([]);
    } finally {
      await client.close();
      await keyspace.drop();
    }
  });
});

describe('labels of an ENUM', () => {
  it('are read as MySQL quotes them', async () => {
    const labels = ["it's", 'a,b', 'back\\slash', 'new\nline', 'ret\rurn', 'tab\t', ')', '"', 'ü', "','", ''];
    const list = labels.map((label) => connection.escape(label)).join(',');
    await database.run(`CREATE TABLE labels (id INT PRIMARY KEY, label ENUM(${list}))`);
    const name = { schema: database.name, table: 'labels' };
    const table = await describeTable(pool, name, internalCall(systemClock, CALL_TIMEOUT_MS));
    const column = table?.columns[1];
    expect(column && columnTypeOf(column, 'string', 'plain')).toEqual({ type: { kind: 'enum', values: labels } });
  });
});

describe('latin1', () => {
  it('holds exactly the characters that are taken for it', async () => {
    const type: ColumnType & { kind: 'string' } = {
      kind: 'string',
      maxChars: 1,
      maxBytes: 1,
      padSpace: true,
      charset: 'latin1',
    };
    const [rows] = await connection.query<mysql.RowDataPacket[]>(
      Array.from({ length: 256 }, (_, byte) => `SELECT CONVERT(CHAR(${byte} USING latin1) USING utf8mb4) AS c`).join(
        ' UNION ALL ',
      ),
    );
    // What Windows-1252 leaves open MySQL maps to control characters, and back.
    const held = rows.map((row) => row.c as string).filter((text) => !/[\u0080-\u009f]/.test(text));
    expect(held).toHaveLength(251);
    for (const text of held) expect(checkString(type, text, 'text')).toBe(text);
    expect(() => checkString(type, 'Ā', 'text')).toThrow();
  });
});

describe('canonical JSON', () => {
  it.each([
    '1.0',
    '1e2',
    '-0',
    '-0.0',
    '1e20',
    '1e21',
    '18446744073709551615',
    '18446744073709551616',
    '-9223372036854775808',
    '-9223372036854775809',
    '0.1',
    '2.50',
    '1e-400',
    '5e-324',
    '1.7976931348623157e308',
    '9007199254740993.0',
    '-1e-5',
    '"\\u0000\\u007f\\u0001\\/é\\ud83d\\ude00"',
    '{"aaaa":1,"€":2,"b":1,"b":2,"\\u0000a":3,"__proto__":4}',
    ' [ ] ',
    `${'['.repeat(100)}1${']'.repeat(100)}`,
    `{"${'a'.repeat(65_535)}":1}`,
    'null',
    '""',
  ])('of a document is the same before MySQL stores it and after (%#)', async (text) => {
    const printed = await stored('JSON', text);
    expect(printed).toBeDefined();
    expect(canonicalOrRefused(printed)).toBe(canonicalJson(text));
  });

  it.each([
    '1e400',
    '01',
    '1.',
    '.5',
    '"\\ud800"',
    '\u00a01',
    '[1,]',
    "'a'",
    `${'['.repeat(101)}${']'.repeat(101)}`,
    `{"${'a'.repeat(65_536)}":1}`,
  ])('refuses what MySQL refuses (%#)', async (text) => {
    expect(await stored('JSON', text)).toBeUndefined();
    expect(canonicalOrRefused(text)).toBeUndefined();
  });
});
