/** The property of every type: what was written is read, from either store, whichever way it came there. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import * as fc from 'fast-check';
import { type Connection, createConnection } from 'mysql2/promise';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { isDomainError } from '../../src/domain/errors.ts';
import { MAX_JSON_DEPTH } from '../../src/domain/json-text.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import { type Column, differingColumns, type Resource, type Row, type Value } from '../../src/domain/resource.ts';
import { defaultCaptureSettings } from '../../src/migration/capture-settings.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import { Lease } from '../../src/migration/lease.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import type { Flavour } from '../../src/stores/mysql/server-checks.ts';
import { createRowBinds } from '../../src/stores/mysql/values.ts';
import type { FollowerStore, SourceStore } from '../../src/stores/record-store.ts';
import { createRiakClient } from '../../src/stores/riak/client.ts';
import { createRiakRecordStore } from '../../src/stores/riak/record-store.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase } from '../support/databases.ts';
import { everyTypeResource, everyTypeSql, sqlByColumn } from '../support/every-type.ts';
import { createSetFlags } from '../support/memory-instances.ts';
import { cassandraTable } from '../support/resources.ts';
import { BUCKET_TYPE, startRiak } from '../support/riak/servers.ts';

/** Rows on each path. Each has a value, or a null, of every type. `npm run test:types` has ten times as many. */
const CASES = Number(process.env.CROSSFADE_TYPE_CASES ?? 1_000);
/** Riak's part of them: each record is requests of its own, to a cluster in this process. */
const RIAK_SHARE = 0.1;
/** Rows that are made or compared at a stretch: the lease needs its turn. */
const ROWS_PER_TURN = 100;
/** How often what a loaded machine refuses for now is asked again. */
const MAX_RETRIES = 20;
const RETRY_PAUSE_MS = 500;
/** Parents that the rows of one path are spread over. */
const OWNERS = 100;
/** Writes of the service under way at once. */
const CONCURRENT_WRITES = 48;
/** Rows of one INSERT of the outside program. */
const ROWS_PER_INSERT = 50;
/** Keys of one read, which both stores take. */
const KEYS_PER_READ = 64;
const CONCURRENT_READS = 8;
const SYNC_TIMEOUT_MS = 600_000;
const PATH_TIMEOUT_MS = 600_000;
/** What the owners of the rows of each path are called. */
const PATHS = ['copied', 'through', 'own', 'outside'];
/** Differences that are told in full. */
const MAX_TOLD = 20;

/** What an outside program may have left where the definition shows an absent field. */
const NO_DAYS = ['0000-00-00', '2024-00-00', '2023-02-29', '0000-00-00'];

/** What the rows move to. */
interface Target {
  readonly name: string;
  readonly cases: number;
  /** Makes a follower of these rows; they are bound to the place. */
  open(
    bind: (place: string) => Promise<Resource>,
  ): Promise<{ readonly store: FollowerStore; readonly close: () => Promise<void> }>;
}

const cassandra: Target = {
  name: 'Cassandra',
  cases: CASES,
  open: async (bind) => {
    const keyspace = await createTestKeyspace();
    const resource = await bind(keyspace.name);
    await keyspace.run(cassandraTable(resource));
    const client = createCassandraClient(inject('cassandra'));
    const store = createCassandraRecordStore({ client, resource, role: 'follower' });
    return {
      store,
      close: async () => {
        await client.close();
        await keyspace.drop();
      },
    };
  },
};

const riak: Target = {
  name: 'Riak',
  cases: Math.ceil(CASES * RIAK_SHARE),
  open: async (bind) => {
    const servers = await startRiak();
    const client = createRiakClient({ nodes: servers.nodes });
    const place = { bucketType: BUCKET_TYPE, bucket: 'types' };
    const store = createRiakRecordStore({ client, resource: await bind('types'), place });
    return {
      store,
      close: async () => {
        client.close();
        await servers.close();
      },
    };
  },
};

const targets = { cassandra, riak };

