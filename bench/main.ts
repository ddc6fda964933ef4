/** `npm run bench`: the service against hand-written peers, on a private stack of real servers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { loadHospital } from '../examples/hospital/load.ts';
import { Supervisor } from '../stack/process.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { checkAgreement } from './agreement.ts';
import { measureBulk } from './bulk.ts';
import { measureCapture } from './capture.ts';
import { CONCURRENCY, CONNECTIONS, type ComparisonOptions, compare } from './comparison.ts';
import { fetchGhz } from './ghz.ts';
import { describeMachine, loadAverage } from './machine.ts';
import { controlMigration } from './migration.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { type Report, reportLines } from './report.ts';
import { pickNames, writeGets, writeUpdates } from './requests.ts';
import { type BackendProcesses, type Backends, SCHEMAS, startBaseline, startCrossfade } from './services.ts';

/** The whole of it, downloads included; a run takes some ten minutes. */
const DEADLINE_MS = 60 * 60_000;

const say = (line: string): void => console.error(line);

async function bench(options: Options, signal: AbortSignal): Promise<Report> {
  const startedAt = new Date();
  const before = loadAverage();
  const ghz = await fetchGhz(say, signal);
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  const stack = await startStack({
    mysql: true,
    cassandra: { compiler: 'thorough' },
    unleash: true,
    onProgress: say,
    signal,
  });
  const supervisor = await Supervisor.start();
  try {
    const figures = await measure(options, { stack, supervisor, ghz, folder, signal });
    return {
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      machine: describeMachine(),
      loadAverage: { before, after: loadAverage() },
      concurrency: CONCURRENCY,
      connections: CONNECTIONS,
      ...figures,
    };
  } finally {
    await supervisor.close();
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Setting {
  readonly stack: Stack;
  readonly supervisor: Supervisor;
  readonly ghz: string;
  readonly folder: string;
  readonly signal: AbortSignal;
}

type Figures = Pick<Report, 'get' | 'updateSourceOnly' | 'bulk' | 'updateBoth' | 'capture'>;
type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

async function measure({ figures, effort }: Options, setting: Setting): Promise<Figures> {
  const { supervisor, ghz, folder, signal } = setting;
  const { backends, processes } = backendsOf(setting.stack);
  for (const database of Object.values(SCHEMAS)) {
    const { medications } = await loadHospital({ mysql: backends.mysql, database, rows: effort.rows, signal });
    say(`${database}: ${medications} medications`);
  }
  const { host, port, user, password } = backends.mysql;
  const connection = await mysql.createConnection({ host, port, user, password, supportBigNumbers: true });
  const names = await pickNames(connection, SCHEMAS.crossfade, effort.requests);
  const baseline = await startBaseline(supervisor, backends, signal);
  const crossfade = await startCrossfade(supervisor, backends, signal);
  await checkAgreement(names, crossfade, baseline);
  const migration = await controlMigration(backends.unleash, crossfade.http);
  const services = { ghz, folder, crossfade, baseline, mysql: processes.mysql, effort, onProgress: say, signal };
  const shared = { backends, processes, crossfade: crossfade.server, effort, onProgress: say, signal };
  const updates: Pick<ComparisonOptions, 'method' | 'writeRequests'> = {
    method: 'UpdateMedication',
    writeRequests: (path, round) => writeUpdates(path, names, round),
  };
  const found: Mutable<Figures> = {};
  if (figures.has('get')) {
    const gets = { method: 'GetMedication', writeRequests: (path: string) => writeGets(path, names) };
    found.get = await compare({ ...services, ...gets, name: 'get' });
  }
  if (figures.has('updateSourceOnly')) {
    found.updateSourceOnly = await compare({ ...services, ...updates, name: 'updateSourceOnly' });
  }
  if (figures.has('bulk')) {
    found.bulk = await measureBulk({ ...shared, migration });
  }
  if (figures.has('updateBoth') || figures.has('capture')) {
    await migration.follow(signal);
    say('the target follows');
  }
  if (figures.has('updateBoth')) found.updateBoth = await compare({ ...services, ...updates, name: 'updateBoth' });
  await baseline.server.stop();
  if (figures.has('capture')) {
    found.capture = await measureCapture({ ...shared, connection });
  }
  await crossfade.server.stop();
  await connection.end();
  return found;
}

function backendsOf(stack: Stack): { readonly backends: Backends; readonly processes: BackendProcesses } {
  const { mysql: source, cassandra, unleash } = stack.addresses;
  const mysqlServer = stack.mysql?.servers[0];
  const cassandraServer = stack.cassandra?.servers[0];
  if (!source || !cassandra || !unleash || !mysqlServer || !cassandraServer)
    throw new Error('the stack is not complete');
  return {
    backends: { mysql: source, cassandra, unleash },
    processes: { mysql: mysqlServer, cassandra: cassandraServer },
  };
}

async function run(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(HELP);
    return;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interrupted.abort(new Error('interrupted')));
  }
  const report = await bench(options, AbortSignal.any([interrupted.signal, AbortSignal.timeout(DEADLINE_MS)]));
  for (const line of reportLines(report)) console.log(line);
  if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause !== undefined) console.error(error.cause);
  process.exitCode = 1;
}
