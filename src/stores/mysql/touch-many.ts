import type { Key } from '../../domain/key.ts';
import type { Call } from '../call.ts';
import type { Guard, Written } from '../record-store.ts';
import { TOUCH_BATCH } from './limits.ts';
import {
  type Batch,
  compileKeyStatements,
  controlChanged,
  holds,
  inKeyOrder,
  lockKeys,
  readRows,
} from './locked-keys.ts';
import type { MysqlClient, MysqlSession } from './pool.ts';
import type { RecordTables } from './record-tables.ts';
import { readRequests } from './request-memory.ts';

/**
 * Touches of many keys: each transaction takes the shared lock on the control record, bumps all its keys with one
 * statement, and reads their records with one locking statement. A record is read after its bump, with a lock: what the
 * binary log shows may not be visible to an older snapshot yet.
 */
export function createTouchMany(
  client: MysqlClient,
  tables: RecordTables,
): (keys: readonly Key[], guard: Guard, call: Call) => Promise<readonly Written[]> {
  const statementsFor = compileKeyStatements(tables);
  return async (keys, guard, call) => {
    // In key order, so that two touches of the same keys wait for each other instead of for ever.
    const distinct = inKeyOrder([...new Map(keys.map((key) => [key.id, key])).values()]);
    const touched = new Map<string, Written>();
    for (let at = 0; at < distinct.length; at += TOUCH_BATCH) {
      const batch = distinct.slice(at, at + TOUCH_BATCH);
      const answers = await client.transaction(call, (session) =>
        touchBatch(session, tables, { statements: statementsFor(batch.length), guard, keys: batch }),
      );
      if (answers.some(({ outcome }) => outcome === 'control_changed')) {
        return keys.map((key) => ({ ...(answers[0] as Written), stored: { key, row: null, version: 0n } }));
      }
      for (const answer of answers) touched.set(answer.stored.key.id, answer);
    }
    return keys.map((key) => touched.get(key.id) as Written);
  };
}

async function touchBatch(session: MysqlSession, tables: RecordTables, batch: Batch): Promise<readonly Written[]> {
  const { guard, keys } = batch;
  const { control, versions } = await lockKeys(session, tables, batch);
  if (!holds(control, guard)) return controlChanged(keys, control);
  const rows = await readRows(session, tables, { keys, sql: batch.statements.rows, size: batch.statements.size });
  const requests = await readRequests(session, tables, { keys, size: batch.statements.size });
  return keys.map((key) => {
    const stored = { key, row: rows.get(key.id) ?? null, version: versions.get(key.id) ?? 0n };
    const remembered = requests.get(key.id);
    return { outcome: 'written', stored: remembered ? { ...stored, requests: remembered } : stored, control };
  });
}
