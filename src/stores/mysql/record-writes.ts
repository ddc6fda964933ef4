import { DomainError } from '../../domain/errors.ts';
import type { Resource, Row, Value } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { FollowerState } from '../control-store.ts';
import type { Change, ControlView, Guard, Stored, Written } from '../record-store.ts';
import { describeColumns } from './describe-table.ts';
import { NO_SUCH_PROCEDURE, PROCEDURE_EXISTS } from './errors.ts';
import type { Deadline, MysqlClient, MysqlResult, MysqlSession } from './pool.ts';
import { noControlRecord } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';
import { IS_FENCE } from './source-fence.ts';
import { createWriteProcedure, outcomes, phases, type WriteProcedure } from './write-procedure.ts';

/** The writes of one resource through its procedure, which is looked for, and made if it is missing, once. */
export interface RecordWrites {
  /** Makes the procedure now, so that a table that can't be served is found at the start. */
  prepare(deadline: Deadline): Promise<void>;
  write(change: Change, guard: Guard, call: Call): Promise<Written>;
}

/** What writes need besides the statements' own text. */
interface Prepared {
  readonly procedure: WriteProcedure;
  /** Whether MySQL stores every column as it is written: no trigger, and no column that the server changes. */
  readonly storesAsWritten: boolean;
}

/** Creates the writes of one resource. */
export function createRecordWrites(client: MysqlClient, tables: RecordTables, controlSchema: string): RecordWrites {
  let prepared: Promise<Prepared> | null = null;
  const ready = (deadline: Deadline): Promise<Prepared> => {
    const attempt = prepared ?? prepareWrites(client, tables, controlSchema, deadline);
    prepared = attempt;
    // The next write tries again.
    attempt.catch(() => {
      if (prepared === attempt) prepared = null;
    });
    return attempt;
  };
  return {
    prepare: async (deadline) => {
      await ready(deadline);
    },
    write: async (change, guard, call) => {
      try {
        return await writeOnce(client, tables, await ready(call), { change, guard }, call);
      } catch (error) {
        if (!(error instanceof DomainError) || error.metadata.mysqlErrno !== String(NO_SUCH_PROCEDURE)) throw error;
        // Somebody tidied the schema up since.
        prepared = null;
        return await writeOnce(client, tables, await ready(call), { change, guard }, call);
      }
    },
  };
}

async function prepareWrites(
  client: MysqlClient,
  tables: RecordTables,
  controlSchema: string,
  deadline: Deadline,
): Promise<Prepared> {
  const { resource } = tables;
  const [columns, version, isTriggered] = await Promise.all([
    describeColumns(client, resource.mysql, deadline),
    client.read('SELECT @@version', [], deadline),
    mayTrigger(client, resource.mysql, deadline),
  ]);
  const isMariadb = /mariadb/i.test(String(version.rows[0]?.[0]));
  const procedure = createWriteProcedure(tables, controlSchema, { columns, isMariadb });
  const found = await client.read(ROUTINES_SQL, [controlSchema, procedure.name], deadline);
  if (found.rows.length === 0) await define(client, procedure, deadline);
  const storesAsWritten = !isTriggered && !resource.columns.some((column) => column.serverChanges);
  return { procedure, storesAsWritten };
}

/**
 * Whether a trigger may change what is written. No only if there is none but a fence's, and the user would see one: a user without the
 * TRIGGER privilege sees none. One who has it through a role is not recognised, which only costs a read.
 */
async function mayTrigger(
  client: MysqlClient,
  { schema, table }: Resource['mysql'],
  deadline: Deadline,
): Promise<boolean> {
  const user = await client.read('SELECT CURRENT_USER()', [], deadline);
  const name = String(user.rows[0]?.[0]);
  const at = name.lastIndexOf('@');
  const grantee = `'${name.slice(0, at)}'@'${name.slice(at + 1)}'`;
  const parameters = [schema, table, grantee, grantee, schema, grantee, schema, table];
  const { rows } = await client.read(TRIGGERS_SQL, parameters, deadline);
  const [triggers, privileges] = rows[0] ?? [];
  return Number(triggers) > 0 || Number(privileges) === 0;
}

const TRIGGERS_SQL = `SELECT
    (SELECT COUNT(*) FROM information_schema.TRIGGERS
      WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND ACTION_TIMING = 'BEFORE'
        AND NOT (${IS_FENCE})),
    (SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ?)
    + (SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES
      WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ? AND TABLE_SCHEMA = ?)
    + (SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES
      WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ? AND TABLE_SCHEMA = ? AND TABLE_NAME = ?)`;

const ROUTINES_SQL = `SELECT 1 FROM information_schema.ROUTINES
  WHERE ROUTINE_SCHEMA = ? AND ROUTINE_NAME = ? AND ROUTINE_TYPE = 'PROCEDURE'`;

