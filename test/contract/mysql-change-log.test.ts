import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { ChangeLog, LogEvent } from '../../src/stores/change-log.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { parseGtidPosition } from '../../src/stores/mysql/gtid-set.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import type { Copy } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { eventsUpToNow, type LogTail, tailLog } from '../support/log-tail.ts';
import { mysqlTable, notesResource, placeResource, signedResource } from '../support/resources.ts';

let database: TestDatabase;
let pool: MysqlPool;
let outside: Connection;
let log: ChangeLog;
let signedLog: ChangeLog;
const tails: LogTail[] = [];

const codec = createKeyCodec(notesResource);
const noteKey = (note: string) => codec.fromValues(['anna', note]);
const bytesOf = (key: { readonly bytes: Buffer }): string => key.bytes.toString('hex');

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
  const open = (resource: typeof notesResource) => {
    return createMysqlChangeLog({
      pool,
      connection: database.address,
      resource: placeResource(resource, database.name),
    });
  };
  log = open(notesResource);
  signedLog = open(signedResource);
  outside = await createConnection({ ...database.address, database: database.name });
  for (const resource of [notesResource, signedResource]) {
    await outside.query(mysqlTable(placeResource(resource, database.name)));
  }
  await outside.query('CREATE TABLE other (a INT PRIMARY KEY, b VARCHAR(10))');
});

afterAll(async () => {
  for (const tail of tails) await tail.stop();
  await outside?.end();
  await pool?.close();
  await database?.drop();
});

async function transaction(...statements: string[]): Promise<void> {
  await outside.beginTransaction();
  for (const statement of statements) await outside.query(statement);
  await outside.commit();
}

async function isMariadb(): Promise<boolean> {
  const [[version] = []] = (await pool.client('authority').read('SELECT @@version', [], testCall())).rows;
  return /mariadb/i.test(String(version));
}

function follow(changeLog: ChangeLog, position: string): LogTail {
  const tail = tailLog(changeLog, position);
  tails.push(tail);
  return tail;
}

/** What a resource's log shows of some work. */
async function shown(work: () => Promise<void>, changeLog: ChangeLog = log): Promise<readonly object[]> {
  const position = await changeLog.position(testCall());
  await work();
  const events = await eventsUpToNow(changeLog, position, () => changeLog.requestBarrier(testCall()));
  return events.map((event) => ('key' in event ? { ...event, key: bytesOf(event.key) } : event));
}

const insert = (note: string, title: string) =>
  `INSERT INTO notes (owner, note, title, amount) VALUES ('anna', '${note}', '${title}', 1.5)`;
const bump = (note: string, version: number, resource = 'notes') =>
  `INSERT INTO crossfade_version VALUES ('${resource}', X'${bytesOf(noteKey(note))}', ${version})
   ON DUPLICATE KEY UPDATE version = VALUES(version)`;
const changed = (note: string, title: string) => ({
  type: 'change',
  key: bytesOf(noteKey(note)),
  row: ['anna', note, title, '1.50', null],
});
const removed = (note: string) => ({ type: 'change', key: bytesOf(noteKey(note)), row: null });
const bumped = (note: string, version: bigint) => ({ type: 'bump', key: bytesOf(noteKey(note)), version });

