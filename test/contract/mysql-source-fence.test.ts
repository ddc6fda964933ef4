import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Resource, Row } from '../../src/domain/resource.ts';
import type { LogEvent } from '../../src/stores/change-log.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { createSourceFence } from '../../src/stores/mysql/source-fence.ts';
import type { Change, Guard } from '../../src/stores/record-store.ts';
import type { SourceFence } from '../../src/stores/source-fence.ts';
import { testCall } from '../support/calls.ts';
import { createMysqlHarness, type MysqlHarness, type MysqlStoreUnderTest } from '../support/mysql-harness.ts';
import { mysqlTable, notesResource, placeResource } from '../support/resources.ts';

const GUARD: Guard = { epoch: 1, attach: 1 };
const TITLE = 2;
const codec = createKeyCodec(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);
const upsert = (key: Key, title: string): Change => ({
  key,
  kind: 'upsert',
  row: [...key.values, title, null, null] as Row,
  columns: [TITLE],
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** What MySQL says of a change that a fence refuses. */
const REFUSED = { errno: 1644, sqlState: '45000', message: expect.stringMatching(/Crossfade.*crossfade fence notes/) };

let harness: MysqlHarness;
let under: MysqlStoreUnderTest;
let resource: Resource;
let fence: SourceFence;
let outside: Connection;

beforeAll(async () => {
  harness = await createMysqlHarness((schema) => [mysqlTable(placeResource(notesResource, schema))]);
});
beforeEach(async () => {
  under = await harness.open(notesResource);
  resource = under.resource;
  fence = createSourceFence({ pool: harness.pool, resource });
  outside = await createConnection({ ...harness.database.address, database: harness.database.name });
});
afterEach(async () => {
  outside.destroy();
  await fence.remove(testCall());
});
afterAll(() => harness?.close());

const titleOf = async (id: string) => (await under.store.getMany([note(id)], testCall()))[0]?.row?.[TITLE] ?? null;
const triggers = async () => {
  const sql = 'SELECT TRIGGER_NAME name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY 1';
  const [rows] = await outside.query(sql, [harness.database.name]);
  return (rows as { name: string }[]).map(({ name }) => name);
};
/** Every kind of change that an outside program may make to the note `a`. */
const CHANGES = [
  `INSERT INTO notes (owner, note, title) VALUES ('ann', 'a', 'outside')`,
  `UPDATE notes SET title = 'again' WHERE note = 'a'`,
  `INSERT INTO notes (owner, note, title) VALUES ('ann', 'a', 'b') ON DUPLICATE KEY UPDATE title = 'more'`,
  `REPLACE INTO notes (owner, note, title) VALUES ('ann', 'a', 'c')`,
  `DELETE FROM notes WHERE note = 'a'`,
];

describe('the fence of a source', () => {
  it.each(['detached', 'syncing', 'joining', 'in_sync', 'leaving'] as const)(
    'lets everybody write while the state is %s',
    async (state) => {
      await fence.install(testCall());
      await under.setControl({ state });
      for (const change of CHANGES) await outside.query(change);
      expect(await titleOf('a')).toBeNull();
    },
  );

  it.each(['handing_over', 'moved'] as const)('refuses every outside change while the state is %s', async (state) => {
    await under.store.write(upsert(note('a'), 'kept'), GUARD, testCall());
    await fence.install(testCall());
    await under.setControl({ state });
    for (const change of CHANGES) await expect(outside.query(change), change).rejects.toMatchObject(REFUSED);
    expect(await titleOf('a')).toBe('kept');
    expect((await outside.query('SELECT title FROM notes'))[0]).toEqual([{ title: 'kept' }]);
    await fence.remove(testCall());
    await outside.query(`UPDATE notes SET title = 'changed'`);
    expect(await titleOf('a')).toBe('changed');
  });

  it('is passed by writes and touches of the service, and by copies to the source as the follower', async () => {
    await fence.install(testCall());
    const store = createMysqlRecordStore({ pool: harness.pool, resource, role: 'authority' });
    await store.write(upsert(note('a'), 'written'), GUARD, testCall());
    expect(await store.touchMany([note('a')], GUARD, testCall())).toMatchObject([{ outcome: 'written' }]);
    await store.write({ key: note('a'), kind: 'delete', row: null, columns: [] }, GUARD, testCall());
    await under.setControl({ state: 'moved' });
    const version = 10n ** 16n;
    const row: Row = ['ann', 'a', 'copied', null, null];
    for (const [step, copied] of [row, ['ann', 'a', 'anew', null, null] as Row, null, row].entries()) {
      await store.apply([{ key: note('a'), row: copied, version: version + BigInt(step) }], testCall(), GUARD);
      expect(await titleOf('a')).toBe(copied?.[TITLE] ?? null);
    }
  });

  it('puts an outside transaction wholly before a handover, which waits for it, or wholly after', async () => {
    await fence.install(testCall());
    const control = createMysqlControlStore({ pool: harness.pool });
    await outside.beginTransaction();
    await outside.query(CHANGES[0] as string);
    const [record] = (await control.poll(testCall())).filter((one) => one.resource === resource.id);
    if (record === undefined) throw new Error('there is no control record');
    const next = { ...record, state: 'handing_over', generation: record.generation + 1 } as const;
    let isHandingOver = false;
    const handingOver = control.compareAndSet(next, { instance: 'one', reason: 'test' }, testCall()).then((done) => {
      isHandingOver = done;
    });
    await pause(300);
    expect(isHandingOver).toBe(false);
    const late = await createConnection({ ...harness.database.address, database: harness.database.name });
    const refused = expect(late.query(`INSERT INTO notes (owner, note) VALUES ('ann', 'late')`)).rejects;
    const refusal = refused.toMatchObject(REFUSED);
    await pause(100);
    await outside.commit();
    await handingOver;
    await refusal;
    late.destroy();
    expect(isHandingOver).toBe(true);
    expect(await titleOf('a')).toBe('outside');
  });

  it('can be installed twice, by two instances at once, and over what is left of an older one', async () => {
    const other = createSourceFence({ pool: harness.pool, resource });
    await Promise.all([fence.install(testCall()), other.install(testCall())]);
    await fence.install(testCall());
    expect(await triggers()).toEqual(['cf_fence_notes_delete', 'cf_fence_notes_insert', 'cf_fence_notes_update']);
    expect(await fence.isInstalled(testCall())).toBe(true);
    await outside.query('DROP TRIGGER cf_fence_notes_update');
    await outside.query('DROP TRIGGER cf_fence_notes_insert');
    await outside.query(
      `CREATE TRIGGER cf_fence_notes_insert BEFORE INSERT ON notes FOR EACH ROW crossfade_fence: BEGIN END`,
    );
    expect(await fence.isInstalled(testCall())).toBe(false);
    await fence.install(testCall());
    expect(await other.isInstalled(testCall())).toBe(true);
    await other.remove(testCall());
    await fence.remove(testCall());
    expect(await triggers()).toEqual([]);
    expect(await fence.isInstalled(testCall())).toBe(false);
  });

  it('leaves the triggers of others alone, and says so where one has its name', async () => {
    await outside.query('CREATE TRIGGER of_others BEFORE INSERT ON notes FOR EACH ROW SET NEW.stars = 5');
    await fence.install(testCall());
    await fence.remove(testCall());
    expect(await triggers()).toEqual(['of_others']);
    await outside.query('DROP TRIGGER of_others');
    await outside.query('CREATE TABLE another (id INT PRIMARY KEY)');
    for (const table of ['notes', 'another']) {
      await outside.query(`CREATE TRIGGER cf_fence_notes_delete BEFORE DELETE ON ${table} FOR EACH ROW SET @a = 1`);
      await expect(fence.install(testCall())).rejects.toMatchObject({
        kind: 'failed_precondition',
        message: expect.stringContaining('cf_fence_notes_delete'),
      });
      expect(await fence.isInstalled(testCall())).toBe(false);
      await fence.remove(testCall());
      expect(await triggers()).toEqual(['cf_fence_notes_delete']);
      await outside.query('DROP TRIGGER cf_fence_notes_delete');
    }
    await outside.query('DROP TABLE another');
  });

  it('names the privilege that is missing, or the setting', async () => {
    const { host, port } = inject('mysql');
    const user = `${harness.database.name.slice(0, 20)}u`;
    const schema = harness.database.name;
    // Both: an anonymous user of localhost would come before a name at any host.
    const names = [`${user}@localhost`, `${user}@'127.0.0.1'`];
    const grant = async (privileges: string, to: string): Promise<void> => {
      for (const name of names) await outside.query(`GRANT ${privileges} ON ${to}.* TO ${name}`);
    };
    const [[server]] = (await outside.query('SELECT @@version version')) as unknown as [[{ version: string }]];
    const plugin = /mariadb/i.test(server.version) ? '' : 'WITH mysql_native_password ';
    for (const name of names) await outside.query(`CREATE USER ${name} IDENTIFIED ${plugin}BY 'a secret'`);
    await grant('SELECT, INSERT, UPDATE, DELETE', schema);
    await grant('ALL', harness.control.name);
    const pool = createMysqlPool({ host, port, user, password: 'a secret', controlSchema: harness.control.name });
    const refusal = (message: RegExp) => ({
      kind: 'failed_precondition',
      reason: 'MIGRATION_STATE',
      message: expect.stringMatching(message),
    });
    const [[before]] = (await outside.query('SELECT @@log_bin_trust_function_creators t')) as unknown as [
      [{ t: number }],
    ];
    const limited = createSourceFence({ pool, resource });
    try {
      await outside.query('SET GLOBAL log_bin_trust_function_creators = OFF');
      await expect(limited.install(testCall())).rejects.toMatchObject(refusal(/TRIGGER|log_bin_trust/));
      await outside.query('SET GLOBAL log_bin_trust_function_creators = ON');
      await expect(limited.install(testCall())).rejects.toMatchObject(refusal(/GRANT TRIGGER ON .*notes/));
      await fence.install(testCall());
      expect(await limited.isInstalled(testCall())).toBe(false);
      await fence.remove(testCall());
      await grant('TRIGGER', schema);
      await limited.install(testCall());
      expect(await limited.isInstalled(testCall())).toBe(true);
      await outside.query(CHANGES[0] as string);
      await limited.remove(testCall());
    } finally {
      await pool.close();
      await outside.query('SET GLOBAL log_bin_trust_function_creators = ?', [before.t]);
      await outside.query(`DROP USER ${names.join(', ')}`);
    }
  });

  it('does not wait for ever for a transaction that uses the table, and lets others in between', async () => {
    await outside.beginTransaction();
    await outside.query('SELECT * FROM notes');
    const installed = fence.install(testCall({ deadlineMs: performance.now() + 4_000 }));
    const given = installed.then(
      () => 'installed',
      (error: { kind: string }) => error.kind,
    );
    await under.store.write(upsert(note('a'), 'meanwhile'), GUARD, testCall());
    expect(['unavailable', 'deadline_exceeded']).toContain(await given);
    await outside.rollback();
    await fence.install(testCall());
  });

  it('is no change of the table to capture, and hides no write from it', async () => {
    const changeLog = createMysqlChangeLog({ pool: harness.pool, connection: harness.database.address, resource });
    const hash = await changeLog.definitionHash(testCall());
    const position = await changeLog.position(testCall());
    await fence.install(testCall());
    expect(await changeLog.definitionHash(testCall())).toBe(hash);
    await outside.query(CHANGES[0] as string);
    await under.store.write(upsert(note('b'), 'own'), GUARD, testCall());
    await fence.remove(testCall());
    const barrier = await changeLog.requestBarrier(testCall());
    const events: LogEvent[] = [];
    const stop = new AbortController();
    for await (const some of changeLog.stream(position, stop.signal)) {
      events.push(...some);
      if (some.some((event) => event.type === 'barrier' && event.id === barrier) || some.at(-1)?.type === 'stopped') {
        break;
      }
    }
    stop.abort();
    const seen = events.filter(({ type }) => type !== 'commit' && type !== 'barrier').map(({ type }) => type);
    expect(seen).toEqual(['change', 'bump', 'change']);
  });

  it('costs no write a read: a fence changes nothing of what is written', async () => {
    const statements: string[] = [];
    const watched = { ...harness.pool, controlSchema: harness.pool.controlSchema } as typeof harness.pool;
    watched.client = (role) => {
      const client = harness.pool.client(role);
      return {
        ...client,
        write: (sql, parameters, deadline) => {
          if (sql.startsWith('CALL')) statements.push(String(parameters[2]));
          return client.write(sql, parameters, deadline);
        },
      };
    };
    await fence.install(testCall());
    const store = createMysqlRecordStore({ pool: watched, resource, role: 'authority' });
    await store.write({ ...upsert(note('all'), 'x'), columns: [2, 3, 4] }, GUARD, testCall());
    expect(statements).toEqual(['0']);
  });
});
