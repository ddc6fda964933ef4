import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MysqlTableDescription } from '../../src/domain/table-description.ts';
import { describeColumns, describeTable } from '../../src/stores/mysql/describe-table.ts';
import { createMysqlPool, type MysqlClient, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { checkServer, examineReplication } from '../../src/stores/mysql/server-checks.ts';
import { allTypesSql, allTypesTable } from '../support/all-types.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

let database: TestDatabase;
let pool: MysqlPool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await database.run(allTypesSql);
  await database.run(`CREATE TABLE parents (id INT PRIMARY KEY) ENGINE=InnoDB;
    CREATE TABLE odd (
      b INT NOT NULL,
      a INT NOT NULL,
      none VARCHAR(5) NOT NULL,
      nothing VARCHAR(5) NULL,
      constant VARCHAR(30) NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
      now DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
      expression VARCHAR(40) NOT NULL DEFAULT (CONCAT('a', 'b')),
      counter BIGINT NOT NULL AUTO_INCREMENT UNIQUE,
      made INT GENERATED ALWAYS AS (a + b) STORED,
      parent INT NULL,
      PRIMARY KEY (a, b),
      UNIQUE KEY both_of (none, nothing),
      CONSTRAINT to_parent FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE SET NULL
    ) ENGINE=InnoDB`);
});

afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

const described = async (table: string): Promise<MysqlTableDescription | null> =>
  await describeTable(pool, { schema: database.name, table }, testCall());

describe('the description of a table', () => {
  it('is what the table of all types has always been described as', async () => {
    expect({ ...(await described('all_types')), schema: allTypesTable.schema }).toEqual(allTypesTable);
  });

  it('names keys in their order, and foreign keys with what they do', async () => {
    expect(await described('odd')).toMatchObject({
      storageEngine: 'InnoDB',
      primaryKey: ['a', 'b'],
      keys: expect.arrayContaining([
        expect.objectContaining({ columns: ['none', 'nothing'], unique: true }),
        expect.objectContaining({ columns: ['counter'], unique: true }),
      ]),
      foreignKeys: [{ name: 'to_parent', table: 'odd', referencedTable: 'parents', onDelete: 'SET NULL' }],
    });
    expect(await described('nowhere')).toBeNull();
  });

  it('tells how a column that is left out is filled in', async () => {
    const columns = await describeColumns(
      pool.client('authority'),
      { schema: database.name, table: 'odd' },
      testCall(),
    );
    expect(Object.fromEntries(columns.map((column) => [column.name, column.defaultKind]))).toEqual({
      b: 'none',
      a: 'none',
      none: 'none',
      nothing: 'null',
      constant: 'constant',
      now: 'now',
      expression: 'expression',
      counter: 'expression',
      made: 'expression',
      parent: 'null',
    });
    const flags = columns.filter((column) => column.onUpdate || column.generated || column.autoIncrement);
    expect(flags.map(({ name }) => name)).toEqual(['now', 'counter', 'made']);
    expect(columns.filter((column) => !column.hasDefault).map(({ name }) => name)).toEqual(['b', 'a', 'none']);
  });
});

