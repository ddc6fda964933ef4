import type { Call } from '../call.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import { otherAttach } from '../other-attach.ts';
import type { Copy, FollowerGuard } from '../record-store.ts';
import { applied } from './apply-procedure.ts';
import { repeated, rowsIn } from './key-sql.ts';
import { APPLY_BATCH, MAX_PARAMETERS, REPLACING_AT_ONCE } from './limits.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlParameter, MysqlSession } from './pool.ts';
import type { RecordProcedures } from './record-procedures.ts';
import { versionOf } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';
import { forgetSql, writeRequests } from './request-memory.ts';
import type { Bind } from './values.ts';

/**
 * Applies copies as the follower: the side table is bumped only if the copy is newer, and only then the record is
 * changed, in one transaction. The same copies, in any order and number, leave the same records.
 *
 * A batch takes its locks in the side table, in key order, before it looks at anything: so two batches of the same keys
 * wait for each other instead of for ever, and what a batch has looked at stays as it is.
 *
 * One copy alone, as each request has, is one CALL. So is each copy of a batch that replaces a record: no statement updates
 * several rows to different values, and one transaction for them would hold its locks for as many round trips.
 *
 * With a guard, each transaction begins with the shared lock on the control record, as every write does: a copy that is
 * late by an attach or an epoch leaves no trace. The state says nothing here: the source's own record says `moved` while
 * it is the follower.
 */
export function createApply(
  client: MysqlClient,
  tables: RecordTables,
  procedures: RecordProcedures,
): (copies: readonly Copy[], call: Call, guard?: FollowerGuard) => Promise<void> {
  const statements = createStatements(tables);
  const applyOne = ({ copy, guard }: GuardedCopy, call: Call): Promise<void> =>
    procedures.use(call, async ({ apply }) => {
      const { rows } = await client.write(apply.call, apply.parameters(copy, guard), call);
      if (Number(rows[0]?.[0]) !== applied.done) throw otherAttach(tables.resource.id);
    });
  return async (copies, call, guard) => {
    const [only] = copies;
    if (only !== undefined && copies.length === 1) return applyOne({ copy: only, guard }, call);
    const newest = [...newestByKey(copies).values()];
    newest.sort((a, b) => Buffer.compare(a.key.bytes, b.key.bytes));
    for (let at = 0; at < newest.length; at += APPLY_BATCH) {
      const batch = newest.slice(at, at + APPLY_BATCH);
      const replacing = await client.transaction(call, async (session) => {
        if (guard !== undefined) await checkGuard(session, tables, statements, guard);
        return await applyBatch(session, tables, statements, batch);
      });
      await forEachBounded(replacing, REPLACING_AT_ONCE, (copy) => applyOne({ copy, guard }, call));
    }
  };
}

interface GuardedCopy {
  readonly copy: Copy;
  readonly guard: FollowerGuard | undefined;
}

function newestByKey(copies: readonly Copy[]): Map<string, Copy> {
  const newest = new Map<string, Copy>();
  for (const copy of copies) {
    const other = newest.get(copy.key.id);
    if (other === undefined || other.version < copy.version) newest.set(copy.key.id, copy);
  }
  return newest;
}

/** The statements that a batch is made of, for so many keys or rows. */
interface Statements {
  readonly guard: string;
  lock(count: number): string;
  versions(count: number): string;
  bump(count: number): string;
  existing(count: number): string;
  remove(count: number): string;
  insert(count: number): string;
  /** The most rows of one INSERT. */
  readonly maxRows: number;
}

function createStatements(tables: RecordTables): Statements {
  const { control, versions, id, table, keyColumns, resource } = tables;
  const names = resource.columns.map((column) => identifier(column.mysqlName));
  const row = `(${repeated('?', names.length)})`;
  const unaliased = resource.columns.slice(0, resource.keyLength).map((column) => identifier(column.mysqlName));
  const name = identifier(resource.mysql.table);
  const exactlyIn = (count: number): string =>
    tables.isLoose ? ` AND ${tables.keyBytes(name)} IN (${repeated('?', count)})` : '';
  return {
    guard: `SELECT epoch, attach FROM ${control} WHERE resource = ${id} LOCK IN SHARE MODE`,
    // Not INSERT IGNORE, whose shared lock two batches would take together and then both want for themselves.
    lock: (count) => `INSERT INTO ${versions} (resource, \`key\`, version) VALUES ${repeated(`(${id}, ?, 0)`, count)}
      ON DUPLICATE KEY UPDATE version = version`,
    versions: (count) => `SELECT \`key\`, version FROM ${versions} FORCE INDEX (PRIMARY)
      WHERE resource = ${id} AND \`key\` IN (${repeated('?', count)}) FOR UPDATE`,
    bump: (count) => `INSERT INTO ${versions} (resource, \`key\`, version) VALUES ${repeated(`(${id}, ?, ?)`, count)}
      ON DUPLICATE KEY UPDATE version = VALUES(version)`,
    existing: (count) => `SELECT ${keyColumns.join(', ')} FROM ${table} t FORCE INDEX (PRIMARY)
      WHERE ${rowsIn(keyColumns, count)}`,
    remove: (count) => `DELETE FROM ${table} WHERE ${rowsIn(unaliased, count)}${exactlyIn(count)}`,
    insert: (count) => `INSERT INTO ${table} (${names.join(', ')}) VALUES ${repeated(row, count)}`,
    maxRows: Math.max(1, Math.floor(MAX_PARAMETERS / names.length)),
  };
}