async function define(client: MysqlClient, procedure: WriteProcedure, deadline: Deadline): Promise<void> {
  try {
    await client.define(procedure.definition, deadline);
  } catch (error) {
    // Another instance was quicker.
    if (error instanceof DomainError && error.metadata.mysqlErrno === String(PROCEDURE_EXISTS)) return;
    throw error;
  }
}

/** A change with what it expects. */
interface Request {
  readonly change: Change;
  readonly guard: Guard;
}

async function writeOnce(
  client: MysqlClient,
  tables: RecordTables,
  prepared: Prepared,
  { change, guard }: Request,
  call: Call,
): Promise<Written> {
  const { accepts } = change;
  if (accepts !== undefined && change.kind !== 'create' && change.kind !== 'touch') {
    return await client.session(call, (session) =>
      writeIfAccepted(session, tables, prepared, { change, guard, accepts }),
    );
  }
  const readBack = mustReadBack(tables.resource, prepared, change);
  const { procedure } = prepared;
  const parameters = procedure.parameters(change, { guard, phase: phases.whole, readBack });
  const answer = readAnswer(tables, await client.write(procedure.call, parameters, call));
  return toWritten(tables, change, answer, answer);
}

/** Two calls on one connection; between them the transaction is open, and the record locked. */
async function writeIfAccepted(
  session: MysqlSession,
  tables: RecordTables,
  prepared: Prepared,
  { change, guard, accepts }: Request & { readonly accepts: (current: Row) => boolean },
): Promise<Written> {
  const { procedure } = prepared;
  const opening = procedure.parameters(change, { guard, phase: phases.open, readBack: false });
  const opened = readAnswer(tables, await session.execute(procedure.call, opening));
  const control = controlOf(tables, opened);
  const stored: Stored = { key: change.key, row: opened.row, version: opened.version };
  if (opened.outcome === outcomes.controlChanged) return { outcome: 'control_changed', stored, control };
  const refused = judge(change, opened.row, accepts);
  if (refused !== null) {
    // The bump stays: the answer tells something about the record (docs/protocol.md, section 4).
    await session.commit('COMMIT', []);
    return { outcome: refused, stored, control };
  }
  const readBack = mustReadBack(tables.resource, prepared, change);
  const finishing = procedure.parameters(change, { guard, phase: phases.finish, readBack });
  const finished = readAnswer(tables, await session.commit(procedure.call, finishing));
  return toWritten(tables, change, finished, opened);
}

function judge(
  change: Change,
  current: Row | null,
  accepts: (current: Row) => boolean,
): 'not_found' | 'etag_mismatch' | null {
  if (current === null) return change.kind === 'upsert' ? null : 'not_found';
  return accepts(current) ? null : 'etag_mismatch';
}

function mustReadBack(resource: Resource, prepared: Prepared, change: Change): boolean {
  if (change.kind === 'delete') return false;
  if (change.kind === 'touch' || !prepared.storesAsWritten) return true;
  return change.columns.length < resource.columns.length - resource.keyLength;
}

/** What a CALL answered. */
interface Answer {
  readonly outcome: number;
  readonly version: bigint;
  /** Epoch, attach, state, floor, generation; empty from `finish`. */
  readonly control: readonly string[];
  /** Null: there is none, or it was not read. */
  readonly row: Row | null;
}

function readAnswer(tables: RecordTables, result: MysqlResult): Answer {
  const [values] = result.rows;
  const meta = values?.[0];
  if (values === undefined || typeof meta !== 'string') throw noControlRecord(tables.resource.id);
  const [outcome, version, ...control] = meta.split(' ');
  return {
    outcome: Number(outcome),
    version: BigInt(version ?? 0),
    control,
    row: values.length > 1 ? tables.readRow(values, 1) : null,
  };
}

function controlOf(tables: RecordTables, { control }: Answer): ControlView {
  const [epoch, attach, state, floor, generation] = control;
  if (generation === undefined || floor === undefined) throw noControlRecord(tables.resource.id);
  return {
    epoch: Number(epoch),
    attach: Number(attach),
    state: state as FollowerState,
    floor: BigInt(floor),
    generation: Number(generation),
  };
}

/** `locked`: the answer that holds the version and the control record. */
function toWritten(tables: RecordTables, change: Change, answer: Answer, locked: Answer): Written {
  const control = controlOf(tables, locked);
  const stored = (row: Row | null): Stored => ({ key: change.key, row, version: locked.version });
  switch (answer.outcome) {
    case outcomes.controlChanged:
      return { outcome: 'control_changed', stored: stored(null), control };
    case outcomes.notFound:
      return { outcome: 'not_found', stored: stored(null), control };
    case outcomes.alreadyExists:
      return { outcome: 'already_exists', stored: stored(answer.row), control };
    default:
      return { outcome: 'written', stored: stored(answer.row ?? rowAsWritten(change)), control };
  }
}

/** Where nothing was read back, every column was set and is stored as it was written. */
function rowAsWritten(change: Change): Row | null {
  if (change.row === null) return null;
  const row: Value[] = [...change.row];
  change.key.values.forEach((value, i) => {
    row[i] = value;
  });
  return row;
}
