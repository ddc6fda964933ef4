import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import type { Call } from '../call.ts';
import {
  type ControlRecord,
  type ControlStore,
  type FollowerState,
  firstControlRecord,
  type StoreName,
  type Transition,
} from '../control-store.ts';
import type { CassandraClient } from './client.ts';
import { readNow, readSlowestClock } from './clocks.ts';
import { type ConditionalUpdates, createConditionalUpdates } from './conditional-update.ts';
import { outcomeUnknown } from './errors.ts';
import { createHeartbeats } from './heartbeats.ts';
import { DEFAULT_CONTROL_KEYSPACE, DEFAULT_LOG_TTL_SECONDS, HEARTBEAT_LOG_TTLS, MAX_TRANSITIONS } from './limits.ts';
import { type DriverRow, quote } from './statements.ts';

/**
 * Creates the control store on Cassandra, for which `setUpKeyspace` has made the tables. Every change is a lightweight
 * transaction; one whose answer is lost is looked for, by an id of its own, in a read at SERIAL.
 */
export function createCassandraControlStore(options: {
  readonly client: CassandraClient;
  /** The keyspace of Crossfade's own tables. Default: `crossfade`. */
  readonly keyspace?: string;
  /** How long entries of the write-ahead log stay, in seconds; heartbeat rows stay longer. Default: 10 days. */
  readonly logTtlSeconds?: number;
  /** For deadlines. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}): ControlStore {
  const { client, clock = systemClock, random = systemRandom, logTtlSeconds = DEFAULT_LOG_TTL_SECONDS } = options;
  const keyspace = quote(options.keyspace ?? DEFAULT_CONTROL_KEYSPACE);
  const updates = createConditionalUpdates(client, ROLE, clock);
  return {
    ...createControlRecords({ client, updates, random, table: `${keyspace}.crossfade_control` }),
    ...createHeartbeats({
      client,
      updates,
      table: `${keyspace}.crossfade_heartbeat`,
      ttlSeconds: HEARTBEAT_LOG_TTLS * logTtlSeconds,
    }),
    clock: (call) => client.within(ROLE, call, () => readSlowestClock(client, ROLE, call.deadlineMs)),
  };
}

const ROLE = 'authority';

/** What the control records are made of. */
interface Engine {
  readonly client: CassandraClient;
  readonly updates: ConditionalUpdates;
  readonly random: Random;
  readonly table: string;
}

type Statements = ReturnType<typeof compile>;

/** The key of all rows is `(scope, kind, resource, generation)`; a record's own row has the generation 0. */
function compile(table: string) {
  const record = `scope = 'crossfade' AND kind = 'record'`;
  const columns = 'current, change_id, epoch, authority, floor, attach, state, copied_attach, attempt';
  const set = columns.split(', ').map((column) => `${column} = ?`);
  return {
    find: `SELECT resource, ${columns} FROM ${table} WHERE ${record}`,
    findOne: `SELECT resource, ${columns} FROM ${table} WHERE ${record} AND resource = ? AND generation = 0`,
    // Null: it is not there yet.
    replace: `UPDATE ${table} SET ${set.join(', ')} WHERE ${record} AND resource = ? AND generation = 0 IF current = ?`,
    append: `INSERT INTO ${table} (scope, kind, resource, generation, at_micros, from_state, state, epoch, authority, instance, reason, change_id)
      VALUES ('crossfade', 'transition', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    history: `SELECT generation, at_micros, from_state, state, epoch, authority, instance, reason, change_id FROM ${table}
      WHERE scope = 'crossfade' AND kind = 'transition' AND resource = ? AND generation < ? LIMIT ?`,
  };
}

type ControlRecords = Pick<ControlStore, 'ensure' | 'poll' | 'compareAndSet' | 'transitions'>;

function createControlRecords(engine: Engine): ControlRecords {
  const { client, updates, table } = engine;
  const statements = compile(table);
  const poll = async (deadlineMs: number): Promise<readonly ControlRecord[]> => {
    const { rows } = await client.runSerial({ query: statements.find, params: [] }, deadlineMs);
    return rows.map((row) => toControlRecord(row as DriverRow));
  };
  return {
    ensure: async (resources, call) => {
      const known = new Set((await client.within(ROLE, call, () => poll(call.deadlineMs))).map((one) => one.resource));
      for (const resource of resources) {
        if (known.has(resource)) continue;
        const params = [...bindRecord(firstControlRecord(resource), newId(engine.random)), resource, null];
        const outcome = await updates.update([{ query: statements.replace, params }], call);
        if (outcome !== 'unknown') continue;
        const found = await updates.resolve((deadlineMs) => findOne(engine, statements, resource, deadlineMs), call);
        if (found === null) throw outcomeUnknown('the answer was lost, and there is no control record yet');
      }
    },
    poll: (call) => client.within(ROLE, call, () => poll(call.deadlineMs)),
    compareAndSet: (next, why, call) => replaceRecord(engine, statements, { next, why }, call),
    transitions: (resource, before, limit, call) =>
      client.within(ROLE, call, async () => {
        const below = BigInt(before ?? Number.MAX_SAFE_INTEGER);
        const params = [resource, below, Math.min(limit, MAX_TRANSITIONS)];
        const { rows } = await client.run({ query: statements.history, params }, call.deadlineMs);
        return rows.map((row) => toTransition(resource, row as DriverRow));
      }),
  };
}

/** A change of the control record. */
interface Change {
  readonly next: ControlRecord;
  readonly why: Parameters<ControlStore['compareAndSet']>[1];
}

/** The record's own state is read first, for the history; the condition holds only if it is still the same. */
async function replaceRecord(engine: Engine, statements: Statements, change: Change, call: Call): Promise<boolean> {
  const { client, updates } = engine;
  const { next, why } = change;
  const { resource, generation, epoch, authority } = next;
  const replaces = why.replaces ?? generation - 1;
  const [current, nowMicros] = await client.within(ROLE, call, () =>
    Promise.all([findOne(engine, statements, resource, call.deadlineMs), readNow(client, call.deadlineMs)]),
  );
  if (current === null || current.record.generation !== replaces) return false;
  const id = newId(engine.random);
  const { instance, reason } = why;
  const outcome = await updates.update(
    [
      { query: statements.replace, params: [...bindRecord(next, id), resource, BigInt(replaces)] },
      {
        query: statements.append,
        params: [
          ...[resource, BigInt(generation), nowMicros, current.record.state, next.state, epoch, authority],
          ...[instance, reason, id],
        ],
      },
    ],
    call,
  );
  if (outcome !== 'unknown') return outcome === 'applied';
  return await findOut(engine, statements, { next, id, replaces }, call);
}

/**
 * What became of a change whose answer was lost. Every change that was applied left its id in the history at its
 * generation; one that was not can't be any more once the record has left the generation that it would have replaced.
 */
async function findOut(
  { client, updates }: Engine,
  statements: Statements,
  { next, id, replaces }: { readonly next: ControlRecord; readonly id: Buffer; readonly replaces: number },
  call: Call,
): Promise<boolean> {
  const { resource, generation } = next;
  try {
    const isOurs = await updates.resolve(async (deadlineMs) => {
      const current = await findOne({ client }, statements, resource, deadlineMs);
      if (current?.record.generation === replaces) return null;
      const params = [resource, BigInt(generation) + 1n, 1];
      const { rows } = await client.runSerial({ query: statements.history, params }, deadlineMs);
      return rows[0]?.get('generation') === BigInt(generation) && id.equals(rows[0].get('change_id') as Buffer);
    }, call);
    if (isOurs !== null) return isOurs;
  } catch (error) {
    throw outcomeUnknown('the answer was lost, and the control record could not be read', error);
  }
  throw outcomeUnknown('the answer was lost, and the control record is as it was');
}

async function findOne(
  { client }: Pick<Engine, 'client'>,
  statements: Statements,
  resource: string,
  deadlineMs: number,
): Promise<{ readonly record: ControlRecord } | null> {
  const { rows } = await client.runSerial({ query: statements.findOne, params: [resource] }, deadlineMs);
  return rows[0] === undefined ? null : { record: toControlRecord(rows[0] as DriverRow) };
}

/** Of a change: never made twice. */
function newId(random: Random): Buffer {
  return Buffer.from(random.id(), 'hex');
}

function bindRecord(record: ControlRecord, id: Buffer): unknown[] {
  const { epoch, authority, floor, attach, state, generation, copiedAttach, attempt } = record;
  return [BigInt(generation), id, epoch, authority, floor, attach, state, copiedAttach, attempt];
}

function toControlRecord(row: DriverRow): ControlRecord {
  return {
    resource: row.resource as string,
    epoch: row.epoch as number,
    authority: row.authority as StoreName,
    floor: BigInt(row.floor as bigint),
    attach: row.attach as number,
    state: row.state as FollowerState,
    generation: Number(row.current),
    copiedAttach: row.copied_attach as number,
    attempt: row.attempt as string | null,
  };
}

function toTransition(resource: string, row: DriverRow): Transition {
  return {
    resource,
    generation: Number(row.generation),
    atMicros: row.at_micros as bigint,
    fromState: row.from_state as FollowerState,
    toState: row.state as FollowerState,
    // Rows from before the history kept these are of the first epoch.
    epoch: (row.epoch as number | null) ?? 1,
    authority: (row.authority as StoreName | null) ?? 'source',
    instance: row.instance as string,
    reason: row.reason as string,
  };
}
