import { DomainError } from '../../domain/errors.ts';
import { createKeyCodec, type Key, type KeyValue } from '../../domain/key.ts';
import { type Column, isLooseKey, type Row, sameValue, type Value } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { ListQuery, ReadableRecords, Stored } from '../record-store.ts';
import { compareRows, keyBytesExpression, repeated, rowsIn } from './key-sql.ts';
import { MAX_KEYS, MAX_PAGE } from './limits.ts';
import { integer } from './link.ts';
import type { MysqlClient, MysqlParameter, MysqlValue } from './pool.ts';
import type { RecordTables } from './record-tables.ts';

/** Point reads and lists: a record and its side-table version always come from one statement, which is one snapshot. */
export function createRecordReads(client: MysqlClient, tables: RecordTables): Omit<ReadableRecords, 'lookup'> {
  const one = { present: getPresentSql(tables), any: getOneSql(tables) };
  const getManyBySize = sizes.map((size) => getManySql(tables, size));
  const lists = { ascending: listsOf(tables, false), descending: listsOf(tables, true) };
  return {
    getMany: async (keys, call) => {
      const [first] = keys;
      if (first === undefined) return [];
      if (keys.length === 1) return [await readOne(client, tables, one, first, call)];
      const index = sizes.findIndex((size) => size >= keys.length);
      const sql = getManyBySize[index];
      if (sql === undefined) throw new RangeError(`at most ${MAX_KEYS} keys at once`);
      return await readMany(client, tables, { sql, size: sizes[index] ?? keys.length, keys }, call);
    },
    list: async (query, call) => await readList(client, tables, lists, query, call),
  };
}

/** Statements of these sizes serve every number of keys: few enough to be prepared once, and at most half is padding. */
const sizes = [2, 4, 8, 16, 32, MAX_KEYS];

/** One key, nothing if there is no record: the cheapest statement, and nearly always the last word. */
function getPresentSql(tables: RecordTables): string {
  const key = tables.keyColumns.map((column) => `${column} = ?`).join(' AND ');
  return `SELECT v.version, ${tables.columns} FROM ${tables.table} t
    LEFT JOIN ${tables.versions} v ON v.resource = ${tables.id} AND v.\`key\` = ? WHERE ${key}`;
}

/**
 * One key. The control record's row, of which there is always one, carries the outer joins, so that an absent record has
 * a version too. All three tables are read by their primary keys, before the statement is even optimised.
 */
function getOneSql(tables: RecordTables): string {
  const key = tables.keyColumns.map((column) => `${column} = ?`).join(' AND ');
  return `SELECT v.version, ${tables.columns} FROM ${tables.control} c
    LEFT JOIN ${tables.table} t ON ${key}
    LEFT JOIN ${tables.versions} v ON v.resource = ${tables.id} AND v.\`key\` = ?
    WHERE c.resource = ${tables.id}`;
}

/** Many keys: the records, then the versions, in one statement. A row of the first part has no key in its first column. */
function getManySql(tables: RecordTables, size: number): string {
  return `SELECT NULL, NULL, ${tables.columns} FROM ${tables.table} t FORCE INDEX (PRIMARY)
    WHERE ${rowsIn(tables.keyColumns, size)}
    UNION ALL SELECT \`key\`, version, ${tables.nulls} FROM ${tables.versions} FORCE INDEX (PRIMARY)
    WHERE resource = ${tables.id} AND \`key\` IN (${repeated('?', size)})`;
}

async function readOne(
  client: MysqlClient,
  tables: RecordTables,
  statements: { readonly present: string; readonly any: string },
  key: Key,
  call: Call,
): Promise<Stored> {
  const bound = tables.bindKey(key);
  const present = await client.read(statements.present, [key.bytes, ...bound], call);
  // An absent record's version must be of the snapshot in which it is absent, so both are asked for again.
  const { rows } = present.rows.length > 0 ? present : await client.read(statements.any, [...bound, key.bytes], call);
  const [values] = rows;
  if (values === undefined) throw noControlRecord(tables.resource.id);
  const row = isAbsent(values) ? null : tables.readRow(values, 1);
  return { key, row: row !== null && isOf(row, key) ? row : null, version: versionOf(values[0]) };
}

async function readMany(
  client: MysqlClient,
  tables: RecordTables,
  { sql, size, keys }: { readonly sql: string; readonly size: number; readonly keys: readonly Key[] },
  call: Call,
): Promise<readonly Stored[]> {
  const padded = padKeys(keys, size);
  const parameters = [...padded.flatMap((key) => tables.bindKey(key)), ...padded.map((key) => key.bytes)];
  const result = await client.read(sql, parameters, call);
  const rows = new Map<string, Row>();
  const versions = new Map<string, bigint>();
  for (const values of result.rows) {
    const keyBytes = values[0];
    if (Buffer.isBuffer(keyBytes)) {
      versions.set(keyBytes.toString('latin1'), versionOf(values[1]));
      continue;
    }
    const row = tables.readRow(values, 2);
    rows.set(tables.codec.fromRow(row).id, row);
  }
  return keys.map((key) => ({ key, row: rows.get(key.id) ?? null, version: versions.get(key.id) ?? 0n }));
}

