// The one place where everything is put together, in one column: stores, resources, migrations, servers, and their end.

import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { systemClock, systemRandom } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { file_crossfade_v1alpha1_dashboard } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { file_crossfade_v1alpha1_error_reason } from '../gen/crossfade/v1alpha1/error_reason_pb.ts';
import { file_crossfade_v1alpha1_migrations, Migrations } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../gen/google/longrunning/operations_pb.ts';
import { auditedControlStore } from '../migration/audited-control-store.ts';
import type { Flags } from '../migration/flags.ts';
import { Registers } from '../migration/registers.ts';
import { createUnleashFlags, type UnleashFlags } from '../migration/unleash-flags.ts';
import { ARRIVAL_TIMEOUT_MS, createArrivals } from '../rpc/arrivals.ts';
import { auditChanges } from '../rpc/audited-methods.ts';
import { type ConnectServer, createConnectServer } from '../rpc/connect-server.ts';
import { createDelayWatch, type DelayWatch } from '../rpc/delay-watch.ts';
import { drain } from '../rpc/drain.ts';
import { createFailureMapper } from '../rpc/errors.ts';
import { createReflectionGate, guardRoute } from '../rpc/gates.ts';
import { createGrpcServer, type GrpcServer } from '../rpc/grpc-server.ts';
import { createHealth, type Health } from '../rpc/health.ts';
import { createMemoryWatch, type MemoryWatch } from '../rpc/memory-watch.ts';
import { createMethodTable, type MethodTable } from '../rpc/method-table.ts';
import { migrationAccess, operationsAccess } from '../rpc/migration-access.ts';
import { createMigrationService } from '../rpc/migration-service.ts';
import { createOperationsService } from '../rpc/operations-service.ts';
import { createPipeline, type Pipeline } from '../rpc/pipeline.ts';
import { addReflection } from '../rpc/reflection.ts';
import { defaultRpcLimits, type RpcLimits } from '../rpc/settings.ts';
import { createTypedMethods } from '../rpc/typed-service.ts';
import { ANSWER_TIMEOUT_MS, createUnreadAnswers } from '../rpc/unread-answers.ts';
import { internalCall } from '../stores/call.ts';
import { createCassandraControlStore } from '../stores/cassandra/control-store.ts';
import { createCassandraWriteAheadLog } from '../stores/cassandra/write-ahead-log.ts';
import { createMysqlControlStore } from '../stores/mysql/control-store.ts';
import { createMysqlJobStore } from '../stores/mysql/job-store.ts';
import type { WriteAheadLog } from '../stores/write-ahead-log.ts';
import { createJsonLog } from '../telemetry/log.ts';
import { startTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { readClientTls } from './client-tls.ts';
import type { Config } from './config.ts';
import { type LoadedResources, loadResources } from './load-resources.ts';
import { openSecurity, type Security, warnOfOpenDoors } from './open-security.ts';
import { openStores, type Stores } from './open-stores.ts';
import { prepareRiak } from './prepare-riak.ts';
import { prepareTarget } from './prepare-target.ts';
import { refuseForeignPlaces } from './refuse-foreign-places.ts';
import { isOpenToThisMachineOnly } from './security-mistakes.ts';
import { type WiredDashboard, wireDashboard } from './wire-dashboard.ts';
import { type Surroundings, type WiredResources, wireResources } from './wire-resources.ts';

/** A running instance. */
export interface Service {
  /** Where it listens. */
  readonly addresses: { readonly grpc: string; readonly http: string };
  /** Resolves when the instance has drained and closed everything, after the signal aborted. */
  readonly ended: Promise<void>;
}

/** What a run that must go wrong may change. */
export interface ServiceOptions {
  readonly rewire?: Surroundings['rewire'];
  readonly log?: Log;
}

const ENSURE_TIMEOUT_MS = 10_000;
/** How long an instance goes on after it says that it stops, so that load balancers and clients have seen it. */
const ANNOUNCE_MS = 300;
/** Without a flag server nothing moves, and reads go to the authority. */
const noFlags: Flags = { readTarget: () => undefined, shadowRead: () => false, wantedPhase: () => undefined };

/**
 * Starts an instance and serves until the signal aborts. Throws a StartError that names every mistake, or a DomainError
 * where MySQL can't be reached; whatever was opened is closed then.
 */
export async function startService(
  config: Config,
  signal: AbortSignal,
  options: ServiceOptions = {},
): Promise<Service> {
  const log = options.log ?? createJsonLog({ fields: { instance: config.instance } });
  const tls = await readClientTls(config);
  const security = await openSecurity(config, log);
  const stores = await openStores(config, tls, log).catch((error: unknown) => {
    security.close();
    throw error;
  });
  const running = new AbortController();
  let flags: UnleashFlags | undefined;
  try {
    const { loaded, ids, ...prepared } = await prepareStores(config, stores, log, running.signal);
    const telemetry = startTelemetry({ ...config.telemetry, instance: config.instance, onExport: logExport(log) });
    flags = startFlags(config, tls.unleashCa, log);
    const { rewire } = options;
    const { metrics } = telemetry;
    const surroundings = { config, stores, ...prepared, flags: flags ?? noFlags, metrics, log };
    const wired = await wireResources({ ...surroundings, ...(rewire && { rewire }) }, loaded.served);
    measureBeforeReading(wired, flags, metrics);
    const dashboard = await wireDashboard(surroundings, wired.resources, flags);
    const background = runBackground(wired, dashboard, running.signal);
    const memory = createMemoryWatch({ maxShare: config.limits.memoryShare, log });
    const delay = createDelayWatch({ maxMs: config.limits.eventLoopDelayMs, log });
    const servers = createServers(config, loaded, createMethods(wired, dashboard, surroundings), {
      dashboard,
      telemetry,
      security,
      memory,
      delay,
      log,
    });
    const addresses = await listen(config, servers);
    servers.health.setServing(true);
    log.info('serving', { ...addresses, resources: ids.join(' ') });
    warnOfOpenDoors(config, ids, log);
    const close = async (): Promise<void> => {
      running.abort();
      security.close();
      memory.close();
      delay.close();
      await background;
      flags?.close();
      await Promise.allSettled([stores.close(), telemetry.shutdown()]);
    };
    const ended = (async () => {
      try {
        await serveUntil(signal, config, servers, log);
      } finally {
        await close();
      }
    })();
    return { addresses, ended };
  } catch (error) {
    running.abort();
    flags?.close();
    security.close();
    await stores.close();
    throw error;
  }
}

/** Looks at what is there, creates what is missing, and throws a StartError where the resources can't be served on it. */
async function prepareStores(config: Config, stores: Stores, log: Log, signal: AbortSignal) {
  const { pool, controlPool } = stores.mysql;
  const loaded = await loadResources(config, pool, log);
  const resources = loaded.served.map(({ resource }) => resource);
  await refuseForeignPlaces(controlPool, resources);
  await prepareTarget(config, stores.cassandra, resources, log, signal);
  const riakIsFit = await prepareRiak(stores.riak, resources, log, signal);
  const registers = createRegisters(config, stores, log);
  const ids = resources.map(({ id }) => id);
  await registers.source.ensure(ids, internalCall(systemClock, ENSURE_TIMEOUT_MS));
  const jobs = createMysqlJobStore({ pool: controlPool });
  return { loaded, ids, riakIsFit, registers, jobs, writeAheadLog: createLog(config, stores) };
}

function createRegisters(config: Config, { mysql, cassandra: client }: Stores, log: Log): Registers {
  const source = auditedControlStore(createMysqlControlStore({ pool: mysql.controlPool }), log);
  const { cassandra } = config.stores;
  if (client === null || cassandra === undefined) return new Registers(source, null);
  const { controlKeyspace: keyspace, logTtlSeconds } = cassandra;
  const target = createCassandraControlStore({ client, keyspace, logTtlSeconds });
  return new Registers(source, auditedControlStore(target, log));
}

function createLog(config: Config, { cassandra: client }: Stores): WriteAheadLog | null {
  const { cassandra } = config.stores;
  if (client === null || cassandra === undefined) return null;
  const { controlKeyspace: keyspace, logTtlSeconds: ttlSeconds } = cassandra;
  return createCassandraWriteAheadLog({ client, keyspace, ttlSeconds });
}

function logExport(log: Log): (error: Error | null) => void {
  return (error) => {
    if (error === null) log.info('spans reach the trace server again');
    else log.warn('spans do not reach the trace server; they are dropped', { error });
  };
}

function startFlags(config: Config, ca: string | undefined, log: Log): UnleashFlags | undefined {
  if (config.unleash === undefined) return undefined;
  const { url, appName, refreshMs } = config.unleash;
  const { instance, secrets } = config;
  const token = secrets.unleashToken;
  return createUnleashFlags({ url, token, appName, instance, refreshMs, log, ...(ca !== undefined && { ca }) });
}

/** Gauges of what is so now are set when somebody reads the metrics. */
function measureBeforeReading(
  { lease, resources }: WiredResources,
  flags: UnleashFlags | undefined,
  metrics: Surroundings['metrics'],
): void {
  metrics.beforeReading(() => {
    for (const { migration } of resources) migration.measure();
    metrics.liveInstances(lease.instances);
    if (flags !== undefined) metrics.flagsAge(flags.ageMs());
  });
}

async function runBackground(
  { lease, witness, resources }: WiredResources,
  dashboard: WiredDashboard,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    dashboard.run(signal),
    lease.run(signal),
    witness.run(signal),
    ...resources.map(({ migration }) => migration.run(signal)),
  ]);
}

