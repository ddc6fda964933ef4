import type { Key } from '../../domain/key.ts';
import type { Row } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { atIndex, isRefused, type Judgement, judgeChange, judgeRequest, withheldUnlessAll } from '../judge-change.ts';
import type { Change, Guard, Written } from '../record-store.ts';
import { remember } from '../remembered-requests.ts';
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
import { readRequests, writeRequests } from './request-memory.ts';

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
  const { tables, changes, guard, statements } = together;
  const locked = await lockKeys(session, tables, { ...together, alwaysLocked: asksToRemember(changes) });
  const { control } = locked;
  const keys = changes.map(({ key }) => key);
  if (!holds(control, guard)) return controlChanged(keys, control);
  const versions = await level(session, together, locked);
  const requests = await readRequests(session, tables, { keys, size: statements.size });
  const answer = (outcome: Written['outcome'], i: number, row: Row | null, remembered?: Buffer): Written => {
    const key = keys[i] as Key;
    const known = remembered ?? requests.get(key.id);
    const stored = { key, row, version: versions.get(key.id) ?? 0n };
    return { outcome, stored: known === undefined ? stored : { ...stored, requests: known }, control };
  };
  await session.mark();
  const attempt: Attempt = { versions, requests, made: [] };
  const refusal = (await compare(session, together, attempt)) ?? (await makeAll(session, together, attempt));
  if (refusal === null) {
    return attempt.made.map(({ outcome, row, requests: after }, i) => answer(outcome, i, row, after));
  }
  await session.undo();
  const current = await currentRows(session, together);
  const outcomes = outcomesOf(changes, { current, attempt, refusal });
  return outcomes.map((outcome, i) => answer(outcome, i, current[i] ?? null));
}

/** What is known of a batch on its way. */
interface Attempt {
  readonly versions: ReadonlyMap<string, bigint>;
  /** What the records remember of requests; empty where they do not. */
  readonly requests: ReadonlyMap<string, Buffer>;
  /** What the changes came to, so far. */
  readonly made: (Made & { readonly requests?: Buffer })[];
}

function asksToRemember(changes: readonly Change[]): boolean {
  return changes.some(({ request }) => request !== undefined);
}

function judgeRemembered(change: Change, { versions, requests }: Attempt): ReturnType<typeof judgeRequest> {
  const { id } = change.key;
  return judgeRequest(change, requests.get(id), versions.get(id) ?? 0n);
}

/** One version for all: usually they have it already, as the clock is ahead of what is stored. */
async function level(
  session: MysqlSession,
  { statements, keys, changes }: Together,
  { control, versions }: LockedKeys,
): Promise<ReadonlyMap<string, bigint>> {
  const highest = [...versions.values()].reduce((a, b) => (a > b ? a : b), 0n);
  const isBumped = control.state !== 'detached' || asksToRemember(changes);
  if (!isBumped || [...versions.values()].every((version) => version === highest)) return versions;
  await session.execute(statements.level, [highest, ...padKeys(keys, statements.size).map(({ bytes }) => bytes)]);
  return new Map(keys.map(({ id }) => [id, highest]));
}

/** Looks at the records of the changes that depend on what is there; null: none of these is refused. */
async function compare(session: MysqlSession, together: Together, attempt: Attempt): Promise<Refusal | null> {
  const { tables, changes, statementsFor } = together;
  for (const [index, change] of changes.entries()) {
    if (judgeRemembered(change, attempt) === 'request_reused') return { index, outcome: 'request_reused' };
  }
  const compared = changes.filter((change) => change.accepts && judgeRemembered(change, attempt) === undefined);
  if (compared.length === 0) return null;
  const { rowsToChange: sql, size } = statementsFor(compared.length);
  const keys = inKeyOrder(compared.map(({ key }) => key));
  const rows = await readRows(session, tables, { keys, sql, size });
  for (const [index, change] of changes.entries()) {
    if (!compared.includes(change)) continue;
    const outcome = judgeChange(change, rows.get(change.key.id) ?? null);
    if (isRefused(change, outcome)) return { index, outcome };
  }
  return null;
}

/** Makes one change after the other, up to the first that is refused. */
async function makeAll(session: MysqlSession, together: Together, attempt: Attempt): Promise<Refusal | null> {
  for (const [index, change] of together.changes.entries()) {
    try {
      const made = await makeOne(session, together, attempt, change);
      if (isRefused(change, made.outcome)) return { index, outcome: made.outcome };
      attempt.made.push(made);
    } catch (error) {
      // The whole is begun again after a lock conflict.
      if (isLockConflict(error)) throw error;
      const translated = translateError(error, { role: 'authority', commits: false });
      throw together.changes.length === 1 ? translated : atIndex(translated, index);
    }
  }
  return null;
}

/** What a record remembers is written before its change, as whoever reads the log expects it; a refusal undoes both. */
async function makeOne(
  session: MysqlSession,
  { tables, prepared, guard, statementsFor }: Together,
  attempt: Attempt,
  change: Change,
): Promise<Attempt['made'][number]> {
  const { key } = change;
  if (judgeRemembered(change, attempt) === 'repeated') {
    const { rows: sql, size } = statementsFor(1);
    const rows = await readRows(session, tables, { keys: [key], sql, size });
    return { outcome: 'repeated', row: rows.get(key.id) ?? null };
  }
  const version = attempt.versions.get(key.id) ?? 0n;
  const requests = change.request && remember(attempt.requests.get(key.id), change.request, version);
  if (requests !== undefined) await writeRequests(session, tables, change, { version, requests });
  const made = await makePart(session, tables, prepared, { change, guard });
  return requests === undefined ? made : { ...made, requests };
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
  of: { readonly current: readonly (Row | null)[]; readonly attempt: Attempt; readonly refusal: Refusal },
): readonly Written['outcome'][] {
  const { current, attempt, refusal } = of;
  const outcomes = changes.map((change, i): Judgement => {
    if (i === refusal.index) return refusal.outcome;
    return judgeRemembered(change, attempt) ?? judgeChange(change, current[i] ?? null);
  });
  return withheldUnlessAll(changes, outcomes);
}
