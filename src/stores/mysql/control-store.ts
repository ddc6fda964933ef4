import type { ControlRecord, ControlStore, FollowerState, Heartbeat, StoreName, Transition } from '../control-store.ts';
import { DEAD_HEARTBEAT_SECONDS, HEARTBEAT_WINDOW_SECONDS, MAX_REMOVED_HEARTBEATS, MAX_TRANSITIONS } from './limits.ts';
import { integer } from './link.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlPool, MysqlSession, MysqlValue } from './pool.ts';
import { NOW_MICROS } from './record-tables.ts';

/** Creates the control store on MySQL, for which `setUpSchema` has made the tables. */
export function createMysqlControlStore(options: {
  readonly pool: MysqlPool;
  /** The schema of Crossfade's own tables. Default: the pool's. */
  readonly controlSchema?: string;
}): ControlStore {
  const client = options.pool.client('authority');
  const schema = identifier(options.controlSchema ?? options.pool.controlSchema);
  return {
    ...createControlRecords(client, schema),
    ...createHeartbeats(client, schema),
    clock: async (call) => {
      const { rows } = await client.read(`SELECT ${NOW_MICROS}`, [], call);
      return BigInt(rows[0]?.[0] as number | string);
    },
  };
}

type ControlRecords = Pick<ControlStore, 'ensure' | 'poll' | 'compareAndSet' | 'transitions'>;

function createControlRecords(client: MysqlClient, schema: string): ControlRecords {
  const control = `${schema}.crossfade_control`;
  const columns = 'resource, epoch, authority, floor, attach, state, generation, copied_attach, attempt';
  const statements = {
    find: `SELECT ${columns} FROM ${control}`,
    create: `INSERT IGNORE INTO ${control} (${columns}) VALUES (?, 1, 'source', 0, 0, 'detached', 1, 0, NULL)`,
    lock: `SELECT generation, state FROM ${control} WHERE resource = ? FOR UPDATE`,
    update: `UPDATE ${control} SET epoch = ?, authority = ?, floor = ?, attach = ?, state = ?, generation = ?,
      copied_attach = ?, attempt = ? WHERE resource = ?`,
    append: `INSERT INTO ${schema}.crossfade_history
      (resource, generation, at_micros, from_state, to_state, epoch, authority, instance, reason)
      VALUES (?, ?, ${NOW_MICROS}, ?, ?, ?, ?, ?, ?)`,
    history: `SELECT resource, generation, at_micros, from_state, to_state, epoch, authority, instance, reason
      FROM ${schema}.crossfade_history WHERE resource = ? AND generation < ? ORDER BY generation DESC LIMIT ?`,
  };
  return {
    ensure: async (resources, call) => {
      const { rows } = await client.read(statements.find, [], call);
      const known = new Set(rows.map((row) => row[0]));
      // Only what is missing: an INSERT that is ignored still waits for the row's lock.
      for (const resource of resources)
        if (!known.has(resource)) await client.write(statements.create, [resource], call);
    },
    poll: async (call) => {
      const { rows } = await client.read(statements.find, [], call);
      return rows.map((row) => toControlRecord(row));
    },
    compareAndSet: (next, why, call) =>
      client.transaction(call, (session) => replaceRecord(session, statements, next, why)),
    transitions: async (resource, before, limit, call) => {
      const below = before ?? Number.MAX_SAFE_INTEGER;
      const rows = Math.min(limit, MAX_TRANSITIONS);
      const found = await client.read(statements.history, [resource, below, integer(rows)], call);
      return found.rows.map((row) => toTransition(row));
    },
  };
}

/**
 * The exclusive lock waits for every write that has taken its shared lock, and whoever comes later waits for it: so a
 * write is wholly before or wholly after a transition.
 */
async function replaceRecord(
  session: MysqlSession,
  statements: { readonly lock: string; readonly update: string; readonly append: string },
  next: ControlRecord,
  why: Parameters<ControlStore['compareAndSet']>[1],
): Promise<boolean> {
  const { rows } = await session.execute(statements.lock, [next.resource]);
  const [generation, state] = rows[0] ?? [];
  if (generation !== (why.replaces ?? next.generation - 1)) return false;
  await session.execute(statements.update, [
    next.epoch,
    next.authority,
    next.floor,
    next.attach,
    next.state,
    next.generation,
    next.copiedAttach,
    next.attempt,
    next.resource,
  ]);
  const { resource, generation: reached, epoch, authority } = next;
  const change = [String(state), next.state, epoch, authority];
  await session.execute(statements.append, [resource, reached, ...change, why.instance, why.reason]);
  return true;
}

