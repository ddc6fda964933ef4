/** The service under test: the real program, in a process of its own. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { startChild } from '../../examples/hospital/demo/child.ts';
import type { CassandraAddress } from '../../stack/cassandra.ts';
import type { MysqlAddress } from '../../stack/mysql.ts';
import { reservePort } from '../../stack/ports.ts';
import type { UnleashAddress } from '../../stack/unleash.ts';
import { CANARY } from './hostile-text.ts';
import { IMAGE } from './surface.ts';

/** Where the program finds its servers, and what it keeps there. */
export interface ProgramOptions {
  readonly mysql: MysqlAddress;
  /** Absent: every resource stays in MySQL. */
  readonly target?: { readonly cassandra: CassandraAddress; readonly unleash: UnleashAddress };
  /** The hospital's database, and the beginning of the names of all else. */
  readonly database: string;
  /** For its config and its log. */
  readonly folder: string;
  /** V8's memory limit (`--max-old-space-size`). Default: its own. */
  readonly heapMib?: number;
}

/** The program. */
export interface Program {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Resident memory, in MiB. */
  residentMib(): Promise<number>;
  /** How it ended, if it has. */
  ended(): string | undefined;
  /** What it has logged so far. */
  log(): Promise<string>;
  /** How many requests with spans came, and how many of them had a canary in them. */
  readonly spans: { posted: number; withCanary: number };
  stop(): Promise<void>;
}

const SERVICE = new URL('../../src/main.ts', import.meta.url);
const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 100;
const STOP_GRACE_MS = 10_000;
/** Of requests: spans of enough of them to find what should not be in any. */
const SAMPLE_RATIO = 0.1;

/** Starts it; resolves when it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const [grpcPort, httpPort] = [await reservePort(), await reservePort()];
  const spans = { posted: 0, withCanary: 0 };
  const sink = await startSpanSink(spans);
  const config = join(options.folder, 'fuzz.yaml');
  const logFile = join(options.folder, 'fuzz.log');
  await writeFile(config, stringify(configOf(options, grpcPort, httpPort, sink.url)));
  const child = startChild({
    program: SERVICE,
    args: ['serve', '--config', config],
    env: {
      MYSQL_PASSWORD: options.mysql.password,
      UNLEASH_TOKEN: options.target?.unleash.clientToken ?? '',
      ...(options.heapMib !== undefined && { NODE_OPTIONS: `--max-old-space-size=${options.heapMib}` }),
    },
    logFile,
  });
  let ended: string | undefined;
  child.process.once('exit', (code, signal) => {
    ended = `it ended with ${code ?? signal}`;
  });
  const program: Program = {
    grpcPort,
    httpPort,
    residentMib: () => residentMib(child.process.pid ?? 0),
    ended: () => ended,
    log: () => readFile(logFile, 'utf8'),
    spans,
    stop: async () => {
      await child.end(STOP_GRACE_MS);
      sink.close();
    },
  };
  await untilReady(program).catch(async (error: unknown) => {
    await program.stop();
    throw error;
  });
  return program;
}

async function untilReady({ httpPort, ended, log }: Program): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < untilMs && ended() === undefined) {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(READY_POLL_MS);
  }
  throw new Error(`the service did not become ready:\n${(await log()).slice(-3_000)}`);
}

function configOf({ mysql, target, database }: ProgramOptions, grpcPort: number, httpPort: number, sink: string) {
  const { host, port, user } = mysql;
  const resources = ['Medication', 'Encounter'].map((type) => ({
    type: `hospital.v1.${type}`,
    mysqlSchema: database,
    ...(target && type === 'Medication' && { cassandraKeyspace: database }),
  }));
  return {
    instance: 'fuzzed',
    grpc: { port: grpcPort },
    http: { port: httpPort },
    // So that requests with hostile names of hosts get further than that.
    security: { allowUnauthenticated: true },
    descriptors: IMAGE,
    resources,
    stores: {
      mysql: { host, port, user, passwordEnv: 'MYSQL_PASSWORD', controlSchema: `${database}_control` },
      ...(target && {
        cassandra: { ...target.cassandra, createTables: true, controlKeyspace: `${database}_control` },
      }),
    },
    ...(target && { unleash: { url: `${target.unleash.url}/api`, refreshMs: 500 } }),
    telemetry: { exporter: 'zipkin', endpoint: `${sink}/api/v2/spans`, sampleRatio: SAMPLE_RATIO },
  };
}

/** Takes spans and looks for canaries in them; keeps nothing. */
async function startSpanSink(spans: Program['spans']): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      spans.posted++;
      if (Buffer.concat(chunks).includes(CANARY)) spans.withCanary++;
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}