/** Declares the tests on one server, and one target. */
export function typesOnEveryPath(flavour: Flavour, to: keyof typeof targets = 'cassandra'): void {
  /** Other rows each time; a failure is repeated by setting it to the seed in the failing test's name. */
  const seed = Number(process.env.CROSSFADE_TYPE_SEED ?? Math.floor(Math.random() * 2 ** 31));

  describe(`every type on ${flavour} and ${targets[to].name} (seed ${seed})`, { timeout: PATH_TIMEOUT_MS }, () => {
    const bed = new Bed(flavour, targets[to], seed);
    beforeAll(() => bed.open(), SYNC_TIMEOUT_MS * 2);
    afterAll(() => bed.close());

    it('comes through the bulk copy as it was written', async () => {
      await bed.expectSame('bulk copy', await bed.sample('copied'));
    });

    it('comes through write-through as it was written, and is read the same by callers from either store', async () => {
      const rows = await bed.sample('through');
      await bed.throughService(rows);
      await bed.expectSame('write-through', rows);
      await bed.expectSameForCallers(rows);
    });

    it('comes through capture of the service’s own writes as it was written', async () => {
      const rows = await bed.sample('own');
      await bed.pastWriteThrough(rows);
      await bed.expectSame('capture of own writes', rows);
    });

    it('comes through capture of an outside program’s writes as the program left it', async () => {
      const rows = await bed.sample('outside');
      await bed.byOutsideProgram(rows);
      await bed.expectSame('capture of outside writes', rows);
    });

    it('was carried on every path in every case', () => bed.report());
  });
}

/** Real stores with a migration between them, which one instance keeps in sync. */
class Bed {
  readonly #flavour: Flavour;
  readonly #seed: number;
  readonly #flags = createSetFlags();
  readonly #stopping = new AbortController();
  readonly #limit = pLimit(CONCURRENT_WRITES);
  readonly #paths: string[] = [];
  /** Examples by path, store and column. */
  readonly #differences = new Map<string, string>();
  #differing = 0;
  #database!: TestDatabase;
  #pool!: MysqlPool;
  #outside!: Connection;
  #resource!: Resource;
  #source!: SourceStore;
  readonly #to: Target;
  #target!: FollowerStore;
  #closeTarget: () => Promise<void> = async () => {};
  #migration!: ResourceMigration;
  #lease!: Lease;
  #running: Promise<unknown> = Promise.resolve();

  constructor(flavour: Flavour, to: Target, seed: number) {
    this.#flavour = flavour;
    this.#to = to;
    this.#seed = seed;
  }