/** Throws `failed_precondition`/MIGRATION_STATE, which rolls the transaction back, unless the copies are of this attach. */
async function checkGuard(
  session: MysqlSession,
  { resource }: RecordTables,
  statements: Statements,
  guard: FollowerGuard,
): Promise<void> {
  const { rows } = await session.execute(statements.guard, []);
  const [epoch, attach] = rows[0] ?? [];
  if (Number(epoch) === guard.epoch && Number(attach) === guard.attach) return;
  throw otherAttach(resource.id);
}

/** Applies what several rows of one statement can, and returns the copies that must go alone: they replace a record, or remember requests. */
async function applyBatch(
  session: MysqlSession,
  tables: RecordTables,
  statements: Statements,
  batch: readonly Copy[],
): Promise<readonly Copy[]> {
  // What remembers requests is rare, and goes alone; what says that there are none goes together, and so does what may be in
  // each other's way.
  const remembering = keepsUnique(tables) ? [] : batch.filter(hasRequests);
  const plain = batch.filter((copy) => !remembering.includes(copy));
  const newer = await lockNewer(session, statements, plain);
  await forget(session, tables, plain);
  await rememberAll(session, tables, plain.filter(hasRequests));
  if (newer.length === 0) return remembering;
  const existing = await findExisting(session, tables, statements, newer);
  // Where values are unique all records give theirs up before any takes another's: those that swap them come together.
  const isReplacing = ({ key, row }: Copy): boolean => !keepsUnique(tables) && row !== null && existing.has(key.id);
  const bumps = (copies: readonly Copy[]): MysqlParameter[] => copies.flatMap((copy) => [copy.key.bytes, copy.version]);
  const bumped = newer.filter((copy) => !isReplacing(copy));
  await inPieces(bumped, (piece) => session.execute(statements.bump(piece.length), bumps(piece)));
  const gone = newer.filter((copy) => existing.has(copy.key.id) && !isReplacing(copy));
  const keys = (copies: readonly Copy[]): MysqlParameter[] => [
    ...copies.flatMap(({ key }) => tables.bindKey(key)),
    ...(tables.isLoose ? copies.map(({ key }) => key.bytes) : []),
  ];
  await inPieces(gone, (piece) => session.execute(statements.remove(piece.length), keys(piece)));
  const fresh = newer.filter((copy) => copy.row !== null && !isReplacing(copy));
  const rows = (copies: readonly Copy[]): MysqlParameter[] => copies.flatMap((copy) => bindRow(tables, copy));
  await inPieces(fresh, (piece) => session.execute(statements.insert(piece.length), rows(piece)), statements.maxRows);
  // Not INSERT … ON DUPLICATE KEY UPDATE: with another unique key it would change another record.
  return [...newer.filter(isReplacing), ...remembering];
}

function hasRequests({ requests }: Copy): boolean {
  return requests !== undefined && requests.length > 0;
}

async function rememberAll(session: MysqlSession, tables: RecordTables, copies: readonly Copy[]): Promise<void> {
  if (!tables.resource.remembersRequests) return;
  for (const { key, version, requests } of copies) {
    if (requests !== undefined) await writeRequests(session, tables, { key }, { version, requests });
  }
}

/** Drops what records remember that are copied as remembering nothing. */
async function forget(session: MysqlSession, tables: RecordTables, copies: readonly Copy[]): Promise<void> {
  const told = copies.filter(({ requests }) => requests?.length === 0);
  if (told.length === 0 || !tables.resource.remembersRequests) return;
  // Copies of a walk have the floor at least, and that is what must not outlive it.
  const before = told.reduce((least, { version }) => (version < least ? version : least), told[0]?.version ?? 0n);
  await inPieces(told, (piece) =>
    session.execute(forgetSql(tables, piece.length), [...piece.map(({ key }) => key.bytes), before]),
  );
}

function keepsUnique({ resource }: RecordTables): boolean {
  return (resource.indexes ?? []).some((index) => index.unique);
}

/** Locks the side rows of a batch, making those that are missing, and returns the copies that are newer. */
async function lockNewer(
  session: MysqlSession,
  statements: Statements,
  batch: readonly Copy[],
): Promise<readonly Copy[]> {
  const stored = new Map<string, bigint>();
  await inPieces(batch, async (piece) => {
    const keys = piece.map((copy) => copy.key.bytes);
    await session.execute(statements.lock(piece.length), keys);
    const { rows } = await session.execute(statements.versions(piece.length), keys);
    for (const [key, version] of rows) stored.set((key as Buffer).toString('latin1'), versionOf(version));
  });
  return batch.filter((copy) => copy.version > (stored.get(copy.key.id) ?? 0n));
}

async function findExisting(
  session: MysqlSession,
  tables: RecordTables,
  statements: Statements,
  copies: readonly Copy[],
): Promise<ReadonlySet<string>> {
  const existing = new Set<string>();
  await inPieces(copies, async (piece) => {
    const parameters = piece.flatMap(({ key }) => tables.bindKey(key));
    const { rows } = await session.execute(statements.existing(piece.length), parameters);
    for (const row of rows) existing.add(tables.codec.fromRow(tables.readRow(row)).id);
  });
  return existing;
}

function bindRow(tables: RecordTables, copy: Copy): MysqlParameter[] {
  return (copy.row ?? []).map((value, i) => (tables.binds[i] as Bind)(value));
}

/** Statements of these sizes are prepared; a batch is cut into them, largest first. */
const sizes = [APPLY_BATCH, 64, 16, 4, 1];

async function inPieces(
  copies: readonly Copy[],
  work: (piece: readonly Copy[]) => Promise<unknown>,
  maxRows = APPLY_BATCH,
): Promise<void> {
  let at = 0;
  for (const size of sizes) {
    if (size > maxRows) continue;
    for (; copies.length - at >= size; at += size) await work(copies.slice(at, at + size));
  }
}
