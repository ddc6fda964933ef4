import { systemClock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Index, Resource } from '../domain/resource.ts';
import { addColumnsCql, checkCassandraTable, cqlName, createTableCql } from '../schema/cassandra-ddl.ts';
import {
  checkIndexTable,
  createIndexTableCql,
  createIndexTablesCql,
  indexTableOf,
} from '../schema/cassandra-index-ddl.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { CassandraClient } from '../stores/cassandra/client.ts';
import { describeTable } from '../stores/cassandra/describe-table.ts';
import { setUpKeyspace } from '../stores/cassandra/schema-setup.ts';
import { checkServer } from '../stores/cassandra/server-checks.ts';
import type { ServerFindings } from '../stores/server-findings.ts';
import { checkNowOrLater } from './check-later.ts';
import type { Config } from './config.ts';
import { newIndexesOfAuthority } from './new-indexes.ts';
import { StartError } from './start-error.ts';

/** A resource that has a target. */
type Movable = Resource & { readonly cassandra: NonNullable<Resource['cassandra']> };

/** Of each step: to connect, to make and describe one resource's tables, to look at the servers. */
const STEP_TIMEOUT_MS = 20_000;
/** How much longer the look at the servers may take for each table: a schema may have hundreds. */
const TABLE_TIMEOUT_MS = 1_000;

/**
 * Creates the target's tables where the config allows it, and checks tables and servers. A Cassandra that is down
 * stops nothing: the check is made later, and until then the controller holds. Throws a StartError with every mistake.
 */
export async function prepareTarget(
  config: Config,
  client: CassandraClient | null,
  resources: readonly Resource[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const movable = resources.filter((resource): resource is Movable => resource.cassandra !== undefined);
  if (client === null || movable.length === 0) return;
  await checkNowOrLater({ server: 'Cassandra', check: () => prepare(config, client, movable, log) }, log, signal);
}

async function prepare(config: Config, client: CassandraClient, movable: readonly Movable[], log: Log): Promise<void> {
  await client.connect('follower', stepCall());
  const keyspace = config.stores.cassandra?.controlKeyspace;
  if (keyspace !== undefined) {
    const unfilled = await newIndexesOfAuthority(client, keyspace, movable, stepCall());
    if (unfilled.length > 0) throw new StartError(unfilled);
  }
  if (config.stores.cassandra?.createTables) await createTables(config, client, movable);
  await createControlTables(config, client, log, stepCall());
  const mistakes: string[] = [];
  for (const resource of movable) mistakes.push(...(await checkTables(client, resource, stepCall())));
  const findings = await lookAtServers(config, client, movable);
  for (const { setting, found, wanted, cure } of findings.warnings) {
    log.warn(`Cassandra: ${setting} is ${found}, should be ${wanted}: ${cure}`);
  }
  mistakes.push(
    ...findings.errors.map(
      ({ setting, found, wanted, cure }) => `Cassandra: ${setting} is ${found}, must be ${wanted}: ${cure}`,
    ),
  );
  if (mistakes.length > 0) throw new StartError(mistakes);
}

function stepCall(): Call {
  return internalCall(systemClock, STEP_TIMEOUT_MS);
}

async function checkTables(client: CassandraClient, resource: Movable, call: Call): Promise<readonly string[]> {
  const mistakes: string[] = [];
  const table = await describeTable(client, resource.cassandra, call);
  if (table === null) mistakes.push(missingTable(resource));
  else mistakes.push(...checkCassandraTable(resource, table));
  for (const index of resource.indexes ?? []) {
    const found = await describeTable(client, indexTableOf(resource, index), call);
    if (found === null) mistakes.push(missingIndexTable(resource, index));
    else mistakes.push(...checkIndexTable(resource, index, found));
  }
  return mistakes;
}

function lookAtServers(config: Config, client: CassandraClient, movable: readonly Movable[]): Promise<ServerFindings> {
  const { markerTtlSeconds, skewBoundMs } = config.migration;
  const tables = movable.flatMap((resource) => [
    resource.cassandra,
    ...(resource.indexes ?? []).map((index) => ({ ...indexTableOf(resource, index), isIndex: true })),
  ]);
  const call = internalCall(systemClock, STEP_TIMEOUT_MS + tables.length * TABLE_TIMEOUT_MS);
  return checkServer(client, { tables, markerTtlSeconds, skewBoundMs }, call);
}

/** Without them the target follows and is read, but authority stays at the source. */
async function createControlTables(config: Config, client: CassandraClient, log: Log, call: Call): Promise<void> {
  const { controlKeyspace: keyspace, createTables: mayCreate, replication } = config.stores.cassandra ?? {};
  if (keyspace === undefined) return;
  try {
    await setUpKeyspace(client, { keyspace, replication: mayCreate ? (replication ?? null) : null }, call);
  } catch (error) {
    if (!isDomainError(error, 'failed_precondition', 'internal')) throw error;
    log.warn('authority can’t move to Cassandra', { error });
  }
}

async function createTables(config: Config, client: CassandraClient, movable: readonly Movable[]): Promise<void> {
  const replication = Object.entries(config.stores.cassandra?.replication ?? {})
    .map(([name, value]) => `'${name.replaceAll("'", "''")}': '${String(value).replaceAll("'", "''")}'`)
    .join(', ');
  const run = (query: string, call: Call) =>
    client.within('follower', call, () => client.run({ query, params: [] }, call.deadlineMs));
  for (const keyspace of new Set(movable.map((resource) => resource.cassandra.keyspace))) {
    await run(`CREATE KEYSPACE IF NOT EXISTS ${cqlName(keyspace)} WITH replication = {${replication}}`, stepCall());
  }
  for (const resource of movable) {
    const call = stepCall();
    await run(createTableCql(resource), call);
    for (const statement of createIndexTablesCql(resource)) await run(statement, call);
    const table = await describeTable(client, resource.cassandra, call);
    if (table === null) continue;
    for (const statement of addColumnsCql(resource, table)) await run(statement, call);
  }
}

function missingTable(resource: Movable): string {
  const { keyspace, table } = resource.cassandra;
  return `${resource.typeName}: Cassandra has no table ${keyspace}.${table}; set stores.cassandra.createTables, or run:\n${createTableCql(resource)}`;
}

function missingIndexTable(resource: Movable, index: Index): string {
  const { keyspace, table } = indexTableOf(resource, index);
  return `${resource.typeName}: Cassandra has no table ${keyspace}.${table} for the index "${index.name}"; set stores.cassandra.createTables, or run:\n${createIndexTableCql(resource, index)}`;
}
