import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { CassandraAddress } from '../stack/cassandra.ts';
import type { MysqlAddress } from '../stack/mysql.ts';
import { reservePort } from '../stack/ports.ts';
import { probeHttp } from '../stack/probes.ts';
import { ManagedServer, type Supervisor } from '../stack/process.ts';
import type { UnleashAddress } from '../stack/unleash.ts';
import type { BaselineSettings } from './baseline/main.ts';

/** Connections to MySQL, the same for both. */
const CONNECTIONS = 16;
const READY_WITHIN_MS = 60_000;
/** Nothing arrives late from an earlier attach here: every writer has been waited for. */
const SETTLE_MS = 500;

const bench = import.meta.dirname;
const repository = join(bench, '..');

/** The descriptors of the hospital's API. */
export const PROTOSET = join(repository, 'examples/hospital/hospital.binpb');
/** The schema of Crossfade's own tables. */
export const CONTROL_SCHEMA = 'crossfade';
/** The schemas of the same records, one for each service: neither sees the other's writes. */
export const SCHEMAS = { crossfade: 'hospital', baseline: 'hospital_baseline' } as const;
export const KEYSPACE = 'hospital';

/** The servers that a service needs. */
export interface Backends {
  readonly mysql: MysqlAddress;
  readonly cassandra: CassandraAddress;
  readonly unleash: UnleashAddress;
}

/** Their processes, whose time is counted. */
export interface BackendProcesses {
  readonly mysql: ManagedServer;
  readonly cassandra: ManagedServer;
}

/** A service under test. */
export interface Service {
  readonly server: ManagedServer;
  /** `host:port`. */
  readonly grpc: string;
}

/** Crossfade, one instance, as a config file and `serve` make it. */
export interface CrossfadeService extends Service {
  /** Of the migration API. */
  readonly http: string;
}

const ENVIRONMENT = { NODE_ENV: 'production' };

/** Starts the hand-written service. */
export async function startBaseline(
  supervisor: Supervisor,
  { mysql }: Backends,
  signal: AbortSignal,
): Promise<Service> {
  const port = await reservePort();
  const { host, user, password } = mysql;
  const settings: BaselineSettings = {
    port,
    mysql: { host, port: mysql.port, user, password },
    database: SCHEMAS.baseline,
    connections: CONNECTIONS,
  };
  const server = new ManagedServer(supervisor, {
    name: 'baseline',
    process: {
      command: process.execPath,
      args: [join(bench, 'baseline/main.ts')],
      env: { ...ENVIRONMENT, CROSSFADE_BASELINE: JSON.stringify(settings) },
    },
    probe: (probing) => canConnect(port, probing),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(signal);
  return { server, grpc: `127.0.0.1:${port}` };
}

/** Starts Crossfade with both stores and the flags, and defaults for everything that costs or saves time. */
export async function startCrossfade(
  supervisor: Supervisor,
  backends: Backends,
  signal: AbortSignal,
): Promise<CrossfadeService> {
  const [grpc, http] = [await reservePort(), await reservePort()];
  const config = join(supervisor.root, 'crossfade.yaml');
  await writeFile(config, JSON.stringify(configOf(backends, { grpc, http })));
  const server = new ManagedServer(supervisor, {
    name: 'crossfade',
    process: {
      command: process.execPath,
      args: [...profilingFlags(), join(repository, 'src/main.ts'), 'serve', '--config', config],
      env: {
        ...ENVIRONMENT,
        CROSSFADE_MYSQL_PASSWORD: backends.mysql.password,
        UNLEASH_TOKEN: backends.unleash.clientToken,
      },
    },
    probe: (probing) => probeHttp(`http://127.0.0.1:${http}/readyz`, probing),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(signal);
  return { server, grpc: `127.0.0.1:${grpc}`, http: `http://127.0.0.1:${http}` };
}

function canConnect(port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, signal });
    socket.once('error', reject).once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** BENCH_PROFILE names a folder for a profile of the service's processor time, written when it stops. */
function profilingFlags(): string[] {
  const folder = process.env.BENCH_PROFILE;
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

function configOf({ mysql, cassandra, unleash }: Backends, ports: { grpc: number; http: number }): unknown {
  return {
    instance: 'bench',
    grpc: { port: ports.grpc },
    http: { port: ports.http },
    descriptors: PROTOSET,
    resources: [{ type: 'hospital.v1.Medication', mysqlSchema: SCHEMAS.crossfade, cassandraKeyspace: KEYSPACE }],
    stores: {
      mysql: {
        host: mysql.host,
        port: mysql.port,
        user: mysql.user,
        passwordEnv: 'CROSSFADE_MYSQL_PASSWORD',
        connections: CONNECTIONS,
        controlSchema: CONTROL_SCHEMA,
      },
      cassandra: { ...cassandra, createTables: true },
    },
    unleash: { url: `${unleash.url}/api` },
    migration: { settleMs: SETTLE_MS },
  };
}
