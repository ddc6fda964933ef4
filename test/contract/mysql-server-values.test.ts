import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column, ColumnType, Resource } from '../../src/domain/resource.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { readServerValues } from '../../src/stores/mysql/server-values.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { notesResource, placeResource } from '../support/resources.ts';

const types: readonly (readonly [sql: string, type: ColumnType])[] = [
  ['INT NOT NULL DEFAULT -5', { kind: 'int', bits: 32, unsigned: false }],
  ['BIGINT UNSIGNED NOT NULL DEFAULT 18446744073709551615', { kind: 'int', bits: 64, unsigned: true }],
  ['TINYINT(1) NOT NULL DEFAULT 1', { kind: 'bool' }],
  ['DECIMAL(12,2) NOT NULL DEFAULT 0.5', { kind: 'decimal', precision: 12, scale: 2, unsigned: false }],
  ['DOUBLE NOT NULL DEFAULT 1e10', { kind: 'double' }],
  ["VARCHAR(20) NOT NULL DEFAULT 'it''s'", stringOf(20)],
  ["VARCHAR(20) DEFAULT ''", stringOf(20)],
  ["VARBINARY(4) NOT NULL DEFAULT 'ab'", { kind: 'bytes', maxBytes: 4, fixed: false }],
  ["ENUM('active', 'draft') NOT NULL DEFAULT 'draft'", { kind: 'enum', values: ['active', 'draft'] }],
  ["SET('a', 'b', 'c') NOT NULL DEFAULT 'c,a'", { kind: 'set', values: ['a', 'b', 'c'] }],
  ["DATE NOT NULL DEFAULT '2020-02-29'", { kind: 'date' }],
  ["TIME(3) NOT NULL DEFAULT '-01:02:03.004'", { kind: 'time', fsp: 3 }],
  ["DATETIME(6) NOT NULL DEFAULT '2020-01-01 00:00:00.000001'", { kind: 'datetime', fsp: 6 }],
  ["TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00'", { kind: 'timestamp', fsp: 0 }],
  ["BIT(9) NOT NULL DEFAULT b'100000001'", { kind: 'int', bits: 64, unsigned: true, bit: 9 }],
  ["VARBINARY(4) NOT NULL DEFAULT X'00FF'", { kind: 'bytes', maxBytes: 4, fixed: false }],
  ["VARCHAR(20) NOT NULL DEFAULT 'NULL'", stringOf(20)],
  ['VARCHAR(20)', stringOf(20)],
];

function stringOf(chars: number): ColumnType {
  return { kind: 'string', maxChars: chars, maxBytes: chars * 4, padSpace: false };
}

function column(mysqlName: string, type: ColumnType, nullable: boolean): Column {
  return { field: mysqlName, type, nullable, mysqlName, cassandraName: mysqlName, writable: true, serverChanges: true };
}

describe('what MySQL puts into columns by itself', () => {
  let database: TestDatabase;
  let pool: MysqlPool;
  let resource: Resource;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createMysqlPool({ ...database.address, controlSchema: database.name });
    await setUpSchema(pool, testCall());
    const placed = placeResource(notesResource, database.name);
    const columns = types.map(([sql, type], i) => column(`c${i}`, type, !sql.includes('NOT NULL')));
    resource = {
      ...placed,
      columns: [
        ...placed.columns.slice(0, placed.keyLength),
        ...columns,
        column('changed', { kind: 'timestamp', fsp: 3 }, false),
        column('needed', stringOf(5), false),
      ],
    };
    await database.run(`CREATE TABLE ${resource.mysql.table} (
      owner VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      note VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
      ${types.map(([sql], i) => `c${i} ${sql}`).join(', ')},
      changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
      needed VARCHAR(5) NOT NULL,
      PRIMARY KEY (owner, note)) ENGINE=InnoDB`);
  });

  afterAll(async () => {
    await pool?.close();
    await database?.drop();
  });

  it('is read as an INSERT stores it, with rows and without', async () => {
    const before = await readServerValues(pool, resource, testCall()).catch((error: unknown) => error);
    await database.run(`INSERT INTO ${resource.mysql.table} (owner, note, needed) VALUES ('o', 'n', 'x')`);
    const { defaults, onUpdate } = await readServerValues(pool, resource, testCall());
    const untold = {
      kind: 'failed_precondition',
      message: expect.stringContaining('only of a table with rows: write a first record'),
    };
    expect(before).toEqual((await isMariadb()) ? expect.objectContaining(untold) : { defaults, onUpdate });
    const store = createMysqlRecordStore({ pool, resource, role: 'authority' });
    const [stored] = await store.list({ parent: ['o'], after: null, limit: 1 }, testCall());
    const { keyLength } = resource;
    for (const [i, [sql]] of types.entries()) {
      const stores = { kind: 'value', value: stored?.row?.[keyLength + i] };
      expect({ sql, ...defaults[keyLength + i] }).toEqual({ sql, ...stores });
    }
    expect(defaults.slice(-2)).toEqual([{ kind: 'now' }, { kind: 'none' }]);
    expect(onUpdate).toEqual([resource.columns.length - 2]);
  });

  async function isMariadb(): Promise<boolean> {
    const [[version] = []] = (await pool.client('authority').read('SELECT @@version', [], testCall())).rows;
    return /mariadb/i.test(String(version));
  }

  it('names the columns that only the server can tell', async () => {
    await database.run(`CREATE TABLE own (owner INT NOT NULL, note INT NOT NULL AUTO_INCREMENT UNIQUE,
      made INT GENERATED ALWAYS AS (owner + 1) STORED, PRIMARY KEY (owner, note)) ENGINE=InnoDB`);
    const own = { ...resource, mysql: { ...resource.mysql, table: 'own' } };
    await expect(readServerValues(pool, own, testCall())).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining('the values of made:'),
    });
  });
});