describe('the stream', () => {
  it('shows inserts, updates and deletes in the order of their commits', async () => {
    const events = await shown(async () => {
      await outside.query(insert('a', 'one'));
      await transaction(insert('b', 'two'), "UPDATE notes SET title = 'three' WHERE note = 'a'");
      await outside.query("DELETE FROM notes WHERE note IN ('a', 'b')");
    });
    expect(events).toEqual([
      changed('a', 'one'),
      changed('b', 'two'),
      changed('a', 'three'),
      removed('a'),
      removed('b'),
    ]);
  });

  it('shows a change of the key as a deletion and a change', async () => {
    const events = await shown(async () => {
      await outside.query(insert('c', 'one'));
      await outside.query("UPDATE notes SET note = 'd' WHERE note = 'c'");
      await outside.query("DELETE FROM notes WHERE note = 'd'");
    });
    expect(events).toEqual([changed('c', 'one'), removed('c'), changed('d', 'one'), removed('d')]);
  });

  it('shows the bumps of service transactions before their changes, new and renewed', async () => {
    const events = await shown(async () => {
      await transaction(bump('e', 5), insert('e', 'one'));
      await transaction(bump('e', 6), bump('f', 6), "DELETE FROM notes WHERE note = 'e'", insert('f', 'two'));
      await outside.query('DELETE FROM crossfade_version');
    });
    expect(events).toEqual([
      bumped('e', 5n),
      changed('e', 'one'),
      bumped('e', 6n),
      bumped('f', 6n),
      removed('e'),
      changed('f', 'two'),
    ]);
  });

  it('shows what records remember of requests, where they do', async () => {
    const set = (note: string, text: string, resource = 'notes') =>
      `INSERT INTO crossfade_request VALUES ('${resource}', X'${bytesOf(noteKey(note))}', 1, '${text}')
       ON DUPLICATE KEY UPDATE requests = VALUES(requests)`;
    const work = async () => {
      await transaction(bump('g', 5), set('g', 'one'), insert('g', 'one'));
      await transaction(bump('g', 6), set('g', 'two'), set('g', 'other', 'others'));
      await outside.query('DELETE FROM crossfade_request');
      await transaction("DELETE FROM notes WHERE note = 'g'", 'DELETE FROM crossfade_version');
    };
    const remembered = (text: string) => ({
      type: 'requests',
      key: bytesOf(noteKey('g')),
      requests: Buffer.from(text),
    });
    const plain = [bumped('g', 5n), changed('g', 'one'), bumped('g', 6n), removed('g')];
    expect(await shown(work)).toEqual([
      bumped('g', 5n),
      remembered('one'),
      changed('g', 'one'),
      bumped('g', 6n),
      remembered('two'),
      removed('g'),
    ]);
    const { remembersRequests: _, ...forgetful } = placeResource(notesResource, database.name);
    const other = createMysqlChangeLog({ pool, connection: database.address, resource: forgetful });
    expect(await shown(work, other)).toEqual(plain);
  });

  it('shows copies of a follower as the service’s own: bumps, then changes, in one transaction', async () => {
    const resource = placeResource(notesResource, database.name);
    const store = createMysqlRecordStore({ pool, resource, role: 'follower' });
    const control = createMysqlControlStore({ pool });
    await control.ensure([resource.id], testCall());
    const [record] = await control.poll(testCall());
    if (record === undefined) throw new Error('there is no control record');
    const position = await log.position(testCall());
    const copy = (note: string, title: string, version: bigint) => {
      const key = noteKey(note);
      return { key, row: [...key.values, title, '1.50', null], version };
    };
    const applied = async (...copies: readonly Copy[]): Promise<void> => store.apply(copies, testCall(), record);
    await applied(copy('p', 'one', 7n), copy('q', 'two', 8n));
    // What replaces a record is applied one by one, in no order: here they come alone.
    await applied(copy('p', 'three', 9n));
    await applied(copy('q', 'two', 10n));
    await applied(copy('p', 'late', 8n), { key: noteKey('q'), row: null, version: 11n });
    await applied(copy('p', 'late', 8n));
    const id = await log.requestBarrier(testCall());
    const tail = follow(log, position);
    const barrier = await tail.until((event) => event.type === 'barrier' && event.id === id);
    const events = tail.events.slice(0, tail.events.indexOf(barrier)).map((event) => {
      if (event.type === 'commit') return 'commit';
      return 'key' in event ? { ...event, key: bytesOf(event.key) } : event;
    });
    // A new key's side row is made, which locks it, before it is given its version.
    expect(events).toEqual([
      ...[bumped('p', 0n), bumped('q', 0n), bumped('p', 7n), bumped('q', 8n)],
      ...[changed('p', 'one'), changed('q', 'two'), 'commit'],
      ...[bumped('p', 9n), changed('p', 'three'), 'commit'],
      ...[bumped('q', 10n), 'commit'],
      ...[bumped('q', 11n), removed('q'), 'commit'],
    ]);
    await transaction('DELETE FROM notes', 'DELETE FROM crossfade_control');
  });

  it('shows nothing of other resources and other tables', async () => {
    const work = async (): Promise<void> => {
      await transaction(bump('g', 1, 'signed'), "INSERT INTO signed VALUES (1, -2, 'x')");
      await transaction(
        "INSERT INTO other VALUES (1, 'a')",
        bump('g', 2, 'note'),
        bump('g', 3, 'notess'),
        bump('g', 4),
        insert('g', 'one'),
      );
      await signedLog.requestBarrier(testCall());
      await outside.query("INSERT INTO crossfade_control VALUES ('signed', 1, 'source', 5, 2, 'syncing', 3, 0, NULL)");
    };
    expect(await shown(work)).toEqual([bumped('g', 4n), changed('g', 'one')]);
  });

  it('shows the control record’s changes, and barriers but not that they were met', async () => {
    const position = await log.position(testCall());
    await outside.query("INSERT INTO crossfade_control VALUES ('notes', 1, 'source', 5, 0, 'detached', 1, 0, NULL)");
    await outside.query("UPDATE crossfade_control SET attach = 2, generation = 4 WHERE resource = 'notes'");
    const id = await log.requestBarrier(testCall());
    await log.meetBarriers([id], testCall());
    const events = await eventsUpToNow(log, position, () => log.requestBarrier(testCall()));
    expect(events).toEqual([
      { type: 'control', epoch: 1, attach: 0, generation: 1 },
      { type: 'control', epoch: 1, attach: 2, generation: 4 },
      { type: 'barrier', id },
    ]);
  });

  it('ends each transaction with a position behind it, from where a new stream shows what comes after', async () => {
    const tail = follow(log, await log.position(testCall()));
    await transaction(insert('h', 'one'), insert('i', 'two'));
    await outside.query(insert('j', 'three'));
    const started = Date.now() - 1;
    await tail.until((event) => event.type === 'change' && event.row?.[2] === 'three');
    const commits = (): LogEvent[] => tail.events.filter((event) => event.type === 'commit');
    await tail.until(
      (event) => event === commits().at(-1) && event !== tail.events.find((one) => one.type === 'commit'),
    );
    const first = tail.events.findIndex((event) => event.type === 'change' && event.row?.[2] === 'two') + 1;
    const commit = tail.events[first];
    if (commit?.type !== 'commit') throw new Error('the transaction does not end after its last change');
    expect(Math.abs(Number(commit.committedAtMicros) / 1000 - started)).toBeLessThan(30_000);
    // MariaDB logs whole seconds.
    if (!(await isMariadb())) expect(commit.committedAtMicros % 1_000_000n).not.toBe(0n);
    const after = await eventsUpToNow(log, commit.position, () => log.requestBarrier(testCall()));
    expect(after.map((event) => event.type === 'change' && event.row?.[2])).toEqual(['three']);
    await outside.query('DELETE FROM notes');
  });

  it('tells of positions behind transactions that do not concern it', async () => {
    const tail = follow(log, await log.position(testCall()));
    for (let i = 10; i < 60; i++) await outside.query(`INSERT INTO other VALUES (${i}, 'x')`);
    await outside.query('CREATE TABLE another (a INT)');
    const now = parseGtidPosition(await log.position(testCall()));
    await tail.until((event) => event.type === 'commit' && parseGtidPosition(event.position).covers(now));
    expect(tail.events.length).toBeLessThan(50);
    expect(tail.events.every(({ type }) => type === 'commit')).toBe(true);
  });

  it('shows nothing of what was rolled back', async () => {
    const events = await shown(async () => {
      await outside.beginTransaction();
      await outside.query(insert('k', 'one'));
      await outside.query('SAVEPOINT s');
      await outside.query(insert('l', 'two'));
      await outside.query('ROLLBACK TO s');
      await outside.query('INSERT INTO other VALUES (99, NULL)');
      await outside.commit();
      await outside.beginTransaction();
      await outside.query(insert('m', 'three'));
      await outside.rollback();
    });
    expect(events).toEqual([changed('k', 'one')]);
    await outside.query('DELETE FROM notes');
  });

  it('follows the table past changes that leave its rows as they are', async () => {
    const events = await shown(async () => {
      await outside.query(insert('n', 'one'));
      await outside.query('ALTER TABLE notes ADD INDEX by_title (title), ALGORITHM = INPLACE');
      await outside.query('DROP INDEX by_title ON notes');
      await outside.query('ANALYZE TABLE notes');
      await outside.query('FLUSH TABLES');
      await outside.query(insert('o', 'two'));
    });
    expect(events).toEqual([changed('n', 'one'), changed('o', 'two')]);
    await outside.query('DELETE FROM notes');
  });

  it('ends without an error when its signal aborts, before, in and between events', async () => {
    const aborted = new AbortController();
    aborted.abort();
    for await (const _ of log.stream(await log.position(testCall()), aborted.signal)) throw new Error('an event');
    const idle = follow(log, await log.position(testCall()));
    await idle.stop();
    expect(await idle.ended).toBeNull();
    const tail = follow(log, await log.position(testCall()));
    const id = await log.requestBarrier(testCall());
    await tail.until((event) => event.type === 'barrier' && event.id === id);
    await tail.stop();
    expect(await tail.ended).toBeNull();
  });

  it('refuses a position that is none', async () => {
    const tail = follow(log, 'nonsense');
    expect(await tail.ended).toMatchObject({ name: 'DomainError', kind: 'internal' });
  });
});

