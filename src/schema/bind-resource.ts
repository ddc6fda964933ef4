import { type Column, type ColumnType, hasTarget, type Resource, type RiakPlace } from '../domain/resource.ts';
import type { MysqlColumnDescription, MysqlTableDescription } from '../domain/table-description.ts';
import { bindIndexes } from './bind-indexes.ts';
import { checkMysqlTable, checkNames } from './check-mysql-table.ts';
import type { ColumnReference, FieldDefinition, ResourceDefinition } from './definition.ts';
import { enumNumbers, hasPresence, isLegacyRequired, shapeOf, typeNameOf } from './field-shape.ts';
import { keyLengthMistake, keyType, keyTypeMistake } from './key-types.ts';
import { columnTypeOf, fittingShapes, roundsToScale } from './types.ts';

/** A resource that can be served, or everything that keeps it from being served, each with its cure. */
export type BoundResource = { readonly resource: Resource } | { readonly mistakes: readonly string[] };

/** What a deployment's config says instead of the proto. */
export interface BindingOverrides {
  readonly mysqlSchema?: string;
  readonly cassandraKeyspace?: string;
  /** The target instead of the table in Cassandra that the proto names, or of none. */
  readonly riak?: RiakPlace;
}

/** A resource on its way: mistakes are collected, so that all of them are named at once. */
interface Binding {
  readonly definition: ResourceDefinition;
  readonly table: MysqlTableDescription;
  readonly mistakes: string[];
}

/**
 * Binds a definition to its table: finds each field's column, derives the column's type, and checks that field, column
 * and key fit one another and that the table can be served, and moved if the resource has a target.
 *
 * The table is described by the MySQL engine; the target's table is checked by {@link checkCassandraTable}.
 */
export function bindResource(
  definition: ResourceDefinition,
  table: MysqlTableDescription,
  overrides: BindingOverrides = {},
): BoundResource {
  const binding: Binding = { definition, table, mistakes: [] };
  const keyColumns = definition.key.map((_, index) => bindKeyColumn(binding, index));
  const tooLong = keyLengthMistake(
    keyColumns.flatMap((column) => (column === undefined ? [] : { name: column.mysqlName, type: column.type })),
  );
  if (tooLong !== undefined) binding.mistakes.push(tooLong);
  const fieldColumns = definition.fields.map((field) => bindFieldColumn(binding, field));
  const columns = [...keyColumns, ...fieldColumns].filter((column) => column !== undefined);
  const { riak } = overrides;
  const cassandra = riak === undefined &&
    definition.cassandra && {
      ...definition.cassandra,
      keyspace: overrides.cassandraKeyspace ?? definition.cassandra.keyspace,
    };
  const { indexes, mistakes: indexMistakes } = bindIndexes(definition, columns, table);
  const resource: Resource = {
    id: definition.id,
    typeName: definition.typeName,
    columns,
    keyLength: definition.key.length,
    parentLength: definition.key.length - 1,
    name: definition.name,
    mysql: { schema: overrides.mysqlSchema ?? definition.mysql.schema, table: definition.mysql.table },
    ...(cassandra && { cassandra }),
    ...(riak && { riak }),
    ...(indexes.length > 0 && { indexes }),
    ...(takesRequestIds(definition) && { remembersRequests: true as const }),
  };
  binding.mistakes.push(
    ...indexMistakes,
    ...checkMysqlTable(definition, table, hasTarget(resource)),
    ...checkNames(resource),
  );
  const label = `${definition.typeName}: `;
  if (binding.mistakes.length > 0) return { mistakes: binding.mistakes.map((mistake) => label + mistake) };
  return { resource };
}

function takesRequestIds({ methods: { create, update, delete: remove } }: ResourceDefinition): boolean {
  return [create, update, remove].some((method) => method?.requestId !== undefined);
}

function bindKeyColumn(binding: Binding, index: number): Column | undefined {
  const { definition, mistakes } = binding;
  const key = definition.key[index];
  if (key === undefined) return undefined;
  const label = `the variable {${key.variable}}`;
  const isLast = index === definition.key.length - 1;
  const column = findColumn(binding, key, label);
  if (column === undefined) return undefined;
  const shown = definition.fields.find((field) => field.mysqlColumn === key.mysqlColumn);
  const typed = columnTypeOf(column, null, key.format);
  const mistake = 'mistake' in typed ? typed.mistake : keyTypeMistake(column, typed.type);
  if (mistake !== undefined) mistakes.push(`${label}: the column ${column.name}: ${mistake}`);
  if ('mistake' in typed) return undefined;
  if (shown !== undefined) checkShownKey(binding, shown, key, typed.type);
  return {
    field: shown?.field.name ?? null,
    type: keyType(column, typed.type),
    nullable: false,
    mysqlName: column.name,
    cassandraName: key.cassandraColumn,
    writable: false,
    serverChanges: false,
    ...(column.autoIncrement && typed.type.kind === 'int' && isLast && { numbered: true as const }),
  };
}

