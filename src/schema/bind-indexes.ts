import type { Column, ColumnType, Index } from '../domain/resource.ts';
import type { KeyDescription, MysqlTableDescription } from '../domain/table-description.ts';
import type { IndexDefinition, ResourceDefinition } from './definition.ts';

/** The indexes of a resource, bound to its columns and its table's keys, and what is wrong with them. */
export interface BoundIndexes {
  readonly indexes: readonly Index[];
  readonly mistakes: readonly string[];
}

/** The longest text or bytes that an index of InnoDB holds, in bytes; a partition key of Cassandra holds 64 KiB. */
const MAX_INDEXED_BYTES = 3072;
const INDEXED =
  'integers, decimals, texts and bytes of at most 3,072 bytes, UUIDs, dates, times and enums; what MySQL takes for equal must be so in Cassandra';

/**
 * Binds the indexes that a definition names.
 *
 * @param columns the resource's, in row order.
 */
export function bindIndexes(
  definition: ResourceDefinition,
  columns: readonly Column[],
  table: MysqlTableDescription,
): BoundIndexes {
  const mistakes: string[] = [];
  const indexes = definition.indexes.flatMap((index) => {
    const tell = (text: string): void => void mistakes.push(`the index "${index.name}" ${text}`);
    const bound = columnsOf(definition, index, columns);
    // A column that is missing has been reported with its field.
    if (bound === undefined) return [];
    for (const at of bound) {
      const { type, mysqlName } = columns[at] as Column;
      if (!isIndexable(type)) tell(`has the column ${mysqlName}: an index holds ${INDEXED}`);
    }
    const names = bound.map((at) => (columns[at] as Column).mysqlName);
    const keys = keysFor(table, names, index.unique);
    if (keys.length === 0) tell(missingKey(table, names, index.unique));
    return [{ name: index.name, columns: bound, unique: index.unique, mysqlKeys: keys.map(({ name }) => name) }];
  });
  return { indexes, mistakes };
}

function columnsOf(
  definition: ResourceDefinition,
  { fields }: IndexDefinition,
  columns: readonly Column[],
): readonly number[] | undefined {
  const found = fields.map(({ name, field }) => {
    const of = field === null ? definition.key : definition.fields;
    const stored = of.find((each) => ('variable' in each ? each.variable : each.field.name) === name);
    return columns.findIndex(({ mysqlName }) => mysqlName === stored?.mysqlColumn);
  });
  return found.includes(-1) ? undefined : found;
}

/**
 * Whether an index can hold a column. Floats and documents have values that are equal and not the same;
 * of a boolean MySQL keeps 127 different ones,
 * and of dates that are shown as absent it keeps several.
 */
export function isIndexable(type: ColumnType): boolean {
  switch (type.kind) {
    case 'decimal':
    case 'uuid':
    case 'time':
    case 'enum':
      return true;
    case 'int':
      return type.bit === undefined;
    case 'date':
    case 'datetime':
    case 'timestamp':
      return type.noDay === undefined;
    case 'string':
    case 'bytes':
      return type.maxBytes <= MAX_INDEXED_BYTES;
    case 'bool':
    case 'float':
    case 'double':
    case 'set':
    case 'json':
    case 'date_text':
      return false;
  }
}

function keysFor(table: MysqlTableDescription, names: readonly string[], unique: boolean): readonly KeyDescription[] {
  const wanted = [...names].sort().join('\0');
  const primary: KeyDescription = { name: 'PRIMARY', columns: table.primaryKey, unique: true, isPrefix: false };
  const keys = unique ? (table.keys ?? []) : [primary, ...(table.keys ?? [])];
  return keys.filter((key) => {
    if (key.isHash) return false;
    const leading = unique ? key.columns : key.columns.slice(0, names.length);
    const isSame = leading.toSorted().join('\0') === wanted;
    return isSame && (!unique || (key.unique && !key.isPrefix));
  });
}

function missingKey({ schema, table }: MysqlTableDescription, names: readonly string[], unique: boolean): string {
  const columns = names.map((name) => `\`${name}\``).join(', ');
  const kind = unique ? 'UNIQUE KEY' : 'KEY';
  return unique
    ? `is unique, and ${schema}.${table} has no unique key of exactly (${names.join(', ')}): ALTER TABLE ${table} ADD ${kind} (${columns})`
    : `has no help in MySQL, as no key of ${schema}.${table} begins with (${names.join(', ')}): ALTER TABLE ${table} ADD ${kind} (${columns})`;
}
