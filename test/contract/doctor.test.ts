import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/app/doctor/check.ts';
import type { Expectations } from '../../src/app/doctor/site.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { buildImage, resourceProto } from '../support/descriptor-image.ts';
import { complaints, examine, of } from '../support/doctor.ts';

const BIN = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const COLUMNS = 'book_id BIGINT UNSIGNED NOT NULL, title VARCHAR(200) NOT NULL, note VARCHAR(200) NULL';
const HEALTHY = `CREATE TABLE books (shelf_id VARCHAR(20) ${BIN} NOT NULL, ${COLUMNS}, PRIMARY KEY (shelf_id, book_id))`;
const THREE_REPLICAS = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 3}";
const DAY = 86_400;

let folder: string;
let descriptors: string;
let database: TestDatabase;
let keyspace: TestKeyspace;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-doctor-'));
  descriptors = join(folder, 'books.binpb');
  await writeFile(descriptors, await buildImage(resourceProto()));
  [database, keyspace] = await Promise.all([createTestDatabase(), createTestKeyspace()]);
  await database.run(HEALTHY);
  // The one node of the stack can't hold three, but nothing is written here: only described.
  await keyspace.run(`ALTER KEYSPACE ${keyspace.name} WITH replication = ${THREE_REPLICAS}`);
});

afterAll(async () => {
  await Promise.all([database?.drop(), keyspace?.drop(), rm(folder, { recursive: true })]);
});

interface Change {
  readonly descriptors?: string;
  readonly database?: string;
  readonly keyspace?: string;
  readonly mysql?: object;
  readonly cassandra?: object;
  readonly password?: string;
}

/** A doctor's findings about the books, which are healthy but for what is changed. */
function findings(change: Change = {}, expected: Partial<Expectations> = {}): Promise<readonly Finding[]> {
  const { host, port, user, password } = inject('mysql');
  const { name } = keyspace;
  const cassandraKeyspace = change.keyspace ?? name;
  const config = {
    descriptors: change.descriptors ?? descriptors,
    resources: [{ type: 'made.v1.Book', mysqlSchema: change.database ?? database.name, cassandraKeyspace }],
    stores: {
      mysql: { host, port, user, passwordEnv: 'PASSWORD', controlSchema: `${database.name}_control`, ...change.mysql },
      cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: name, ...change.cassandra },
    },
    telemetry: { exporter: 'none' },
  };
  return examine(config, { PASSWORD: change.password ?? password }, expected);
}

/** A database of a test's own, with tables. */
async function databaseWith(sql: string): Promise<TestDatabase> {
  const own = await createTestDatabase();
  onTestFinished(() => own.drop());
  await own.run(sql);
  return own;
}

const NO_FLAGS = ['flags.server', 'flags.token', 'flags.exist'].map(
  (check) => `${check}: the config names no flag server: nothing moves`,
);

describe('a doctor at real servers', () => {
  it('has nothing to say against a setup as the docs want it', async () => {
    const found = await findings();
    expect(complaints(found)).toEqual(NO_FLAGS);
    expect(of(found, 'mysql.binlog_row_metadata')).toMatchObject([{ outcome: 'ok', found: 'FULL', cure: '' }]);
    expect(of(found, 'target.table')[0]?.found).toContain('the start creates it');
    expect(of(found, 'clocks.skew')[0]?.found).toMatch(/MySQL -?\d+\.\d to .* ms ahead of this machine/);
  });

  it('creates nothing', async () => {
    await findings();
    const found = await findings();
    expect(of(found, 'mysql.control_schema')[0]?.found).toContain('is not there; the start creates it');
    expect(of(found, 'target.options')).toMatchObject([
      { outcome: 'ok', found: expect.stringContaining('the start creates') },
    ]);
  });

  it('measures retention, the log of Cassandra and the grace against the outage that is expected', async () => {
    const table = `CREATE TABLE ${keyspace.name}.books (shelf text, book bigint, PRIMARY KEY (shelf, book))`;
    await keyspace.run(table);
    onTestFinished(() => keyspace.run(`DROP TABLE ${keyspace.name}.books`));
    const found = await findings({}, { outageSeconds: 40 * DAY });
    expect(of(found, 'mysql.binlog_retention')).toMatchObject([
      { outcome: 'problem', cure: expect.stringContaining(`SET PERSIST binlog_expire_logs_seconds = ${40 * DAY}`) },
    ]);
    expect(of(found, 'config.log_ttl')).toMatchObject([{ outcome: 'problem' }]);
    expect(of(found, 'target.gc_grace_seconds')).toMatchObject([
      { outcome: 'problem', cure: expect.stringContaining(`ALTER TABLE ${keyspace.name}.books WITH gc_grace_seconds`) },
    ]);
    expect(of(found, 'target.table').map(({ outcome }) => outcome)).toContain('problem');
  });
});

