import { DomainError } from '../../domain/errors.ts';
import type { ColumnType, Resource, Value } from '../../domain/resource.ts';
import type { ServerDefault, ServerValues } from '../server-values.ts';
import { describeColumns, type MysqlColumnDetails } from './describe-table.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlPool } from './pool.ts';
import { createRecordTables } from './record-tables.ts';

/**
 * Reads what the server puts into a table's columns by itself. Throws `failed_precondition`/MIGRATION_STATE that names the
 * columns outside the key whose values only the server can tell: expressions, AUTO_INCREMENT, generated columns, and, on MariaDB,
 * any of a table without rows.
 */
export async function readServerValues(pool: MysqlPool, resource: Resource, deadline: Deadline): Promise<ServerValues> {
  const client = pool.client('authority');
  const described = await describeColumns(client, resource.mysql, deadline);
  const byName = new Map(described.map((details) => [details.name, details]));
  const columns = resource.columns.map(({ mysqlName }) => byName.get(mysqlName));
  const keyNames = resource.columns.slice(0, resource.keyLength).map(({ mysqlName }) => mysqlName);
  // A create through the service says its key, AUTO_INCREMENT or not.
  const own = described.filter(
    ({ name, defaultKind, generated }) => (generated || defaultKind === 'expression') && !keyNames.includes(name),
  );
  if (own.length > 0) throw onlyTheServerKnows(own.map(({ name }) => name));
  const expressions = columns.map((details) =>
    details?.defaultKind === 'constant' ? `DEFAULT(${identifier(details.name)})` : 'NULL',
  );
  const tables = createRecordTables(resource, pool.controlSchema);
  const select = `SELECT ${expressions.join(', ')}`;
  // DEFAULT() needs a row, whichever; over an empty table an aggregate makes one.
  const found = await client.read(`${select} FROM ${tables.table} LIMIT 1`, [], deadline);
  const row =
    found.rows[0] ?? (await client.read(`${select}, COUNT(*) FROM ${tables.table}`, [], deadline)).rows[0] ?? [];
  const untold = columns.filter((details, i) => details?.defaultKind === 'constant' && row[i] === null);
  if (untold.length > 0) throw toldOfRows(untold.map((details) => details?.name ?? ''));
  const values = tables.readRow(row);
  const isKey = (i: number): boolean => i < resource.keyLength;
  return {
    defaults: columns.map((details, i): ServerDefault => {
      if (isKey(i)) return { kind: 'none' };
      return defaultOf(details, values[i] ?? null, resource.columns[i]?.type);
    }),
    onUpdate: columns.flatMap((details, i) => (details?.onUpdate ? [i] : [])),
  };
}

function defaultOf(details: MysqlColumnDetails | undefined, value: Value, type: ColumnType | undefined): ServerDefault {
  switch (details?.defaultKind) {
    case 'now':
      return { kind: 'now' };
    case 'null':
      return { kind: 'value', value: null };
    case 'constant':
      // A null out of a constant is a zero date, if the column may have one.
      return value === null && !(type && 'noDay' in type) ? { kind: 'none' } : { kind: 'value', value };
    default:
      return { kind: 'none' };
  }
}

/** MariaDB has null for the default of a NOT NULL column of a table without rows. */
function toldOfRows(names: readonly string[]): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'MIGRATION_STATE',
    message: `the server tells the defaults of ${names.join(', ')} only of a table with rows: write a first record`,
  });
}

function onlyTheServerKnows(names: readonly string[]): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'MIGRATION_STATE',
    message: `only MySQL can tell the values of ${names.join(', ')}: generated, AUTO_INCREMENT, or an expression as default`,
  });
}