/** Repeats the last key up to `size`: the statement stays the same, and a key that is asked for twice costs next to nothing. */
export function padKeys(keys: readonly Key[], size: number): readonly Key[] {
  const last = keys.at(-1);
  if (last === undefined || keys.length === size) return keys;
  return [...keys, ...new Array<Key>(size - keys.length).fill(last)];
}

/** A list's statement, and what fills it. */
interface ListStatement {
  readonly sql: string;
  readonly parameters: (query: ListQuery) => MysqlParameter[];
}

/** The statements of the first page, and of those after a key. */
interface ListStatements {
  readonly first: ListStatement;
  readonly next: ListStatement;
}

function listsOf(tables: RecordTables, descending: boolean): ListStatements {
  return {
    first: compileList(tables, { after: false, descending }),
    next: compileList(tables, { after: true, descending }),
  };
}

/**
 * Key columns that MySQL takes other spellings of for equal, or sorts otherwise than Cassandra, are compared and sorted by their
 * bytes: the index finds the parent, whose rows are then sorted for each page.
 */
function compileList(
  tables: RecordTables,
  { after, descending }: { readonly after: boolean; readonly descending: boolean },
): ListStatement {
  const { columns, parentLength, keyLength } = tables.resource;
  const [parents, own] = [columns.slice(0, parentLength), columns.slice(parentLength, keyLength)];
  const [parentCodec, ownCodec] = [compileKeyPart(parents), compileKeyPart(own)];
  const ofParent = tables.keyColumns.slice(0, parentLength).map((column) => `${column} = ?`);
  if (parentCodec !== null) ofParent.push(`${keyBytesExpression(parents, 't')} = ?`);
  const operator = descending ? '<' : '>';
  const ownBytes = keyBytesExpression(own, 't');
  const beyond = compareRows(tables.keyColumns.slice(parentLength, keyLength), operator);
  const conditions = [...ofParent, ...(after ? [ownCodec === null ? beyond.sql : `${ownBytes} ${operator} ?`] : [])];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const ordered = ownCodec === null ? tables.keyColumns : [ownBytes];
  const order = ordered.map((column) => (descending ? `${column} DESC` : column)).join(', ');
  const ofAfter = (key: Key): MysqlParameter[] => {
    if (ownCodec !== null) return [ownCodec(key.values.slice(parentLength))];
    const values = tables.bindKey(key);
    return beyond.values.map((i) => values[i + parentLength] ?? null);
  };
  return {
    sql: `SELECT v.version, ${tables.columns} FROM ${tables.tableWithVersions} ${where}
      ORDER BY ${order} LIMIT ?`,
    parameters: (query) => [
      ...tables.bindKeyValues(query.parent),
      ...(parentCodec === null ? [] : [parentCodec(query.parent)]),
      ...(query.after === null ? [] : ofAfter(query.after)),
      integer(Math.min(query.limit, MAX_PAGE)),
    ],
  };
}

/** Encodes the values of some key columns; null: the columns themselves compare and sort as their bytes do. */
function compileKeyPart(columns: readonly Column[]): ((values: readonly KeyValue[]) => Buffer) | null {
  if (!columns.some(({ type }) => isLooseKey(type))) return null;
  const codec = createKeyCodec({ columns, keyLength: columns.length });
  return (values) => codec.fromValues(values).bytes;
}

async function readList(
  client: MysqlClient,
  tables: RecordTables,
  lists: { readonly ascending: ListStatements; readonly descending: ListStatements },
  query: ListQuery,
  call: Call,
): Promise<readonly Stored[]> {
  const ordered = query.descending ? lists.descending : lists.ascending;
  const { sql, parameters } = query.after === null ? ordered.first : ordered.next;
  const result = await client.read(sql, parameters(query), call);
  return result.rows.map((row) => readVersioned(tables, row));
}

/** A record from a row of `v.version` and all columns. */
export function readVersioned(tables: RecordTables, values: readonly MysqlValue[]): Stored {
  const row = tables.readRow(values, 1);
  return { key: tables.codec.fromRow(row), row, version: versionOf(values[0]) };
}

/** A side-table version; 0 if there is none. */
export function versionOf(value: MysqlValue | undefined): bigint {
  return value === null || value === undefined ? 0n : BigInt(value as number | string);
}

/** The key's columns are never null in a record. */
function isAbsent(values: readonly MysqlValue[]): boolean {
  return values[1] === null;
}

/** A collation that pads with spaces finds `a` for `a `, which is another key. */
function isOf(row: Row, key: Key): boolean {
  return key.values.every((value, i) => sameValue(value, row[i] as Value));
}

/** Every resource has its control record from the start on. */
export function noControlRecord(resource: string): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'INTERNAL',
    message: `The control record of ${resource} is missing from MySQL.`,
  });
}
