import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@connectrpc/connect';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { FollowerState, JobState, Migrations } from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { dashboardQuestions, observabilityFolder } from '../../scripts/observability/dashboard.ts';
import { familyOf, selectorsOf } from '../../scripts/observability/selectors.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { noLog } from '../../src/domain/log.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { attributes, metricNames } from '../../src/telemetry/names.ts';
import { Supervisor } from '../../stack/process.ts';
import {
  fetchPrometheus,
  type PrometheusPrograms,
  type PrometheusServer,
  startPrometheus,
} from '../../stack/prometheus.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { createFlagAdmin, type FlagAdmin } from '../support/flag-admin.ts';
import { queryRange, rules } from '../support/prometheus-api.ts';
import { renameResource } from '../support/renamed-resource.ts';
import { decodeOtlp, type ReceivedSpan, type SpanReceiver, startSpanReceiver } from '../support/span-receiver.ts';

const ROWS = 2_000;
/** So slow that Prometheus sees the copy and the verification under way. */
const ROWS_PER_SECOND = 300;
const READS = 60;
/** Long enough for a few scrapes after the last request, so that rates have two samples. */
const SETTLE_MS = 10_000;
const PATIENCE = { timeout: 90_000, interval: 250 };
/** A real Prometheus may have to be downloaded first. */
const SETUP_TIMEOUT_MS = 6 * 60_000;
const MIGRATION_TIMEOUT_MS = 4 * 60_000;
const RESOURCE = `observed_${randomBytes(3).toString('hex')}`;
const hospital = join(import.meta.dirname, '../../examples/hospital');

const stopping = new AbortController();
/** Null: it can't be had here, where `npm run check:observability` fails and says why. */
const programs = await fetchPrometheus({ signal: stopping.signal, onProgress: () => {} }).catch((error: unknown) => {
  console.warn(`left out: ${error instanceof Error ? error.message : error}`);
  return null;
});