describe('the check of a server', () => {
  it('finds nothing to refuse on a server that is set up as the docs say', async () => {
    const table = await described('all_types');
    const found = await checkServer(pool, { tables: table === null ? [] : [table], capture: true }, testCall());
    expect(found).toEqual({ errors: [], warnings: [] });
  });

  it('refuses foreign keys whose actions capture can’t follow, where the log is read, and other engines', async () => {
    const odd = await described('odd');
    if (odd === null) throw new Error('the table is missing');
    expect((await checkServer(pool, { tables: [odd], capture: true }, testCall())).errors).toEqual([]);
    const foreignKeys = odd.foreignKeys.map((key) => ({ ...key, onDelete: 'SET DEFAULT' }));
    const captured = await checkServer(pool, { tables: [{ ...odd, foreignKeys }], capture: true }, testCall());
    expect(captured.errors).toEqual([
      expect.objectContaining({
        setting: `${database.name}.odd: foreign key to_parent`,
        found: 'ON DELETE SET DEFAULT',
      }),
    ]);
    const myIsam = { ...odd, storageEngine: 'MyISAM' };
    const only = await checkServer(pool, { tables: [myIsam], capture: false }, testCall());
    expect(only.errors).toMatchObject([{ found: 'MyISAM', wanted: 'InnoDB' }]);
  });

  it('refuses what capture can not do without, warns of what a crash may lose, and says the cure', async () => {
    const found = await checkServer(
      serverWith({
        version: '8.0.36',
        log_bin: 'ON',
        binlog_format: 'STATEMENT',
        binlog_row_image: 'full',
        gtid_mode: 'OFF_PERMISSIVE',
        binlog_row_value_options: 'PARTIAL_JSON',
        binlog_order_commits: 'ON',
        sync_binlog: '1000',
        innodb_flush_log_at_trx_commit: '2',
        read_only: 'ON',
      }),
      { tables: [], capture: true },
      testCall(),
    );
    const settings = ['read_only', 'binlog_format', 'binlog_row_metadata', 'gtid_mode', 'binlog_row_value_options'];
    expect(found.errors.map(({ setting }) => setting)).toEqual([...settings, 'binlog_ignore_db']);
    expect(found.warnings.map(({ setting }) => setting)).toEqual(['innodb_flush_log_at_trx_commit', 'sync_binlog']);
    for (const finding of [...found.errors, ...found.warnings]) expect(finding.cure).not.toBe('');
  });

  it("does not ask MySQL's settings of MariaDB", async () => {
    const found = await checkServer(
      serverWith({
        version: '10.11.6-MariaDB-log',
        log_bin: 'ON',
        binlog_format: 'ROW',
        binlog_row_image: 'FULL',
        binlog_row_metadata: 'FULL',
        gtid_strict_mode: 'OFF',
        log_bin_compress: 'OFF',
        sync_binlog: '1',
        innodb_flush_log_at_trx_commit: '1',
        read_only: 'OFF',
      }),
      { tables: [], capture: true },
      testCall(),
    );
    expect(found.errors.map(({ setting }) => setting)).toEqual(['binlog_ignore_db']);
    expect(found.warnings.map(({ setting }) => setting)).toEqual(['gtid_strict_mode']);
  });

  it.each([
    ['OFF', ['log_slave_updates']],
    ['ON', []],
  ])('of MariaDB that replicates with log_slave_updates %s refuses %o', async (updates, refused) => {
    const variables = { version: '10.11.6-MariaDB', log_slave_updates: updates, Slaves_running: '1' };
    const found = await examineReplication(serverWith(variables), testCall());
    expect(found.filter(({ verdict }) => verdict === 'error').map(({ setting }) => setting)).toEqual(refused);
    const alone = serverWith({ ...variables, Slaves_running: '0' });
    expect(await examineReplication(alone, testCall())).toEqual([]);
  });
});

/** A server that only has variables, and a filter of its binary log: settings that the shared server must not get. */
function serverWith(variables: Readonly<Record<string, string>>): MysqlPool {
  const read: MysqlClient['read'] = async (sql, parameters) => {
    if (sql.startsWith('SHOW GLOBAL VARIABLES')) {
      const rows = Object.entries(variables).filter(([name]) => parameters.includes(name));
      return { rows, affectedRows: 0 };
    }
    if (sql.includes("'Slaves_running'")) {
      return { rows: [['Slaves_running', variables.Slaves_running ?? '0']], affectedRows: 0 };
    }
    if (sql === 'SELECT @@version') return { rows: [[variables.version ?? '']], affectedRows: 0 };
    return { rows: [['binlog.000001', 4, '', 'billing', '']], affectedRows: 0 };
  };
  const refuse = (): never => {
    throw new Error('a check changes nothing');
  };
  const client: MysqlClient = { read, write: refuse, define: refuse, transaction: refuse, session: refuse };
  return { controlSchema: 'crossfade', client: () => client, onBroken: () => {}, close: async () => {} };
}
