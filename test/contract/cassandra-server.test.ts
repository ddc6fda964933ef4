import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import { checkCassandraTable } from '../../src/schema/cassandra-ddl.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { describeTable } from '../../src/stores/cassandra/describe-table.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { checkServer } from '../../src/stores/cassandra/server-checks.ts';
import { examineClocks } from '../../src/stores/clock-readings.ts';
import { findingsOf, type ServerFindings } from '../../src/stores/server-findings.ts';
import { testCall } from '../support/calls.ts';
import { createTestKeyspace, type TestKeyspace } from '../support/databases.ts';
import { cassandraTable, loneResource, notesResource, placeResource, testResources } from '../support/resources.ts';

const MARKER_TTL_SECONDS = 20 * 86_400;

describe('Cassandra, asked about itself', () => {
  let keyspace: TestKeyspace;
  let client: CassandraClient;
  beforeAll(async () => {
    keyspace = await createTestKeyspace();
    client = createCassandraClient(inject('cassandra'));
    for (const resource of testResources) await keyspace.run(cassandraTable(placeResource(resource, keyspace.name)));
  });
  afterAll(async () => {
    await client.close();
    await keyspace.drop();
  });

  const check = (table: string, markerTtlSeconds = MARKER_TTL_SECONDS): Promise<ServerFindings> => {
    const tables = [{ keyspace: keyspace.name, table }];
    return checkServer(client, { tables, markerTtlSeconds, skewBoundMs: 50 }, testCall());
  };

  it.each(testResources.map((resource) => [resource.id, resource] as const))(
    'describes the table of %s',
    async (_, resource) => {
      const placed = placeResource(resource, keyspace.name);
      const name = { keyspace: keyspace.name, table: resource.id };
      const description = await describeTable(client, name, testCall());
      expect(description).not.toBeNull();
      if (description !== null) expect(checkCassandraTable(placed, description)).toEqual([]);
    },
  );

  it('knows descending columns, static columns, the grace and a table that is not there', async () => {
    await keyspace.run(
      `CREATE TABLE ${keyspace.name}.odd ("Owner" text, a int, b int, s text static, v text, PRIMARY KEY ("Owner", a, b)) WITH CLUSTERING ORDER BY (a ASC, b DESC) AND gc_grace_seconds = 7`,
    );
    expect(await describeTable(client, { keyspace: keyspace.name, table: 'odd' }, testCall())).toMatchObject({
      partitionKey: ['Owner'],
      clusteringKey: [
        { name: 'a', order: 'asc' },
        { name: 'b', order: 'desc' },
      ],
      gcGraceSeconds: 7,
      columns: expect.arrayContaining([
        { name: 's', cqlType: 'text', isStatic: true },
        { name: 'v', cqlType: 'text', isStatic: false },
      ]),
    });
    expect(await describeTable(client, { keyspace: keyspace.name, table: 'nothing' }, testCall())).toBeNull();
  });

  it('has nothing against a server that is as it should be, but warns of a single replica', async () => {
    const { errors, warnings } = await check('notes');
    expect(errors).toEqual([]);
    expect(warnings.map(({ setting }) => setting)).toEqual([`${keyspace.name}: replication`]);
    expect(warnings[0]?.cure).toContain('ALTER KEYSPACE');
  });

  it('warns of a keyspace once, however many of its tables it looks at', async () => {
    const tables = [notesResource.id, loneResource.id].map((table) => ({ keyspace: keyspace.name, table }));
    const options = { tables, markerTtlSeconds: MARKER_TTL_SECONDS, skewBoundMs: 50 };
    const { warnings } = await checkServer(client, options, testCall());
    expect(warnings.map(({ setting }) => setting)).toEqual([`${keyspace.name}: replication`]);
  });

  it('refuses tables and keyspaces that forget or do not repair, each with its cure', async () => {
    const { name } = keyspace;
    await keyspace.run(
      `CREATE TABLE ${name}.bad (k text, c text, s text static, PRIMARY KEY (k, c)) WITH gc_grace_seconds = 60 AND default_time_to_live = 5 AND read_repair = 'NONE'`,
    );
    await keyspace.run(`ALTER KEYSPACE ${name} WITH durable_writes = false`);
    try {
      const { errors } = await check('bad');
      expect(errors.map(({ setting }) => setting).toSorted()).toEqual(
        [
          `${name}.bad: default_time_to_live`,
          `${name}.bad: gc_grace_seconds`,
          `${name}.bad: read_repair`,
          `${name}.bad: static column s`,
          `${name}: durable_writes`,
        ].toSorted(),
      );
      for (const { cure } of errors) expect(cure).toMatch(/^ALTER|^drop/);
    } finally {
      await keyspace.run(`ALTER KEYSPACE ${name} WITH durable_writes = true`);
    }
    const short = await check('notes', 3_600);
    expect(short.errors.map(({ setting }) => setting)).toEqual([`${name}.notes: gc_grace_seconds`]);
  });

  it('takes clocks for apart only where that is certain', () => {
    const clock = (node: string, leastMs: number, mostMs: number) => ({
      node,
      micros: 0n,
      aheadMicros: { least: BigInt(leastMs * 1_000), most: BigInt(mostMs * 1_000) },
    });
    const found = findingsOf(examineClocks([clock('a', -3, 4), clock('b', 50, 300), clock('c', 56, 60)], 50));
    expect(found.errors.map(({ setting }) => setting)).toEqual(['a and c: clocks']);
    expect(found.warnings.map(({ setting }) => setting)).toEqual(['c and this machine: clocks']);
  });

  it('keeps markers for the time it was told and live records for ever', async () => {
    const resource = placeResource(notesResource, keyspace.name);
    const store = createCassandraRecordStore({ client, resource, role: 'follower', markerTtlSeconds: 2 });
    const codec = createKeyCodec(resource);
    const gone = codec.fromValues(['ann', 'gone']);
    const live = codec.fromValues(['ann', 'live']);
    const version = 1_700_000_000_000_000n;
    await store.apply([{ key: live, row: ['ann', 'live', null, null, null], version }], testCall());
    await store.apply([{ key: gone, row: null, version }], testCall());
    expect((await store.getMany([gone], testCall()))[0]).toMatchObject({ row: null, version });
    await expect
      .poll(async () => (await store.getMany([gone], testCall()))[0]?.version, { timeout: 10_000, interval: 200 })
      .toBe(0n);
    expect((await store.getMany([live], testCall()))[0]).toMatchObject({
      row: ['ann', 'live', null, null, null],
      version,
    });
  });

  it('begins a range again where a cursor can not be read any more', async () => {
    const resource = placeResource(notesResource, keyspace.name);
    const store = createCassandraRecordStore({ client, resource, role: 'follower' });
    const range = `${-(2n ** 63n)}:${2n ** 63n - 1n}`;
    const whole = await store.walk(range, null, 100, testCall());
    expect((await store.walk(range, 'ffff00', 100, testCall())).records).toHaveLength(whole.records.length);
  });
});