describe('checkpoints', () => {
  const checkpoint = (epoch: number, attach: number, position: string, begun = true) => ({
    resource: 'notes',
    epoch,
    attach,
    position,
    definitionHash: 'a'.repeat(64),
    begun,
  });

  it('are kept for the newest epoch and attach', async () => {
    expect(await log.readCheckpoint(testCall())).toBeNull();
    const steps = [
      { write: checkpoint(1, 2, 'one', false), kept: true },
      { write: checkpoint(1, 2, 'two'), kept: true },
      { write: checkpoint(1, 1, 'three'), kept: false },
      { write: checkpoint(1, 3, 'four', false), kept: true },
      { write: checkpoint(2, 1, 'x'.repeat(100_000)), kept: true },
      { write: checkpoint(1, 9, 'six'), kept: false },
      { write: checkpoint(2, 0, 'seven'), kept: false },
    ];
    let expected = null;
    for (const { write, kept } of steps) {
      await log.writeCheckpoint(write, testCall());
      if (kept) expected = write;
      expect(await log.readCheckpoint(testCall())).toEqual(expected);
    }
    expect(await signedLog.readCheckpoint(testCall())).toBeNull();
  });
});

describe('barriers', () => {
  it('are met by their ids, for one resource', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await log.requestBarrier(testCall()));
    const other = await signedLog.requestBarrier(testCall());
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    await log.meetBarriers([...ids.slice(0, 3), other], testCall());
    await log.meetBarriers([], testCall());
    const met = await Promise.all(ids.map((id) => log.isBarrierMet(id, testCall())));
    expect(met).toEqual([true, true, true, false, false]);
    expect(await signedLog.isBarrierMet(other, testCall())).toBe(false);
    expect(await log.isBarrierMet('0'.repeat(32), testCall())).toBe(false);
  });

  it('are removed when they are old', async () => {
    const rows = Array.from(
      { length: 20 },
      (_, i) => `('gone', '${String(i).padStart(32, '0')}', 0, NOW() - INTERVAL 2 HOUR)`,
    );
    await outside.query(`INSERT INTO crossfade_barrier VALUES ${rows.join(', ')}`);
    const fresh = createMysqlChangeLog({
      pool,
      connection: database.address,
      resource: placeResource(notesResource, database.name),
    });
    const id = await fresh.requestBarrier(testCall());
    const [left] = await outside.query("SELECT COUNT(*) AS n FROM crossfade_barrier WHERE resource = 'gone'");
    expect(left).toEqual([{ n: 0 }]);
    expect(await fresh.isBarrierMet(id, testCall())).toBe(false);
  });
});

