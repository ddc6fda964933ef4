import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Key } from '../../src/domain/key.ts';
import type { Cascade, ChangeLog } from '../../src/stores/change-log.ts';
import { type CascadeRule, cascadeTargetOf, findCascades } from '../../src/stores/mysql/cascade-rules.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createForeignKeyReader } from '../../src/stores/mysql/foreign-keys.ts';
import { createMysqlPool, type MysqlClient, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { eventsUpToNow, tailLog } from '../support/log-tail.ts';
import { intType, placeResource, stringType, testResource } from '../support/resources.ts';

const lines = testResource(
  'lines',
  { shop: stringType(20), line: intType(64) },
  { item: intType(32), above: intType(64) },
);

/** Cascades come over two tables, out of another schema, and out of the table itself. */
const TABLES = (other: string) => `
  CREATE TABLE ${other}.regions (code VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY, name VARCHAR(10));
  CREATE TABLE shops (name VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, region VARCHAR(10) COLLATE utf8mb4_bin,
    CONSTRAINT shop_region FOREIGN KEY (region) REFERENCES ${other}.regions (code) ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE TABLE items (note VARCHAR(10), id INT PRIMARY KEY);
  CREATE TABLE \`lines\` (shop VARCHAR(20) COLLATE utf8mb4_bin, line BIGINT, item INT, above BIGINT, PRIMARY KEY (shop, line),
    KEY (line), CONSTRAINT line_shop FOREIGN KEY (shop) REFERENCES shops (name) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT line_item FOREIGN KEY (item) REFERENCES items (id) ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT line_above FOREIGN KEY (above) REFERENCES \`lines\` (line) ON DELETE SET NULL);`;

let database: TestDatabase;
let other: TestDatabase;
let pool: MysqlPool;
let log: ChangeLog;
let rules: readonly CascadeRule[];

beforeAll(async () => {
  [database, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
  await database.run(TABLES(other.name));
  const resource = placeResource(lines, database.name);
  rules = (await findCascades(pool, cascadeTargetOf(resource), testCall())).rules ?? [];
  log = createMysqlChangeLog({ pool, connection: database.address, resource, cascades: rules });
});

afterAll(async () => {
  await pool?.close();
  await database?.drop();
  await other?.drop();
});

async function cascadesOf(sql: string): Promise<readonly Omit<Cascade, 'id'>[]> {
  const position = await log.position(testCall());
  await database.run(sql);
  const events = await eventsUpToNow(log, position, () => log.requestBarrier(testCall()));
  return events.flatMap((event) => {
    if (event.type !== 'cascade') return [];
    const { id: _, ...cascade } = event.cascade;
    return [cascade];
  });
}

describe('what foreign keys change by themselves', () => {
  it('is found out from the server, up to the last table', () => {
    const short = rules.map(({ on, table, effect, unbounded }) => {
      return `${on} ${table.table} ${effect}${unbounded === null ? '' : ': a gap'}`;
    });
    expect(short.sort()).toEqual([
      'delete items clears',
      'delete lines clears',
      'delete regions clears',
      'delete regions removes: a gap',
      'delete shops clears',
      'delete shops removes',
      'update items moves',
      'update shops moves',
    ]);
  });

  it('is found out with one question for each table, however many are looked at', async () => {
    const asked: string[] = [];
    const client = pool.client('authority');
    const counting: MysqlClient = {
      ...client,
      read: (sql, parameters, deadline) => {
        if (sql.includes('KEY_COLUMN_USAGE')) asked.push(String(parameters[1]));
        return client.read(sql, parameters, deadline);
      },
    };
    const read = createForeignKeyReader(counting);
    const target = cascadeTargetOf(placeResource(lines, database.name));
    for (let look = 0; look < 2; look++)
      expect((await findCascades(pool, target, testCall(), read)).rules).toEqual(rules);
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('is found out by a user who may only read the parents, and refused where one is not shown', async () => {
    const user = `u${database.name.slice(-20)}`;
    const version = await pool.client('authority').read('SELECT VERSION()', [], testCall());
    const plugin = /mariadb/i.test(String(version.rows[0]?.[0])) ? '' : 'WITH mysql_native_password ';
    await database.run(`CREATE USER '${user}'@'${database.address.host}' IDENTIFIED ${plugin}BY 'p'; GRANT SELECT, UPDATE ON \`lines\` TO '${user}'@'${database.address.host}';
      GRANT SELECT ON shops TO '${user}'@'${database.address.host}'; GRANT SELECT ON items TO '${user}'@'${database.address.host}'`);
    const theirs = createMysqlPool({ ...database.address, user, password: 'p', controlSchema: database.name });
    const target = cascadeTargetOf(placeResource(lines, database.name));
    try {
      expect(await findCascades(theirs, target, testCall())).toEqual({
        mistake: expect.stringContaining(`GRANT SELECT ON ${other.name}.regions`),
      });
      await database.run(`GRANT SELECT ON ${other.name}.regions TO '${user}'@'${database.address.host}'`);
      expect((await findCascades(theirs, target, testCall())).rules).toEqual(rules);
    } finally {
      await theirs.close();
      await database.run(`DROP USER '${user}'@'${database.address.host}'`);
    }
  });

  it('is told from the parents’ changes, with old values and new', async () => {
    await database.run(`INSERT INTO ${other.name}.regions VALUES ('n', 'north'), ('s', 'south');
      INSERT INTO shops VALUES ('a', 'n'), ('b', 'n'), ('c', NULL); INSERT INTO items VALUES ('x', 1), ('y', 2);
      INSERT INTO \`lines\` VALUES ('a', 1, 1, NULL), ('a', 2, 2, 1), ('b', 3, 1, 1)`);
    const bounded = { isCleared: false, unbounded: null };
    expect(await cascadesOf("UPDATE shops SET name = 'z' WHERE name = 'a'; UPDATE shops SET region = NULL")).toEqual([
      { foreignKey: 'line_shop', former: ['a'], present: [{ column: 0, value: 'z' }], ...bounded },
    ]);
    // What goes with the shop may have been above other lines.
    const cleared = { former: null, isCleared: true, unbounded: null };
    const above = { foreignKey: 'line_above', present: [{ column: 3, value: null }], ...cleared };
    expect(await cascadesOf("DELETE FROM shops WHERE name = 'b'")).toEqual([
      { foreignKey: 'line_shop', former: ['b'], present: null, ...bounded },
      above,
    ]);
    expect(await cascadesOf("UPDATE items SET note = 'q'; UPDATE items SET id = 7 WHERE id = 1")).toEqual([
      { foreignKey: 'line_item', former: null, present: [{ column: 2, value: 7 }], ...bounded },
    ]);
    expect(await cascadesOf('DELETE FROM items WHERE id = 2; DELETE FROM `lines` WHERE line = 1')).toEqual([
      { foreignKey: 'line_item', present: [{ column: 2, value: null }], ...cleared },
      above,
    ]);
    const gap = (await cascadesOf(`DELETE FROM ${other.name}.regions WHERE code = 's'`)).find((one) => one.unbounded);
    expect(gap?.unbounded).toContain(`a DELETE in ${other.name}.regions`);
  });

  it('is looked for by the values that it left, page by page', async () => {
    const rows = Array.from({ length: 450 }, (_, i) => `('c', ${1000 + i}, 5, NULL)`).join(', ');
    await database.run(`INSERT INTO items VALUES ('x', 5); INSERT INTO \`lines\` VALUES ${rows}`);
    const found: Key[] = [];
    const sizes: number[] = [];
    for (let after: Key | null = null; ; after = found.at(-1) ?? null) {
      const page: readonly Key[] = (await log.findCascaded?.([{ column: 2, value: 5 }], after, testCall())) ?? [];
      if (page.length === 0) break;
      sizes.push(page.length);
      found.push(...page);
    }
    expect(sizes).toEqual([200, 200, 50]);
    expect(found.map(({ values }) => values[1])).toEqual(Array.from({ length: 450 }, (_, i) => BigInt(1000 + i)));
  });

  it('stops capture where a parent gets a foreign key or loses one', async () => {
    const position = await log.position(testCall());
    await database.run('ALTER TABLE shops ADD COLUMN more INT; ALTER TABLE shops DROP FOREIGN KEY shop_region');
    const tail = tailLog(log, position);
    const stop = await tail.until(({ type }) => type === 'stopped');
    await tail.stop();
    expect(stop).toMatchObject({ reason: 'definition_changed', message: expect.stringContaining('shops') });
  });
});
