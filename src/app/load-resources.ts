import { readFile } from 'node:fs/promises';
import type { FileRegistry } from '@bufbuild/protobuf';
import { systemClock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { Resource } from '../domain/resource.ts';
import type { MysqlTableDescription } from '../domain/table-description.ts';
import { bindResource } from '../schema/bind-resource.ts';
import type { ResourceDefinition } from '../schema/definition.ts';
import { findDefinitions } from '../schema/definitions.ts';
import { loadDescriptors } from '../schema/descriptors.ts';
import { type Call, internalCall } from '../stores/call.ts';
import { describeTable } from '../stores/mysql/describe-table.ts';
import type { MysqlPool } from '../stores/mysql/pool.ts';
import { checkServer, type Finding } from '../stores/mysql/server-checks.ts';
import type { Config } from './config.ts';
import { StartError } from './start-error.ts';

/** A resource that can be served: its definition and what it was bound to. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly resource: Resource;
}

/** All resources that the config names, with the registry of everything that they are made of. */
export interface LoadedResources {
  readonly registry: FileRegistry;
  /** In the order of their ids. */
  readonly served: readonly ServedResource[];
}

const DESCRIBE_TIMEOUT_MS = 30_000;

/**
 * Loads the descriptors, binds each resource to its table, and checks the server. Throws a StartError with every
 * mistake of every resource and setting; warnings go to the log.
 */
export async function loadResources(config: Config, pool: MysqlPool, log: Log): Promise<LoadedResources> {
  const call = internalCall(systemClock, DESCRIBE_TIMEOUT_MS);
  const registry = loadDescriptors(await readDescriptors(config.descriptors));
  const { definitions, mistakes: found } = findDefinitions(registry);
  const mistakes = [...found];
  const served: ServedResource[] = [];
  const tables: MysqlTableDescription[] = [];
  for (const named of config.resources) {
    const definition = definitions.find((one) => one.typeName === named.type);
    if (definition === undefined) {
      mistakes.push(`${named.type}: the descriptors define no such resource; they define: ${list(definitions)}`);
      continue;
    }
    const table = await describe(definition, named.mysqlSchema, pool, call);
    if (typeof table === 'string') {
      mistakes.push(table);
      continue;
    }
    // Capture reads the changes of what moves only; whether the others can be served is said by the binding.
    if (definition.cassandra !== undefined) tables.push(table);
    const bound = bindResource(definition, table, overridesOf(named));
    if ('mistakes' in bound) mistakes.push(...bound.mistakes);
    else served.push({ definition, resource: withoutTarget(config, bound.resource) });
  }
  const capture = served.some(({ resource }) => resource.cassandra !== undefined);
  const findings = await checkServer(pool, { tables, capture }, call);
  mistakes.push(...findings.errors.map(describeFinding));
  for (const warning of findings.warnings) log.warn(describeFinding(warning));
  if (mistakes.length > 0) throw new StartError(mistakes);
  served.sort((a, b) => (a.resource.id < b.resource.id ? -1 : 1));
  return { registry, served };
}

async function readDescriptors(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch {
    throw new StartError([
      `descriptors: ${path} cannot be read; make it with \`buf build --as-file-descriptor-set -o\``,
    ]);
  }
}

async function describe(
  definition: ResourceDefinition,
  schema: string | undefined,
  pool: MysqlPool,
  call: Call,
): Promise<MysqlTableDescription | string> {
  const name = { schema: schema ?? definition.mysql.schema, table: definition.mysql.table };
  const table = await describeTable(pool, name, call);
  return table ?? `${definition.typeName}: MySQL has no table ${name.schema}.${name.table}, or the user may not see it`;
}

function overridesOf(named: Config['resources'][number]) {
  const { mysqlSchema, cassandraKeyspace } = named;
  return {
    ...(mysqlSchema !== undefined && { mysqlSchema }),
    ...(cassandraKeyspace !== undefined && { cassandraKeyspace }),
  };
}

/** Without Cassandra in the config every resource stays at the source. */
function withoutTarget(config: Config, resource: Resource): Resource {
  if (config.stores.cassandra !== undefined || resource.cassandra === undefined) return resource;
  const { cassandra: _, ...rest } = resource;
  return rest;
}

function describeFinding(finding: Finding): string {
  return `MySQL: ${finding.setting} is ${finding.found}, but must be ${finding.wanted}: ${finding.cure}`;
}

function list(definitions: readonly ResourceDefinition[]): string {
  return definitions.map((definition) => definition.typeName).join(', ') || 'none';
}
