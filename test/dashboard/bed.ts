/** The hospital on real servers, an instance that serves its dashboard, and callers. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@connectrpc/connect';
import { expect, inject } from 'vitest';
import {
  type FollowerState,
  JobState,
  type Migration,
  Migrations,
} from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { connectToHospital } from '../../examples/hospital/mysql-connection.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { createJsonLog } from '../../src/telemetry/log.ts';
import { reservePort } from '../../stack/ports.ts';
import { createTestDatabase, createTestKeyspace } from '../support/databases.ts';
import { createFlagAdmin } from '../support/flag-admin.ts';

const hospital = join(import.meta.dirname, '../../examples/hospital');
/** Beside the pictures: what the instance logged. */
const RESULTS = join(import.meta.dirname, '../../test-results/dashboard');
export const MIGRATION = 'migrations/medications';
const STATE_TIMEOUT_MS = 60_000;
const PAGE_SECRET = 'the secret of the pages';

/** What a bed differs by. */
export interface BedOptions {
  readonly rows: number;
  /** The config's `security` section. Default: none. */
  readonly security?: object;
  /** How fast jobs begin. Default: no limit. */
  readonly rowsPerSecondLimit?: number;
  /** Whether there are Cassandra and flags; without them nothing moves. Default: true. */
  readonly moves?: boolean;
}

export type Bed = Awaited<ReturnType<typeof createBed>>;

/** Brings it up. Call `end` at the end. */
export async function createBed({ rows, security, moves = true, rowsPerSecondLimit = 0 }: BedOptions) {
  const mysql = inject('mysql');
  const unleash = inject('unleash');
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  const [control, keyspace, port] = await Promise.all([createTestDatabase(), createTestKeyspace(), reservePort()]);
  await loadHospital({ mysql, database, rows });
  const flags = createFlagAdmin(unleash, 'medications');
  const admin = { url: unleash.url, adminToken: unleash.adminToken, project: 'default', environment: 'development' };
  await createFlags(admin, 'medications');
  await flags.reset();
  const source = {
    instance: 'service-1',
    grpc: { port: 0 },
    http: { port },
    descriptors: join(hospital, 'hospital.binpb'),
    resources: [
      { type: 'hospital.v1.Medication', mysqlSchema: database, ...(moves && { cassandraKeyspace: keyspace.name }) },
      { type: 'hospital.v1.Encounter', mysqlSchema: database },
    ],
    stores: {
      mysql: {
        host: mysql.host,
        port: mysql.port,
        user: mysql.user,
        passwordEnv: 'MYSQL',
        controlSchema: control.name,
      },
      ...(moves && { cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: keyspace.name } }),
    },
    ...(moves && { unleash: { url: `${unleash.url}/api`, tokenEnv: 'UNLEASH', refreshMs: 500 } }),
    dashboard: { traceSearchUrl: 'http://127.0.0.1:9411/zipkin/?annotationQuery={attribute}%3D{value}' },
    // On a loaded machine a follower is not left for being slow: what is shown is what the test has asked for.
    migration: { rowsPerSecondLimit, followerRetryBudgetMs: 10_000, leaseMs: 3_000 },
    telemetry: { exporter: 'none' },
    ...(security !== undefined && { security, pageTokenSecretEnv: 'PAGES' }),
  };
  const environment = { MYSQL: mysql.password, UNLEASH: unleash.clientToken, PAGES: PAGE_SECRET };
  await mkdir(RESULTS, { recursive: true });
  const file = createWriteStream(join(RESULTS, 'service.log'), { flags: 'a' });
  const log = createJsonLog({ write: (line) => file.write(`${line}\n`) });
  let stopping = new AbortController();
  const start = () => {
    stopping = new AbortController();
    return startService(parseConfig(JSON.stringify(source), 'test.yaml', environment), stopping.signal, { log });
  };
  let service: Service = await start();
  const stop = async () => {
    stopping.abort();
    await service.ended;
  };
  const url = `http://127.0.0.1:${port}`;
  const operator = createSession({ addresses: [url], protocol: 'connect' }).client(Migrations);
  const get = () => operator.getMigration({ name: MIGRATION });
  return {
    url,
    page: `${url}/dashboard/`,
    flags,
    keyspace,
    migrations: operator,
    get,
    parents: await parentsIn(database),
    /** A client of the records; it follows the instance's port. */
    records: () =>
      createSession({ addresses: [`http://${service.addresses.grpc}`], caller: 'test' }).client(Medications),
    becomes: async (state: FollowerState) => {
      const reached = async () => (await get()).followerState;
      await expect.poll(reached, { timeout: STATE_TIMEOUT_MS, interval: 200 }).toBe(state);
    },
    until: async (holds: (migration: Migration) => boolean) => {
      await expect.poll(async () => holds(await get()), { timeout: STATE_TIMEOUT_MS, interval: 200 }).toBe(true);
    },
    /** Lets the job that runs, or begins next, go as fast as it can, and waits until it has succeeded. */
    untilDone: async (kind: 'backfill' | 'verification') => {
      const state = async () => {
        const job = (await get())[kind];
        if (job?.state === JobState.RUNNING && job.rowsPerSecondLimit > 0n) {
          await operator.throttleOperation({ name: job.operation, rowsPerSecondLimit: 0n }).catch(() => {});
        }
        return job?.state;
      };
      await expect.poll(state, { timeout: STATE_TIMEOUT_MS, interval: 200 }).toBe(JobState.SUCCEEDED);
    },
    /** Stops the instance; `start` brings it back on the same port. */
    stop,
    start: async () => {
      service = await start();
    },
    end: async () => {
      await stop();
      file.end();
      await flags.reset();
      await control.run(`DROP DATABASE IF EXISTS ${database}`);
      await Promise.all([control.drop(), keyspace.drop()]);
    },
  };
}

async function parentsIn(database: string): Promise<readonly string[]> {
  const connection = await connectToHospital(inject('mysql'));
  const [rows] = await connection.query(`SELECT DISTINCT patient_id FROM ${database}.medications ORDER BY patient_id`);
  await connection.end();
  return (rows as { patient_id: string }[]).map((row) => `patients/${row.patient_id}`);
}

/** Reads, lists and updates at a calm pace, until the signal aborts; what fails is left to those who look. */
export async function keepCalling(
  records: Client<typeof Medications>,
  parents: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const names: string[] = [];
  for (const parent of parents.slice(0, 40)) {
    const { medications } = await records.listMedications({ parent, pageSize: 5 });
    names.push(...medications.map(({ name }) => name));
  }
  for (let turn = 0; !signal.aborted; turn++) {
    const name = names[turn % names.length] ?? '';
    const calls: Promise<unknown>[] = [
      records.getMedication({ name }),
      records.getMedication({ name: names[(turn * 7) % names.length] ?? '' }),
    ];
    if (turn % 4 === 0) {
      const medication = { name, note: `looked at, turn ${turn}` };
      calls.push(records.updateMedication({ medication, updateMask: { paths: ['note'] } }));
    }
    await Promise.allSettled(calls);
    await sleep(PACE_MS);
  }
}

const PACE_MS = 20;
