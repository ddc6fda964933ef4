import * as fc from 'fast-check';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Resource, Row, Value } from '../../src/domain/resource.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import type { Change, Guard } from '../../src/stores/record-store.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { testCall } from '../support/calls.ts';
import { createMysqlHarness, type MysqlHarness, type MysqlStoreUnderTest } from '../support/mysql-harness.ts';
import {
  intType,
  mysqlTable,
  notesResource,
  placeResource,
  stringType,
  testResource,
  typesResource,
} from '../support/resources.ts';

const GUARD: Guard = { epoch: 1, attach: 1 };
const ALL = [2, 3, 4];
const codec = createKeyCodec(notesResource);

/** Every way in which the server fills a column in by itself. */
const defaultsResource = testResource(
  'defaults',
  { id: intType(32) },
  {
    state: stringType(20),
    made: { kind: 'datetime', fsp: 6 },
    token: stringType(40),
    changed: { kind: 'timestamp', fsp: 6 },
    document: { kind: 'json' },
    born: { kind: 'date' },
    code: stringType(20),
  },
);
const DEFAULTS_SQL = `CREATE TABLE defaults (
  id INT NOT NULL PRIMARY KEY,
  state VARCHAR(20) NOT NULL DEFAULT 'it''s new',
  made DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  token VARCHAR(40) NOT NULL DEFAULT (CONCAT('token-', 40 + 2)),
  changed TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6),
  document JSON NULL,
  born DATE NULL,
  code VARCHAR(20) NULL UNIQUE
)`;
const [STATE, MADE, TOKEN, CHANGED, DOCUMENT, BORN, CODE] = [1, 2, 3, 4, 5, 6, 7] as const;

const wideResource = testResource(
  'wide',
  { id: intType(32) },
  Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`column_${i}`, intType(32)])),
);

const oddResource: Resource = {
  ...testResource("o'dd", { 'i`d': intType(32) }, { "na'm\\e": stringType(20), p_1: stringType(20) }),
  mysql: { schema: 'test', table: 'we`i\'rd" table' },
};

let harness: MysqlHarness;

beforeAll(async () => {
  harness = await createMysqlHarness((schema) => [
    mysqlTable(placeResource(notesResource, schema)),
    DEFAULTS_SQL,
    mysqlTable(placeResource(wideResource, schema)),
    mysqlTable(placeResource(typesResource, schema)),
    `CREATE TABLE \`we\`\`i'rd" table\` (\`i\`\`d\` INT PRIMARY KEY, \`na'm\\e\` VARCHAR(40), p_1 VARCHAR(40))`,
  ]);
});

afterAll(async () => {
  await harness?.close();
});

