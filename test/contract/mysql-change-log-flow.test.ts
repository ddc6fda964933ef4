import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeLog, LogEvent } from '../../src/stores/change-log.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { type BreakableLink, openLink } from '../support/broken-link.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { tailLog } from '../support/log-tail.ts';
import { mysqlTable, placeResource, testResource } from '../support/resources.ts';

const ROWS = 500_000;
/** What the 500,000 rows would take many times over if they were held. */
const MAX_GROWTH_BYTES = 80 * 1024 * 1024;
/** The bound of events read ahead, and what one row event of 8 KiB may hold on top. */
const MAX_BATCH = 4_096 + 1_000;

let database: TestDatabase;
let pool: MysqlPool;
let outside: Connection;
let link: BreakableLink;
let log: ChangeLog;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
  outside = await createConnection({ ...database.address, database: database.name });
  const int = { kind: 'int', bits: 32, unsigned: false } as const;
  const title = { kind: 'string', maxChars: 100, maxBytes: 400, padSpace: true } as const;
  const resource = placeResource(testResource('many', { id: int }, { title }), database.name);
  await outside.query(mysqlTable(resource));
  link = await openLink(database.address);
  const connection = { ...database.address, port: link.port };
  log = createMysqlChangeLog({ pool, connection, resource });
});

afterAll(async () => {
  await link?.close();
  await outside?.end();
  await pool?.close();
  await database?.drop();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Memory is looked at once in so many batches: collecting what is no longer held takes time. */
const BATCHES_PER_LOOK = 20;

/** What is held: garbage that waits for the collector does not count. */
function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a slow consumer', () => {
  it('holds the log and not memory, in the midst of a transaction of half a million rows', async () => {
    const position = await log.position(testCall());
    await outside.query('CREATE TABLE digits (d INT)');
    await outside.query('INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)');
    await outside.query(`INSERT INTO many
      SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d, REPEAT('x', 60)
      FROM digits a, digits b, digits c, digits d, digits e, digits f WHERE f.d < ${ROWS / 100_000}`);
    const controller = new AbortController();
    const before = memory();
    let most = 0;
    let largest = 0;
    let rows = 0;
    let commits = 0;
    let batches = 0;
    for await (const events of log.stream(position, controller.signal)) {
      for (const event of events) {
        if (event.type === 'change') rows++;
        if (event.type === 'commit' && rows > 0) commits++;
      }
      largest = Math.max(largest, events.length);
      await pause(rows < 10_000 ? 300 : 1);
      if (batches++ % BATCHES_PER_LOOK === 0) most = Math.max(most, memory() - before);
      if (commits > 0) break;
    }
    expect(rows).toBe(ROWS);
    expect(largest).toBeLessThan(MAX_BATCH);
    expect(most).toBeLessThan(MAX_GROWTH_BYTES);
  }, 120_000);
});

describe('a link', () => {
  const running = async (): Promise<ReturnType<typeof tailLog>> => {
    const tail = tailLog(log, await log.position(testCall()));
    const id = await log.requestBarrier(testCall());
    await tail.until((event: LogEvent) => event.type === 'barrier' && event.id === id);
    return tail;
  };

  it('that is cut fails the stream at once, and new ones until it is mended', async () => {
    const tail = await running();
    const cutAt = performance.now();
    await link.cut();
    expect(await tail.ended).toMatchObject({ name: 'DomainError', kind: 'unavailable' });
    expect(await tailLog(log, '').ended).toMatchObject({ kind: 'unavailable' });
    expect(performance.now() - cutAt).toBeLessThan(5_000);
    await link.mend();
    await (await running()).stop();
  });

  it('that hangs fails the stream within seconds, and new ones too', async () => {
    const tail = await running();
    const hungAt = performance.now();
    link.hang();
    expect(await tail.ended).toMatchObject({ kind: 'unavailable' });
    const position = await log.position(testCall());
    expect(await tailLog(log, position).ended).toMatchObject({ kind: 'unavailable' });
    expect(performance.now() - hungAt).toBeLessThan(20_000);
    await link.mend();
    await (await running()).stop();
  });

  it('that idles stays', async () => {
    const tail = await running();
    await pause(6_500);
    const id = await log.requestBarrier(testCall());
    await tail.until((event: LogEvent) => event.type === 'barrier' && event.id === id);
    await tail.stop();
    expect(await tail.ended).toBeNull();
  });
});
