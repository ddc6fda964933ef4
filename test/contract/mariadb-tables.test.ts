import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { MysqlTableDescription } from '../../src/domain/table-description.ts';
import { constraintsOfMysqlAlone } from '../../src/schema/target-authority.ts';
import { describeTable } from '../../src/stores/mysql/describe-table.ts';
import { findTable, whyNoTable } from '../../src/stores/mysql/describe-table-notes.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

describe('a table of MariaDB that refuses what Cassandra would take', () => {
  let database: TestDatabase;
  let pool: MysqlPool;

  beforeAll(async () => {
    database = await createTestDatabase(inject('mariadb'));
    pool = createMysqlPool({ ...database.address, connections: 1 });
  });

  afterAll(async () => {
    await pool?.close();
    await database?.drop();
  });

  const described = async (table: string): Promise<MysqlTableDescription> => {
    const found = await describeTable(pool, { schema: database.name, table }, testCall());
    if (found === null) throw new Error(`there is no ${table}`);
    return found;
  };

  it('has checks, but JSON is a type', async () => {
    await database.run(`CREATE TABLE checked (
      id INT PRIMARY KEY, a INT CHECK (a > 0), b INT, doc JSON, CONSTRAINT a_below_b CHECK (a < b))`);
    const table = await described('checked');
    expect(table.checks?.toSorted()).toEqual(['a', 'a_below_b']);
    expect(constraintsOfMysqlAlone(table, [], [])).toContain(
      'Cassandra would not keep the check constraint a_below_b: drop it',
    );
    await database.run('CREATE TABLE plain (id INT PRIMARY KEY, doc JSON)');
    expect(constraintsOfMysqlAlone(await described('plain'), [], [])).toEqual([]);
  });

  it('has unique keys by a hash, by which no index can look', async () => {
    await database.run('CREATE TABLE hashed (id INT PRIMARY KEY, body TEXT, UNIQUE KEY bodies (body))');
    const table = await described('hashed');
    expect(table.keys).toEqual([{ name: 'bodies', columns: ['body'], unique: true, isPrefix: false, isHash: true }]);
    expect(constraintsOfMysqlAlone(table, [], [])).toEqual([
      'Cassandra would not keep the unique key bodies (body): no index of ours can hold body: drop it',
    ]);
    await database.run('CREATE TABLE coded (id INT PRIMARY KEY, code VARCHAR(20), UNIQUE KEY codes (code) USING HASH)');
    expect(constraintsOfMysqlAlone(await described('coded'), [], [])).toEqual([
      'Cassandra would not keep the unique key codes (code): make it one USING BTREE, and name it in storage.index, or drop it',
    ]);
  });

  it('has keys that keep periods apart', async () => {
    await database.run(`CREATE TABLE booked (
      id INT NOT NULL, room INT NOT NULL COMMENT 'UNIQUE KEY \`x\` (room, stay WITHOUT OVERLAPS)',
      since DATE NOT NULL, till DATE NOT NULL, PERIOD FOR stay (since, till),
      PRIMARY KEY (id, stay WITHOUT OVERLAPS), UNIQUE KEY \`odd\`\`name\` (room, stay WITHOUT OVERLAPS), KEY (till))`);
    const table = await described('booked');
    expect(table.periodKeys).toEqual(['PRIMARY', 'odd`name']);
    expect(constraintsOfMysqlAlone(table, [['room', 'till', 'since']], [])).toContain(
      'Cassandra would not keep the periods of the key PRIMARY apart (WITHOUT OVERLAPS): drop it',
    );
  });

  it('is refused by name if it keeps its old rows, or is a sequence', async () => {
    await database.run('CREATE TABLE kept (id INT PRIMARY KEY) WITH SYSTEM VERSIONING; CREATE SEQUENCE numbers');
    for (const [table, why] of [
      ['kept', 'DROP SYSTEM VERSIONING'],
      ['numbers', 'it is a SEQUENCE, not a table'],
    ] as const) {
      const name = { schema: database.name, table };
      expect(await describeTable(pool, name, testCall())).toBeNull();
      expect(whyNoTable((await findTable(pool, name, testCall()))?.type)).toContain(why);
    }
  });
});
