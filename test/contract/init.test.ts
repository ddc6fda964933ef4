import { execFile } from 'node:child_process';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createApiClients } from '../../src/app/cli/api.ts';
import { runJob } from '../../src/app/cli/migration-commands.ts';
import type { Service } from '../../src/app/service.ts';
import { FollowerState, JobKind } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { runBuf } from '../support/buf.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase } from '../support/databases.ts';
import {
  call,
  closeInit,
  configIn,
  createFolder,
  createSchema,
  init,
  serve,
  typesIn,
} from '../support/init-service.ts';
import { createSetFlags } from '../support/memory-instances.ts';
import { EMPLOYEES_SQL, RENTAL_SQL, SHOPS_SQL, WORLD_SQL } from '../support/sample-schemas.ts';

const LONG_MS = 180_000;
const COMMAND_TIMEOUT_MS = 60_000;
const SYNC_TIMEOUT_MS = 90_000;

afterAll(closeInit);

describe('init on schemas that nobody made for it', { timeout: LONG_MS }, () => {
  it('of a company’s staff: keys of dates and texts in any collation, cascades, a view', async () => {
    const { name } = await createSchema(EMPLOYEES_SQL);
    const folder = await createFolder();
    const tables = 'employees,departments,dept_emp,titles,salaries,current_dept_emp,nothing';
    const { complete, report } = await init(name, tables, folder);
    expect(complete).toBe(false);
    expect(report).not.toContain('can’t be moved');
    expect(report).toContain('authority stays with MySQL, as the collation of dept_no takes different spellings');
    for (const parents of [`${name}.employees, ${name}.departments`, `${name}.employees`]) {
      expect(report).toContain(`capture watches ${parents} too, and carries it within the replication lag`);
    }
    expect(report).toContain(`a DELETE in ${name}.departments means that the whole table is copied again`);
    expect(report).toMatch(/current_dept_emp: REFUSED.*\n.*VIEW, not a table/);
    expect(report).toMatch(/nothing: REFUSED.*\n.*no such table/);
    expect(report).toMatch(/moves to \w+.employees, PRIMARY KEY \(\(crossfade_bucket\), emp_no\)/);
    expect(await typesIn(folder)).toEqual(
      ['Employee', 'Department', 'DeptEmp', 'Title', 'Salary'].map((type) => `sample.v1.${type}`),
    );
    expect(await runBuf(folder, 'lint')).toEqual({ code: 0, output: '' });
  });

  it('of a rental: a place that no field carries, cascades, flags that are none', async () => {
    const { name } = await createSchema(RENTAL_SQL);
    const folder = await createFolder();
    const { report } = await init(name, 'actor,address,film,film_actor,staff,film_text,inventory', folder);
    expect(report).toMatch(
      /address: REFUSED.*\n {4}location: the type geometry is not carried.*no record could be created/,
    );
    expect(report).toMatch(/film_text: REFUSED.*\n.*MyISAM/);
    expect(report).toContain('what the foreign keys fk_film_actor_actor, fk_film_actor_film change by themselves');
    expect(report).toMatch(/an UPDATE of what is referred to in \w+.film means that the whole table is copied again/);
    expect(report).toContain('bought: ZERO_DATES_TEXT: there are rows with a date that is no day of the calendar');
    expect(report).toContain('shift: int32: TINYINT(1), but there are rows with other numbers than 0 and 1');
    expect(await typesIn(folder)).toEqual(
      ['Actor', 'Film', 'FilmActor', 'Staff', 'Inventory'].map((type) => `sample.v1.${type}`),
    );
    expect(await runBuf(folder, 'lint')).toEqual({ code: 0, output: '' });
    const film = await readFile(join(folder, 'proto/sample/v1/films.proto'), 'utf8');
    expect(film).toContain('RATING_PG_13 = 3;');
    expect(film).toContain('optional string special_features =');
    const inventory = await readFile(join(folder, 'proto/sample/v1/inventories.proto'), 'utf8');
    expect(inventory).toContain('zero_dates: ZERO_DATES_TEXT');
  });

  it('of countries: upper case in names, texts as keys', async () => {
    const { name, run } = await createSchema(WORLD_SQL);
    const folder = await createFolder();
    const { complete, report } = await init(name, 'country,city,countrylanguage', folder);
    expect(complete).toBe(true);
    expect(report).toContain('the collation of CountryCode, Language takes different spellings for the same key');
    expect(await typesIn(folder)).toEqual(['Country', 'City', 'Countrylanguage'].map((type) => `sample.v1.${type}`));
    await run('ALTER TABLE countrylanguage CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
    const { report: after } = await init(name, 'countrylanguage', folder, { force: true });
    expect(after).not.toContain('the collation of CountryCode');
  });
});

describe('init on the tables of the example', { timeout: LONG_MS }, () => {
  it('finds what a person has found: keys, UUIDs and times by the comments, what the server keeps', async () => {
    const sql = await readFile(join(import.meta.dirname, '../../examples/hospital/schema.sql'), 'utf8');
    const { name } = await createSchema(sql.replace(/^(CREATE DATABASE|USE) .*$/gm, ''));
    const folder = await createFolder();
    const { complete, report } = await init(name, 'medications,encounters', folder);
    expect(complete).toBe(true);
    expect(report).toContain('named patients/{patient}/medications/{medication}');
    expect(report).toContain('named patients/{patient}/encounters/{encounter}');
    expect(report).toContain('nothing: every column of every table has a field, and every table can move');
    const proto = await readFile(join(folder, 'proto/sample/v1/medications.proto'), 'utf8');
    expect(proto).toMatch(
      /optional string payer_id = 4 \[\n.*\n {4}\(crossfade.v1alpha1.field\) = \{format: KEY_FORMAT_UUID\}/,
    );
    expect(proto).toContain('google.protobuf.Timestamp started_at = ');
    expect(proto).toMatch(/updated_at = \d+ \[\(google.api.field_behavior\) = OUTPUT_ONLY\];/);
    expect(proto).toContain('STATUS_STOPPED = 2;');
  });
});

describe('init', { timeout: LONG_MS }, () => {
  it('writes nothing in a dry run, and overwrites nothing without being told', async () => {
    const { name, run } = await createSchema(SHOPS_SQL);
    const folder = await createFolder();
    const dry = await init(name, 'Order Details', join(folder, 'new'), { dryRun: true });
    expect(dry.report).toContain('proto/sample/v1/order_details.proto (new)');
    await expect(readFile(join(folder, 'new/crossfade.yaml'))).rejects.toThrow('ENOENT');
    await init(name, 'Order Details,PlaylistTrack', folder);
    expect((await init(name, 'Order Details', folder)).report).not.toContain('changed');
    const proto = join(folder, 'proto/sample/v1/order_details.proto');
    await writeFile(proto, `${await readFile(proto, 'utf8')}\n// Mine.\n`);
    await expect(init(name, 'Order Details', folder)).rejects.toThrow('order_details.proto');
    expect(await readFile(proto, 'utf8')).toContain('// Mine.');
    await rename(join(folder, 'crossfade-init.json'), join(folder, 'kept.json'));
    await expect(init(name, 'Order Details', folder, { force: true })).rejects.toThrow(
      'Bring crossfade-init.json back',
    );
    await rename(join(folder, 'kept.json'), join(folder, 'crossfade-init.json'));
    await run('ALTER TABLE PlaylistTrack DROP PRIMARY KEY, ADD PRIMARY KEY (TrackId, PlaylistId)');
    await expect(init(name, 'Order Details', folder, { force: true })).rejects.toThrow('had a definition');
    expect(await readFile(proto, 'utf8')).toContain('// Mine.');
  });

  it('defines tables with one name, and says which statement gives a table its key', async () => {
    const { name } = await createSchema(`
      CREATE TABLE queue_column (id INT NOT NULL PRIMARY KEY, label VARCHAR(20));
      CREATE TABLE queue_columns (queue INT NOT NULL, id INT NOT NULL, PRIMARY KEY (queue, id));
      CREATE TABLE profiles (user_id INT NOT NULL, profile_key VARCHAR(100) NOT NULL, value TEXT, UNIQUE KEY both_of (user_id, profile_key))`);
    const folder = await createFolder();
    const { complete, report } = await init(name, 'queue_column,queue_columns,profiles', folder);
    expect(complete).toBe(false);
    expect(report).toContain(
      `ALTER TABLE \`${name}\`.\`profiles\` ADD PRIMARY KEY (\`user_id\`, \`profile_key\`), as its unique key both_of has no NULL`,
    );
    expect(await typesIn(folder)).toEqual(['sample.v1.QueueColumn', 'sample.v1.QueueColumnRecord']);
    expect((await init(name, '', folder)).report).not.toContain('changed');
    expect(await runBuf(folder, 'lint')).toEqual({ code: 0, output: '' });
  });

  it('makes changes after which clients of the old protos go on, as buf says too', async () => {
    const { name, run } = await createSchema(SHOPS_SQL);
    const [before, folder] = [await createFolder(), await createFolder()];
    await init(name, 'Order Details', folder);
    await cp(folder, before, { recursive: true });
    await run(`ALTER TABLE \`Order Details\`
      DROP COLUMN Discount, ADD COLUMN Colour VARCHAR(20) NULL AFTER OrderID, ADD COLUMN Weight DOUBLE NOT NULL FIRST,
      MODIFY Quantity INT NULL, MODIFY UnitPrice BIGINT NOT NULL, DROP COLUMN Total,
      MODIFY State ENUM('new','open','done') NOT NULL DEFAULT 'open', MODIFY \`Ship Note\` VARCHAR(100) NOT NULL`);
    const { complete, report } = await init(name, 'Order Details', folder, { force: true });
    expect(complete).toBe(true);
    expect(report).toContain('Discount: no field carries it any more');
    expect(report).toContain('ADD "unit_price_2" bigint;');
    expect(report).not.toContain('not as init had written it');
    expect(await runBuf(folder, 'breaking', '--against', before)).toEqual({ code: 0, output: '' });
    const proto = await readFile(join(folder, 'proto/sample/v1/order_details.proto'), 'utf8');
    expect(proto).toMatch(/reserved 3, 5, 11;\n {2}reserved "unit_price", "discount", "total";/);
    await run('ALTER TABLE `Order Details` ADD COLUMN Discount INT NULL, DROP COLUMN Colour');
    await cp(folder, before, { recursive: true });
    await init(name, 'Order Details', folder, { force: true });
    expect(await runBuf(folder, 'breaking', '--against', before)).toEqual({ code: 0, output: '' });
  });
});

describe('the command', { timeout: LONG_MS }, () => {
  it('reads the password from the environment, writes it nowhere, and says by its exit code what came of it', async () => {
    const { name } = await createSchema(SHOPS_SQL);
    const folder = await createFolder();
    const { host, port, user } = inject('mysql');
    const run = (...args: string[]) =>
      crossfade(
        'init',
        '--mysql',
        `mysql://${user}@${host}:${port}/${name}`,
        '--password-env',
        'THE_PASSWORD',
        ...args,
      );
    expect(await run('--tables', 'orders', '--out', folder)).toMatchObject({ code: 0, stderr: '' });
    expect(await run('--tables', 'nothing', '--out', folder)).toMatchObject({ code: 1, stderr: '' });
    expect(await run('--tables', 'PlaylistTrack', '--out', folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('say --force'),
    });
    const config = await readFile(join(folder, 'crossfade.yaml'), 'utf8');
    expect(config).toContain('passwordEnv: THE_PASSWORD');
    expect(config).not.toMatch(/password:/i);
  });
});

async function crossfade(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH ?? '', THE_PASSWORD: inject('mysql').password };
  const program = join(import.meta.dirname, '../../src/main.ts');
  return await new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('what init has written', { timeout: LONG_MS }, () => {
  it('is served, copied as a whole and verified clean, without a file edited', async () => {
    const database = await createSchema(SHOPS_SQL);
    const [control, keyspace] = await Promise.all([createTestDatabase(), createTestKeyspace()]);
    onTestFinished(async () => {
      await control.drop();
      await keyspace.drop();
    });
    await fill(database);
    const folder = await createFolder();
    const tables = 'Order Details,PlaylistTrack,shipments';
    const { complete, report } = await init(database.name, tables, folder, { keyspace: keyspace.name });
    expect(complete).toBe(true);
    expect(report).not.toContain('Before the service can start');
    await keyspace.run(await createStatement(folder, 'PlaylistTrack'));
    const stop = new AbortController();
    const flags = createSetFlags();
    const at = { control: control.name, keyspace: keyspace.name, stop, flags };
    const service = await serve(await configIn(folder), at);
    try {
      const clients = createApiClients({ server: service.addresses.http });
      const context = {
        ...clients,
        output: { line: () => {}, terminal: false, json: false },
        signal: stop.signal,
      };
      for (const id of ['order_details', 'playlist_tracks']) {
        const inSync = async () =>
          (await clients.client.getMigration({ name: `migrations/${id}` })).followerState === FollowerState.IN_SYNC;
        await vi.waitUntil(inSync, { timeout: SYNC_TIMEOUT_MS, interval: 200 });
        expect(await runJob(context, JobKind.VERIFICATION, id, {})).toBe(0);
      }
      await useApi(service);
      await lookUp(service, (target) => {
        flags.target = target;
      });
      for (const id of ['order_details', 'playlist_tracks']) {
        expect(await runJob(context, JobKind.VERIFICATION, id, {})).toBe(0);
      }
    } finally {
      stop.abort();
      await service.ended;
    }
  });
});

/** Rows with what sample data likes to have: NULLs, zeros, texts beyond ASCII. */
async function fill(database: TestDatabase): Promise<void> {
  const orders = Array.from({ length: 50 }, (_, i) => `(${i}, '2024-01-0${(i % 9) + 1}', 'Shipped', NULL)`);
  const details = Array.from({ length: 500 }, (_, i) => {
    const [order, product] = [i % 50, Math.floor(i / 50)];
    const shipped = i % 3 === 0 ? 'NULL' : `'2024-02-03 04:05:0${i % 10}'`;
    const note = i % 4 === 0 ? 'NULL' : `'note ${i} 💊'`;
    return `(${order}, ${product}, ${i}.2500, ${i % 100}, 0, ${shipped}, ${note}, ${i % 2}, 'on hold', 'fragile')`;
  });
  const tracks = Array.from({ length: 300 }, (_, i) => `(${i % 7}, ${i})`);
  await database.run(`INSERT INTO orders VALUES ${orders.join(', ')};
    INSERT INTO \`Order Details\` (OrderID, ProductID, UnitPrice, Quantity, Discount, Shipped, \`Ship Note\`, Gift, State, Tags)
      VALUES ${details.join(', ')};
    INSERT INTO PlaylistTrack VALUES ${tracks.join(', ')};
    ALTER TABLE PlaylistTrack ADD COLUMN Barcode VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
      ADD UNIQUE KEY by_barcode (Barcode), ADD UNIQUE KEY by_track (TrackId);
    UPDATE PlaylistTrack SET Barcode = CONCAT('bar ', TrackId) WHERE TrackId > 0;`);
}

/** One CREATE TABLE of the DDL file; the service makes the other. */
async function createStatement(folder: string, table: string): Promise<string> {
  const text = await readFile(join(folder, 'cassandra.cql'), 'utf8');
  const name = table.replace(/(?<=[a-z])(?=[A-Z])/, '_').toLowerCase();
  return new RegExp(`CREATE TABLE IF NOT EXISTS "\\w+"\\."${name}" [^;]*`).exec(text)?.[0] ?? '';
}

/** Creates, updates, lists and deletes records of both tables. */
async function useApi(service: Service): Promise<void> {
  const parent = 'orders/7';
  const name = `${parent}/orderDetails/99`;
  const created = await call(service, 'OrderDetails/CreateOrderDetail', {
    parent,
    orderDetailId: '99',
    orderDetail: { unitPrice: '1.5000', gift: true, shipped: '2024-05-06T07:08:09' },
  });
  expect(created).toMatchObject({ name, quantity: 1, state: 'STATE_OPEN', gift: true, total: '1.5000' });
  const updated = await call(service, 'OrderDetails/UpdateOrderDetail', {
    orderDetail: { name, quantity: 0, state: 'STATE_ON_HOLD' },
    updateMask: 'quantity,state',
  });
  expect(updated).toMatchObject({ quantity: 0, state: 'STATE_ON_HOLD', unitPrice: '1.5000' });
  const track = await call(service, 'PlaylistTracks/CreatePlaylistTrack', {
    parent: 'playlists/3',
    playlistTrackId: '9999',
    playlistTrack: {},
  });
  expect(track).toMatchObject({ name: 'playlists/3/playlistTracks/9999' });
  const listed = await call(service, 'PlaylistTracks/ListPlaylistTracks', { parent: 'playlists/3', pageSize: 1000 });
  expect((listed.playlistTracks as unknown[]).length).toBeGreaterThan(40);
  expect(await call(service, 'PlaylistTracks/DeletePlaylistTrack', { name: 'playlists/3/playlistTracks/3' })).toEqual(
    {},
  );
  expect(await call(service, 'OrderDetails/DeleteOrderDetail', { name: 'orders/7/orderDetails/0' })).toEqual({});
}

/** Finds records by the unique keys of their table, in either store. */
async function lookUp(service: Service, readTarget: (target: boolean) => void): Promise<void> {
  const look = (request: unknown) => call(service, 'PlaylistTracks/LookupPlaylistTracks', request);
  const created = { parent: 'playlists/5', playlistTrackId: '7777', playlistTrack: { barcode: 'bar 12' } };
  expect(await call(service, 'PlaylistTracks/CreatePlaylistTrack', created)).toMatchObject({
    code: 'already_exists',
    message: expect.stringContaining('"by_barcode"'),
  });
  for (const target of [false, true]) {
    readTarget(target);
    const found = { playlistTracks: [{ name: 'playlists/5/playlistTracks/12', barcode: 'bar 12' }] };
    expect(await look({ barcode: 'bar 12' })).toMatchObject(found);
    expect(await look({ playlistTrack: '12' })).toMatchObject(found);
    for (const absent of ['Bar 12', 'bar 12 ', '']) expect(await look({ barcode: absent })).toEqual({});
    expect(await look({ playlistTrack: '12', barcode: 'bar 12' })).toMatchObject({ code: 'invalid_argument' });
    expect(await look({ playlistTrack: '012' })).toMatchObject({ code: 'invalid_argument' });
  }
}
