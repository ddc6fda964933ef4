import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import { differingColumns, type Row } from '../../src/domain/resource.ts';
import { defaultCaptureSettings } from '../../src/migration/capture-session.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import { Lease } from '../../src/migration/lease.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import type { FollowerStore, SourceStore } from '../../src/stores/record-store.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { createSetFlags } from '../support/memory-instances.ts';
import { cassandraTable, mysqlTable, typesResource } from '../support/resources.ts';

/** Rows on each path. Each has a column of every type. */
const CASES = 150;
const SYNC_TIMEOUT_MS = 60_000;

/** Other rows each time; a failure is repeated by setting it to the seed in the failing test's name. */
const SEED = Math.floor(Math.random() * 2 ** 31);

describe(`a row with a column of every type (seed ${SEED})`, () => {
  const stopping = new AbortController();
  const flags = createSetFlags();
  const call = (timeoutMs = 20_000): Call => ({ ...internalCall(systemClock, timeoutMs), consistency: 'latency' });
  let database: TestDatabase;
  let keyspace: TestKeyspace;
  let pool: MysqlPool;
  let cassandra: CassandraClient;
  let source: SourceStore;
  let target: FollowerStore;
  let migration: ResourceMigration;
  let lease: Lease;
  let running: Promise<unknown>;
  const keys = createKeyCodec(typesResource);
  const columns = typesResource.columns.map((_, index) => index).slice(typesResource.keyLength);
  const rows = sample('copied');

  /** Distinct rows under an owner of their own. */
  function sample(owner: string): Row[] {
    const found = fc.sample(arbitraryRow(typesResource), { numRuns: CASES, seed: SEED + owner.length });
    return found.map((row, index) => [owner, BigInt(index), ...row.slice(2)]);
  }

  beforeAll(async () => {
    [database, keyspace] = await Promise.all([createTestDatabase(), createTestKeyspace()]);
    const resource = {
      ...typesResource,
      mysql: { schema: database.name, table: 'types' },
      cassandra: { keyspace: keyspace.name, table: 'types' },
    };
    const address = inject('mysql');
    pool = createMysqlPool({ ...address, controlSchema: database.name });
    await setUpSchema(pool, call());
    await database.run(mysqlTable(resource));
    await keyspace.run(cassandraTable(resource));
    cassandra = createCassandraClient(inject('cassandra'));
    source = createMysqlRecordStore({ pool, resource, role: 'authority' });
    target = createCassandraRecordStore({ client: cassandra, resource, role: 'follower' });
    const control = createMysqlControlStore({ pool });
    await control.ensure([resource.id], call());
    const settings = {
      ...defaultProtocolSettings,
      settleMs: 100,
      verificationIntervalMs: 3_600_000,
      rowsPerSecondLimit: 0,
    };
    const registers = new Registers(control, null);
    const shared = { registers, instance: 'types', clock: systemClock, random: systemRandom, log: noLog };
    lease = new Lease({
      ...shared,
      settings,
      onChange: (record) => migration.onChange(record),
    });
    migration = createResourceMigration({
      ...shared,
      resource,
      keys,
      owner: systemRandom.id(),
      source,
      target,
      targetAuthority: null,
      changeLog: createMysqlChangeLog({ pool, connection: address, resource }),
      jobs: createMysqlJobStore({ pool }),
      lease,
      flags,
      metrics: noMetrics,
      settings: { protocol: settings, capture: defaultCaptureSettings, jobs: defaultJobSettings },
      nameOf: (key) => key.id,
      parentNameOf: (parent) => parent.join('/'),
    });
    running = Promise.all([lease.run(stopping.signal), migration.run(stopping.signal)]);
    for (const row of rows) await write(row);
    flags.phase = 'synchronize';
    const inSync = () => lease.current(resource.id)?.state === 'in_sync';
    await vi.waitUntil(inSync, { timeout: SYNC_TIMEOUT_MS, interval: 50 });
  }, SYNC_TIMEOUT_MS * 2);

  afterAll(async () => {
    stopping.abort();
    await running;
    await Promise.all([pool.close(), cassandra.close()]);
    await Promise.all([database.drop(), keyspace.drop()]);
  });

  async function write(row: Row): Promise<void> {
    const written = await migration.records.write({ key: keys.fromRow(row), kind: 'upsert', row, columns }, call());
    expect(written.outcome).toBe('written');
  }

  /** The row as a store has it; throws if it has none. */
  async function read(store: Pick<FollowerStore, 'getMany'>, key: Key): Promise<Row> {
    const [stored] = await store.getMany([key], call());
    if (stored?.row == null) throw new Error('the record is not there');
    return stored.row;
  }

  /** The names of the columns in which what a store has differs from what was written. */
  async function differences(store: Pick<FollowerStore, 'getMany'>, expected: Row): Promise<string[]> {
    const found = await read(store, keys.fromRow(expected));
    return differingColumns(expected, found).map((index) => typesResource.columns[index]?.mysqlName ?? '');
  }

  /** Waits until capture has brought every row to the target: a batch is applied in parts, in no order. */
  async function carried(expected: readonly Row[]): Promise<void> {
    const wanted = expected.map((row) => keys.fromRow(row));
    const missing = async (): Promise<number> =>
      (await target.getMany(wanted, call())).filter(({ row }) => row === null).length;
    await expect.poll(missing, { timeout: 20_000 }).toBe(0);
  }

  async function expectBoth(expected: readonly Row[]): Promise<void> {
    let compared = 0;
    for (const row of expected) {
      expect(await differences(source, row)).toEqual([]);
      expect(await differences(target, row)).toEqual([]);
      compared += 1;
    }
    expect(compared).toBe(CASES);
  }

  it('comes through the bulk copy as it was written', () => expectBoth(rows));

  it('comes through write-through as it was written, and is read the same from either store', async () => {
    const fresh = sample('written');
    for (const row of fresh) await write(row);
    await expectBoth(fresh);
    for (const target of [true, false]) {
      flags.target = target;
      for (const row of fresh) expect(await differences(migration.records, row)).toEqual([]);
    }
  });

  it('comes through capture of the service’s own writes as it was written', async () => {
    const fresh = sample('captured');
    const guard = lease.latest(typesResource.id);
    if (guard === undefined) throw new Error('there is no lease');
    for (const row of fresh)
      await source.write({ key: keys.fromRow(row), kind: 'upsert', row, columns }, guard, call());
    await carried(fresh);
    await expectBoth(fresh);
  });

  it('comes through capture of an outside program’s writes as the program left it', async () => {
    const names = columns.map((index) => `\`${typesResource.columns[index]?.mysqlName}\``).join(', ');
    await database.run(
      `INSERT INTO types (owner, sample, ${names}) SELECT 'outside', sample, ${names} FROM types WHERE owner = 'copied'`,
    );
    const expected = rows.map((row): Row => ['outside', ...row.slice(1)]);
    await carried(expected);
    await expectBoth(expected);
  });
});
