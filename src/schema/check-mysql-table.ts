import type { Resource } from '../domain/resource.ts';
import type { MysqlTableDescription } from '../domain/table-description.ts';
import type { ResourceDefinition } from './definition.ts';

/** Actions of a foreign key that change rows without a trace in the binary log, and that capture does not follow from the parent. */
const HIDDEN_ACTIONS = ['SET DEFAULT'];
/** Names of tables, keyspaces and columns in Cassandra. */
const CASSANDRA_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const MAX_CASSANDRA_NAME = 48;
/** Names of the columns that every target table has. */
const RESERVED_PREFIX = 'crossfade_';

/** What keeps a table from being served, or, if it `moves`, from being moved, that no single field is to blame for. */
export function checkMysqlTable(
  definition: ResourceDefinition,
  table: MysqlTableDescription,
  moves: boolean,
): string[] {
  return [
    ...checkEngine(table),
    ...checkPrimaryKey(definition, table),
    ...checkSharedColumns(definition),
    ...checkUncarried(definition, table, moves),
    ...(moves ? checkForeignKeys(table) : []),
  ];
}

/** What is wrong with the names of the stores' schemas, tables and columns. */
export function checkNames(resource: Resource): string[] {
  const mistakes: string[] = [];
  if (resource.mysql.schema === '') {
    mistakes.push('no MySQL schema: set storage.mysql.schema, or the schema in the config');
  }
  const { cassandra } = resource;
  if (cassandra === undefined) return mistakes;
  if (cassandra.keyspace === '') {
    mistakes.push('no Cassandra keyspace: set storage.cassandra.keyspace, or the keyspace in the config');
  }
  for (const name of [cassandra.keyspace, cassandra.table]) {
    if (name !== '' && (!CASSANDRA_NAME.test(name) || name.length > MAX_CASSANDRA_NAME)) {
      mistakes.push(`"${name}" is no name in Cassandra: letters, digits and _, at most ${MAX_CASSANDRA_NAME}`);
    }
  }
  for (const { name } of resource.indexes ?? []) {
    const table = `${cassandra.table}_by_${name}`;
    if (table.length > MAX_CASSANDRA_NAME) {
      mistakes.push(`the index "${name}" would have the table ${table}: at most ${MAX_CASSANDRA_NAME} characters`);
    }
  }
  const seen = new Set<string>();
  for (const { cassandraName } of resource.columns) {
    const label = `the Cassandra column ${cassandraName}`;
    if (!CASSANDRA_NAME.test(cassandraName))
      mistakes.push(`${label}: only letters, digits and _: set cassandra_column`);
    if (cassandraName.startsWith(RESERVED_PREFIX))
      mistakes.push(`${label}: ${RESERVED_PREFIX}… is taken: set cassandra_column`);
    if (seen.has(cassandraName)) mistakes.push(`${label} is named twice: set cassandra_column`);
    seen.add(cassandraName);
  }
  return mistakes;
}

function checkEngine(table: MysqlTableDescription): string[] {
  if (table.storageEngine.toLowerCase() === 'innodb') return [];
  const name = `${table.schema}.${table.table}`;
  return [
    `the table ${name} is ${table.storageEngine}, which has no transactions: ALTER TABLE ${name} ENGINE = InnoDB`,
  ];
}

function checkPrimaryKey(definition: ResourceDefinition, table: MysqlTableDescription): string[] {
  const wanted = definition.key.map((key) => key.mysqlColumn);
  if (wanted.join('\0') === table.primaryKey.join('\0')) return [];
  const has = table.primaryKey.length === 0 ? 'no primary key' : `the primary key (${table.primaryKey.join(', ')})`;
  return [
    `the table ${table.schema}.${table.table} has ${has}, and the name pattern's variables live in (${wanted.join(', ')}): ` +
      'both must be the same columns in the same order',
  ];
}

function checkSharedColumns(definition: ResourceDefinition): string[] {
  const mistakes: string[] = [];
  const seen = new Map<string, string>();
  for (const { field, mysqlColumn } of definition.fields) {
    const other = seen.get(mysqlColumn);
    if (other !== undefined) mistakes.push(`the fields ${other} and ${field.name} share the column ${mysqlColumn}`);
    seen.set(mysqlColumn, field.name);
  }
  const keyColumns = definition.key.map((key) => key.mysqlColumn);
  for (const column of new Set(keyColumns.filter((name, index) => keyColumns.indexOf(name) !== index))) {
    mistakes.push(`two variables of the name pattern share the column ${column}`);
  }
  return mistakes;
}

function checkUncarried(definition: ResourceDefinition, table: MysqlTableDescription, moves: boolean): string[] {
  const carried = new Set([...definition.fields, ...definition.key].map((each) => each.mysqlColumn));
  const mistakes: string[] = [];
  for (const column of table.columns) {
    if (carried.has(column.name)) continue;
    const label = `no field carries the column ${column.name} (${column.columnType})`;
    if (moves) {
      mistakes.push(
        `${label}, so it would be lost in the target: add a field for it, OUTPUT_ONLY if callers must not set it`,
      );
    } else if (!column.nullable && !column.hasDefault && !column.generated && definition.methods.create) {
      mistakes.push(`${label}, which is NOT NULL and has no default: a create needs a field for it`);
    }
  }
  return mistakes;
}

/** Foreign keys whose actions capture can't follow, each with its cure: such a table can be served, but not moved. */
export function checkForeignKeys(table: MysqlTableDescription): string[] {
  const mistakes: string[] = [];
  for (const key of table.foreignKeys.filter((each) => each.table === table.table)) {
    const hidden = [
      ...HIDDEN_ACTIONS.filter((action) => key.onDelete.toUpperCase() === action).map(
        (action) => `ON DELETE ${action}`,
      ),
      ...HIDDEN_ACTIONS.filter((action) => key.onUpdate.toUpperCase() === action).map(
        (action) => `ON UPDATE ${action}`,
      ),
    ];
    if (hidden.length === 0) continue;
    mistakes.push(
      `the foreign key ${key.name} has ${hidden.join(' and ')}, which changes rows without a trace in the binary log: ` +
        'make it RESTRICT, or serve the resource without a target',
    );
  }
  return mistakes;
}