describe.skipIf(programs === null)('what other programs show of two instances that move a table under traffic', () => {
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  const started = Date.now() / 1000;
  let folder: string;
  let supervisor: Supervisor;
  let keyspace: TestKeyspace;
  let controlDatabase: TestDatabase;
  let services: Service[];
  let flags: FlagAdmin;
  let receiver: SpanReceiver;
  let prometheus: PrometheusServer;
  let medications: Client<typeof Medications>;
  let migrations: Client<typeof Migrations>;
  let spans: readonly ReceivedSpan[];
  let page: string;

  beforeAll(async () => {
    const [mysql, unleash] = [inject('mysql'), inject('unleash')];
    folder = await mkdtemp(join(tmpdir(), 'crossfade-observed-'));
    const descriptors = join(folder, 'hospital.binpb');
    await writeFile(
      descriptors,
      renameResource(await readFile(join(hospital, 'hospital.binpb')), 'medications', RESOURCE),
    );
    [supervisor, keyspace, controlDatabase, receiver] = await Promise.all([
      Supervisor.start(),
      createTestKeyspace(),
      createTestDatabase(),
      startSpanReceiver(),
    ]);
    await loadHospital({ mysql, database, rows: ROWS });
    flags = createFlagAdmin(unleash, RESOURCE);
    const { url, adminToken } = unleash;
    await createFlags({ url, adminToken, project: 'default', environment: 'development' }, RESOURCE);
    const config = (instance: string) =>
      parseConfig(
        JSON.stringify({
          instance,
          grpc: { port: 0 },
          http: { port: 0 },
          descriptors,
          resources: [{ type: 'hospital.v1.Medication', mysqlSchema: database, cassandraKeyspace: keyspace.name }],
          stores: {
            mysql: {
              host: mysql.host,
              port: mysql.port,
              user: mysql.user,
              passwordEnv: 'MYSQL',
              controlSchema: controlDatabase.name,
            },
            cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: keyspace.name },
          },
          unleash: { url: `${url}/api`, tokenEnv: 'UNLEASH' },
          migration: { rowsPerSecondLimit: ROWS_PER_SECOND },
          telemetry: { exporter: 'otlp', endpoint: receiver.url, sampleRatio: 1 },
        }),
        'test.yaml',
        { MYSQL: mysql.password, UNLEASH: unleash.clientToken },
      );
    services = await Promise.all(
      ['one', 'two'].map((name) => startService(config(name), stopping.signal, { log: noLog })),
    );
    const http = services.map(({ addresses }) => addresses.http);
    prometheus = await startPrometheus({ supervisor, signal: stopping.signal }, programs as PrometheusPrograms, {
      targets: http.map((address) => new URL(address).host),
      rules: [join(observabilityFolder, 'prometheus/crossfade.rules.yml')],
      scrapeInterval: '2s',
    });
    const addresses = services.map((service) => `http://${service.addresses.grpc}`);
    medications = createSession({ addresses, caller: 'test' }).client(Medications);
    migrations = createSession({ addresses: http, protocol: 'connect' }).client(Migrations);
  }, SETUP_TIMEOUT_MS);

  afterAll(async () => {
    stopping.abort();
    await Promise.all((services ?? []).map((service) => service.ended));
    await Promise.all([
      supervisor?.close(),
      receiver?.close(),
      controlDatabase?.run(`DROP DATABASE IF EXISTS ${database}`),
    ]);
    await Promise.all([controlDatabase?.drop(), keyspace?.drop(), rm(folder, { recursive: true, force: true })]);
  });

  const get = () => migrations.getMigration({ name: `migrations/${RESOURCE}` });

  /** A migration in little: the copy under writes, an outside program, shadow reads, a handover, and one record that somebody takes away. */
  async function migrate(): Promise<void> {
    const mysql = inject('mysql');
    const sql = await createConnection({
      host: mysql.host,
      port: mysql.port,
      user: mysql.user,
      password: mysql.password,
      database,
    });
    const [rows] = await sql.query('SELECT DISTINCT patient_id FROM medications ORDER BY patient_id LIMIT 20');
    const parents = (rows as { patient_id: string }[]).map((row) => `patients/${row.patient_id}`);
    const names: string[] = [];
    for (const parent of parents) {
      names.push(...(await medications.listMedications({ parent, pageSize: 10 })).medications.map(({ name }) => name));
    }
    const read = async () => {
      for (let i = 0; i < READS; i++) await medications.getMedication({ name: names[i % names.length] as string });
    };
    const write = async (note: string) => {
      for (const name of names.slice(0, 10))
        await medications.updateMedication({ medication: { name, note }, updateMask: { paths: ['note'] } });
    };
    await flags.setPhase('synchronize', true);
    await Promise.all([read(), write('while copying')]);
    await sql.query("UPDATE medications SET note = 'by hand' LIMIT 20");
    await expect.poll(async () => (await get()).followerState, PATIENCE).toBe(FollowerState.IN_SYNC);
    await flags.setRollout('shadow-read', 100);
    await flags.setRollout('read-target', 50);
    await expect.poll(async () => (await get()).verification?.state, PATIENCE).toBe(JobState.SUCCEEDED);
    for (let round = 0; round < 4; round++) await Promise.all([read(), write(`round ${round}`)]);
    await expect(medications.getMedication({ name: `${parents[0]}/medications/1` })).rejects.toThrow();
    await keyspace.run(`TRUNCATE ${keyspace.name}.medications`);
    const readAnyhow = () => Promise.allSettled(names.map((name) => medications.getMedication({ name })));
    // Reads from the target find nothing now, which is what an alert is for.
    await readAnyhow();
    await expect.poll(async () => Number((await get()).openMismatchCount), PATIENCE).toBeGreaterThan(0);
    // And now it fails, and the authority answers in its place.
    await keyspace.run(`DROP TABLE ${keyspace.name}.medications`);
    await readAnyhow();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await sql.end();
  }

  it(
    'is a whole migration in little',
    async () => {
      await migrate();
      spans = receiver.requests.flatMap(({ body }) => decodeOtlp(body));
      const pages = services.map(async ({ addresses }) => (await fetch(`${addresses.http}/metrics`)).text());
      page = (await Promise.all(pages)).join('\n');
    },
    MIGRATION_TIMEOUT_MS,
  );

  it('is on the page of metrics under every name of the catalogue, with every label that is asked for', () => {
    for (const name of Object.values<string>(metricNames)) expect(page).toContain(`# TYPE ${name} `);
    for (const { from, expr } of dashboardQuestions()) {
      for (const { metric, labels } of selectorsOf(expr)) {
        const own = labels.filter((label) => label !== 'instance' && label !== 'job');
        for (const label of own) {
          expect(page, `${from}: ${metric} has ${label}`).toMatch(new RegExp(`^${metric}\\{(?:.*,)?${label}="`, 'm'));
        }
        expect(Object.values<string>(metricNames)).toContain(familyOf(metric));
      }
    }
  });

  it('is drawn by every panel of the dashboard', async () => {
    const end = Date.now() / 1000;
    const empty: string[] = [];
    for (const { from, expr } of dashboardQuestions('30s')) {
      // Nobody waits for an alert that must be true for minutes.
      if (from === 'annotation Alerts') continue;
      const series = await queryRange(prometheus.url, expr, started, end);
      if (series.length === 0) empty.push(`${from}: ${expr}`);
    }
    expect(empty).toEqual([]);
  }, 60_000);

  it('draws both stores’ latency side by side', async () => {
    const questions = dashboardQuestions('30s').filter(({ from }) => from.startsWith('p99'));
    expect(questions).toHaveLength(2);
    for (const { expr } of questions) {
      const [series] = await queryRange(prometheus.url, expr, started, Date.now() / 1000);
      const seconds = (series?.values ?? []).map(([, value]) => Number(value)).filter((value) => !Number.isNaN(value));
      expect(Math.max(...seconds)).toBeGreaterThan(0);
      expect(Math.max(...seconds)).toBeLessThan(10);
    }
  });

  it('is judged by every rule without an error, and the record that was taken away rings', async () => {
    await expect
      .poll(async () => (await rules(prometheus.url)).filter(({ health }) => health !== 'ok'), PATIENCE)
      .toEqual([]);
    const found = (await rules(prometheus.url)).find(({ name }) => name === 'CrossfadeMismatchFound');
    expect(found?.alerts?.map(({ state, labels: { resource } }) => ({ state, resource }))).toContainEqual({
      state: 'firing',
      resource: RESOURCE,
    });
  });

  it('is told by spans whose attributes stand in the one table, each where it says', async () => {
    const table = await readFile(join(observabilityFolder, '../docs/telemetry.md'), 'utf8');
    const rows = [...table.matchAll(/^\| (`[^|]+`) \| ([^|]+) \|/gm)].map(([, names = '', on = '']) => ({ names, on }));
    const onOf = (name: string) => rows.find(({ names }) => names.includes(`\`${name}\``))?.on ?? '';
    const seen = new Set<string>();
    for (const { name, attributes: own } of spans) {
      const kind = name === 'shadow read' ? 'shadow read' : /^(source|target) /.test(name) ? 'store call' : 'request';
      for (const attribute of Object.keys(own)) {
        seen.add(attribute);
        expect(onOf(attribute), `${attribute} on ${name}`).toMatch(new RegExp(`${kind}|any that failed|all`));
      }
    }
    for (const name of Object.keys(spans[0]?.resource ?? {}).filter((one) => one.startsWith('service.')))
      seen.add(name);
    const unseen = Object.values<string>(attributes).filter((name) => !seen.has(name));
    expect(unseen).toEqual([]);
  });

  it('has both stores’ times and the slower one on the span of every shadow read', () => {
    const compared = spans.filter(
      ({ name, attributes: own }) => name === 'shadow read' && own[attributes.shadowOutcome] === 'match',
    );
    expect(compared.length).toBeGreaterThan(READS);
    for (const { attributes: own } of compared) {
      const [source, target] = [own[attributes.shadowSourceMs], own[attributes.shadowTargetMs]] as [number, number];
      expect(own[attributes.shadowSlowerStore]).toBe(target > source ? 'target' : 'source');
      expect(own[attributes.shadowSlowdown]).toBeGreaterThanOrEqual(1);
    }
  });
});