const notes = (): Promise<MysqlStoreUnderTest> => harness.open(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);
const upsert = (key: Key, title: string): Change => ({
  key,
  kind: 'upsert',
  row: [...key.values, title, '1.50', 3],
  columns: ALL,
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An outside program's connection, in the database of the tests' tables. */
async function outside() {
  return await createConnection({ ...harness.database.address, database: harness.database.name });
}

describe('versions in MySQL', () => {
  it('are not written while detached, and a version that was stored before is kept and answered', async () => {
    const { store, setControl, sideVersion } = await notes();
    const first = await store.write(upsert(note('old'), 'x'), GUARD, testCall());
    await setControl({ state: 'detached' });
    const detached = await store.write(upsert(note('old'), 'y'), GUARD, testCall());
    expect(detached.stored.version).toBe(first.stored.version);
    expect(await sideVersion(note('old'))).toBe(first.stored.version);
    const fresh = await store.write(upsert(note('new'), 'y'), GUARD, testCall());
    expect(fresh).toMatchObject({ outcome: 'written', stored: { version: 0n }, control: { state: 'detached' } });
    await store.touchMany([note('new')], GUARD, testCall());
    expect(await sideVersion(note('new'))).toBeNull();
  });

  it('are distinct and rising when two instances write one record, with etags and without', async () => {
    const { store, resource } = await notes();
    const otherPool = createMysqlPool({ ...harness.database.address, controlSchema: harness.control.name });
    const other = createMysqlRecordStore({ pool: otherPool, resource, role: 'authority' });
    try {
      await store.write(upsert(note('hot'), 'first'), GUARD, testCall());
      const order: bigint[] = [];
      const writes = Array.from({ length: 40 }, async (_, i) => {
        const accepts = (): boolean => true;
        const change = { ...upsert(note('hot'), `title ${i}`), ...(i % 3 === 0 ? { accepts } : {}) };
        const written = await (i % 2 === 0 ? store : other).write(change, GUARD, testCall());
        order.push(written.stored.version);
        return written;
      });
      const written = await Promise.all(writes);
      expect(new Set(order).size).toBe(40);
      const newest = written.reduce((a, b) => (a.stored.version > b.stored.version ? a : b));
      const [read] = await store.getMany([note('hot')], testCall());
      expect(read?.row).toEqual(newest.stored.row);
    } finally {
      await otherPool.close();
    }
  });

  it('rise also with a stored version far above the clock', async () => {
    const { store } = await notes();
    const far = 2n ** 62n;
    await store.apply([{ key: note('far'), row: null, version: far }], testCall());
    const written = await store.write(upsert(note('far'), 'x'), GUARD, testCall());
    expect(written.stored.version).toBe(far + 1n);
    const [touched] = await store.touchMany([note('far')], GUARD, testCall());
    expect(touched?.stored.version).toBe(far + 2n);
  });
});

describe('a write waits for a transition', () => {
  it('that holds the control record, and then sees its result', async () => {
    const { store } = await notes();
    const transition = await outside();
    try {
      await transition.beginTransaction();
      await transition.query(
        `UPDATE ${harness.control.name}.crossfade_control SET state = 'handing_over' WHERE resource = 'notes'`,
      );
      const write = store.write(upsert(note('waiting'), 'x'), GUARD, testCall());
      await pause(100);
      await transition.commit();
      expect(await write).toMatchObject({ outcome: 'control_changed', control: { state: 'handing_over' } });
    } finally {
      await transition.end();
    }
  });

  it('and a transition waits for a write that has begun', async () => {
    const { store } = await notes();
    await store.write(upsert(note('begun'), 'x'), GUARD, testCall());
    const transition = await outside();
    try {
      await transition.beginTransaction();
      let seen: Promise<unknown> = Promise.resolve();
      const accepts = (): boolean => {
        seen = transition
          .query(`UPDATE ${harness.control.name}.crossfade_control SET state = 'leaving' WHERE resource = 'notes'`)
          .then(() => transition.query("SELECT title FROM notes WHERE note = 'begun'"));
        return true;
      };
      const written = await store.write({ ...upsert(note('begun'), 'y'), accepts }, GUARD, testCall());
      expect(written.control.state).toBe('in_sync');
      expect(await seen).toMatchObject([[{ title: 'y' }], {}]);
      await transition.commit();
      expect((await store.write(upsert(note('begun'), 'z'), GUARD, testCall())).control.state).toBe('leaving');
    } finally {
      await transition.end();
    }
  });
});

describe('a copy with a guard waits for a transition', () => {
  it('that holds the control record, and is refused when it has made it another attach', async () => {
    const { store, sideVersion } = await notes();
    const transition = await outside();
    try {
      await transition.beginTransaction();
      await transition.query(
        `UPDATE ${harness.control.name}.crossfade_control SET attach = 2 WHERE resource = 'notes'`,
      );
      const late = store.apply([{ key: note('late'), row: null, version: 7n }], testCall(), GUARD).then(
        () => 'applied',
        (error: unknown) => error,
      );
      await pause(1_500);
      await transition.commit();
      expect(await late).toMatchObject({ kind: 'failed_precondition', reason: 'MIGRATION_STATE' });
      expect(await sideVersion(note('late'))).toBeNull();
    } finally {
      await transition.end();
    }
  });

  it('and is refused where there is no control record', async () => {
    const { store, sideVersion } = await notes();
    await harness.control.run("DELETE FROM crossfade_control WHERE resource = 'notes'");
    await expect(store.apply([{ key: note('a'), row: null, version: 7n }], testCall(), GUARD)).rejects.toMatchObject({
      reason: 'MIGRATION_STATE',
    });
    expect(await sideVersion(note('a'))).toBeNull();
  });
});

describe('columns that the server fills in', () => {
  const open = (): Promise<MysqlStoreUnderTest> => harness.open(serverChanges(defaultsResource));
  const key = createKeyCodec(defaultsResource).fromValues([1]);
  const rowWith = (values: Readonly<Record<number, Value>>): Row =>
    defaultsResource.columns.map((_, i) => (i === 0 ? 1 : (values[i] ?? null)));
  const create = (values: Readonly<Record<number, Value>>): Change => ({
    key,
    kind: 'create',
    row: rowWith(values),
    columns: Object.keys(values).map(Number),
  });

  it('get their defaults if they are not set: constants, the time, expressions', async () => {
    const { store } = await open();
    const before = await store.clock(testCall());
    const { stored } = await store.write(create({ [BORN]: '1970-01-01' }), GUARD, testCall());
    expect(stored.row?.[STATE]).toBe("it's new");
    expect(stored.row?.[TOKEN]).toBe('token-42');
    expect(stored.row?.[MADE]).toBeGreaterThanOrEqual(before);
    expect(stored.row).toMatchObject({ [CHANGED]: null, [DOCUMENT]: null, [BORN]: '1970-01-01', [CODE]: null });
  });

  it('keep what the caller sets instead', async () => {
    const { store } = await open();
    const values = { [STATE]: 'mine', [MADE]: -1n, [TOKEN]: 'mine', [CHANGED]: 1_000_001n, [DOCUMENT]: '{"a":1}' };
    const { stored } = await store.write(create(values), GUARD, testCall());
    expect(stored.row).toMatchObject(values);
  });

  it('move ON UPDATE only if the caller does not set them, and nothing else is touched', async () => {
    const { store } = await open();
    const big = '{"n":[18446744073709551615,1.5e+300],"":"x"}';
    await store.write(create({ [STATE]: 'a', [DOCUMENT]: big, [MADE]: 5n }), GUARD, testCall());
    const [created] = await store.getMany([key], testCall());
    const moved = await store.write(
      { key, kind: 'update', row: rowWith({ [STATE]: 'b' }), columns: [STATE] },
      GUARD,
      testCall(),
    );
    expect(moved.stored.row?.[CHANGED]).toBeGreaterThan(1_000_000_000_000_000n);
    expect(moved.stored.row?.[DOCUMENT]).toBe(created?.row?.[DOCUMENT]);
    expect(moved.stored.row?.[MADE]).toBe(5n);
    const set = await store.write(
      { key, kind: 'update', row: rowWith({ [STATE]: 'c', [CHANGED]: 1_000_000n }), columns: [STATE, CHANGED] },
      GUARD,
      testCall(),
    );
    expect(set.stored.row).toMatchObject({ [STATE]: 'c', [CHANGED]: 1_000_000n });
  });

  it('are read back after a trigger changed them, though the definition does not know of it', async () => {
    const { resource, setControl, store: first } = await harness.open(notesResource);
    await harness.database.run(
      `CREATE TRIGGER shout BEFORE UPDATE ON notes FOR EACH ROW SET NEW.title = UPPER(NEW.title)`,
    );
    try {
      await setControl({});
      await first.write(upsert(note('loud'), 'quiet'), GUARD, testCall());
      const store = createMysqlRecordStore({ pool: harness.pool, resource, role: 'authority' });
      const { stored } = await store.write({ ...upsert(note('loud'), 'loud'), kind: 'update' }, GUARD, testCall());
      expect(stored.row?.[2]).toBe('LOUD');
    } finally {
      await harness.database.run('DROP TRIGGER shout');
    }
  });

  it('are no key: a record that a trigger stores under another one is refused, and nothing is left behind', async () => {
    const { resource, setControl } = await harness.open(notesResource);
    const triggers = ['INSERT', 'UPDATE'].map(
      (event) =>
        `CREATE TRIGGER rekey_${event} BEFORE ${event} ON notes FOR EACH ROW SET NEW.note = CONCAT(NEW.note, '-2')`,
    );
    const first = createMysqlRecordStore({ pool: harness.pool, resource, role: 'authority' });
    await setControl({});
    await first.write(upsert(note('there'), 'quiet'), GUARD, testCall());
    for (const trigger of triggers) await harness.database.run(trigger);
    try {
      const store = createMysqlRecordStore({ pool: harness.pool, resource, role: 'authority' });
      const refused = {
        kind: 'failed_precondition',
        reason: 'CONSTRAINT_VIOLATED',
        message: expect.stringContaining('a trigger would store the record under another key'),
      };
      for (const [id, kind] of [
        ['new', 'create'],
        ['new', 'upsert'],
        ['there', 'update'],
      ] as const) {
        const change = { ...upsert(note(id), 'loud'), kind };
        await expect(store.write(change, GUARD, testCall())).rejects.toMatchObject(refused);
      }
      const rows = await store.getMany([note('new'), note('new-2'), note('there-2'), note('there')], testCall());
      expect(rows.map(({ row }) => row?.[2])).toEqual([undefined, undefined, undefined, 'quiet']);
    } finally {
      for (const event of ['INSERT', 'UPDATE']) await harness.database.run(`DROP TRIGGER rekey_${event}`);
    }
  });

  it('may hold a date that is none, which a write of another column leaves alone and a read refuses', async () => {
    const { store } = await open();
    await store.write(create({ [STATE]: 'a' }), GUARD, testCall());
    await harness.database.run("SET sql_mode = ''; UPDATE defaults SET born = '0000-00-00'");
    const change: Change = { key, kind: 'update', row: rowWith({ [STATE]: 'b' }), columns: [STATE] };
    const refused = { kind: 'internal', reason: 'UNREPRESENTABLE_VALUE', metadata: { field: 'born' } };
    await expect(store.write(change, GUARD, testCall())).rejects.toMatchObject(refused);
    const connection = await outside();
    const [rows] = await connection.query('SELECT state, CAST(born AS CHAR) born FROM defaults');
    await connection.end();
    expect(rows).toEqual([{ state: 'b', born: '0000-00-00' }]);
    await expect(store.getMany([key], testCall())).rejects.toMatchObject(refused);
  });
});

describe('what MySQL refuses', () => {
  const key = (id: number): Key => createKeyCodec(defaultsResource).fromValues([id]);
  const create = (id: number, values: Readonly<Record<number, Value>>): Change => ({
    key: key(id),
    kind: 'create',
    row: defaultsResource.columns.map((_, i) => (i === 0 ? id : (values[i] ?? null))),
    columns: Object.keys(values).map(Number),
  });
  const violated = { kind: 'failed_precondition', reason: 'CONSTRAINT_VIOLATED' };

  it("is a constraint violation for another unique key's duplicate, and leaves nothing behind", async () => {
    const { store, sideVersion } = await harness.open(serverChanges(defaultsResource));
    await store.write(create(1, { [CODE]: 'same' }), GUARD, testCall());
    for (const kind of ['create', 'upsert'] as const) {
      const change = { ...create(2, { [CODE]: 'same' }), kind };
      await expect(store.write(change, GUARD, testCall())).rejects.toMatchObject(violated);
    }
    await store.write(create(3, { [CODE]: 'other' }), GUARD, testCall());
    const before = await sideVersion(key(3));
    for (const kind of ['update', 'upsert'] as const) {
      const change = { ...create(3, { [CODE]: 'same' }), kind };
      await expect(store.write(change, GUARD, testCall())).rejects.toMatchObject(violated);
    }
    expect(await sideVersion(key(2))).toBeNull();
    expect(await sideVersion(key(3))).toBe(before);
    const found = await store.getMany([key(1), key(2), key(3)], testCall());
    expect(found.map(({ row }) => row?.[CODE] ?? null)).toEqual(['same', null, 'other']);
  });

  it('is a constraint violation for a value that does not fit, and never the text of the driver', async () => {
    const { store } = await harness.open(serverChanges(defaultsResource));
    const change = create(1, { [STATE]: 'much too long for its column' });
    const error: unknown = await store.write(change, GUARD, testCall()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(violated);
    expect((error as Error).message).not.toContain('state');
    expect(await store.getMany([key(1)], testCall())).toMatchObject([{ row: null, version: 0n }]);
  });
});

describe('a write', () => {
  it('sets any of eighty columns by mask', async () => {
    const { store } = await harness.open(wideResource);
    const key = createKeyCodec(wideResource).fromValues([1]);
    const row: Row = wideResource.columns.map((_, i) => (i === 0 ? 1 : i));
    const columns = [1, 31, 32, 33, 64, 65, 80];
    const created = await store.write({ key, kind: 'create', row, columns }, GUARD, testCall());
    const set = (created.stored.row ?? []).flatMap((value, i) => (i > 0 && value !== null ? [i] : []));
    expect(set).toEqual(columns);
    const negative = row.map((value) => -Number(value));
    const updated = await store.write({ key, kind: 'update', row: negative, columns: [33, 80] }, GUARD, testCall());
    expect([31, 33, 64, 80].map((i) => updated.stored.row?.[i])).toEqual([31, -33, 64, -80]);
  });

  it('carries every type, set or left alone', { timeout: 120_000 }, async () => {
    const { store } = await harness.open(typesResource);
    const types = createKeyCodec(typesResource);
    const settable = typesResource.columns.map((_, i) => i).slice(typesResource.keyLength);
    const cases = fc.tuple(arbitraryRow(typesResource), arbitraryRow(typesResource), fc.subarray(settable));
    await fc.assert(
      fc.asyncProperty(cases, async ([first, second, columns]) => {
        const key = types.fromRow(first);
        const created = await store.write({ key, kind: 'upsert', row: first, columns: settable }, GUARD, testCall());
        expect(created.stored.row).toStrictEqual(first);
        expect((await store.getMany([key], testCall()))[0]?.row).toStrictEqual(first);
        const update: Change = { key, kind: 'update', row: second, columns, accepts: () => true };
        const updated = await store.write(update, GUARD, testCall());
        const expected = first.map((value, i) => (columns.includes(i) ? second[i] : value));
        expect(updated.stored.row).toStrictEqual(expected);
        const [touched] = await store.touchMany([key], GUARD, testCall());
        expect(touched?.stored.row).toStrictEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('copes with every name', async () => {
    const { store } = await harness.open(oddResource);
    const key = createKeyCodec(oddResource).fromValues([1]);
    const row = [1, "'; DROP TABLE notes; --", '\\'];
    const columns = [1, 2];
    expect(await store.write({ key, kind: 'create', row, columns }, GUARD, testCall())).toMatchObject({
      stored: { row },
    });
    expect(await store.getMany([key], testCall())).toMatchObject([{ row }]);
    const accepts = (current: Row): boolean => current[1] === row[1];
    const removed = await store.write({ key, kind: 'delete', row: null, columns: [], accepts }, GUARD, testCall());
    expect(removed).toMatchObject({ outcome: 'written', stored: { row: null } });
  });

  it('makes its procedure again when somebody dropped it', async () => {
    const { store } = await notes();
    await store.write(upsert(note('a'), 'x'), GUARD, testCall());
    const connection = await outside();
    const [routines] = await connection.query(
      "SELECT ROUTINE_NAME name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_NAME LIKE 'cf\\_notes%'",
      [harness.control.name],
    );
    for (const { name } of routines as { name: string }[]) {
      await connection.query(`DROP PROCEDURE ${harness.control.name}.${name}`);
    }
    await connection.end();
    expect(await store.write(upsert(note('a'), 'y'), GUARD, testCall())).toMatchObject({ outcome: 'written' });
  });

  it('rolls back when the decision about the etag throws', async () => {
    const { store, sideVersion } = await notes();
    await store.write(upsert(note('a'), 'x'), GUARD, testCall());
    const before = await sideVersion(note('a'));
    const accepts = (): boolean => {
      throw new TypeError('no decision');
    };
    await expect(store.write({ ...upsert(note('a'), 'y'), accepts }, GUARD, testCall())).rejects.toMatchObject({});
    expect(await sideVersion(note('a'))).toBe(before);
    // The lock is gone: this would wait for it.
    await store.write(upsert(note('a'), 'z'), GUARD, testCall({ deadlineMs: performance.now() + 2_000 }));
  });
});

describe('a user with few privileges', () => {
  it('sets up and writes, and reads back what a trigger, which it can not see, has changed', async () => {
    const { resource } = await notes();
    const { name } = harness.database;
    const own = `${name}_own`;
    const [[version] = []] = (await harness.pool.client('authority').read('SELECT @@version', [], testCall())).rows;
    // MySQL's own default plugin would need TLS here, and MariaDB has another word for this one.
    const plugin = /mariadb/i.test(String(version)) ? '' : 'WITH mysql_native_password ';
    await harness.database.run(`CREATE USER '${name}'@'%' IDENTIFIED ${plugin}BY 'secret';
      GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO '${name}'@'%';
      GRANT CREATE, CREATE ROUTINE, EXECUTE, SELECT, INSERT, UPDATE, DELETE ON ${own}.* TO '${name}'@'%';
      CREATE TRIGGER whisper BEFORE INSERT ON notes FOR EACH ROW SET NEW.title = LOWER(NEW.title)`);
    const address = { ...harness.database.address, user: name, password: 'secret' };
    const pool = createMysqlPool({ ...address, controlSchema: own });
    try {
      await setUpSchema(pool, testCall());
      await createMysqlControlStore({ pool }).ensure([resource.id], testCall());
      const store = createMysqlRecordStore({ pool, resource, role: 'authority' });
      await store.prepare(testCall());
      const change: Change = { ...upsert(note('quiet'), 'LOUD'), kind: 'create' };
      const written = await store.write(change, { epoch: 1, attach: 0 }, testCall());
      expect(written).toMatchObject({ outcome: 'written', stored: { row: ['ann', 'quiet', 'loud', '1.50', 3] } });
    } finally {
      await pool.close();
      await harness.database.run(`DROP TRIGGER whisper; DROP USER '${name}'@'%'; DROP DATABASE IF EXISTS ${own}`);
    }
  });
});

describe('locks of others', () => {
  it('are waited for beyond one lock time-out', async () => {
    const { store } = await notes();
    await store.write(upsert(note('locked'), 'x'), GUARD, testCall());
    const other = await outside();
    await other.beginTransaction();
    await other.query("SELECT * FROM notes WHERE owner = 'ann' AND note = 'locked' FOR UPDATE");
    const write = store.write(upsert(note('locked'), 'y'), GUARD, testCall());
    await pause(1_500);
    await other.commit();
    await other.end();
    expect(await write).toMatchObject({ outcome: 'written' });
  });

  it('end a write at its deadline, and what it held is given back', async () => {
    const { store, sideVersion } = await notes();
    await store.write(upsert(note('locked'), 'x'), GUARD, testCall());
    const before = await sideVersion(note('locked'));
    const other = await outside();
    await other.beginTransaction();
    await other.query("SELECT * FROM notes WHERE owner = 'ann' AND note = 'locked' FOR UPDATE");
    const call = testCall({ deadlineMs: performance.now() + 300 });
    await expect(store.write(upsert(note('locked'), 'y'), GUARD, call)).rejects.toMatchObject({
      kind: 'deadline_exceeded',
      reason: 'DEADLINE_EXCEEDED',
    });
    // The server still waits for the lock for a second, looks at its watch once a second, and then rolls back.
    await pause(2_500);
    await other.rollback();
    await other.end();
    expect(await sideVersion(note('locked'))).toBe(before);
    expect(await store.write(upsert(note('locked'), 'z'), GUARD, testCall())).toMatchObject({ outcome: 'written' });
  });
});

function serverChanges(resource: Resource): Resource {
  return { ...resource, columns: resource.columns.map((column) => ({ ...column, serverChanges: true })) };
}
