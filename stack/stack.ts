/** The whole private stack: real servers on loopback, started side by side and stopped together, whatever happens. */
import { statfs } from 'node:fs/promises';
import { type ArtifactContext, checkTools, isCached, type Progress, secondsSince } from './artifacts.ts';
import {
  CASSANDRA_FOLDER,
  type CassandraAddress,
  type CassandraCluster,
  type CassandraOptions,
  fetchCassandra,
  startCassandra,
} from './cassandra.ts';
import { fetchMariadb, MARIADB_FOLDER, startMariadb } from './mariadb.ts';
import {
  fetchMysql,
  MYSQL_FOLDER,
  type MysqlAddress,
  type MysqlOptions,
  type MysqlServer,
  startMysql,
} from './mysql.ts';
import { type ManagedServer, Supervisor } from './process.ts';
import { startUnleash, type UnleashAddress, type UnleashServer } from './unleash.ts';
import {
  fetchZipkin,
  startZipkin,
  ZIPKIN_FOLDER,
  type ZipkinAddress,
  type ZipkinOptions,
  type ZipkinServer,
} from './zipkin.ts';

/** Which servers to start; a part that is left out or false is not started. */
export interface StackOptions {
  readonly mysql?: boolean | MysqlOptions;
  readonly mariadb?: boolean | MysqlOptions;
  readonly cassandra?: boolean | CassandraOptions;
  readonly unleash?: boolean;
  readonly zipkin?: boolean | ZipkinOptions;
  /**
   * Where data and logs go. `memory`: to the system's memory file system if it has room, so that nothing waits for a
   * disk; what was committed still survives the end of a server, not that of the machine. Default `disk`: to the
   * folder for temporary files.
   */
  readonly storage?: 'memory' | 'disk';
  /** Gets a part's address as soon as that part is ready, so that work on it can begin before the rest is up. */
  readonly onReady?: (address: StackAddresses) => void;
  /** Gets a line for each part when it is ready, and for each download. Default: nothing. */
  readonly onProgress?: Progress;
  /** Aborting it makes the start fail; whatever was started by then is stopped. It has no effect later. */
  readonly signal?: AbortSignal;
}

/** Where everything listens; plain JSON, so that it can go through a file. */
export interface StackAddresses {
  readonly mysql?: MysqlAddress;
  readonly mariadb?: MysqlAddress;
  readonly cassandra?: CassandraAddress;
  readonly unleash?: UnleashAddress;
  readonly zipkin?: ZipkinAddress;
}

/** The parts of a stack. */
export type PartName = keyof StackAddresses;

/** What can be done to a running part; it keeps its port and its data through all of it. */
export interface PartControl {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it holds its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again, stopping it first when it runs; resolves when it is ready. Default deadline: two minutes. */
  restart(signal?: AbortSignal): Promise<void>;
  /** One a process: three for a Cassandra of three nodes. */
  readonly servers: readonly ManagedServer[];
}

/** A part's address and its controls in one. */
export type Part<A> = A & PartControl;

/** A running stack; parts that were not asked for are undefined. */
export interface Stack {
  readonly mysql: Part<MysqlAddress> | undefined;
  readonly mariadb: Part<MysqlAddress> | undefined;
  readonly cassandra: Part<CassandraAddress> | undefined;
  readonly unleash: Part<UnleashAddress> | undefined;
  readonly zipkin: Part<ZipkinAddress> | undefined;
  /** All addresses as plain values. */
  readonly addresses: StackAddresses;
  /** The folder with data and logs; removed by stop(). */
  readonly root: string;
  /** Stops everything and removes its data. May be called more than once. */
  stop(): Promise<void>;
}

const TITLES = {
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  cassandra: 'Cassandra',
  unleash: 'Unleash',
  zipkin: 'Zipkin',
} as const;
/** A first start may download a quarter of a gigabyte. */
const START_DEADLINE_MS = 15 * 60_000;
const RESTART_DEADLINE_MS = 120_000;
const MEMORY_FOLDER = '/dev/shm';
/** Several times what a run of the demo writes: half of the memory of a machine with 8 GiB. */
const MEMORY_NEEDED_BYTES = 3.5 * 2 ** 30;

