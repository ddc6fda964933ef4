import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { reservePort } from '../../../stack/ports.ts';
import type { StackAddresses } from '../../../stack/stack.ts';
import type { ZipkinAddress } from '../../../stack/zipkin.ts';
import { type Child, startChild } from './child.ts';
import type { SabotageName } from './sabotages.ts';

/** One of the two instances of the service. */
export interface Instance {
  readonly name: string;
  /** `http://host:port` of the records API over gRPC. */
  readonly grpc: string;
  /** `http://host:port` of everything else. */
  readonly http: string;
  /** SIGKILL, and a start on the same ports; resolves when it is ready again. */
  killAndRestart(signal: AbortSignal): Promise<void>;
  /** SIGKILL, and it stays away until `start`. */
  kill(): Promise<void>;
  /** A start on the same ports, unless it runs; resolves when it is ready. */
  start(signal: AbortSignal): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** The process now, or the last one. */
  readonly child: Child;
  /** The end of what it logged. */
  logTail(): Promise<string>;
  /** A graceful stop. */
  stop(): Promise<void>;
}

/** Where an instance finds the servers. Without Zipkin it traces nothing. */
export interface InstanceAddresses extends Required<Omit<StackAddresses, 'zipkin'>> {
  readonly zipkin?: ZipkinAddress;
}

/** What instances are started with. */
export interface InstanceOptions {
  readonly addresses: InstanceAddresses;
  /** For configs and logs. */
  readonly folder: string;
  readonly sabotage: SabotageName | undefined;
  /** A program to run in place of the service, which is told the config by `--config`. */
  readonly program?: URL;
  /** Settings of migrations in place of the usual ones, as in the config file. */
  readonly migration?: Readonly<Record<string, number>>;
  /** Where spans go in place of Zipkin, and how many, as in the config file. */
  readonly telemetry?: Readonly<Record<string, string | number>>;
  /** The replication of the keyspaces in Cassandra. Default: the service's own, one copy. */
  readonly replication?: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
  /** Called when an instance ends by itself, with what it logged last. */
  readonly onEnded: (name: string, logTail: string) => void;
  /** Origins whose pages may call the HTTP port. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Default: free ones. */
  readonly ports?: { readonly grpc: number; readonly http: number };
}

/** The whole service: the same program that `crossfade serve` is. */
const SERVICE = new URL('../../../src/main.ts', import.meta.url);
const SABOTAGED_SERVICE = new URL('./sabotaged-instance.ts', import.meta.url);
const DESCRIPTORS = fileURLToPath(new URL('../hospital.binpb', import.meta.url));
const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 50;
const STOP_GRACE_MS = 5_000;

/** Writes a config and starts an instance with it; resolves when `/readyz` says yes. */
export async function startInstance(name: string, options: InstanceOptions): Promise<Instance> {
  const grpcPort = options.ports?.grpc ?? (await reservePort());
  const httpPort = options.ports?.http ?? (await reservePort());
  const configFile = join(options.folder, `${name}.yaml`);
  const logFile = join(options.folder, `${name}.log`);
  await writeFile(configFile, stringify(configOf(name, grpcPort, httpPort, options)));
  const http = `http://127.0.0.1:${httpPort}`;
  const { mysql, unleash } = options.addresses;
  const start = async (signal: AbortSignal): Promise<Child> => {
    const child = startChild({
      ...programOf(options, configFile),
      env: { UNLEASH_TOKEN: unleash.clientToken, MYSQL_PASSWORD: mysql.password },
      logFile,
    });
    await untilReady(name, child, http, signal);
    return child;
  };
  let ending = false;
  let ended = false;
  const watch = (started: Child): Child => {
    ended = false;
    void started.exited.then(async () => {
      if (started === child) ended = true;
      if (!ending) options.onEnded(name, await started.logTail());
    });
    return started;
  };
  let child = watch(await start(options.signal));
  const kill = async (): Promise<void> => {
    ending = true;
    await child.kill();
  };
  const restart = async (signal: AbortSignal): Promise<void> => {
    child = watch(await start(signal));
    ending = false;
  };
  return {
    name,
    grpc: `http://127.0.0.1:${grpcPort}`,
    http,
    killAndRestart: async (signal) => {
      await kill();
      await restart(signal);
    },
    kill,
    start: async (signal) => {
      if (ended) await restart(signal);
    },
    pause: () => child.process.kill('SIGSTOP'),
    resume: () => child.process.kill('SIGCONT'),
    get child() {
      return child;
    },
    logTail: () => child.logTail(),
    stop: () => {
      ending = true;
      return child.end(STOP_GRACE_MS);
    },
  };
}

async function untilReady(name: string, child: Child, http: string, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  while (performance.now() < untilMs && !signal.aborted && !ended) {
    const timeout = AbortSignal.timeout(1_000);
    const answer = await fetch(`${http}/readyz`, { signal: timeout }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => {});
    if (answer?.ok) return;
    await sleep(READY_POLL_MS);
  }
  const tail = await child.logTail();
  await child.kill();
  signal.throwIfAborted();
  throw new Error(`the instance ${name} ${ended ? 'ended' : 'was not ready in time'}; the end of its log:\n${tail}`);
}

function programOf({ program, sabotage }: InstanceOptions, configFile: string): { program: URL; args: string[] } {
  if (program !== undefined) return { program, args: ['--config', configFile] };
  if (sabotage === undefined) return { program: SERVICE, args: ['serve', '--config', configFile] };
  return { program: SABOTAGED_SERVICE, args: ['--config', configFile, '--sabotage', sabotage] };
}

function configOf(
  name: string,
  grpcPort: number,
  httpPort: number,
  { addresses, replication, migration, telemetry, corsOrigins = [] }: InstanceOptions,
): object {
  const { mysql, cassandra, unleash, zipkin } = addresses;
  return {
    instance: name,
    grpc: { port: grpcPort },
    http: { port: httpPort, corsOrigins },
    descriptors: DESCRIPTORS,
    resources: [{ type: 'hospital.v1.Medication' }, { type: 'hospital.v1.Encounter' }],
    stores: {
      mysql: {
        host: mysql.host,
        port: mysql.port,
        user: mysql.user,
        ...(mysql.password !== '' && { passwordEnv: 'MYSQL_PASSWORD' }),
      },
      cassandra: {
        contactPoints: cassandra.contactPoints,
        port: cassandra.port,
        localDataCenter: cassandra.localDataCenter,
        createTables: true,
        ...(replication && { replication }),
      },
    },
    // Beside so many callers a verification would otherwise take longer than the demo.
    migration: { verificationShare: 0.5, ...migration },
    // Twice as often as by default: a rollback takes effect within a second, also where the processors are busy.
    unleash: { url: `${unleash.url}/api`, refreshMs: 500 },
    telemetry: telemetry ?? telemetryOf(zipkin),
    ...(zipkin && {
      dashboard: { traceSearchUrl: `${zipkin.url}/zipkin/?annotationQuery={attribute}%3D{value}&lookback=1h` },
    }),
  };
}

function telemetryOf(zipkin: ZipkinAddress | undefined): object {
  if (zipkin === undefined) return { exporter: 'none' };
  return { exporter: 'zipkin', endpoint: `${zipkin.url}/api/v2/spans`, sampleRatio: 0.02 };
}