describe('the hash of the definition', () => {
  it('changes with columns and keys, not with indexes and comments', async () => {
    const hashes = [await log.definitionHash(testCall())];
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    await outside.query("ALTER TABLE notes ADD INDEX stars (stars), COMMENT = 'x', ALTER stars SET DEFAULT 4");
    expect(await log.definitionHash(testCall())).toBe(hashes[0]);
    for (const change of [
      'ADD added INT',
      'MODIFY added INT UNSIGNED',
      'MODIFY title VARCHAR(201) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      'DROP PRIMARY KEY, ADD PRIMARY KEY (note, owner)',
    ]) {
      await outside.query(`ALTER TABLE notes ${change}`);
      hashes.push(await log.definitionHash(testCall()));
    }
    expect(new Set(hashes).size).toBe(5);
  });

  it('changes with the indexes that the definition names, which are empty until the follower is attached anew', async () => {
    const resource = placeResource(notesResource, database.name);
    const index = { name: 'title', columns: [2], unique: false, mysqlKeys: ['title'] };
    const indexed = createMysqlChangeLog({
      pool,
      connection: database.address,
      resource: { ...resource, indexes: [index] },
    });
    expect(await indexed.definitionHash(testCall())).not.toBe(await log.definitionHash(testCall()));
  });

  it('is not there without a table', async () => {
    const resource = placeResource(notesResource, `${database.name}_gone`);
    const gone = createMysqlChangeLog({ pool, connection: database.address, resource });
    await expect(gone.definitionHash(testCall())).rejects.toMatchObject({ kind: 'failed_precondition' });
  });
});