describe('a doctor asked about access', () => {
  it('names the privileges that a user lacks, with grants that are enough', async () => {
    const user = `doctor_${randomBytes(4).toString('hex')}`;
    await database.run(`CREATE USER '${user}'@'%' IDENTIFIED WITH mysql_native_password BY 'pass';
      GRANT SELECT ON ${database.name}.books TO '${user}'@'%'`);
    onTestFinished(() => database.run(`DROP USER '${user}'@'%'`));
    const change = { mysql: { user }, password: 'pass' };
    const found = await findings(change);
    const lacking = [...of(found, 'mysql.privileges'), ...of(found, 'mysql.trigger_privilege')];
    expect(lacking.map(({ found }) => found)).toEqual([
      expect.stringMatching(/^lacks SELECT, .*CREATE ROUTINE, EXECUTE on `test_.*_control`\.\*$/),
      `lacks INSERT, UPDATE, DELETE on \`${database.name}\`.\`books\``,
      'lacks REPLICATION SLAVE, REPLICATION CLIENT on *.*',
      expect.stringContaining('does not see the triggers'),
    ]);
    expect(of(found, 'mysql.control_schema')).toMatchObject([{ outcome: 'problem' }]);
    expect(of(found, 'mysql.binlog_filters')).toMatchObject([{ outcome: 'not checked' }]);
    for (const { cure } of lacking) await database.run(cure);
    expect(complaints(await findings(change))).toEqual(NO_FLAGS);
  });

  it('counts what a role gives', async () => {
    const user = `doctor_${randomBytes(4).toString('hex')}`;
    await database.run(`CREATE ROLE ${user}_role; GRANT ALL ON *.* TO ${user}_role;
      CREATE USER '${user}'@'%' IDENTIFIED WITH mysql_native_password BY 'pass' DEFAULT ROLE ${user}_role`);
    onTestFinished(() => database.run(`DROP USER '${user}'@'%'; DROP ROLE ${user}_role`));
    const found = await findings({ mysql: { user }, password: 'pass' });
    expect(of(found, 'mysql.privileges')).toMatchObject([{ outcome: 'ok' }]);
  });

  it('tells a wrong password and a wrong data centre from a server that is not there', async () => {
    const found = await findings({ password: 'not-the-password', cassandra: { localDataCenter: 'elsewhere' } });
    expect(of(found, 'mysql.reachable')).toMatchObject([
      { outcome: 'problem', found: 'it refuses the user or the password' },
    ]);
    expect(of(found, 'cassandra.reachable')).toMatchObject([
      { outcome: 'problem', cure: expect.stringContaining('localDataCenter') },
    ]);
    expect(JSON.stringify(found)).not.toContain('not-the-password');
    const closed = await findings({ mysql: { port: 9 }, cassandra: { port: 9 } });
    expect(of(closed, 'mysql.reachable')).toMatchObject([{ found: 'no connection (ECONNREFUSED)' }]);
    expect(of(closed, 'mysql.reachable')[0]?.cure).toContain('stores.mysql.port');
  });

  it('says that a table is not there', async () => {
    const empty = await databaseWith('SELECT 1');
    const found = await findings({ database: empty.name });
    expect(of(found, 'source.definition')).toMatchObject([
      { outcome: 'problem', found: expect.stringContaining(`no table ${empty.name}.books`) },
    ]);
    expect(of(found, 'source.dates')).toMatchObject([{ outcome: 'not checked' }]);
  });
});

