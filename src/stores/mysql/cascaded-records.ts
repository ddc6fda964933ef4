import { createKeyCodec, type Key } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { Cascade } from '../change-log.ts';
import { MAX_CASCADED_PAGE } from './binlog-limits.ts';
import { compareRows } from './key-sql.ts';
import { integer } from './link.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlParameter } from './pool.ts';
import { createRecordTables } from './record-tables.ts';
import { createKeyBind, createRowReader } from './values.ts';

/** Finds the records that have the values which a cascade left: a page of their keys, in order, after `after`. */
export function createFindCascaded(
  client: MysqlClient,
  resource: Resource,
): (present: NonNullable<Cascade['present']>, after: Key | null, call: Call) => Promise<readonly Key[]> {
  const { table, keyColumns, bindKey } = createRecordTables(resource, '');
  const readKey = createRowReader({ ...resource, columns: resource.columns.slice(0, resource.keyLength) });
  const codec = createKeyCodec(resource);
  const binds = resource.columns.map(({ type }) => createKeyBind(type));
  const names = resource.columns.map(({ mysqlName }) => `t.${identifier(mysqlName)}`);
  const beyond = compareRows(keyColumns, '>');
  return async (present, after, call) => {
    const conditions = present.map(({ column }) => `${names[column]} <=> ?`);
    const values: MysqlParameter[] = present.map(({ column, value }) =>
      value === null ? null : (binds[column]?.(value) ?? null),
    );
    if (after !== null) {
      const bound = bindKey(after);
      conditions.push(beyond.sql);
      values.push(...beyond.values.map((i) => bound[i] ?? null));
    }
    const sql = `SELECT ${keyColumns.join(', ')} FROM ${table} t WHERE ${conditions.join(' AND ')}
      ORDER BY ${keyColumns.join(', ')} LIMIT ?`;
    const { rows } = await client.read(sql, [...values, integer(MAX_CASCADED_PAGE)], call);
    return rows.map((row) => codec.fromRow(readKey(row)));
  };
}
