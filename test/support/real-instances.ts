/** One resource over real servers, with whole instances of its migration: either store may become the authority. */
import { inject } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { defaultCaptureSettings } from '../../src/migration/capture-settings.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import { Lease } from '../../src/migration/lease.ts';
import { OwnHand } from '../../src/migration/logged-store.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraControlStore } from '../../src/stores/cassandra/control-store.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { setUpKeyspace } from '../../src/stores/cassandra/schema-setup.ts';
import { createCassandraWriteAheadLog } from '../../src/stores/cassandra/write-ahead-log.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { createMysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { createTestDatabase, createTestKeyspace } from './databases.ts';
import { createSetFlags } from './memory-instances.ts';
import { cassandraIndexTables, cassandraTable, mysqlTable } from './resources.ts';

const LOG_TTL_SECONDS = 864_000;
const SETTINGS = {
  ...defaultProtocolSettings,
  settleMs: 100,
  verificationIntervalMs: 3_600_000,
  rowsPerSecondLimit: 0,
};

/** Two empty stores with the resource's tables. Call `drop` at the end, after every instance's `stop`. */
export async function createRealService(base: Resource) {
  const [database, keyspace] = await Promise.all([createTestDatabase(), createTestKeyspace()]);
  const resource: Resource = {
    ...base,
    mysql: { schema: database.name, table: base.id },
    cassandra: { keyspace: keyspace.name, table: base.id },
  };
  const address = inject('mysql');
  const call = (timeoutMs = 20_000): Call => ({ ...internalCall(systemClock, timeoutMs), consistency: 'latency' });
  const pool = createMysqlPool({ ...address, controlSchema: database.name });
  await setUpSchema(pool, call());
  await database.run(mysqlTable(resource));
  for (const statement of [cassandraTable(resource), ...cassandraIndexTables(resource)]) await keyspace.run(statement);
  const client = createCassandraClient(inject('cassandra'));
  await setUpKeyspace(client, { keyspace: keyspace.name, replication: null }, call());
  await createMysqlControlStore({ pool }).ensure([resource.id], call());

  async function startInstance(name: string) {
    const own = {
      pool: createMysqlPool({ ...address, controlSchema: database.name }),
      client: createCassandraClient(inject('cassandra')),
    };
    const toSource = createFaults();
    const source = createMysqlRecordStore({ pool: own.pool, resource, role: 'authority' });
    const target = createCassandraRecordStore({ client: own.client, resource, role: 'follower' });
    const asAuthority = createCassandraRecordStore({ client: own.client, resource, role: 'authority' });
    const registers = new Registers(
      createMysqlControlStore({ pool: own.pool }),
      createCassandraControlStore({ client: own.client, keyspace: keyspace.name, logTtlSeconds: LOG_TTL_SECONDS }),
    );
    const log = createCassandraWriteAheadLog({
      client: own.client,
      keyspace: keyspace.name,
      ttlSeconds: LOG_TTL_SECONDS,
    });
    const hand = new OwnHand();
    const flags = createSetFlags();
    const stopping = new AbortController();
    const shared = { registers, instance: name, clock: systemClock, random: systemRandom, log: noLog };
    const lease: Lease = new Lease({
      ...shared,
      settings: SETTINGS,
      onChange: (record) => migration.onChange(record),
      logClosedUpTo: (incarnation) => log.closedUpTo(incarnation),
      isDone: () => hand.isIdle,
    });
    const migration: ResourceMigration = createResourceMigration({
      ...shared,
      resource,
      keys: createKeyCodec(resource),
      owner: systemRandom.id(),
      source: injectFaults(source, { faults: toSource, clock: systemClock, role: 'follower' }),
      target,
      targetAuthority: { store: asAuthority, log, hand },
      changeLog: createMysqlChangeLog({ pool: own.pool, connection: address, resource }),
      jobs: createMysqlJobStore({ pool: own.pool }),
      lease,
      flags,
      metrics: noMetrics,
      settings: { protocol: SETTINGS, capture: defaultCaptureSettings, jobs: defaultJobSettings },
      nameOf: (key) => key.id,
      parentNameOf: (parent) => parent.join('/'),
    });
    const running = Promise.all([lease.run(stopping.signal), migration.run(stopping.signal)]);
    return {
      records: migration.records,
      lease,
      flags,
      /** Faults between the instance and the records in MySQL. */
      toSource,
      async stop(): Promise<void> {
        stopping.abort();
        await running;
        await Promise.all([own.pool.close(), own.client.close()]);
      },
    };
  }

  return {
    resource,
    database,
    keyspace,
    call,
    source: createMysqlRecordStore({ pool, resource, role: 'authority' }),
    target: createCassandraRecordStore({ client, resource, role: 'follower' }),
    startInstance,
    async drop(): Promise<void> {
      await Promise.all([pool.close(), client.close()]);
      await Promise.all([database.drop(), keyspace.drop()]);
    },
  };
}

/** One instance of it. */
export type RealInstance = Awaited<ReturnType<Awaited<ReturnType<typeof createRealService>>['startInstance']>>;