describe('a doctor asked about what stands in a table', () => {
  it('counts parents that a collation takes for one', async () => {
    const loose = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci';
    const own = await databaseWith(`${HEALTHY.replace(BIN, loose)};
      INSERT INTO books VALUES ('Ann', 1, 't', NULL), ('ann', 2, 't', NULL), ('Bo', 1, 't', NULL), ('Bo', 2, 't', NULL),
        ('zoë', 1, 't', NULL), ('zoe', 2, 't', NULL)`);
    const [collation] = of(await findings({ database: own.name }), 'source.key_collations');
    expect(collation).toMatchObject({ outcome: 'warning', cure: expect.stringContaining('COLLATE utf8mb4_bin') });
    expect(collation?.found).toContain('shelf_id (utf8mb4_general_ci)');
    expect(collation?.found).toContain('2 groups of parents');
    expect(JSON.stringify(collation)).not.toMatch(/Ann|zoe/);
  });

  it('counts keys that no name can say', async () => {
    const own = await databaseWith(`${HEALTHY};
      INSERT INTO books VALUES ('', 1, 't', NULL), ('a/b', 1, 't', NULL), ('end ', 1, 't', NULL), ('a\\tb', 1, 't', NULL),
        ('fine', 1, 't', NULL), ('a b', 1, 't', NULL), ('rasé', 1, 't', NULL), ('ő', 1, 't', NULL)`);
    expect(of(await findings({ database: own.name }), 'source.key_values')).toMatchObject([
      { outcome: 'problem', found: expect.stringMatching(/^shelf_id: 2 rows /) },
      { outcome: 'problem', found: expect.stringMatching(/^shelf_id: 1 row with an empty parent/) },
    ]);
  });

  it('counts dates that are no day, and the error value of an ENUM, but nothing that is only unusual', async () => {
    const proto = join(folder, 'dates.binpb');
    const fields = `string born = 2; optional string met = 3; google.protobuf.Timestamp seen = 4;
      optional string kind = 5; string etag = 6;`;
    await writeFile(proto, await buildImage(resourceProto({ fields })));
    const own = await databaseWith(`SET sql_mode = 'ALLOW_INVALID_DATES';
      CREATE TABLE books (shelf_id VARCHAR(20) ${BIN} NOT NULL, book_id BIGINT UNSIGNED NOT NULL, born DATE NOT NULL,
        met DATETIME(3) NULL, seen TIMESTAMP NOT NULL, kind ENUM('a', 'b') NULL, PRIMARY KEY (shelf_id, book_id));
      INSERT INTO books VALUES
        ('bad', 1, '0000-00-00', NULL, '2020-01-01', NULL), ('bad', 2, '2020-02-30', NULL, '2020-01-01', 'a'),
        ('bad', 3, '2020-05-00', '2021-00-10', '0000-00-00', 'c'), ('bad', 4, '1900-02-29', NULL, '2020-01-01', 'b'),
        ('fine', 1, '2020-02-29', '2000-02-29 10:00:00', '2020-01-01', 'a'),
        ('fine', 2, '9999-12-31', '0001-01-01 00:00:00', '2038-01-01', NULL)`);
    const found = await findings({ database: own.name, descriptors: proto });
    expect(of(found, 'source.definition')).toMatchObject([{ outcome: 'ok' }]);
    expect(of(found, 'source.dates').map((one) => `${one.outcome} ${one.found.split(' with')[0]}`)).toEqual([
      'problem born: 4 rows',
      'problem met: 1 row',
      'problem seen: 1 row',
    ]);
    expect(of(found, 'source.enum_values')).toMatchObject([
      { outcome: 'problem', found: expect.stringMatching(/^kind: 1 row /) },
    ]);
  });

  it('finds rows that are too large, and leaves tables alone that can have none', async () => {
    const wide = HEALTHY.replace('note VARCHAR(200)', 'note LONGTEXT');
    const own = await databaseWith(`${wide}; INSERT INTO books VALUES ('a', 1, 't', REPEAT('x', 5000000))`);
    const [large] = of(await findings({ database: own.name }), 'source.row_sizes');
    expect(large).toMatchObject({ outcome: 'problem', found: expect.stringContaining('the largest row has 4.8 MiB') });
    await own.run("UPDATE books SET note = 'short'");
    const [small] = of(await findings({ database: own.name }), 'source.row_sizes');
    expect(small).toMatchObject({ outcome: 'ok', found: expect.stringContaining('the largest row has 7 bytes') });
  });

  it('gives up on a table that can not be read in time, and prints the question', async () => {
    const own = await databaseWith(`${HEALTHY}; SET SESSION cte_max_recursion_depth = 100000;
      INSERT INTO books WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
        SELECT CONCAT('shelf ', i % 100), i, REPEAT('t', 100), NULL FROM n`);
    const [slow] = of(await findings({ database: own.name }, { scanLimitMs: 1 }), 'source.key_values');
    expect(slow).toMatchObject({ outcome: 'not checked', cure: expect.stringContaining('SELECT COALESCE(SUM(') });
  });
});

