import type { Key } from '../../domain/key.ts';
import type { Change } from '../record-store.ts';
import { NO_REQUESTS } from '../remembered-requests.ts';
import { repeated } from './key-sql.ts';
import type { MysqlSession } from './pool.ts';
import { padKeys } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';

/** Reads what records remember of requests, whose side rows are locked; by the keys' ids. Nothing of resources whose records do not. */
export async function readRequests(
  session: MysqlSession,
  tables: RecordTables,
  { keys, size }: { readonly keys: readonly Key[]; readonly size: number },
): Promise<ReadonlyMap<string, Buffer>> {
  if (!tables.resource.remembersRequests || keys.length === 0) return new Map();
  const sql = `SELECT \`key\`, requests FROM ${tables.requests} FORCE INDEX (PRIMARY)
    WHERE resource = ${tables.id} AND \`key\` IN (${repeated('?', size)})`;
  const { rows } = await session.execute(
    sql,
    padKeys(keys, size).map(({ bytes }) => bytes),
  );
  const found = new Map(rows.map(([key, requests]) => [(key as Buffer).toString('latin1'), requests as Buffer]));
  return new Map(keys.map(({ id }) => [id, found.get(id) ?? NO_REQUESTS]));
}

/** Sets what a record remembers, whose side row is locked. */
export async function writeRequests(
  session: MysqlSession,
  tables: RecordTables,
  { key }: Pick<Change, 'key'>,
  { version, requests }: { readonly version: bigint; readonly requests: Buffer },
): Promise<void> {
  await session.execute(rememberSql(tables, ['?', '?', '?']), [key.bytes, version, requests]);
}

/** Sets what a record remembers, newer wins. The values are SQL: key, version, requests. */
export function rememberSql(tables: RecordTables, [key, version, requests]: readonly [string, string, string]): string {
  // Assignments see those before them, so the version, with which they compare, comes last.
  return `INSERT INTO ${tables.requests} (resource, \`key\`, version, requests)
    VALUES (${tables.id}, ${key}, ${version}, ${requests})
    ON DUPLICATE KEY UPDATE requests = IF(VALUES(version) >= version, VALUES(requests), requests),
      version = GREATEST(version, VALUES(version))`;
}

/** Drops what records remember from before a version. */
export function forgetSql(tables: RecordTables, count: number): string {
  return `DELETE FROM ${tables.requests}
    WHERE resource = ${tables.id} AND \`key\` IN (${repeated('?', count)}) AND version < ?`;
}