function toControlRecord(row: readonly MysqlValue[]): ControlRecord {
  const [resource, epoch, authority, floor, attach, state, generation, copiedAttach, attempt] = row;
  return {
    resource: String(resource),
    epoch: Number(epoch),
    authority: authority as StoreName,
    floor: BigInt(floor as number | string),
    attach: Number(attach),
    state: state as FollowerState,
    generation: Number(generation),
    copiedAttach: Number(copiedAttach),
    attempt: attempt === null ? null : String(attempt),
  };
}

function toTransition(row: readonly MysqlValue[]): Transition {
  const [resource, generation, atMicros, fromState, toState, epoch, authority, instance, reason] = row;
  return {
    resource: String(resource),
    generation: Number(generation),
    atMicros: BigInt(atMicros as number | string),
    fromState: fromState as FollowerState,
    toState: toState as FollowerState,
    epoch: Number(epoch),
    authority: authority as StoreName,
    instance: String(instance),
    reason: String(reason),
  };
}

type Heartbeats = Pick<ControlStore, 'beat' | 'heartbeats' | 'declareDead' | 'removeHeartbeat'>;

function createHeartbeats(client: MysqlClient, schema: string): Heartbeats {
  const table = `${schema}.crossfade_heartbeat`;
  const statements = {
    beat: `UPDATE ${table} SET instance = ?, beat = ?, seen = ?, beat_at = SYSDATE(6) WHERE incarnation = ? AND NOT dead`,
    first: `INSERT IGNORE INTO ${table} (instance, beat, seen, incarnation, dead, beat_at)
      VALUES (?, ?, ?, ?, FALSE, SYSDATE(6))`,
    find: `SELECT incarnation, instance, beat, seen, dead FROM ${table}
      WHERE beat_at > SYSDATE(6) - INTERVAL ${HEARTBEAT_WINDOW_SECONDS} SECOND`,
    declareDead: `UPDATE ${table} SET dead = TRUE WHERE incarnation = ? AND beat = ?`,
    longDead: `SELECT incarnation FROM ${table}
      WHERE dead AND beat_at < SYSDATE(6) - INTERVAL ${DEAD_HEARTBEAT_SECONDS} SECOND LIMIT ${MAX_REMOVED_HEARTBEATS}`,
    remove: `DELETE FROM ${table} WHERE incarnation = ?`,
  };
  return {
    beat: async (heartbeat, call) => {
      const { incarnation, instance, beat } = heartbeat;
      const parameters = [instance, beat, JSON.stringify(heartbeat.seen), incarnation];
      const beaten = await client.write(statements.beat, parameters, call);
      if (beaten.affectedRows > 0) return true;
      // The first beat; or a row that was declared dead, which the INSERT leaves alone.
      const inserted = await client.write(statements.first, parameters, call);
      return inserted.affectedRows > 0;
    },
    heartbeats: async (call) => {
      const { rows } = await client.read(statements.find, [], call);
      return rows.map((row) => toHeartbeat(row));
    },
    declareDead: async (incarnation, beat, call) => {
      // Rows that were met count, so a row that is dead already at this beat is a yes.
      const declared = await client.write(statements.declareDead, [incarnation, beat], call);
      return declared.affectedRows > 0;
    },
    removeHeartbeat: async (incarnation, call) => {
      const longDead = await client.read(statements.longDead, [], call);
      // By primary key, one by one: a scan would lock the rows that others beat.
      for (const id of [incarnation, ...longDead.rows.map((row) => String(row[0]))]) {
        await client.write(statements.remove, [id], call);
      }
    },
  };
}

function toHeartbeat(row: readonly MysqlValue[]): Heartbeat {
  const [incarnation, instance, beat, seen, dead] = row;
  return {
    incarnation: String(incarnation),
    instance: String(instance),
    beat: BigInt(beat as number | string),
    seen: JSON.parse(String(seen)) as Record<string, number>,
    dead: Number(dead) !== 0,
  };
}