describe('a doctor asked about what is around a table', () => {
  it('says what foreign keys make it watch, warns of what costs a new copy, of others and of triggers', async () => {
    const own = await databaseWith(`CREATE TABLE shelves (id VARCHAR(20) ${BIN} PRIMARY KEY);
      CREATE TABLE numbers (id BIGINT UNSIGNED PRIMARY KEY);
      ${HEALTHY.replace('PRIMARY KEY', 'CONSTRAINT shelf FOREIGN KEY (shelf_id) REFERENCES shelves (id) ON DELETE CASCADE, CONSTRAINT nr FOREIGN KEY (book_id) REFERENCES numbers (id) ON DELETE CASCADE, PRIMARY KEY')};
      CREATE TABLE loans (shelf_id VARCHAR(20) ${BIN}, book_id BIGINT UNSIGNED,
        CONSTRAINT lent FOREIGN KEY (shelf_id, book_id) REFERENCES books (shelf_id, book_id));
      CREATE TRIGGER shout BEFORE INSERT ON books FOR EACH ROW SET NEW.title = UPPER(NEW.title)`);
    const found = await findings({ database: own.name });
    const keys = of(found, 'source.foreign_keys');
    expect(keys.map(({ outcome }) => outcome)).toEqual(['ok', ...Array(4).fill('warning')]);
    expect(keys[0]?.found).toContain(`watches ${own.name}.numbers, ${own.name}.shelves too`);
    expect(keys[1]).toMatchObject({
      found: expect.stringContaining(`a DELETE in ${own.name}.numbers`),
      cure: expect.stringContaining('DROP FOREIGN KEY `nr`'),
    });
    expect(keys[4]?.found).toContain(`lent, of ${own.name}.loans,`);
    expect(of(found, 'source.triggers')).toMatchObject([
      { outcome: 'warning', found: expect.stringContaining('shout (BEFORE INSERT)') },
    ]);
  });

  it('knows columns whose values only MySQL can tell', async () => {
    const own = await databaseWith(
      HEALTHY.replace('note VARCHAR(200) NULL', 'note VARCHAR(200) NULL DEFAULT (UUID())'),
    );
    expect(of(await findings({ database: own.name }), 'source.server_values')).toMatchObject([
      { outcome: 'warning', found: expect.stringContaining('note') },
    ]);
  });

  it('tells what one replica, and two, can lose', async () => {
    const other = await createTestKeyspace();
    onTestFinished(() => other.drop());
    const one = await findings({ keyspace: other.name });
    expect(of(one, 'target.replication')).toMatchObject([{ outcome: 'warning' }]);
    expect(of(one, 'cassandra.control_replication')).toMatchObject([{ outcome: 'ok' }]);
    await other.run(
      `ALTER KEYSPACE ${other.name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}`,
    );
    const two = await findings({ keyspace: other.name, cassandra: { controlKeyspace: other.name } });
    for (const check of ['target.replication', 'cassandra.control_replication']) {
      expect(of(two, check)).toMatchObject([
        {
          outcome: 'problem',
          found: expect.stringContaining('LOCAL_QUORUM needs both'),
          cure: expect.stringContaining(`ALTER KEYSPACE ${other.name}`),
        },
      ]);
    }
  });

  it('refuses options of a table that forget or do not repair', async () => {
    const other = await createTestKeyspace();
    onTestFinished(() => other.drop());
    const found = await findings({ keyspace: other.name, cassandra: { createTables: false } });
    const [missing] = of(found, 'target.table');
    expect(missing).toMatchObject({ outcome: 'problem', cure: expect.stringContaining('CREATE TABLE IF NOT EXISTS') });
    const create = missing?.cure.slice(missing.cure.indexOf('CREATE TABLE')).replace(/;$/, '') ?? '';
    await other.run(`${create} AND default_time_to_live = 60`);
    const made = await findings({ keyspace: other.name, cassandra: { createTables: false } });
    expect(of(made, 'target.table')).toMatchObject([{ outcome: 'ok' }]);
    expect(of(made, 'target.options')).toMatchObject([
      { outcome: 'problem', cure: `ALTER TABLE ${other.name}.books WITH default_time_to_live = 0` },
    ]);
  });
});
