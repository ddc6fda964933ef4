/** A resource that moves from MySQL to Riak: whole instances with their flags, over a real MySQL and a cluster in this process. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Client, Code } from '@connectrpc/connect';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  FollowerState,
  JobState,
  Migrations,
  Phase,
} from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../clients/typescript/gen/google/longrunning/operations_pb.ts';
import { Encounters } from '../../clients/typescript/gen/hospital/v1/encounters_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { createFlagAdmin, type FlagAdmin } from '../support/flag-admin.ts';
import { BUCKET_TYPE, type RiakServers, startRiak } from '../support/riak/servers.ts';

const ROWS = 400;
const BUCKET = 'encounters';
const hospital = join(import.meta.dirname, '../../examples/hospital');
const uuid = { kind: 'uuid' } as const;
const column = { field: null, type: uuid, nullable: false, cassandraName: '', writable: false, serverChanges: false };
const keys = createKeyCodec({
  keyLength: 2,
  columns: ['patient_id', 'encounter_id'].map((mysqlName) => ({ ...column, mysqlName })),
});

/** Whole copies and verifications, on a loaded machine. */
const TIMEOUT_MS = 180_000;

describe('a live migration to Riak', { timeout: TIMEOUT_MS }, () => {
  const stopping = new AbortController();
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  let riak: RiakServers;
  let controlDatabase: TestDatabase;
  let services: Service[];
  let flags: FlagAdmin;
  let one: Client<typeof Encounters>;
  let other: Client<typeof Encounters>;
  let migrations: Client<typeof Migrations>;
  let operations: Client<typeof Operations>;
  let parents: string[];

  beforeAll(async () => {
    const mysql = inject('mysql');
    const unleash = inject('unleash');
    riak = await startRiak();
    controlDatabase = await createTestDatabase();
    await loadHospital({ mysql, database, rows: ROWS });
    flags = createFlagAdmin(unleash, 'encounters');
    await createFlags(
      { url: unleash.url, adminToken: unleash.adminToken, project: 'default', environment: 'development' },
      'encounters',
    );
    await flags.reset();
    const config = (instance: string) =>
      parseConfig(
        JSON.stringify({
          instance,
          grpc: { port: 0 },
          http: { port: 0 },
          descriptors: join(hospital, 'hospital.binpb'),
          resources: [{ type: 'hospital.v1.Encounter', mysqlSchema: database, riakBucket: BUCKET }],
          stores: {
            mysql: {
              host: mysql.host,
              port: mysql.port,
              user: mysql.user,
              passwordEnv: 'MYSQL',
              controlSchema: controlDatabase.name,
            },
            riak: { nodes: riak.nodes.map(({ host, port }) => `${host}:${port}`), bucketType: BUCKET_TYPE },
          },
          unleash: { url: `${unleash.url}/api`, tokenEnv: 'UNLEASH' },
          telemetry: { exporter: 'none' },
          migration: { settleMs: 500 },
        }),
        'test.yaml',
        { MYSQL: mysql.password, UNLEASH: unleash.clientToken },
      );
    services = await Promise.all(
      ['one', 'other'].map((name) => startService(config(name), stopping.signal, { log: noLog })),
    );
    const addresses = services.map((service) => `http://${service.addresses.grpc}`);
    one = createSession({ addresses: addresses.slice(0, 1), caller: 'test' }).client(Encounters);
    other = createSession({ addresses: addresses.slice(1), caller: 'test' }).client(Encounters);
    const http = services.map((service) => service.addresses.http);
    const operator = createSession({ addresses: http, protocol: 'connect' });
    migrations = operator.client(Migrations);
    operations = operator.client(Operations);
    const connection = await createConnection({
      host: mysql.host,
      port: mysql.port,
      user: mysql.user,
      password: mysql.password,
    });
    const [rows] = await connection.query(`SELECT DISTINCT patient_id FROM ${database}.encounters ORDER BY patient_id`);
    await connection.end();
    parents = (rows as { patient_id: string }[]).map((row) => `patients/${row.patient_id}`);
  });

  afterAll(async () => {
    stopping.abort();
    await Promise.all((services ?? []).map((service) => service.ended));
    await controlDatabase.run(`DROP DATABASE IF EXISTS ${database}`);
    await Promise.all([controlDatabase.drop(), riak.close()]);
  });

  const get = () => migrations.getMigration({ name: 'migrations/encounters' });
  const becomes = async (state: FollowerState) => {
    await expect.poll(async () => (await get()).followerState, { timeout: 90_000, interval: 200 }).toBe(state);
  };
  const servedBy = async (client: Client<typeof Encounters>, name: string): Promise<string> => {
    let header = '';
    await client.getEncounter({ name }, { onHeader: (headers) => (header = headers.get('crossfade-served-by') ?? '') });
    return header;
  };
  const firstName = async (): Promise<string> => {
    const { encounters } = await one.listEncounters({ parent: parents[0] ?? '', pageSize: 1 });
    return encounters[0]?.name ?? '';
  };
  const describeIt = (client: Client<typeof Encounters>, name: string, description: string) =>
    client.updateEncounter({ encounter: { name, description }, updateMask: { paths: ['description'] } });
  const objectOf = (name: string) => {
    const [, patient = '', , encounter = ''] = name.split('/');
    const key = keys.fromValues([patient, encounter]).bytes.toString('hex');
    return { type: BUCKET_TYPE, bucket: BUCKET, key };
  };
  /** A whole verification, begun now, without a mismatch. */
  const verified = async (): Promise<void> => {
    const { name } = await migrations.startVerification({ name: 'migrations/encounters' });
    await expect
      .poll(async () => (await operations.waitOperation({ name })).done, { timeout: 90_000, interval: 200 })
      .toBe(true);
    const { verification, openMismatchCount } = await get();
    expect(verification?.state).toBe(JobState.SUCCEEDED);
    expect(verification?.mismatchCount).toBe(0n);
    expect(openMismatchCount).toBe(0n);
  };

  it('fills the bucket while it is written, by the service and past it, and finds both stores alike', async () => {
    expect((await get()).phase).toBe(Phase.SOURCE_ONLY);
    await flags.setPhase('synchronize', true);
    const name = await firstName();
    for (let i = 0; i < 10; i++) await describeIt(i % 2 === 0 ? one : other, name, `while copying ${i}`);
    await controlDatabase.run(`UPDATE ${database}.encounters SET description = 'by hand' WHERE code > 0 LIMIT 50`);
    await becomes(FollowerState.IN_SYNC);
    await verified();
    expect(Number((await get()).backfill?.rowCount)).toBeGreaterThanOrEqual(ROWS);
  });

  it('reads from Riak as the flag says, and shows every acknowledged write, alone and in lists', async () => {
    await flags.setRollout('read-target', 100);
    const name = await firstName();
    await expect.poll(() => servedBy(one, name), { timeout: 10_000 }).toBe('target; reason=flag');
    await expect.poll(() => servedBy(other, name), { timeout: 10_000 }).toBe('target; reason=flag');
    for (let i = 0; i < 30; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, other] : [other, one];
      await describeIt(writer, name, `fresh ${i}`);
      expect((await reader.getEncounter({ name })).description).toBe(`fresh ${i}`);
      const { encounters } = await reader.listEncounters({ parent: parents[0] ?? '', pageSize: 1 });
      expect(encounters[0]?.description).toBe(`fresh ${i}`);
    }
    const parent = parents[1] ?? '';
    const encounter = { encounterClass: 'ambulatory', code: 7n, description: 'new', startTime: { seconds: 1n } };
    const created = await one.createEncounter({ parent, encounterId: randomUUID(), encounter });
    const listed = await other.listEncounters({ parent, pageSize: 1_000 });
    expect(listed.encounters.map((each) => each.name)).toContain(created.name);
    await other.deleteEncounter({ name: created.name });
    await expect(one.getEncounter({ name: created.name })).rejects.toMatchObject({ code: Code.NotFound });
  });

  it('is not misled by siblings of versions that are past, and resolves them', async () => {
    const name = await firstName();
    const object = objectOf(name);
    await describeIt(one, name, 'newest');
    const { host, port } = riak.nodes[0] as { host: string; port: number };
    const zombie = { crossfade: { version: '1700000000000000' }, record: {} };
    const path = `/types/${object.type}/buckets/${object.bucket}/keys/${object.key}?w=all`;
    const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(zombie) };
    for (let i = 0; i < 3; i++) await fetch(`http://${host}:${port}${path}`, put);
    // Besides them one or two of the newest: its writer’s and, from another instance, capture’s.
    expect(riak.cluster.replicas(object)[0]?.contents.length).toBeGreaterThan(3);
    expect((await other.getEncounter({ name })).description).toBe('newest');
    expect(await servedBy(other, name)).toBe('target; reason=flag');
    const siblings = () => riak.cluster.replicas(object).map((replica) => replica?.contents.length);
    await expect.poll(siblings, { timeout: 10_000 }).toEqual([1, 1, 1]);
    await Promise.all(Array.from({ length: 16 }, (_, i) => describeIt(i % 2 ? one : other, name, `together ${i}`)));
    const { description } = await one.getEncounter({ name });
    await flags.setRollout('read-target', 0);
    await expect.poll(() => servedBy(other, name), { timeout: 10_000 }).toContain('source');
    expect((await other.getEncounter({ name })).description).toBe(description);
    await flags.setRollout('read-target', 100);
  });

  it('goes on without nodes of Riak: no write and no read fails, and it rejoins by itself', async () => {
    const name = await firstName();
    riak.cluster.stop(0, 1, 2);
    for (let i = 0; i < 10; i++) {
      await describeIt(one, name, `without ${i}`);
      expect((await other.getEncounter({ name })).description).toBe(`without ${i}`);
    }
    const states: readonly FollowerState[] = [FollowerState.LEAVING, FollowerState.SYNCING];
    await expect.poll(async () => states.includes((await get()).followerState), { timeout: 20_000 }).toBe(true);
    expect(await servedBy(other, name)).toContain('source');
    riak.cluster.start(0, 1, 2);
    await becomes(FollowerState.IN_SYNC);
    await expect.poll(() => servedBy(other, name), { timeout: 10_000 }).toBe('target; reason=flag');
    expect((await other.getEncounter({ name })).description).toBe('without 9');
    await verified();
  });

  it('does not hand authority over, and says why', async () => {
    await flags.setPhase('target-authority', true);
    const holds = async () => (await get()).holds.map(({ reason, message }) => `${reason}: ${message}`).join();
    await expect.poll(holds, { timeout: 10_000 }).toMatch(/target_authority_not_offered: Riak can follow and be read/);
    const name = await firstName();
    await describeIt(one, name, 'all the same');
    expect((await other.getEncounter({ name })).description).toBe('all the same');
    await flags.setPhase('target-authority', false);
  });

  it('attaches anew, and shows nothing that was left over', async () => {
    const name = await firstName();
    await flags.setRollout('read-target', 0);
    await flags.setPhase('synchronize', false);
    await becomes(FollowerState.DETACHED);
    await one.deleteEncounter({ name });
    await flags.setPhase('synchronize', true);
    await becomes(FollowerState.IN_SYNC);
    await flags.setRollout('read-target', 100);
    const next = await firstName();
    await expect.poll(() => servedBy(one, next), { timeout: 10_000 }).toBe('target; reason=flag');
    await expect(one.getEncounter({ name })).rejects.toMatchObject({ code: Code.NotFound });
    await verified();
  });
});