  /** Up to a follower in sync, which has the rows of `copied`. */
  async open(): Promise<void> {
    const address = inject(this.#flavour);
    this.#database = await createTestDatabase(address);
    this.#pool = createMysqlPool({ ...address, controlSchema: this.#database.name });
    await setUpSchema(this.#pool, call());
    await this.#database.run(everyTypeSql(this.#flavour));
    const follower = await this.#to.open(async (keyspace) => {
      const place = { schema: this.#database.name, keyspace };
      this.#resource = await everyTypeResource(this.#pool, this.#flavour, place);
      return this.#resource;
    });
    this.#closeTarget = follower.close;
    const { store } = follower;
    this.#outside = await createConnection({ ...address, database: this.#database.name, charset: 'utf8mb4' });
    await this.#outside.query("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'");
    await this.byOutsideProgram(await this.sample('copied'));
    await this.#migrate(store);
    this.#flags.phase = 'synchronize';
    const inSync = () => this.#lease.current(this.#resource.id)?.state === 'in_sync';
    await vi.waitUntil(inSync, { timeout: SYNC_TIMEOUT_MS, interval: 50 });
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all([this.#pool?.close(), this.#outside?.end()]);
    await Promise.all([this.#database?.drop(), this.#closeTarget()]);
  }

  async #migrate(target: FollowerStore): Promise<void> {
    const pool = this.#pool;
    const resource = this.#resource;
    const keys = createKeyCodec(resource);
    this.#source = createMysqlRecordStore({ pool, resource, role: 'authority' });
    this.#target = target;
    const control = createMysqlControlStore({ pool });
    await control.ensure([resource.id], call());
    const settings = {
      ...defaultProtocolSettings,
      settleMs: 100,
      // A loaded machine must not turn write-through into capture.
      followerRetryBudgetMs: 30_000,
      verificationIntervalMs: 3_600_000,
      rowsPerSecondLimit: 0,
    };
    const registers = new Registers(control, null);
    const shared = { registers, instance: 'types', clock: systemClock, random: systemRandom, log: noLog };
    const lease = new Lease({ ...shared, settings, onChange: (record) => this.#migration.onChange(record) });
    this.#lease = lease;
    this.#migration = createResourceMigration({
      ...shared,
      resource,
      keys,
      owner: systemRandom.id(),
      source: this.#source,
      target: this.#target,
      targetAuthority: null,
      changeLog: createMysqlChangeLog({ pool, connection: inject(this.#flavour), resource }),
      jobs: createMysqlJobStore({ pool }),
      lease,
      flags: this.#flags,
      metrics: noMetrics,
      settings: { protocol: settings, capture: defaultCaptureSettings, jobs: defaultJobSettings },
      nameOf: (key) => key.id,
      parentNameOf: (parent) => parent.join('/'),
    });
    this.#running = Promise.all([lease.run(this.#stopping.signal), this.#migration.run(this.#stopping.signal)]);
  }

  /** The rows of one path: the same ones each time it is asked, others for each path. */
  async sample(path: string): Promise<Row[]> {
    const arbitrary = arbitraryRow(this.#resource, MAX_JSON_DEPTH);
    const found: Row[] = [];
    for (let at = 0; at < this.#to.cases; at += ROWS_PER_TURN) {
      const seed = (this.#seed + at * PATHS.length + PATHS.indexOf(path)) % 2 ** 31;
      found.push(...fc.sample(arbitrary, { numRuns: Math.min(ROWS_PER_TURN, this.#to.cases - at), seed }));
      await setImmediate();
    }
    return found.map((row, index) => [`${path}-${index % OWNERS}`, BigInt(index), ...row.slice(2)]);
  }

  async throughService(rows: readonly Row[]): Promise<void> {
    await this.#each(rows, async (key, row, columns) => {
      const write = () => this.#migration.records.write({ key, kind: 'upsert', row, columns }, call());
      const { outcome } = await patiently(write);
      if (outcome !== 'written') throw new Error(`not written: ${outcome}`);
    });
  }

  async pastWriteThrough(rows: readonly Row[]): Promise<void> {
    const guard = this.#lease.latest(this.#resource.id);
    if (guard === undefined) throw new Error('there is no lease');
    await this.#each(rows, async (key, row, columns) => {
      await patiently(() => this.#source.write({ key, kind: 'upsert', row, columns }, guard, call()));
    });
    await this.#carried(rows);
  }

  async byOutsideProgram(rows: readonly Row[]): Promise<void> {
    const { columns } = this.#resource;
    const binds = createRowBinds(this.#resource);
    const one = `(${columns.map(() => '?').join(', ')})`;
    for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) {
      const some = rows.slice(at, at + ROWS_PER_INSERT);
      const values = some.flatMap((row, i) =>
        columns.map((column, c) => oddDate(column, row[c] ?? null, at + i) ?? binds[c]?.(row[c] ?? null) ?? null),
      );
      const insert = `INSERT INTO every_type VALUES ${some.map(() => one).join(', ')}`;
      await unlessDeadlocked(() => this.#outside.execute(insert, values as string[]));
    }
    if (this.#target !== undefined) await this.#carried(rows);
  }

  async #each(
    rows: readonly Row[],
    write: (key: Key, row: Row, columns: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const keys = createKeyCodec(this.#resource);
    const columns = this.#resource.columns.map((_, index) => index).slice(this.#resource.keyLength);
    await Promise.all(rows.map((row) => this.#limit(() => write(keys.fromRow(row), row, columns))));
  }

  /** Waits until capture has brought every row to the target: a batch is applied in parts, in no order. */
  async #carried(rows: readonly Row[]): Promise<void> {
    const missing = async (): Promise<number> =>
      (await this.#read(this.#target, rows)).filter((row) => row === null).length;
    await expect.poll(missing, { timeout: PATH_TIMEOUT_MS, interval: 500 }).toBe(0);
  }

  async #read(store: Pick<FollowerStore, 'getMany'>, rows: readonly Row[]): Promise<(Row | null)[]> {
    const keys = createKeyCodec(this.#resource);
    const limit = pLimit(CONCURRENT_READS);
    const pages: Promise<readonly { readonly row: Row | null }[]>[] = [];
    for (let at = 0; at < rows.length; at += KEYS_PER_READ) {
      const wanted = rows.slice(at, at + KEYS_PER_READ).map((row) => keys.fromRow(row));
      pages.push(limit(() => patiently(() => store.getMany(wanted, call()))));
    }
    return (await Promise.all(pages)).flat().map(({ row }) => row);
  }

  async expectSame(path: string, rows: readonly Row[]): Promise<void> {
    this.#paths.push(path);
    const before = this.#differing;
    await this.#compare(`${path}, read from ${this.#flavour}`, this.#source, rows);
    await this.#compare(`${path}, read from ${this.#to.name}`, this.#target, rows);
    expect(this.#differing - before, this.#told()).toBe(0);
  }

  async expectSameForCallers(rows: readonly Row[]): Promise<void> {
    const before = this.#differing;
    for (const target of [false, true]) {
      this.#flags.target = target;
      await this.#compare(`a caller's read, target ${target}`, this.#migration.records, rows);
    }
    expect(this.#differing - before, this.#told()).toBe(0);
  }

  async #compare(what: string, store: Pick<FollowerStore, 'getMany'>, rows: readonly Row[]): Promise<void> {
    const found = await this.#read(store, rows);
    expect(found.length).toBe(rows.length);
    const sql = sqlByColumn(this.#flavour);
    for (const [i, row] of rows.entries()) {
      if (i % ROWS_PER_TURN === 0) await setImmediate();
      const other = found[i] ?? [];
      for (const column of differingColumns(row, other)) {
        this.#differing++;
        const name = this.#resource.columns[column]?.mysqlName ?? '';
        const label = `${what}: ${sql.get(name) ?? name}`;
        if (!this.#differences.has(label))
          this.#differences.set(label, `wrote ${shown(row[column])}, read ${shown(other[column])}`);
      }
    }
  }

  #told(): string {
    return [...this.#differences]
      .slice(0, MAX_TOLD)
      .map((one) => one.join(': '))
      .join('\n');
  }

  /** Says how much was compared, and that all paths were. */
  async report(): Promise<void> {
    const [[version] = []] = (await this.#pool.client('authority').read('SELECT @@version', [], call())).rows;
    const types = this.#resource.columns.length - this.#resource.keyLength;
    const cases = `${types} types × ${this.#paths.length} paths × 2 reads × ${this.#to.cases.toLocaleString('en')} cases`;
    process.stdout.write(`types: ${this.#flavour} ${version}: ${cases}: ${this.#differing} differences\n`);
    expect(this.#paths.length).toBe(4);
  }
}

const MOST_DEADLOCKS = 5;

/** As any program has to that shares tables with others: what touches came in between is begun again. */
async function unlessDeadlocked<T>(statement: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await statement();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ER_LOCK_DEADLOCK' || tries === MOST_DEADLOCKS) throw error;
    }
  }
}

/** Does something that may be done twice, again where it was refused for now, as callers are told to. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isDomainError(error, 'unavailable') || attempt > MAX_RETRIES) throw error;
      await setTimeout(RETRY_PAUSE_MS);
    }
  }
}

/** What an outside program may have left of a date where the definition takes all that is no day for null; else nothing. */
function oddDate({ type }: Column, value: Value, at: number): string | undefined {
  if (value !== null || !('noDay' in type) || type.noDay === undefined || at % 5 === 0) return undefined;
  return type.kind === 'timestamp' ? '0000-00-00 00:00:00' : NO_DAYS[at % NO_DAYS.length];
}

function call(timeoutMs = 60_000): Call {
  return { ...internalCall(systemClock, timeoutMs), consistency: 'latency' };
}

function shown(value: Value | undefined): string {
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
}
