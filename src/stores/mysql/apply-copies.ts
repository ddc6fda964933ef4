import type { Call } from '../call.ts';
import type { Copy } from '../record-store.ts';
import { APPLY_BATCH } from './limits.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlSession } from './pool.ts';
import type { RecordTables } from './record-tables.ts';
import type { Bind } from './values.ts';

/**
 * Applies copies as the follower: the side table is bumped only if the copy is newer, and only then the record is
 * changed, in one transaction. The same copies, in any order and number, leave the same records.
 */
export function createApply(
  client: MysqlClient,
  tables: RecordTables,
): (copies: readonly Copy[], call: Call) => Promise<void> {
  const statements = applyStatements(tables);
  return async (copies, call) => {
    // In key order, so that two batches of the same keys wait for each other instead of for ever.
    const newest = [...newestByKey(copies).values()];
    newest.sort((a, b) => Buffer.compare(a.key.bytes, b.key.bytes));
    for (let at = 0; at < newest.length; at += APPLY_BATCH) {
      const batch = newest.slice(at, at + APPLY_BATCH);
      await client.transaction(call, async (session) => {
        for (const copy of batch) await applyOne(session, tables, statements, copy);
      });
    }
  };
}

function newestByKey(copies: readonly Copy[]): Map<string, Copy> {
  const newest = new Map<string, Copy>();
  for (const copy of copies) {
    const other = newest.get(copy.key.id);
    if (other === undefined || other.version < copy.version) newest.set(copy.key.id, copy);
  }
  return newest;
}

interface ApplyStatements {
  readonly ensureVersion: string;
  readonly bumpIfNewer: string;
  readonly remove: string;
  readonly update: string;
  readonly insert: string;
}

function applyStatements(tables: RecordTables): ApplyStatements {
  const { resource } = tables;
  const isKey = tables.keyColumns.map((column) => `${column} = ?`).join(' AND ');
  const names = resource.columns.map((column) => identifier(column.mysqlName));
  // The key's columns too, so that a table of nothing but a key has something to set.
  const assignments = names.map((name) => `t.${name} = ?`).join(', ');
  return {
    ensureVersion: `INSERT IGNORE INTO ${tables.versions} (resource, \`key\`, version) VALUES (${tables.id}, ?, 0)`,
    bumpIfNewer: `UPDATE ${tables.versions} SET version = ? WHERE resource = ${tables.id} AND \`key\` = ? AND version < ?`,
    remove: tables.deleteWhere(() => '?'),
    update: `UPDATE ${tables.table} t SET ${assignments} WHERE ${isKey}`,
    insert: `INSERT INTO ${tables.table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  };
}

async function applyOne(
  session: MysqlSession,
  tables: RecordTables,
  statements: ApplyStatements,
  { key, row, version }: Copy,
): Promise<void> {
  await session.execute(statements.ensureVersion, [key.bytes]);
  const bumped = await session.execute(statements.bumpIfNewer, [version, key.bytes, version]);
  if (bumped.affectedRows === 0) return;
  if (row === null) {
    await session.execute(statements.remove, tables.bindKey(key));
    return;
  }
  const values = row.map((value, i) => (tables.binds[i] as Bind)(value));
  // Not INSERT … ON DUPLICATE KEY UPDATE: with another unique key it would change another record.
  const updated = await session.execute(statements.update, [...values, ...tables.bindKey(key)]);
  if (updated.affectedRows === 0) await session.execute(statements.insert, values);
}
