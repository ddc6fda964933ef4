import { createKeyCodec, type Key, type KeyCodec, type KeyValue } from '../../domain/key.ts';
import { isLooseKey, type Resource } from '../../domain/resource.ts';
import { keyBytesExpression } from './key-sql.ts';
import { identifier, literal } from './names.ts';
import type { MysqlParameter } from './pool.ts';
import { type Bind, createKeyBind, createRowBinds, createRowReader, type RowReader } from './values.ts';

/** One resource's tables as SQL writes them, and its compiled codecs: what every statement of the store is made of. */
export interface RecordTables {
  readonly resource: Resource;
  /** The id as a literal. */
  readonly id: string;
  /** The user's table, aliased `t` in every statement. */
  readonly table: string;
  readonly control: string;
  readonly versions: string;
  /** What records remember of requests; only of resources whose records do. */
  readonly requests: string;
  /** All columns in row order: `t.a, t.b`. */
  readonly columns: string;
  /** As many NULLs as there are columns. */
  readonly nulls: string;
  /** The key's columns in key order, each with its alias. */
  readonly keyColumns: readonly string[];
  /** Whether MySQL takes other spellings of a key for equal, or sorts keys otherwise than by their bytes. */
  readonly isLoose: boolean;
  /** The encoded key of a row of a table, by its alias. */
  keyBytes(alias: string): string;
  /**
   * That a row of a table (its alias, default `t`) has exactly these key bytes, ` AND …`, for statements that find it by the key's
   * columns: empty unless MySQL takes other spellings for equal.
   */
  exactly(keyBytes: string, alias?: string): string;
  /** DELETE of one record, whose encoded key is `keyBytes`. Without an alias, which old servers refuse there. */
  deleteWhere(keyValue: (i: number) => string, keyBytes: string): string;
  /** `LEFT JOIN versions v` by the key's encoding. */
  readonly withVersions: string;
  /** `t LEFT JOIN versions v`, in key order. */
  readonly tableWithVersions: string;
  readonly codec: KeyCodec;
  readonly binds: readonly Bind[];
  readonly readRow: RowReader;
  /** The parameters of leading key columns, to compare with. */
  bindKeyValues(values: readonly KeyValue[]): MysqlParameter[];
  /** The parameters of a key's columns, to compare with. */
  bindKey(key: Key): MysqlParameter[];
}

/** The server's clock in microseconds. TIMESTAMPDIFF, because UNIX_TIMESTAMP ends in 2038 on older servers. */
export const NOW_MICROS = "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6)) AS UNSIGNED)";

/** Compiles the parts of one resource's statements. */
export function createRecordTables(resource: Resource, controlSchema: string): RecordTables {
  const schema = identifier(controlSchema);
  const keyColumns = resource.columns.slice(0, resource.keyLength);
  const table = `${identifier(resource.mysql.schema)}.${identifier(resource.mysql.table)}`;
  const versions = `${schema}.crossfade_version`;
  const id = literal(resource.id);
  const isLoose = keyColumns.some((column) => isLooseKey(column.type));
  const exactly = (keyBytes: string, alias = 't'): string =>
    isLoose ? ` AND ${keyBytesExpression(keyColumns, alias)} = ${keyBytes}` : '';
  const withVersions = `LEFT JOIN ${versions} v
      ON v.resource = ${id} AND v.\`key\` = ${keyBytesExpression(keyColumns, 't')}`;
  const keyBinds = keyColumns.map((column) => createKeyBind(column.type));
  const bindKeyValues: RecordTables['bindKeyValues'] = (values) =>
    values.map((value, i) => (keyBinds[i] as Bind)(value));
  return {
    resource,
    id,
    table,
    control: `${schema}.crossfade_control`,
    versions,
    requests: `${schema}.crossfade_request`,
    columns: resource.columns.map((column) => `t.${identifier(column.mysqlName)}`).join(', '),
    nulls: resource.columns.map(() => 'NULL').join(', '),
    keyColumns: keyColumns.map((column) => `t.${identifier(column.mysqlName)}`),
    isLoose,
    keyBytes: (alias) => keyBytesExpression(keyColumns, alias),
    exactly,
    deleteWhere: (keyValue, keyBytes) => {
      const name = identifier(resource.mysql.table);
      const isKey = keyColumns.map((column, i) => `${name}.${identifier(column.mysqlName)} = ${keyValue(i)}`);
      return `DELETE FROM ${table} WHERE ${isKey.join(' AND ')}${exactly(keyBytes, name)}`;
    },
    withVersions,
    tableWithVersions: `${table} t FORCE INDEX (PRIMARY) ${withVersions}`,
    codec: createKeyCodec(resource),
    binds: createRowBinds(resource),
    readRow: createRowReader(resource),
    bindKeyValues,
    bindKey: (key) => bindKeyValues(key.values),
  };
}
