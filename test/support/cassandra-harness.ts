/** Cassandra's record stores for tests: the resources' tables in a keyspace of their own; the control record is the test's. */
import type { types } from 'cassandra-driver';
import { inject } from 'vitest';
import type { Key } from '../../src/domain/key.ts';
import type { Resource, Row } from '../../src/domain/resource.ts';
import { cqlName } from '../../src/schema/cassandra-ddl.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { compileTargetKey } from '../../src/stores/cassandra/target-key.ts';
import { bindOf } from '../../src/stores/cassandra/values.ts';
import type { ControlView, Guard, RecordStore } from '../../src/stores/record-store.ts';
import { testCall } from './calls.ts';
import { createTestKeyspace, type TestKeyspace } from './databases.ts';
import { cassandraIndexTables, cassandraTable, placeResource } from './resources.ts';

/** One resource's store, empty, with a control record `in_sync` in epoch 1, attach 1, with a floor of 0. */
export interface CassandraStoreUnderTest {
  readonly store: RecordStore;
  /** The resource in the test's own keyspace. */
  readonly resource: Resource;
  setControl(change: Partial<ControlView>): Promise<void>;
  /** The guard of a caller that has just read the control record. */
  guard(): Guard;
  /** Changes a record as an outside program would: without Crossfade's columns. Null deletes it. */
  outsideWrite(key: Key, row: Row | null): Promise<void>;
  /** Crossfade's columns of a record, with the rest of its marker's TTL in seconds; null: there is no row. */
  inside(key: Key): Promise<Inside | null>;
}

/** Crossfade's own columns. */
export interface Inside {
  readonly version: bigint | null;
  readonly deleted: boolean | null;
  readonly writeId: Buffer | null;
  readonly ttls: readonly (number | null)[];
}

/** A client with its keyspace. */
export interface CassandraHarness {
  readonly keyspace: TestKeyspace;
  readonly client: CassandraClient;
  /** `client`: another one, as of another instance. */
  open(
    resource: Resource,
    options?: { readonly markerTtlSeconds?: number; readonly client?: CassandraClient },
  ): Promise<CassandraStoreUnderTest>;
  close(): Promise<void>;
}

/** Makes the keyspace and the resources' tables. */
export async function createCassandraHarness(resources: readonly Resource[]): Promise<CassandraHarness> {
  const keyspace = await createTestKeyspace();
  for (const resource of resources.map((one) => placeResource(one, keyspace.name))) {
    for (const statement of [cassandraTable(resource), ...cassandraIndexTables(resource)])
      await keyspace.run(statement);
  }
  const client = createCassandraClient(inject('cassandra'));
  return {
    keyspace,
    client,
    open: async (resource, options = {}) => {
      await keyspace.run(`TRUNCATE ${keyspace.name}.${resource.id}`);
      for (const { name } of resource.indexes ?? []) {
        await keyspace.run(`TRUNCATE ${keyspace.name}.${resource.id}_by_${name}`);
      }
      return openStore(client, placeResource(resource, keyspace.name), options);
    },
    close: async () => {
      await client.close();
      await keyspace.drop();
    },
  };
}

function openStore(
  client: CassandraClient,
  resource: Resource,
  options: { readonly markerTtlSeconds?: number; readonly client?: CassandraClient },
): CassandraStoreUnderTest {
  let control: ControlView = { epoch: 1, attach: 1, state: 'in_sync', floor: 0n, generation: 7 };
  const table = `${resource.cassandra?.keyspace}.${resource.cassandra?.table}`;
  const targetKey = compileTargetKey(resource);
  const keyNames = [...targetKey.partition, ...targetKey.clustering];
  const others = resource.columns.slice(resource.keyLength);
  const names = [...keyNames, ...others.map((column) => cqlName(column.cassandraName))];
  const isKey = keyNames.map((name) => `${name} = ?`).join(' AND ');
  const bind = (key: Key, row: Row): unknown[] => [
    ...targetKey.bind(key),
    ...others.map(({ type }, i) => {
      const value = row[resource.keyLength + i] ?? null;
      return value === null ? null : bindOf(type)(value);
    }),
  ];
  const run = (query: string, params: unknown[]): Promise<types.ResultSet> =>
    client.run({ query, params }, testCall().deadlineMs);
  return {
    store: createCassandraRecordStore({ client, resource, role: 'authority', ...options }),
    resource,
    setControl: async (change) => {
      control = { ...control, ...change };
    },
    guard: () => control,
    outsideWrite: async (key, row) => {
      if (row === null) await run(`DELETE FROM ${table} WHERE ${isKey}`, targetKey.bind(key));
      else
        await run(
          `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
          bind(key, row),
        );
    },
    inside: async (key) => {
      const own = ['crossfade_version', 'crossfade_deleted', 'crossfade_write_id'];
      const columns = [...own, ...own.map((name) => `ttl(${name}) AS ttl_${name}`)].join(', ');
      const row = (await run(`SELECT ${columns} FROM ${table} WHERE ${isKey}`, targetKey.bind(key))).first();
      if (row === null) return null;
      const [version, deleted, writeId] = own.map((name) => row.get(name));
      return { version, deleted, writeId, ttls: own.map((name) => row.get(`ttl_${name}`)) };
    },
  };
}
