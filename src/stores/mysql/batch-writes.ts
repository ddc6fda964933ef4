import type { Key } from '../../domain/key.ts';
import type { Row } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { atIndex, isRefused, type Judgement, judgeChange, withheldUnlessAll } from '../judge-change.ts';
import type { Change, Guard, Written } from '../record-store.ts';
import { isLockConflict, translateError } from './errors.ts';
import {
  compileKeyStatements,
  controlChanged,
  holds,
  inKeyOrder,
  type KeyStatements,
  type LockedKeys,
  lockKeys,
  readRows,
} from './locked-keys.ts';
import type { MysqlClient, MysqlSession } from './pool.ts';
import type { Prepared, RecordProcedures } from './record-procedures.ts';
import { padKeys } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';
import { type Made, makePart } from './record-writes.ts';

/**
 * Several changes as one transaction: (a) and (b) for all keys, which are locked from then on; a savepoint; what must be compared
 * first; then each change, as the write procedure makes it. One that is refused undoes the others up to the savepoint: the bumps
 * stay, because the answer tells something about the records (docs/protocol.md, section 4).
 *
 * A record that is not compared is not read first: on an absent one that would lock the gap that a create wants to fill, and two
 * creates next to each other would each wait for the other's.
 */
export function createWriteMany(
  client: MysqlClient,
  tables: RecordTables,
  procedures: RecordProcedures,
): (changes: readonly Change[], guard: Guard, call: Call) => Promise<readonly Written[]> {
  const statementsFor = compileKeyStatements(tables);
  return (changes, guard, call) => {
    const keys = inKeyOrder(changes.map(({ key }) => key));
    const statements = statementsFor(keys.length);
    return procedures.use(call, (prepared) =>
      client.transaction(call, (session) =>
        writeTogether(session, { tables, prepared, statementsFor, statements, changes, guard, keys }),
      ),
    );
  };
}

interface Together {
  readonly tables: RecordTables;
  readonly prepared: Prepared;
  readonly statementsFor: (count: number) => KeyStatements;
  /** For all keys. */
  readonly statements: KeyStatements;
  readonly changes: readonly Change[];
  readonly guard: Guard;
  /** Of the changes, in key order. */
  readonly keys: readonly Key[];
}

/** The first change that can't be made. */
interface Refusal {
  readonly index: number;
  readonly outcome: Judgement;
}

async function writeTogether(session: MysqlSession, together: Together): Promise<readonly Written[]> {
  const { tables, changes, guard } = together;
  const locked = await lockKeys(session, tables, together);
  const { control } = locked;
  const keys = changes.map(({ key }) => key);
  if (!holds(control, guard)) return controlChanged(keys, control);
  const versions = await level(session, together, locked);
  await session.mark();
  const made: Made[] = [];
  const refusal = (await compare(session, together)) ?? (await makeAll(session, together, made));
  const answer = (outcome: Written['outcome'], i: number, row: Row | null): Written => {
    const key = keys[i] as Key;
    return { outcome, stored: { key, row, version: versions.get(key.id) ?? 0n }, control };
  };
  if (refusal === null) return made.map(({ outcome, row }, i) => answer(outcome, i, row));
  await session.undo();
  const current = await currentRows(session, together);
  return outcomesOf(changes, current, refusal).map((outcome, i) => answer(outcome, i, current[i] ?? null));
}

/** One version for all: usually they have it already, as the clock is ahead of what is stored. */
async function level(
  session: MysqlSession,
  { statements, keys }: Together,
  { control, versions }: LockedKeys,
): Promise<ReadonlyMap<string, bigint>> {
  const highest = [...versions.values()].reduce((a, b) => (a > b ? a : b), 0n);
  // While detached nothing was bumped.
  if (control.state === 'detached' || [...versions.values()].every((version) => version === highest)) return versions;
  await session.execute(statements.level, [highest, ...padKeys(keys, statements.size).map(({ bytes }) => bytes)]);
  return new Map(keys.map(({ id }) => [id, highest]));
}

/** Looks at the records of the changes that depend on their content; null: none of these is refused. */
async function compare(session: MysqlSession, { tables, changes, statementsFor }: Together): Promise<Refusal | null> {
  const compared = changes.filter(({ accepts }) => accepts !== undefined);
  if (compared.length === 0) return null;
  const { rowsToChange: sql, size } = statementsFor(compared.length);
  const keys = inKeyOrder(compared.map(({ key }) => key));
  const rows = await readRows(session, tables, { keys, sql, size });
  for (const [index, change] of changes.entries()) {
    if (change.accepts === undefined) continue;
    const outcome = judgeChange(change, rows.get(change.key.id) ?? null);
    if (isRefused(change, outcome)) return { index, outcome };
  }
  return null;
}

/** Makes one change after the other, up to the first that is refused; `made` gets what they came to. */
async function makeAll(
  session: MysqlSession,
  { tables, prepared, changes, guard }: Together,
  made: Made[],
): Promise<Refusal | null> {
  for (const [index, change] of changes.entries()) {
    try {
      const part = await makePart(session, tables, prepared, { change, guard });
      if (isRefused(change, part.outcome)) return { index, outcome: part.outcome };
      made.push(part);
    } catch (error) {
      // The whole is begun again after a lock conflict.
      throw isLockConflict(error)
        ? error
        : atIndex(translateError(error, { role: 'authority', commits: false }), index);
    }
  }
  return null;
}

/** The records in the order of the changes, as they were before. */
async function currentRows(
  session: MysqlSession,
  { tables, statements, changes, keys }: Together,
): Promise<readonly (Row | null)[]> {
  const rows = await readRows(session, tables, { keys, sql: statements.rows, size: statements.size });
  return changes.map(({ key }) => rows.get(key.id) ?? null);
}

function outcomesOf(
  changes: readonly Change[],
  current: readonly (Row | null)[],
  refusal: Refusal,
): readonly Written['outcome'][] {
  return withheldUnlessAll(
    changes,
    changes.map((change, i) => (i === refusal.index ? refusal.outcome : judgeChange(change, current[i] ?? null))),
  );
}
