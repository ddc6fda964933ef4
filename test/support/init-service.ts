/** `crossfade init` over a database of a test's own, and the service as its files say. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, vi } from 'vitest';
import { createApiClients } from '../../src/app/cli/api.ts';
import { runJob } from '../../src/app/cli/migration-commands.ts';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { type InitOptions, runInit } from '../../src/app/init/run-init.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { noLog } from '../../src/domain/log.ts';
import { FollowerState, JobKind, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase } from './databases.ts';
import { createSetFlags } from './memory-instances.ts';

const SYNC_TIMEOUT_MS = 90_000;
const LOOK_MS = 200;

let pool: MysqlPool | undefined;
const folders: string[] = [];

/** Gives everything back, after all tests of a file. */
export async function closeInit(): Promise<void> {
  await pool?.close();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
}

/** An empty folder. */
export async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-init-'));
  folders.push(folder);
  return folder;
}

/** A database with these tables, for one test. */
export async function createSchema(sql: string): Promise<TestDatabase> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await database.run(sql);
  return database;
}

/** What a run has printed, and whether every table has got its definition. */
export interface Ran {
  readonly complete: boolean;
  readonly report: string;
}

/** The tests' servers, as the config names them. */
export function initServers(unleashUrl: string): NonNullable<InitOptions['servers']> {
  const [mysql, cassandra] = [inject('mysql'), inject('cassandra')];
  return {
    mysql: { host: mysql.host, port: mysql.port, user: mysql.user, passwordEnv: 'MYSQL_PASSWORD' },
    cassandra: {
      contactPoints: cassandra.contactPoints,
      port: cassandra.port,
      dataCenter: cassandra.localDataCenter,
      replicas: 1,
    },
    unleashUrl,
  };
}

/** Runs init over some tables of a database. */
export async function init(
  schema: string,
  tables: string,
  folder: string,
  more: Partial<InitOptions> = {},
): Promise<Ran> {
  pool ??= createMysqlPool({ ...inject('mysql'), connections: 4 });
  const lines: string[] = [];
  const complete = await runInit(
    {
      pool,
      schema,
      tables: tables.split(','),
      folder,
      packageName: 'sample.v1',
      servers: initServers('http://127.0.0.1:4242/api'),
      dryRun: false,
      force: false,
      ...more,
    },
    (line) => lines.push(line),
    new AbortController().signal,
  );
  return { complete, report: lines.join('\n') };
}

/** The config that init has written. */
export async function configIn(folder: string): Promise<Config> {
  const env = { MYSQL_PASSWORD: inject('mysql').password, UNLEASH_TOKEN: 'any' };
  return await loadConfig(join(folder, 'crossfade.yaml'), env);
}

/** The types that the config of a folder serves. */
export async function typesIn(folder: string): Promise<string[]> {
  return (await configIn(folder)).resources.map(({ type }) => type);
}

/** The service on free ports and with control tables of its own, everything else as the config says. */
export async function serve(
  config: Config,
  { control, keyspace, stop, flags = createSetFlags() }: ServeOptions,
): Promise<Service> {
  const { unleash: _, ...rest } = config;
  const { mysql, cassandra } = config.stores;
  if (cassandra === undefined) throw new Error('the config names no Cassandra');
  flags.phase = 'synchronize';
  return await startService(
    {
      ...rest,
      grpc: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0, corsOrigins: [] },
      telemetry: { ...config.telemetry, exporter: 'none' },
      stores: {
        mysql: { ...mysql, controlSchema: control },
        cassandra: { ...cassandra, controlKeyspace: keyspace },
      },
    },
    stop.signal,
    { log: noLog, rewire: (parts) => ({ ...parts, flags }) },
  );
}

/** Where the service has its own tables, and what it is told. */
export interface ServeOptions {
  readonly control: string;
  readonly keyspace: string;
  readonly stop: AbortController;
  /** Default: all resources are copied and kept alike. */
  readonly flags?: ReturnType<typeof createSetFlags>;
}

/** Calls a method of the package that init has written. */
export async function call(service: Service, method: string, request: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${service.addresses.http}/sample.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** A sample schema that init has written definitions for, served and being copied. */
export interface ServedSample {
  readonly database: TestDatabase;
  readonly report: string;
  readonly flags: ReturnType<typeof createSetFlags>;
  call(method: string, request: unknown): Promise<Record<string, unknown>>;
  /** Waits until a resource's stores are alike under an authority. */
  inSync(id: string, authority?: Store): Promise<void>;
  /** Compares all records both ways; fails if there are mismatches. */
  verify(id: string): Promise<void>;
}

/** Runs init over tables, and serves what it has written without a file edited, for one test. */
export async function serveSample(sql: string, tables: string): Promise<ServedSample> {
  const database = await createSchema(sql);
  const [control, keyspace, folder] = await Promise.all([createTestDatabase(), createTestKeyspace(), createFolder()]);
  const { complete, report } = await init(database.name, tables, folder, { keyspace: keyspace.name });
  expect(complete, report).toBe(true);
  const stop = new AbortController();
  const flags = createSetFlags();
  const service = await serve(await configIn(folder), { control: control.name, keyspace: keyspace.name, stop, flags });
  onTestFinished(async () => {
    stop.abort();
    await service.ended;
    await Promise.all([control.drop(), keyspace.drop()]);
  });
  const clients = createApiClients({ server: service.addresses.http });
  const output = { line: () => {}, terminal: false, json: false };
  return {
    database,
    report,
    flags,
    call: (method, request) => call(service, method, request),
    inSync: async (id, authority = Store.SOURCE) => {
      const isThere = async () => {
        const found = await clients.client.getMigration({ name: `migrations/${id}` });
        return found.followerState === FollowerState.IN_SYNC && found.authority === authority;
      };
      await vi.waitUntil(isThere, { timeout: SYNC_TIMEOUT_MS, interval: LOOK_MS });
    },
    verify: async (id) => {
      expect(await runJob({ ...clients, output, signal: stop.signal }, JobKind.VERIFICATION, id, {})).toBe(0);
    },
  };
}
