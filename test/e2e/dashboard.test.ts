/** The dashboard's stream beside real stores and a real flag server: its figures follow what is done. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, getExtension, setExtension, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { noLog } from '../../src/domain/log.ts';
import {
  Dashboard,
  DashboardFlagState,
  type DashboardResource,
  type WatchDashboardResponse,
} from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { FollowerState, MismatchKind, Phase, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { storage } from '../../src/gen/crossfade/v1alpha1/options_pb.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { createFlagAdmin, type FlagAdmin } from '../support/flag-admin.ts';

const ROWS = 300;
const PATIENCE = { timeout: 20_000, interval: 200 };
/** Flags go by the resource's id, and every file of the run has the same flag server. */
const ID = 'watched_medications';
const hospital = join(import.meta.dirname, '../../examples/hospital');

/** The hospital's descriptors, with the medications under {@link ID}. */
async function writeDescriptors(folder: string): Promise<string> {
  const image = fromBinary(FileDescriptorSetSchema, await readFile(join(hospital, 'hospital.binpb')));
  for (const message of image.file.flatMap(({ messageType }) => messageType)) {
    if (message.name !== 'Medication' || message.options === undefined) continue;
    setExtension(message.options, storage, { ...getExtension(message.options, storage), id: ID });
  }
  const path = join(folder, 'watched.binpb');
  await writeFile(path, toBinary(FileDescriptorSetSchema, image));
  return path;
}

/** A viewer of one resource that keeps what it was told, as the page does. */
class Picture {
  readonly resource: Partial<DashboardResource> = {};
  readonly first: Promise<WatchDashboardResponse>;
  answered = { source: 0, target: 0 };
  writes = 0;
  shadowMatches = 0;
  shadowMismatches = 0;
  readonly #stop = new AbortController();

