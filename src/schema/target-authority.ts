import { isLooseKey, type Resource } from '../domain/resource.ts';
import type { KeyDescription, MysqlColumnDescription, MysqlTableDescription } from '../domain/table-description.ts';
import { isIndexable } from './bind-indexes.ts';
import { columnTypeOf } from './types.ts';

/** A foreign key of another table. */
export interface Reference {
  readonly name: string;
  /** With its schema. */
  readonly table: string;
}

/**
 * What MySQL refuses in a table and Cassandra could not, each with its cure: as the authority it would take what MySQL, its follower, then
 * refuses for ever. The resource can be copied and read from there all the same.
 *
 * @param unique the columns of each unique index that the definition names.
 * @param references foreign keys of other tables that refer to this one.
 */
export function constraintsOfMysqlAlone(
  table: MysqlTableDescription,
  unique: readonly (readonly string[])[],
  references: readonly Reference[],
): string[] {
  const kept = [table.primaryKey, ...unique];
  const reasons = (table.keys ?? []).flatMap((key) => {
    if (!key.unique) return [];
    const indexed = unique.some((columns) => isSubset(columns, key.columns) && columns.length === key.columns.length);
    if (indexed && !key.isPrefix) return foldingReasons(table, key);
    // Values that are unique already are so together with others.
    if (kept.some((columns) => isSubset(columns, key.columns)) && !key.isPrefix) return [];
    return [`Cassandra would not keep the unique key ${key.name} (${partsOf(key)}): ${cureOf(table, key)}`];
  });
  const foreign = [
    ...table.foreignKeys.map(({ name, referencedTable }) => `${name}, to ${referencedTable}`),
    ...references.map(({ name, table: from }) => `${name}, of ${from}`),
  ];
  for (const key of foreign) reasons.push(`Cassandra would not keep the foreign key ${key}: drop it`);
  for (const check of table.checks ?? [])
    reasons.push(`Cassandra would not keep the check constraint ${check}: drop it`);
  for (const key of table.periodKeys ?? [])
    reasons.push(`Cassandra would not keep the periods of the key ${key} apart (WITHOUT OVERLAPS): drop it`);
  return reasons;
}

/** The constraints of a resource's table. */
export function constraintsOf(
  resource: Resource,
  table: MysqlTableDescription,
  references: readonly Reference[],
): string[] {
  const unique = (resource.indexes ?? []).filter((index) => index.unique);
  const columns = unique.map((index) => index.columns.map((at) => resource.columns[at]?.mysqlName ?? ''));
  return constraintsOfMysqlAlone(table, columns, references);
}

/** Whatever of a table's definition only MySQL can keep: its constraints, and keys of which only it tells which are the same. */
export function whyAuthorityStays(
  resource: Resource,
  table: MysqlTableDescription,
  references: readonly Reference[],
): string[] {
  const loose = resource.columns.slice(0, resource.keyLength).filter(({ type }) => isLooseKey(type));
  const spellings = loose.length === 0 ? [] : [looseKeyReason(loose.map(({ mysqlName }) => mysqlName))];
  return [...spellings, ...constraintsOf(resource, table, references)];
}

/** Of texts in the key that MySQL takes other spellings of for the same. */
export function looseKeyReason(columns: readonly string[]): string {
  return `the collation of ${columns.join(', ')} takes different spellings for the same key, which only MySQL can refuse`;
}

/** A part without a column is an expression. */
function partsOf({ columns, isPrefix }: KeyDescription): string {
  return (
    columns.map((column) => (column === '' ? 'an expression' : column)).join(', ') + (isPrefix ? ', by prefixes' : '')
  );
}

/** An index is of whole columns whose equal values are the same. */
function cureOf(table: MysqlTableDescription, { columns, isPrefix, isHash }: KeyDescription): string {
  if (columns.includes('') || isPrefix) return 'make it one of whole columns, or drop it';
  const unfit = columns.filter((name) => !canBeIndexed(table.columns.find((column) => column.name === name)));
  if (unfit.length > 0) return `no index of ours can hold ${unfit.join(', ')}: drop it`;
  const kind = isHash ? 'make it one USING BTREE, and ' : '';
  return `${kind}name it in storage.index, or drop it`;
}

function canBeIndexed(column: MysqlColumnDescription | undefined): boolean {
  const typed = column && columnTypeOf(column, null, 'plain');
  return typed !== undefined && 'type' in typed && isIndexable(typed.type);
}

function foldingReasons(table: MysqlTableDescription, key: KeyDescription): string[] {
  const folding = table.columns.filter(({ name, collation, columnType }) => {
    const isText = collation !== null && !/^(enum|set)\b/i.test(columnType);
    return key.columns.includes(name) && isText && collation !== 'binary' && !collation.endsWith('_bin');
  });
  return folding.map(
    ({ name, collation }) =>
      `the unique key ${key.name} takes different texts of ${name} for the same (${collation}), which Cassandra can't: ` +
      `MODIFY ${name} … COLLATE utf8mb4_bin, or another _bin collation`,
  );
}

function isSubset(columns: readonly string[], of: readonly string[]): boolean {
  return columns.length > 0 && columns.every((column) => of.includes(column));
}
