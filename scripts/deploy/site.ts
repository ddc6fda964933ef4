/** What compose.yaml brings up, by the real servers of `stack/`: as far as they can be, set as compose sets them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { parse, stringify } from 'yaml';
import { ROOT } from '../../stack/command.ts';
import { reservePort } from '../../stack/ports.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import type { ComposeProject } from './compose.ts';

/** In place of `crossfade`, who may do everything on the stack's MySQL. */
const USER = 'service';
const PASSWORD = 'of-the-check';
/** Undo what the stack sets by itself, so that compose's flags alone are tried. */
const MYSQL_DEFAULTS = [
  '--gtid-mode=OFF',
  '--enforce-gtid-consistency=OFF',
  '--binlog-row-metadata=MINIMAL',
  '--session-track-gtids=OFF',
  // MySQL's own default way to prove a password, which without TLS needs keys.
  '--caching-sha2-password-auto-generate-rsa-keys=ON',
];

/** One instance's place. */
export interface Place {
  readonly http: string;
  readonly grpc: string;
  /** To be mounted, by their place in the image. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** The servers and what a service needs to know of them. */
export interface Site {
  readonly stack: Stack;
  readonly env: Readonly<Record<string, string>>;
  readonly unleashUrl: string;
  readonly unleashAdminToken: string;
  /** `mysql://user@host:port`. */
  readonly mysqlUrl: string;
  /** Compose's config of the service, with this site's addresses, for one more instance. */
  place(name: string): Promise<Place>;
}

/** Starts them. `folder` is for config files. */
export async function startSite(project: ComposeProject, folder: string, signal: AbortSignal): Promise<Site> {
  const flags = project.services.mysql?.command ?? [];
  const stack = await startStack({
    mysql: { extraFlags: [...MYSQL_DEFAULTS, ...flags] },
    cassandra: true,
    unleash: true,
    storage: 'memory',
    signal,
    onProgress: (line) => console.log(`          ${line}`),
  });
  try {
    await makeUser(stack);
    return siteOf(stack, folder);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function siteOf(stack: Stack, folder: string): Site {
  const { mysql, unleash } = stack.addresses;
  if (mysql === undefined || unleash === undefined) throw new Error('the stack lacks a server');
  return {
    stack,
    env: { MYSQL_PASSWORD: PASSWORD, UNLEASH_TOKEN: unleash.clientToken, PAGE_TOKENS: 'a-secret-of-the-check' },
    unleashUrl: unleash.url,
    unleashAdminToken: unleash.adminToken,
    mysqlUrl: `mysql://${USER}@${mysql.host}:${mysql.port}`,
    place: (name) => placeOf(name, stack, folder),
  };
}

/** As the MySQL image does from its environment, and by compose's file. */
async function makeUser({ addresses: { mysql } }: Stack): Promise<void> {
  const connection = await createConnection({ ...mysql, multipleStatements: true });
  try {
    const users = await readFile(join(ROOT, 'deploy/compose/mysql-users.sql'), 'utf8');
    await connection.query(`CREATE DATABASE hospital;
      CREATE USER '${USER}'@'%' IDENTIFIED WITH caching_sha2_password BY '${PASSWORD}';
      GRANT ALL ON hospital.* TO '${USER}'@'%';
      ${users.replaceAll("'crossfade'@", `'${USER}'@`)}`);
  } finally {
    await connection.end();
  }
}

async function placeOf(name: string, { addresses }: Stack, folder: string): Promise<Place> {
  const { mysql, cassandra, unleash } = addresses;
  const config = parse(await readFile(join(ROOT, 'deploy/compose/crossfade.yaml'), 'utf8'));
  const [grpcPort, httpPort] = [await reservePort(), await reservePort()];
  Object.assign(config, { instance: name, grpc: { host: '127.0.0.1', port: grpcPort } });
  config.http = { host: '127.0.0.1', port: httpPort };
  Object.assign(config.stores.mysql, { host: mysql?.host, port: mysql?.port, user: USER });
  Object.assign(config.stores.cassandra, { contactPoints: cassandra?.contactPoints, port: cassandra?.port });
  config.unleash.url = `${unleash?.url}/api`;
  // No Collector runs here; that is tried in the checks of observability/.
  config.telemetry = { exporter: 'none' };
  const file = join(folder, `${name}.yaml`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, stringify(config));
  return {
    grpc: `127.0.0.1:${grpcPort}`,
    http: `http://127.0.0.1:${httpPort}`,
    mounts: {
      '/etc/crossfade/crossfade.yaml': file,
      '/etc/crossfade/hospital.binpb': join(ROOT, 'examples/hospital/hospital.binpb'),
    },
  };
}
