import type { Key } from '../../domain/key.ts';
import type { Column, Index } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import type { Copy, FollowerStore, LookupQuery } from '../record-store.ts';
import { compareRows } from './key-sql.ts';
import { MAX_PAGE } from './limits.ts';
import { integer } from './link.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlParameter } from './pool.ts';
import { readVersioned } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';
import { type Bind, createKeyBind } from './values.ts';

/** Statements that look for those in a copy's way at once: it is a rare thing, and others wait for the connections. */
const RIVALS_AT_ONCE = 4;

/** The statements of one index, compiled once. */
export interface LookupStatements {
  readonly binds: readonly Bind[];
  /** For each parameter of the condition, which of the values it is. */
  readonly parameters: readonly number[];
  readonly first: string;
  readonly next: string;
  /** The parameters behind them, which say after which key. */
  readonly after: (key: Key) => readonly MysqlParameter[];
}

/**
 * Records by an index of MySQL's own. A text is compared twice: by its collation, so that the index serves, and by its bytes, as the
 * other store compares it.
 */
export function createRecordLookups(
  client: MysqlClient,
  tables: RecordTables,
): Pick<FollowerStore, 'lookup' | 'rivals'> {
  const indexes = tables.resource.indexes ?? [];
  const unique = indexes.filter((index) => index.unique).map((index) => compileRivals(tables, index));
  const compiled = new Map(indexes.map((index) => [index.name, compileLookup(tables, index)]));
  return {
    lookup: (query, call) => {
      const statements = compiled.get(query.index.name);
      if (statements === undefined) throw new TypeError(`${tables.resource.id} has no index ${query.index.name}`);
      return lookUp(client, tables, statements, query, call);
    },
    ...(unique.length > 0 && { rivals: (copies, call) => findRivals(client, tables, unique, copies, call) }),
  };
}

/** The statement that finds who has the values of a unique index, as the index compares them. */
interface RivalStatement {
  readonly index: Index;
  readonly binds: readonly Bind[];
  readonly sql: string;
}

function compileRivals(tables: RecordTables, index: Index): RivalStatement {
  const columns = index.columns.map((at) => tables.resource.columns[at] as Column);
  const conditions = columns.map((column) => `t.${identifier(column.mysqlName)} = ${markOf(column)}`);
  return {
    index,
    binds: columns.map((column) => createKeyBind(column.type)),
    sql: `SELECT v.version, ${tables.columns} FROM ${fromIndex(tables, index)} WHERE ${conditions.join(' AND ')} LIMIT 1`,
  };
}

async function findRivals(
  client: MysqlClient,
  tables: RecordTables,
  unique: readonly RivalStatement[],
  copies: readonly Copy[],
  call: Call,
): Promise<readonly Key[]> {
  const rivals = new Map<string, Key>();
  const wanted = copies.flatMap(({ key, row }) => unique.map((statement) => ({ key, row, statement })));
  await forEachBounded(wanted, RIVALS_AT_ONCE, async ({ key, row, statement }) => {
    const values = statement.index.columns.map((at) => row?.[at] ?? null);
    if (values.includes(null)) return;
    const parameters = values.map((value, i) => (statement.binds[i] as Bind)(value));
    const [found] = (await client.read(statement.sql, parameters, call)).rows;
    if (found === undefined) return;
    const rival = readVersioned(tables, found).key;
    if (rival.id !== key.id) rivals.set(rival.id, rival);
  });
  return [...rivals.values()];
}

/** Compiles the statements of one index. */
export function compileLookup(tables: RecordTables, index: Index): LookupStatements {
  const { resource } = tables;
  const columns = index.columns.map((at) => resource.columns[at] as Column);
  const conditions: string[] = [];
  const parameters: number[] = [];
  for (const [i, column] of columns.entries()) {
    const name = `t.${identifier(column.mysqlName)}`;
    conditions.push(`${name} = ${markOf(column)}`);
    parameters.push(i);
    if (column.type.kind !== 'string') continue;
    conditions.push(`CAST(CONVERT(${name} USING utf8mb4) AS BINARY) = CAST(CONVERT(? USING utf8mb4) AS BINARY)`);
    parameters.push(i);
  }
  const { ordered, beyond, after } = keyOrder(tables);
  const sql = (where: readonly string[]): string =>
    `SELECT v.version, ${tables.columns} FROM ${fromIndex(tables, index)} WHERE ${where.join(' AND ')}
      ORDER BY ${ordered.join(', ')} LIMIT ?`;
  return {
    binds: columns.map((column) => createKeyBind(column.type)),
    parameters,
    first: sql(conditions),
    next: sql([...conditions, beyond]),
    after,
  };
}

/** Keys that MySQL takes other spellings of for equal, or sorts otherwise than the other store, are compared by their bytes, as in lists. */
function keyOrder(tables: RecordTables): Pick<LookupStatements, 'after'> & {
  readonly ordered: readonly string[];
  readonly beyond: string;
} {
  if (tables.isLoose) {
    const bytes = tables.keyBytes('t');
    return { ordered: [bytes], beyond: `${bytes} > ?`, after: (key) => [key.bytes] };
  }
  const { sql, values } = compareRows(tables.keyColumns, '>');
  const after = (key: Key): MysqlParameter[] => {
    const bound = tables.bindKey(key);
    return values.map((i) => bound[i] ?? null);
  };
  return { ordered: tables.keyColumns, beyond: sql, after };
}

/** For a few records in key order MySQL would rather walk the whole table than sort them. */
function fromIndex({ table, withVersions }: RecordTables, { mysqlKeys }: Index): string {
  return `${table} t FORCE INDEX (${mysqlKeys.map(identifier).join(', ')}) ${withVersions}`;
}

/** MySQL would compare a decimal with a text as two doubles. */
function markOf({ type }: Column): string {
  return type.kind === 'decimal' ? `CAST(? AS DECIMAL(${type.precision}, ${type.scale}))` : '?';
}

async function lookUp(
  client: MysqlClient,
  tables: RecordTables,
  { binds, parameters, first, next, after }: LookupStatements,
  query: LookupQuery,
  call: Call,
) {
  const values = parameters.map((i) => (binds[i] as Bind)(query.values[i] ?? null));
  const beyond = query.after === null ? [] : after(query.after);
  const limit = integer(Math.min(query.limit, MAX_PAGE));
  const result = await client.read(query.after === null ? first : next, [...values, ...beyond, limit], call);
  return result.rows.map((row) => readVersioned(tables, row));
}
