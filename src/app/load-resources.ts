import { readFile } from 'node:fs/promises';
import type { FileRegistry } from '@bufbuild/protobuf';
import { systemClock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { hasTarget, type Resource } from '../domain/resource.ts';
import type { MysqlTableDescription } from '../domain/table-description.ts';
import { type BoundResource, bindResource } from '../schema/bind-resource.ts';
import type { ResourceDefinition } from '../schema/definition.ts';
import { findDefinitions } from '../schema/definitions.ts';
import { loadDescriptors } from '../schema/descriptors.ts';
import { type Call, internalCall } from '../stores/call.ts';
import {
  type CascadeFindings,
  type CascadeRule,
  cascadeTargetOf,
  findCascades,
} from '../stores/mysql/cascade-rules.ts';
import { describeTable } from '../stores/mysql/describe-table.ts';
import { findTable, whyNoTable } from '../stores/mysql/describe-table-notes.ts';
import { createForeignKeyReader } from '../stores/mysql/foreign-keys.ts';
import type { MysqlPool } from '../stores/mysql/pool.ts';
import { checkServer, type Finding } from '../stores/mysql/server-checks.ts';
import type { Config } from './config.ts';
import { StartError } from './start-error.ts';

/** A resource that can be served: its definition and what it was bound to. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly resource: Resource;
  /** Which changes of other tables reach its table through foreign keys. */
  readonly cascades: readonly CascadeRule[];
}

/** All resources that the config names, with the registry of everything that they are made of. */
export interface LoadedResources {
  readonly registry: FileRegistry;
  /** In the order of their ids. */
  readonly served: readonly ServedResource[];
}

/** Of each table, and of the server's settings: a schema may have hundreds of tables. */
const DESCRIBE_TIMEOUT_MS = 30_000;

/**
 * Loads the descriptors, binds each resource to its table, and checks the server. Throws a StartError with every
 * mistake of every resource and setting; warnings go to the log.
 */
export async function loadResources(config: Config, pool: MysqlPool, log: Log): Promise<LoadedResources> {
  const { registry, named, mistakes: found } = await loadDefinitions(config);
  const mistakes = [...found];
  const served: ServedResource[] = [];
  const tables: MysqlTableDescription[] = [];
  const readForeignKeys = createForeignKeyReader(pool.client('authority'));
  for (const one of named) {
    const call = internalCall(systemClock, DESCRIBE_TIMEOUT_MS);
    const table = await describeTable(pool, tableOf(one), call);
    if (table === null) {
      mistakes.push(await missingTable(pool, one, call));
      continue;
    }
    // Capture reads the changes of what moves only; whether the others can be served is said by the binding.
    if (mayMove(config, one)) tables.push(table);
    const bound = bindNamed(config, one, table);
    if ('mistakes' in bound) {
      mistakes.push(...bound.mistakes);
      continue;
    }
    const cascades: CascadeFindings = hasTarget(bound.resource)
      ? await findCascades(pool, cascadeTargetOf(bound.resource), call, readForeignKeys)
      : { rules: [] };
    if (cascades.mistake !== undefined) mistakes.push(`${one.definition.typeName}: ${cascades.mistake}`);
    else served.push({ definition: one.definition, resource: bound.resource, cascades: cascades.rules });
  }
  const capture = served.some(({ resource }) => hasTarget(resource));
  const findings = await checkServer(pool, { tables, capture }, internalCall(systemClock, DESCRIBE_TIMEOUT_MS));
  mistakes.push(...findings.errors.map(describeFinding));
  for (const warning of findings.warnings) log.warn(describeFinding(warning));
  if (mistakes.length > 0) throw new StartError(mistakes);
  served.sort((a, b) => (a.resource.id < b.resource.id ? -1 : 1));
  return { registry, served };
}

/** A definition, with what the config says about it. */
export interface NamedDefinition {
  readonly definition: ResourceDefinition;
  readonly named: Config['resources'][number];
}

/** What the descriptors say about the resources that the config names, and every mistake in it. */
export interface LoadedDefinitions {
  readonly registry: FileRegistry;
  readonly named: readonly NamedDefinition[];
  readonly mistakes: readonly string[];
}

/** Reads the descriptors. Throws a StartError if they can't be read. */
export async function loadDefinitions(config: Config): Promise<LoadedDefinitions> {
  const registry = loadDescriptors(await readDescriptors(config.descriptors));
  const { definitions, mistakes: found } = findDefinitions(registry);
  const mistakes = [...found];
  const named: NamedDefinition[] = [];
  for (const one of config.resources) {
    const definition = definitions.find(({ typeName }) => typeName === one.type);
    if (definition !== undefined) named.push({ definition, named: one });
    else mistakes.push(`${one.type}: the descriptors define no such resource; they define: ${list(definitions)}`);
  }
  return { registry, named, mistakes };
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

/** The MySQL table of a resource. */
export function tableOf({ definition, named }: NamedDefinition): Resource['mysql'] {
  return { schema: named.mysqlSchema ?? definition.mysql.schema, table: definition.mysql.table };
}

/** What to say of a table that is not there, or is none. */
export async function missingTable(pool: MysqlPool, one: NamedDefinition, call: Call): Promise<string> {
  const { schema, table } = tableOf(one);
  const there = await findTable(pool, { schema, table }, call);
  if (there !== null) return `${one.definition.typeName}: ${schema}.${table}: ${whyNoTable(there.type)}`;
  return `${one.definition.typeName}: MySQL has no table ${schema}.${table}, or the user may not see it`;
}

/** Whether a resource has a target, whatever else is wrong with it. */
export function mayMove({ stores }: Config, { definition, named }: NamedDefinition): boolean {
  if (stores.riak !== undefined) return named.riakBucket !== undefined;
  return definition.cassandra !== undefined;
}

/** Binds a definition to its table, as the config says. */
export function bindNamed(
  config: Config,
  { definition, named: { mysqlSchema, cassandraKeyspace, riakBucket: bucket } }: NamedDefinition,
  table: MysqlTableDescription,
): BoundResource {
  const { riak } = config.stores;
  const bound = bindResource(definition, table, {
    ...(mysqlSchema !== undefined && { mysqlSchema }),
    ...(cassandraKeyspace !== undefined && { cassandraKeyspace }),
    ...(riak !== undefined && bucket !== undefined && { riak: { bucketType: riak.bucketType, bucket } }),
  });
  return 'mistakes' in bound ? bound : { resource: withoutTarget(config, bound.resource) };
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
