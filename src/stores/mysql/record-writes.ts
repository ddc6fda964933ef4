import type { Resource, Row, Value } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { FollowerState } from '../control-store.ts';
import type { Judgement } from '../judge-change.ts';
import type { Change, ControlView, Guard, Stored, Written } from '../record-store.ts';
import type { MysqlClient, MysqlResult, MysqlSession } from './pool.ts';
import type { Prepared, RecordProcedures } from './record-procedures.ts';
import { noControlRecord } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';
import { outcomes, phases, REQUESTS_MARK } from './write-procedure.ts';

/** Writes to one resource, each through its procedure. */
export function createWrite(
  client: MysqlClient,
  tables: RecordTables,
  procedures: RecordProcedures,
): (change: Change, guard: Guard, call: Call) => Promise<Written> {
  return (change, guard, call) =>
    procedures.use(call, (prepared) => writeOnce(client, tables, prepared, { change, guard }, call));
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
  const { write: procedure } = prepared;
  const parameters = procedure.parameters(change, { guard, phase: phases.whole, readBack });
  const answer = readAnswer(tables, await client.write(procedure.call, parameters, call));
  return toWritten(tables, change, answer, answer);
}

/** What one change of a batch came to. */
export interface Made {
  readonly outcome: Judgement;
  readonly row: Row | null;
}

/** Makes one change of a batch, whose transaction somebody else has begun and ends. */
export async function makePart(
  session: MysqlSession,
  tables: RecordTables,
  prepared: Prepared,
  { change, guard }: Request,
): Promise<Made> {
  const readBack = mustReadBack(tables.resource, prepared, change);
  const { write: procedure } = prepared;
  const parameters = procedure.parameters(change, { guard, phase: phases.part, readBack });
  const answer = readAnswer(tables, await session.execute(procedure.call, parameters));
  switch (answer.outcome) {
    case outcomes.notFound:
      return { outcome: 'not_found', row: null };
    case outcomes.alreadyExists:
      return { outcome: 'already_exists', row: answer.row };
    default:
      return { outcome: 'written', row: answer.row ?? rowAsWritten(change) };
  }
}

/** Two calls on one connection; between them the transaction is open, and the record locked. */
async function writeIfAccepted(
  session: MysqlSession,
  tables: RecordTables,
  prepared: Prepared,
  { change, guard, accepts }: Request & { readonly accepts: (current: Row) => boolean },
): Promise<Written> {
  const { write: procedure } = prepared;
  const opening = procedure.parameters(change, { guard, phase: phases.open, readBack: false });
  const opened = readAnswer(tables, await session.execute(procedure.call, opening));
  const control = controlOf(tables, opened);
  const { row, version, requests } = opened;
  const stored: Stored = { key: change.key, row, version, ...(requests && { requests }) };
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
  /** Epoch, attach, state, floor, generation; empty from `finish` and `part`. */
  readonly control: readonly string[];
  /** Null: there is none, or it was not read. */
  readonly row: Row | null;
  /** What the record remembers of requests, where it is absent. */
  readonly requests?: Buffer;
}

function readAnswer(tables: RecordTables, result: MysqlResult): Answer {
  const [values] = result.rows;
  const meta = values?.[0];
  if (values === undefined || typeof meta !== 'string') throw noControlRecord(tables.resource.id);
  const [outcome, version, ...rest] = meta.split(' ');
  const requests = rest.find((part) => part.startsWith(REQUESTS_MARK));
  const control = rest.filter((part) => part !== requests);
  return {
    ...(requests !== undefined && { requests: Buffer.from(requests.slice(REQUESTS_MARK.length), 'hex') }),
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
  const { requests } = answer;
  const stored = (row: Row | null): Stored => {
    return { key: change.key, row, version: locked.version, ...(requests && { requests }) };
  };
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
