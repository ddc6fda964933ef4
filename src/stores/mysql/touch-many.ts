import type { Key } from '../../domain/key.ts';
import type { Row } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { FollowerState } from '../control-store.ts';
import type { ControlView, Guard, Written } from '../record-store.ts';
import { repeated, rowsIn } from './key-sql.ts';
import { TOUCH_BATCH } from './limits.ts';
import type { MysqlClient, MysqlParameter, MysqlSession } from './pool.ts';
import { noControlRecord, padKeys, versionOf } from './record-reads.ts';
import { NOW_MICROS, type RecordTables } from './record-tables.ts';

/**
 * Touches of many keys: each transaction takes the shared lock on the control record, bumps all its keys with one
 * statement, and reads their records with one locking statement. A record is read after its bump, with a lock: what the
 * binary log shows may not be visible to an older snapshot yet.
 */
export function createTouchMany(
  client: MysqlClient,
  tables: RecordTables,
): (keys: readonly Key[], guard: Guard, call: Call) => Promise<readonly Written[]> {
  const guardSql = `SELECT epoch, attach, state, floor, generation, GREATEST(floor + 1, ${NOW_MICROS})
    FROM ${tables.control} WHERE resource = ${tables.id} LOCK IN SHARE MODE`;
  const bySize = sizes.map((size) => touchStatements(tables, size));
  return async (keys, guard, call) => {
    // In key order, so that two touches of the same keys wait for each other instead of for ever.
    const distinct = [...new Map(keys.map((key) => [key.id, key])).values()];
    distinct.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const touched = new Map<string, Written>();
    for (let at = 0; at < distinct.length; at += TOUCH_BATCH) {
      const batch = distinct.slice(at, at + TOUCH_BATCH);
      const statements = bySize[sizes.findIndex((size) => size >= batch.length)] as TouchStatements;
      const answers = await client.transaction(call, (session) =>
        touchBatch(session, tables, { guardSql, statements, guard, keys: batch }),
      );
      if (answers.some(({ outcome }) => outcome === 'control_changed')) {
        return keys.map((key) => ({ ...(answers[0] as Written), stored: { key, row: null, version: 0n } }));
      }
      for (const answer of answers) touched.set(answer.stored.key.id, answer);
    }
    return keys.map((key) => touched.get(key.id) as Written);
  };
}

/** Statements of these sizes serve every batch. Full batches are the usual case. */
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, TOUCH_BATCH];

interface TouchStatements {
  readonly size: number;
  readonly bump: string;
  readonly versions: string;
  readonly rows: string;
}

function touchStatements(tables: RecordTables, size: number): TouchStatements {
  const keys = `resource = ${tables.id} AND \`key\` IN (${repeated('?', size)})`;
  return {
    size,
    bump: `INSERT INTO ${tables.versions} (resource, \`key\`, version)
      VALUES ${repeated(`(${tables.id}, ?, ?)`, size)}
      ON DUPLICATE KEY UPDATE version = GREATEST(version + 1, VALUES(version))`,
    versions: `SELECT \`key\`, version FROM ${tables.versions} FORCE INDEX (PRIMARY) WHERE ${keys}`,
    // Without the hint a small table would be scanned, and every row of it locked.
    rows: `SELECT ${tables.columns} FROM ${tables.table} t FORCE INDEX (PRIMARY)
      WHERE ${rowsIn(tables.keyColumns, size)} LOCK IN SHARE MODE`,
  };
}

async function touchBatch(
  session: MysqlSession,
  tables: RecordTables,
  batch: {
    readonly guardSql: string;
    readonly statements: TouchStatements;
    readonly guard: Guard;
    readonly keys: readonly Key[];
  },
): Promise<readonly Written[]> {
  const { statements, guard, keys } = batch;
  const { rows: found } = await session.execute(batch.guardSql, []);
  const [epoch, attach, state, floor, generation, base] = found[0] ?? [];
  if (base === undefined) throw noControlRecord(tables.resource.id);
  const control: ControlView = {
    epoch: Number(epoch),
    attach: Number(attach),
    state: state as FollowerState,
    floor: versionOf(floor),
    generation: Number(generation),
  };
  if (!holds(control, guard)) {
    return keys.map((key) => ({ outcome: 'control_changed', stored: { key, row: null, version: 0n }, control }));
  }
  // A key that only fills the statement up is bumped twice, which is as good as once.
  const padded = padKeys(keys, statements.size);
  const keyBytes = padded.map((key) => key.bytes);
  if (control.state !== 'detached') {
    const parameters = keyBytes.flatMap((bytes): MysqlParameter[] => [bytes, versionOf(base)]);
    await session.execute(statements.bump, parameters);
  }
  // The rows of the side table are this transaction's own by now.
  const versions = await session.execute(statements.versions, keyBytes);
  const records = await session.execute(
    statements.rows,
    padded.flatMap((key) => tables.bindKey(key)),
  );
  const versionById = new Map(
    versions.rows.map(([key, version]) => [(key as Buffer).toString('latin1'), versionOf(version)]),
  );
  const rowById = new Map<string, Row>();
  for (const values of records.rows) {
    const row = tables.readRow(values);
    rowById.set(tables.codec.fromRow(row).id, row);
  }
  return keys.map((key) => ({
    outcome: 'written',
    stored: { key, row: rowById.get(key.id) ?? null, version: versionById.get(key.id) ?? 0n },
    control,
  }));
}

function holds(control: ControlView, guard: Guard): boolean {
  const isLeaving = control.state === 'handing_over' || control.state === 'moved';
  return control.epoch === guard.epoch && control.attach === guard.attach && !isLeaving;
}