function createMethods(
  { resources }: WiredResources,
  dashboard: WiredDashboard,
  { config, registers, jobs, log }: Pick<Surroundings, 'config' | 'registers' | 'jobs' | 'log'>,
): MethodTable {
  const subjects = resources.map(({ subject }) => subject);
  const pageTokenSecret = Buffer.from(config.secrets.pageTokens);
  const service = createMigrationService({ subjects, registers, jobs, clock: systemClock, pageTokenSecret });
  const known = new Set(subjects.map(({ id }) => id));
  const operations = createOperationsService({ resources: [...known], jobs, clock: systemClock, pageTokenSecret });
  return createMethodTable([
    ...resources.flatMap(({ methods }) => methods),
    ...auditChanges(createTypedMethods(Migrations, service, migrationAccess), known, log),
    ...auditChanges(createTypedMethods(Operations, operations, operationsAccess), known, log),
    ...dashboard.methods,
  ]);
}

interface Servers {
  readonly grpc: GrpcServer;
  readonly connect: ConnectServer;
  readonly health: Health;
  readonly pipeline: Pipeline;
}

/** What stands around the servers. */
interface Protection {
  readonly dashboard: WiredDashboard;
  readonly telemetry: Telemetry;
  readonly security: Security;
  readonly memory: MemoryWatch;
  readonly delay: DelayWatch;
  readonly log: Log;
}