  constructor(client: Client<typeof Dashboard>) {
    let tell: (first: WatchDashboardResponse) => void = () => {};
    this.first = new Promise((resolve) => {
      tell = resolve;
    });
    void this.#watch(client, tell);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #watch(client: Client<typeof Dashboard>, tell: (first: WatchDashboardResponse) => void): Promise<void> {
    try {
      const request = { name: `migrations/${ID}`, interval: { nanos: 500_000_000 } };
      for await (const message of client.watchDashboard(request, { signal: this.#stop.signal })) {
        tell(message);
        for (const news of message.resources) this.#learn(news);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #learn(news: DashboardResource): void {
    for (const [name, value] of Object.entries(news)) {
      if (value !== undefined) Object.assign(this.resource, { [name]: value });
    }
    for (const { measures } of news.samples) {
      this.answered.source += measures?.source?.answeredReadCount ?? 0;
      this.answered.target += measures?.target?.answeredReadCount ?? 0;
      this.writes += measures?.writes?.count ?? 0;
      this.shadowMatches += measures?.shadowReads?.matchCount ?? 0;
      this.shadowMismatches += measures?.shadowReads?.mismatchCount ?? 0;
    }
  }
}

describe('the dashboard of a live migration', () => {
  const stopping = new AbortController();
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  let keyspace: TestKeyspace;
  let controlDatabase: TestDatabase;
  let service: Service;
  let flags: FlagAdmin;
  let records: Client<typeof Medications>;
  let dashboard: Client<typeof Dashboard>;
  let picture: Picture;
  let names: string[];
  let folder: string;

  beforeAll(async () => {
    const mysql = inject('mysql');
    const unleash = inject('unleash');
    folder = await mkdtemp(join(tmpdir(), 'crossfade-dashboard-'));
    keyspace = await createTestKeyspace();
    controlDatabase = await createTestDatabase();
    await loadHospital({ mysql, database, rows: ROWS });
    flags = createFlagAdmin(unleash, ID);
    await createFlags(
      { url: unleash.url, adminToken: unleash.adminToken, project: 'default', environment: 'development' },
      ID,
    );
    await flags.reset();
    const { host, port, user, password } = mysql;
    const config = {
      instance: 'one',
      grpc: { port: 0 },
      http: { port: 0 },
      descriptors: await writeDescriptors(folder),
      resources: [{ type: 'hospital.v1.Medication', mysqlSchema: database, cassandraKeyspace: keyspace.name }],
      stores: {
        mysql: { host, port, user, passwordEnv: 'MYSQL', controlSchema: controlDatabase.name },
        cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: keyspace.name },
      },
      unleash: { url: `${unleash.url}/api`, tokenEnv: 'UNLEASH' },
      telemetry: { exporter: 'none' },
      dashboard: { traceSearchUrl: 'http://127.0.0.1:9411/zipkin/?annotationQuery={attribute}%3D{value}' },
    };
    const env = { MYSQL: password, UNLEASH: unleash.clientToken };
    service = await startService(parseConfig(JSON.stringify(config), 'test.yaml', env), stopping.signal, {
      log: noLog,
    });
    const transport = createConnectTransport({ baseUrl: service.addresses.http, httpVersion: '1.1' });
    // No session: reads of one may ask for the authority, and here the flag alone is to say where they go.
    records = createClient(Medications, transport);
    dashboard = createClient(Dashboard, transport);
    picture = new Picture(dashboard);
  });

  afterAll(async () => {
    picture?.stop();
    stopping.abort();
    await service?.ended;
    await controlDatabase.run(`DROP DATABASE IF EXISTS ${database}`);
    await Promise.all([controlDatabase.drop(), keyspace.drop(), rm(folder, { recursive: true })]);
  });

  const becomes = async (state: FollowerState): Promise<void> => {
    await expect.poll(() => picture.resource.migration?.followerState, PATIENCE).toBe(state);
  };

  it('says at once who answers, who watches, and where everything is', async () => {
    const first = await picture.first;
    expect(first.instance).toMatchObject({ name: 'one', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(first.viewer).toMatchObject({ authenticationRequired: false, principal: '' });
    expect(first).toMatchObject({ trouble: '', resourceCount: 1 });
    expect(first.resources).toHaveLength(1);
    expect(first.resources[0]).toMatchObject({
      name: `migrations/${ID}`,
      migration: { phase: Phase.SOURCE_ONLY, authority: Store.SOURCE },
      facts: {
        source: { engine: 'mysql', table: `${database}.medications` },
        target: { engine: 'cassandra', table: `${keyspace.name}.medications` },
        mayMigrate: true,
        mayAdminister: true,
        mismatchTracesUrl: 'http://127.0.0.1:9411/zipkin/?annotationQuery=crossfade.shadow.outcome%3Dmismatch',
      },
    });
  });

  it('shows the flags as they are set, each with its page', async () => {
    const page = `${inject('unleash').url}/projects/default/features/crossfade.${ID}`;
    await expect
      .poll(() => picture.resource.flags, PATIENCE)
      .toMatchObject({
        fetched: true,
        phase: { state: DashboardFlagState.ON, phase: Phase.SOURCE_ONLY, url: `${page}.phase` },
        readTarget: { percent: 0, url: `${page}.read-target` },
        shadowRead: { percent: 0 },
      });
    await flags.setRollout('read-target', 35);
    await expect.poll(() => picture.resource.flags?.readTarget?.percent, PATIENCE).toBe(35);
    const answer = await fetch(`${page.replace('/projects', '/api/admin/projects')}.read-target`, {
      headers: { authorization: inject('unleash').adminToken },
    });
    expect(answer.status).toBe(200);
  });

  it('follows the bulk copy, and the changes of the control record', async () => {
    await flags.setPhase('synchronize', true);
    await becomes(FollowerState.IN_SYNC);
    await expect
      .poll(() => Number(picture.resource.migration?.verification?.rowCount ?? 0), PATIENCE)
      .toBeGreaterThan(0);
    expect(Number(picture.resource.migration?.backfill?.rowCount)).toBeGreaterThanOrEqual(ROWS);
    const states = () => picture.resource.transitions?.transitions.map(({ toState }) => toState) ?? [];
    await expect.poll(() => states().slice(0, 2), PATIENCE).toEqual([FollowerState.IN_SYNC, FollowerState.JOINING]);
    expect(states()).toContain(FollowerState.SYNCING);
  });

  it('counts reads by the store that answered, and writes', async () => {
    const parents = await readParents(database);
    names = (await Promise.all(parents.slice(0, 5).map((parent) => records.listMedications({ parent }))))
      .flatMap(({ medications }) => medications)
      .map(({ name }) => name);
    await flags.setRollout('read-target', 100);
    await expect.poll(() => picture.resource.flags?.readTarget?.percent, PATIENCE).toBe(100);
    const before = { ...picture.answered };
    for (const name of names.slice(0, 10)) await records.getMedication({ name });
    await expect.poll(() => picture.answered.target - before.target, PATIENCE).toBeGreaterThanOrEqual(10);
    await flags.setRollout('read-target', 0);
    await expect.poll(() => picture.resource.flags?.readTarget?.percent, PATIENCE).toBe(0);
    const then = picture.answered.source;
    for (const name of names.slice(0, 10)) await records.getMedication({ name });
    await expect.poll(() => picture.answered.source - then, PATIENCE).toBeGreaterThanOrEqual(10);
    const writes = picture.writes;
    const name = names[0] ?? '';
    for (let i = 0; i < 5; i++) {
      await records.updateMedication({ medication: { name, note: `note ${i}` }, updateMask: { paths: ['note'] } });
    }
    await expect.poll(() => picture.writes - writes, PATIENCE).toBe(5);
    const { latest } = picture.resource;
    expect(latest?.target?.writes?.count).toBeGreaterThanOrEqual(5);
    const { p50Ms = 0, p95Ms = 0, p99Ms = 0, histogram = [], count } = latest?.source?.reads ?? {};
    expect(p50Ms).toBeGreaterThan(0);
    expect(p95Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(p99Ms).toBeGreaterThanOrEqual(p95Ms);
    expect(histogram.reduce((sum, one) => sum + one, 0)).toBe(count);
  });

  it('compares both stores by the same requests, and shows a mismatch down to its field path', async () => {
    await flags.setRollout('shadow-read', 100);
    await expect.poll(() => picture.resource.flags?.shadowRead?.percent, PATIENCE).toBe(100);
    const [good = '', bad = ''] = names.slice(1, 3);
    const matches = picture.shadowMatches;
    for (let i = 0; i < 5; i++) await records.getMedication({ name: good });
    await expect.poll(() => picture.shadowMatches - matches, PATIENCE).toBeGreaterThanOrEqual(5);
    const { source, target } = picture.resource.latest ?? {};
    expect(source?.shadowedReads?.count).toBe(target?.shadowedReads?.count);
    const [patient = '', medication = ''] = bad.split('/').filter((_, index) => index % 2 === 1);
    await keyspace.run(
      `UPDATE ${keyspace.name}.medications SET note = 'spoiled by hand'
        WHERE patient_id = '${patient}' AND medication_id = ${medication}`,
    );
    await records.getMedication({ name: bad });
    await expect.poll(() => picture.resource.mismatches?.mismatches.length, PATIENCE).toBe(1);
    expect(picture.resource.migration?.openMismatchCount).toBe(1n);
    expect(picture.resource.mismatches?.mismatches[0]).toMatchObject({
      mismatch: { record: bad, fieldPaths: ['note'], kind: MismatchKind.DIFFERENT, foundBy: 'shadow_read' },
      tracesUrl: expect.stringMatching(/annotationQuery=crossfade\.key_hash%3D[0-9a-f]{16}$/),
    });
    await expect.poll(() => picture.shadowMismatches, PATIENCE).toBe(1);
    expect(
      JSON.stringify(picture.resource.mismatches, (_, value) => (typeof value === 'bigint' ? 0 : value)),
    ).not.toContain('spoiled');
  });

  it('shows a viewer who comes late what was before', async () => {
    const late = new Picture(dashboard);
    try {
      const first = await late.first;
      expect(first.resources[0]?.samples.length).toBeGreaterThan(2);
      expect(late.writes).toBe(picture.writes);
    } finally {
      late.stop();
    }
  });

  it('serves the page beside it', async () => {
    const answer = await fetch(`${service.addresses.http}/`);
    expect(answer).toMatchObject({ status: 200, url: `${service.addresses.http}/dashboard/` });
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).toContain('<title>Crossfade');
  });
});

async function readParents(database: string): Promise<string[]> {
  const { createConnection } = await import('mysql2/promise');
  const { host, port, user, password } = inject('mysql');
  const connection = await createConnection({ host, port, user, password });
  const [rows] = await connection.query(`SELECT DISTINCT patient_id FROM ${database}.medications ORDER BY patient_id`);
  await connection.end();
  return (rows as { patient_id: string }[]).map((row) => `patients/${row.patient_id}`);
}