/**
 * Starts the servers that are asked for, side by side, and resolves when all of them answer.
 *
 * They listen on 127.0.0.1, on free ports below 32768, keep their data in a temporary folder, and end with this
 * process, however it ends.
 *
 * @throws Error that says what is missing and how to mend it, or which server did not start with its log's end.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const onProgress = options.onProgress ?? (() => {});
  await checkTools(toolsNeeded(options));
  const supervisor = await Supervisor.start(options.storage === 'memory' ? await memoryFolder() : undefined);
  const failed = new AbortController();
  const signal = AbortSignal.any([
    failed.signal,
    AbortSignal.timeout(START_DEADLINE_MS),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const context = { supervisor, onProgress, signal };
  const starts = startParts(context, options);
  try {
    const [cassandra, mysql, mariadb, unleash, zipkin] = await Promise.all(starts);
    return assemble(supervisor, { cassandra, mysql, mariadb, unleash, zipkin });
  } catch (error) {
    failed.abort(error);
    await supervisor.close();
    await Promise.allSettled(starts);
    throw error;
  }
}

/** All the parts, side by side: on two processors that is as quick as any order, and each is ready the sooner. */
function startParts(context: ArtifactContext, options: StackOptions) {
  const startedAt = performance.now();
  const programs = fetchPrograms(context, options);
  const ready = (name: PartName, address: StackAddresses) => {
    context.onProgress(`${TITLES[name]} ready (${secondsSince(startedAt)})`);
    options.onReady?.(address);
  };
  return [
    part(
      options.cassandra,
      async (settings) => startCassandra(context, await programs.cassandra, settings),
      ({ address }) => ready('cassandra', { cassandra: address }),
    ),
    part(
      options.mysql,
      async (settings) => startMysql(context, await programs.mysql, settings),
      ({ address }) => ready('mysql', { mysql: address }),
    ),
    part(
      options.mariadb,
      async (settings) => startMariadb(context, await programs.mariadb, settings),
      ({ address }) => ready('mariadb', { mariadb: address }),
    ),
    part(
      options.unleash,
      () => startUnleash(context),
      ({ address }) => ready('unleash', { unleash: address }),
    ),
    part(
      options.zipkin,
      async (settings) => startZipkin(context, await programs.zipkin, settings),
      ({ address }) => ready('zipkin', { zipkin: address }),
    ),
  ] as const;
}

/** One download after another: MySQL first, as it is small and is filled while the others come. */
function fetchPrograms(context: ArtifactContext, options: StackOptions) {
  const mysql = wanted(options.mysql) ? fetchMysql(context) : Promise.resolve('');
  const cassandra = mysql.then(() => (wanted(options.cassandra) ? fetchCassandra(context) : ''));
  const zipkin = cassandra.then(() => (wanted(options.zipkin) ? fetchZipkin(context) : ''));
  const mariadb = zipkin.then(() => (wanted(options.mariadb) ? fetchMariadb(context) : ''));
  // Each is awaited by the start of its part; where that is not asked for, by nobody.
  void Promise.allSettled([cassandra, mysql, zipkin, mariadb]);
  return { cassandra, mysql, zipkin, mariadb };
}

/** Linux' file system in memory; undefined where it is missing or small. */
async function memoryFolder(): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(MEMORY_FOLDER);
    return bavail * bsize >= MEMORY_NEEDED_BYTES ? MEMORY_FOLDER : undefined;
  } catch {
    return undefined;
  }
}

function toolsNeeded(options: StackOptions): { java: boolean; maven: boolean } {
  const folders = [
    ...(wanted(options.mysql) ? [MYSQL_FOLDER] : []),
    ...(wanted(options.mariadb) ? [MARIADB_FOLDER] : []),
    ...(wanted(options.cassandra) ? [CASSANDRA_FOLDER] : []),
    ...(wanted(options.zipkin) ? [ZIPKIN_FOLDER] : []),
  ];
  return {
    java: wanted(options.cassandra) || wanted(options.zipkin),
    maven: !folders.every((folder) => isCached(folder)),
  };
}

function wanted(option: unknown): boolean {
  return option !== undefined && option !== false;
}

async function part<Options extends object, Server>(
  option: boolean | Options | undefined,
  start: (options: Options | undefined) => Promise<Server>,
  ready: (server: Server) => void,
): Promise<Server | undefined> {
  if (option === undefined || option === false) return undefined;
  const server = await start(option === true ? undefined : option);
  ready(server);
  return server;
}

interface Servers {
  readonly mysql: MysqlServer | undefined;
  readonly mariadb: MysqlServer | undefined;
  readonly cassandra: CassandraCluster | undefined;
  readonly unleash: UnleashServer | undefined;
  readonly zipkin: ZipkinServer | undefined;
}

function assemble(supervisor: Supervisor, { mysql, mariadb, cassandra, unleash, zipkin }: Servers): Stack {
  let stopping: Promise<void> | undefined;
  return {
    mysql: mysql && { ...mysql.address, ...control([mysql.server]) },
    mariadb: mariadb && { ...mariadb.address, ...control([mariadb.server]) },
    cassandra: cassandra && { ...cassandra.address, ...control(cassandra.nodes) },
    unleash: unleash && { ...unleash.address, ...control([unleash.server]) },
    zipkin: zipkin && { ...zipkin.address, ...control([zipkin.server]) },
    addresses: {
      ...(mysql && { mysql: mysql.address }),
      ...(mariadb && { mariadb: mariadb.address }),
      ...(cassandra && { cassandra: cassandra.address }),
      ...(unleash && { unleash: unleash.address }),
      ...(zipkin && { zipkin: zipkin.address }),
    },
    root: supervisor.root,
    stop() {
      // Nobody needs the data afterwards, so nothing has to be flushed: the supervisor kills them all at once.
      stopping ??= supervisor.close();
      return stopping;
    },
  };
}

function control(servers: readonly ManagedServer[]): PartControl {
  return {
    servers,
    async kill() {
      await Promise.all(servers.map((server) => server.kill()));
    },
    pause() {
      for (const server of servers) server.pause();
    },
    resume() {
      for (const server of servers) server.resume();
    },
    async restart(signal = AbortSignal.timeout(RESTART_DEADLINE_MS)) {
      await Promise.all(servers.map((server) => server.restart(signal)));
    },
  };
}
