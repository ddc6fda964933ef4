/** MySQL's record stores for tests: the resources' tables in a database of their own, the control tables in another one. */
import type { Key } from '../../src/domain/key.ts';
import type { Resource, Row } from '../../src/domain/resource.ts';
import type { ControlRecord, FollowerState } from '../../src/stores/control-store.ts';
import { identifier } from '../../src/stores/mysql/names.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore, type MysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { createRecordTables } from '../../src/stores/mysql/record-tables.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from './calls.ts';
import { createTestDatabase, type TestDatabase } from './databases.ts';
import { placeResource } from './resources.ts';

/** What a test may change of a control record. */
export type ControlChange = Partial<Pick<ControlRecord, 'epoch' | 'attach' | 'state' | 'floor'>>;

/** One resource's store, empty, with a control record `in_sync` in epoch 1, attach 1, with a floor of 0. */
export interface MysqlStoreUnderTest {
  readonly store: MysqlRecordStore;
  /** The resource in the test's own database. */
  readonly resource: Resource;
  setControl(change: ControlChange): Promise<void>;
  /** Changes a record as an outside program would. Null deletes it. */
  outsideWrite(key: Key, row: Row | null): Promise<void>;
  /** The stored version; null: there is no row in the side table. */
  sideVersion(key: Key): Promise<bigint | null>;
}

/** A pool with its databases. */
export interface MysqlHarness {
  readonly pool: MysqlPool;
  readonly database: TestDatabase;
  readonly control: TestDatabase;
  open(resource: Resource): Promise<MysqlStoreUnderTest>;
  close(): Promise<void>;
}

/** Makes the databases, and the tables with the given statements, which run in the first of them. */
export async function createMysqlHarness(createTables: (schema: string) => readonly string[]): Promise<MysqlHarness> {
  const database = await createTestDatabase();
  const control = await createTestDatabase();
  const pool = createMysqlPool({ ...database.address, controlSchema: control.name });
  await setUpSchema(pool, testCall());
  for (const statement of createTables(database.name)) await database.run(statement);
  return {
    pool,
    database,
    control,
    open: (resource) => openStore(pool, placeResource(resource, database.name)),
    close: async () => {
      await pool.close();
      await database.drop();
      await control.drop();
    },
  };
}

async function openStore(pool: MysqlPool, resource: Resource): Promise<MysqlStoreUnderTest> {
  const client = pool.client('authority');
  const tables = createRecordTables(resource, pool.controlSchema);
  await client.write(`DELETE FROM ${tables.table}`, [], testCall());
  for (const own of [tables.versions, tables.requests]) {
    await client.write(`DELETE FROM ${own} WHERE resource = ?`, [resource.id], testCall());
  }
  const setControl = async (change: ControlChange): Promise<void> => {
    const state: FollowerState = change.state ?? 'in_sync';
    await client.write(
      `REPLACE INTO ${tables.control} VALUES (?, ?, 'source', ?, ?, ?, 7, 1, NULL)`,
      [resource.id, change.epoch ?? 1, change.floor ?? 0n, change.attach ?? 1, state],
      testCall(),
    );
  };
  await setControl({});
  const names = resource.columns.map((column) => identifier(column.mysqlName));
  return {
    store: createMysqlRecordStore({ pool, resource, role: 'authority' }),
    resource,
    setControl,
    outsideWrite: async (key, row) => {
      if (row === null) {
        await client.write(
          tables.deleteWhere(() => '?', `x'${key.bytes.toString('hex')}'`),
          tables.bindKey(key),
          testCall(),
        );
        return;
      }
      const values = row.map((value, i) => tables.binds[i]?.(value) ?? null);
      const marks = names.map(() => '?').join(', ');
      await client.write(`REPLACE INTO ${tables.table} (${names.join(', ')}) VALUES (${marks})`, values, testCall());
    },
    sideVersion: async (key) => {
      const sql = `SELECT version FROM ${tables.versions} WHERE resource = ? AND \`key\` = ?`;
      const { rows } = await client.read(sql, [resource.id, key.bytes], testCall());
      return rows[0] === undefined ? null : BigInt(rows[0][0] as number | string);
    },
  };
}
