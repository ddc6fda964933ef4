import type { Key } from '../../domain/key.ts';
import type { Row } from '../../domain/resource.ts';
import type { FollowerState } from '../control-store.ts';
import type { ControlView, Guard, Written } from '../record-store.ts';
import { repeated, rowsIn } from './key-sql.ts';
import { TOUCH_BATCH } from './limits.ts';
import type { MysqlParameter, MysqlSession } from './pool.ts';
import { noControlRecord, padKeys, versionOf } from './record-reads.ts';
import { NOW_MICROS, type RecordTables } from './record-tables.ts';

/*
 * The beginning of a transaction over several keys, steps (a) and (b) of docs/protocol.md, section 1: the shared lock on the
 * control record, then the bumps of all keys in key order, which are their records' locks.
 */

/** The statements for so many keys. */
export interface KeyStatements {
  readonly size: number;
  readonly guard: string;
  readonly bump: string;
  readonly versions: string;
  /** Gives all keys one version. */
  readonly level: string;
  /** The records, read under a lock that only writers mind. */
  readonly rows: string;
  /** The same for records that are about to be changed. */
  readonly rowsToChange: string;
}

/** What a transaction is about. */
export interface Batch {
  readonly statements: KeyStatements;
  readonly guard: Guard;
  /** In key order, each once. */
  readonly keys: readonly Key[];
  /** Whether the keys are locked also while detached, where versions say nothing. Default false. */
  readonly alwaysLocked?: boolean;
}

/** Keys whose side rows are this transaction's own, unless the control record is not the one expected. */
export interface LockedKeys {
  readonly control: ControlView;
  /** By the keys' ids; empty if the control record is not the one expected. */
  readonly versions: ReadonlyMap<string, bigint>;
}

/** Statements of these sizes serve every batch. Full batches are the usual case. */
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, TOUCH_BATCH];

/** Compiles the statements; the answer has those for a number of keys. */
export function compileKeyStatements(tables: RecordTables): (count: number) => KeyStatements {
  const bySize = sizes.map((size) => statementsOf(tables, size));
  return (count) => {
    const found = bySize.find(({ size }) => size >= count);
    if (found === undefined) throw new RangeError(`at most ${TOUCH_BATCH} keys in one transaction`);
    return found;
  };
}

function statementsOf(tables: RecordTables, size: number): KeyStatements {
  const keys = `resource = ${tables.id} AND \`key\` IN (${repeated('?', size)})`;
  // Without the hint a small table would be scanned, and every row of it locked.
  const rows = `SELECT ${tables.columns} FROM ${tables.table} t FORCE INDEX (PRIMARY)
      WHERE ${rowsIn(tables.keyColumns, size)}`;
  return {
    size,
    guard: `SELECT epoch, attach, state, floor, generation, GREATEST(floor + 1, ${NOW_MICROS})
      FROM ${tables.control} WHERE resource = ${tables.id} LOCK IN SHARE MODE`,
    bump: `INSERT INTO ${tables.versions} (resource, \`key\`, version)
      VALUES ${repeated(`(${tables.id}, ?, ?)`, size)}
      ON DUPLICATE KEY UPDATE version = GREATEST(version + 1, VALUES(version))`,
    versions: `SELECT \`key\`, version FROM ${tables.versions} FORCE INDEX (PRIMARY) WHERE ${keys}`,
    level: `UPDATE ${tables.versions} SET version = ? WHERE ${keys}`,
    rows: `${rows} LOCK IN SHARE MODE`,
    rowsToChange: `${rows} FOR UPDATE`,
  };
}

/** Keys in their order, so that two transactions over the same keys wait for each other instead of for ever. */
export function inKeyOrder(keys: readonly Key[]): readonly Key[] {
  return [...keys].sort((a, b) => Buffer.compare(a.bytes, b.bytes));
}

/** Steps (a) and (b). Where the control record is not the one expected nothing is bumped. */
export async function lockKeys(session: MysqlSession, tables: RecordTables, batch: Batch): Promise<LockedKeys> {
  const { statements, guard, keys, alwaysLocked = false } = batch;
  const { rows: found } = await session.execute(statements.guard, []);
  const [epoch, attach, state, floor, generation, base] = found[0] ?? [];
  if (base === undefined) throw noControlRecord(tables.resource.id);
  const control: ControlView = {
    epoch: Number(epoch),
    attach: Number(attach),
    state: state as FollowerState,
    floor: versionOf(floor),
    generation: Number(generation),
  };
  if (!holds(control, guard)) return { control, versions: new Map() };
  // A key that only fills the statement up is bumped twice, which is as good as once.
  const keyBytes = padKeys(keys, statements.size).map((key) => key.bytes);
  if (control.state !== 'detached' || alwaysLocked) {
    const parameters = keyBytes.flatMap((bytes): MysqlParameter[] => [bytes, versionOf(base)]);
    await session.execute(statements.bump, parameters);
  }
  // The rows of the side table are this transaction's own by now.
  const { rows } = await session.execute(statements.versions, keyBytes);
  const versions = rows.map(([key, version]): [string, bigint] => [
    (key as Buffer).toString('latin1'),
    versionOf(version),
  ]);
  return { control, versions: new Map(versions) };
}

/** Whether the control record is the one that a write expects, and authority is not being handed over. */
export function holds(control: ControlView, guard: Guard): boolean {
  const isLeaving = control.state === 'handing_over' || control.state === 'moved';
  return control.epoch === guard.epoch && control.attach === guard.attach && !isLeaving;
}

/** The answers where it is not. */
export function controlChanged(keys: readonly Key[], control: ControlView): readonly Written[] {
  return keys.map((key) => ({ outcome: 'control_changed', stored: { key, row: null, version: 0n }, control }));
}

/** The records of keys that are locked, by the keys' ids. `sql`: one of the {@link KeyStatements} of this size. */
export async function readRows(
  session: MysqlSession,
  tables: RecordTables,
  { keys, sql, size }: { readonly keys: readonly Key[]; readonly sql: string; readonly size: number },
): Promise<ReadonlyMap<string, Row>> {
  const parameters = padKeys(keys, size).flatMap((key) => tables.bindKey(key));
  const { rows } = await session.execute(sql, parameters);
  return new Map(
    rows.map((values): [string, Row] => {
      const row = tables.readRow(values);
      return [tables.codec.fromRow(row).id, row];
    }),
  );
}