function checkShownKey(binding: Binding, shown: FieldDefinition, key: ColumnReference, type: ColumnType): void {
  const label = `the field ${shown.field.name} shows the key column ${key.mysqlColumn}`;
  const report = (text: string): void => void binding.mistakes.push(`${label}: ${text}`);
  if (!shown.outputOnly) report('mark it OUTPUT_ONLY, as the resource name says what it is');
  if (shown.format !== key.format) report('give both the same format');
  if (shown.cassandraColumn !== key.cassandraColumn) {
    report(`give both the same cassandra_column: they have ${shown.cassandraColumn} and ${key.cassandraColumn}`);
  }
  checkFit(binding, shown, type, key.mysqlColumn);
}

function bindFieldColumn(binding: Binding, definition: FieldDefinition): Column | undefined {
  const { field } = definition;
  if (binding.definition.key.some((key) => key.mysqlColumn === definition.mysqlColumn)) return undefined;
  const column = findColumn(binding, definition, `the field ${field.name}`);
  if (column === undefined) return undefined;
  const typed = columnTypeOf(column, shapeOf(field) ?? null, definition.format, definition.zeroDates);
  if ('mistake' in typed) {
    binding.mistakes.push(`the field ${field.name}: the column ${column.name}: ${typed.mistake}`);
    return undefined;
  }
  checkFit(binding, definition, typed.type, column.name);
  checkNullability(binding, definition, column);
  const writable = !definition.outputOnly && !column.generated;
  return {
    field: field.name,
    type: typed.type,
    nullable: column.nullable || ('noDay' in typed.type && typed.type.noDay !== undefined),
    mysqlName: column.name,
    cassandraName: definition.cassandraColumn,
    writable,
    serverChanges: changedByServer(column, typed.type),
    ...(writable && !column.nullable && !column.hasDefault && { required: true as const }),
  };
}

/** MySQL reads JSON numbers of more than 15 digits one unit in the last place wrong now and then. */
function changedByServer(column: MysqlColumnDescription, type: ColumnType): boolean {
  return column.onUpdate || column.generated || column.autoIncrement || type.kind === 'json' || roundsToScale(column);
}

function findColumn(
  binding: Binding,
  { mysqlColumn }: ColumnReference,
  label: string,
): MysqlColumnDescription | undefined {
  const { table } = binding;
  const column = table.columns.find((each) => each.name === mysqlColumn);
  if (column !== undefined) return column;
  const close = table.columns.find((each) => each.name.toLowerCase() === mysqlColumn.toLowerCase());
  const hint = close === undefined ? 'name its column with mysql_column' : `write it ${close.name}`;
  binding.mistakes.push(`${label}: the table ${table.schema}.${table.table} has no column ${mysqlColumn}: ${hint}`);
  return undefined;
}

function checkFit(binding: Binding, { field }: FieldDefinition, type: ColumnType, columnName: string): void {
  const shape = shapeOf(field);
  const fitting = fittingShapes(type);
  const label = `the field ${field.name}`;
  if (shape === undefined || !fitting.includes(shape)) {
    binding.mistakes.push(
      `${label}: ${typeNameOf(field)} does not fit the column ${columnName}: ${fitting.map(shapeName).join(' or ')} does`,
    );
    return;
  }
  if (isLegacyRequired(field)) binding.mistakes.push(`${label}: proto2's required can't be kept: make it optional`);
  if (type.kind === 'enum' && field.fieldKind === 'enum') {
    const { mistakes } = enumNumbers(type.values, field.enum);
    binding.mistakes.push(...mistakes.map((mistake) => `${label}: the column ${columnName}: ${mistake}`));
  }
}

function shapeName(shape: string): string {
  const names: Readonly<Record<string, string>> = {
    strings: 'repeated string',
    enum: 'an enum',
    timestamp: 'google.protobuf.Timestamp',
    duration: 'google.protobuf.Duration',
  };
  return names[shape] ?? shape;
}

function checkNullability(binding: Binding, definition: FieldDefinition, column: MysqlColumnDescription): void {
  const { field, outputOnly } = definition;
  const report = (text: string): void =>
    void binding.mistakes.push(`the field ${field.name}: the column ${column.name} ${text}`);
  if (column.nullable && !hasPresence(field)) {
    if (field.fieldKind === 'list') report('is nullable, and a repeated field has no NULL: use an optional string');
    else report('is nullable: make the field optional, or NULL could not be told from empty');
  }
  if (definition.zeroDates === 'null' && !hasPresence(field)) {
    report('has ZERO_DATES_NULL: make the field optional, so that it can be absent');
  }
  if (column.generated && !outputOnly) report('is generated: mark the field OUTPUT_ONLY');
  if (outputOnly && !column.nullable && !column.hasDefault && !column.generated && binding.definition.methods.create) {
    report('is NOT NULL and has no default, so a create must set it: the field must not be OUTPUT_ONLY');
  }
}