function createServers(
  config: Config,
  { registry }: LoadedResources,
  table: MethodTable,
  { dashboard, telemetry, security, memory, delay, log }: Protection,
): Servers {
  const limits = limitsOf(config);
  const { tls, access } = security;
  const toFailure = createFailureMapper({
    random: systemRandom,
    reportFault: (errorId, method, error) => log.error('a request met a fault', { errorId, method, error }),
  });
  const pipeline = createPipeline({
    limits,
    clock: systemClock,
    startRequest: telemetry.startRequest,
    toFailure,
    observe: telemetry.metrics.request,
    access,
    memory,
    delay,
  });
  telemetry.metrics.showInFlight(() => pipeline.running());
  const services = [...new Set([...table.values()].map(({ desc }) => desc.parent.typeName))];
  const health = createHealth(services);
  const arrivals = createArrivals({
    most: limits.maxConcurrentRequests,
    timeoutMs: ARRIVAL_TIMEOUT_MS,
    clock: systemClock,
    memory,
  });
  const answers = createUnreadAnswers({ timeoutMs: ANSWER_TIMEOUT_MS, clock: systemClock, memory });
  const shared = { table, pipeline, limits, tls, access, arrivals, answers, toFailure, clock: systemClock };
  const grpc = createGrpcServer(shared);
  health.addTo(grpc.server);
  const admit = createReflectionGate(access, grpc, toFailure);
  addReflection(grpc.server, { files: filesOf(registry), services, admit });
  const routes = new Map([...health.routes, ...dashboard.routes]);
  if (config.telemetry.metrics) {
    routes.set('/metrics', guardRoute('/metrics', telemetry.metricsRoute, access));
  }
  const connect = createConnectServer({
    ...shared,
    registry,
    corsOrigins: config.http.corsOrigins,
    routes,
    localHostsOnly: isOpenToThisMachineOnly(config.security),
  });
  return { grpc, connect, health, pipeline };
}

function filesOf(registry: FileRegistry): DescFile[] {
  return [
    ...registry.files,
    file_crossfade_v1alpha1_migrations,
    file_crossfade_v1alpha1_dashboard,
    file_crossfade_v1alpha1_error_reason,
  ];
}

function limitsOf({ limits }: Config): RpcLimits {
  return {
    ...defaultRpcLimits,
    maxMessageBytes: limits.messageBytes,
    maxConcurrentRequests: limits.concurrentRequests,
    maxConcurrentStreams: limits.concurrentStreams,
    defaultTimeoutMs: limits.defaultTimeoutMs,
    maxTimeoutMs: limits.maxTimeoutMs,
    maxRequestsOfCaller: limits.concurrentRequestsPerCaller,
    maxHeaderBytes: limits.headerBytes,
    maxConnections: limits.connections,
    maxRequestsPerConnection: limits.requestsPerConnection,
    maxPageSize: limits.pageSize,
  };
}

async function listen(config: Config, { grpc, connect }: Servers): Promise<Service['addresses']> {
  const grpcPort = await grpc.listen(config.grpc);
  const httpPort = await connect.listen(config.http);
  const scheme = config.security.tls === undefined ? 'http' : 'https';
  return { grpc: `${config.grpc.host}:${grpcPort}`, http: `${scheme}://${config.http.host}:${httpPort}` };
}

async function serveUntil(signal: AbortSignal, config: Config, servers: Servers, log: Log): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('stopping: requests under way are finished');
  const cutOff = await drain({
    ...servers,
    clock: systemClock,
    announceMs: ANNOUNCE_MS,
    graceMs: config.limits.drainMs,
  });
  if (cutOff > 0) log.warn('requests were cut off at the end of the grace period', { cutOff });
  log.info('stopped');
}
