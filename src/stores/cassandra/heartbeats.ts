import type { Call } from '../call.ts';
import type { ControlStore, Heartbeat } from '../control-store.ts';
import type { Bound, CassandraClient } from './client.ts';
import type { ConditionalUpdates } from './conditional-update.ts';
import { outcomeUnknown } from './errors.ts';
import { HEARTBEAT_PAGE, MAX_REMEMBERED_INCARNATIONS } from './limits.ts';
import type { DriverRow } from './statements.ts';

/** What the heartbeats are made of. */
interface HeartbeatOptions {
  readonly client: CassandraClient;
  readonly updates: ConditionalUpdates;
  readonly table: string;
  /** How long a row stays after its last beat. */
  readonly ttlSeconds: number;
}

type Heartbeats = Pick<ControlStore, 'beat' | 'heartbeats' | 'declareDead' | 'removeHeartbeat'>;

const ROLE = 'authority';

/**
 * The heartbeat rows, written by lightweight transactions only. They are listed by a scan at QUORUM, which is as good as a
 * linearizable read here: a beat is answered when a quorum has it, and nothing that was not decided is ever visible. So a
 * row that is missing or behind belongs to an instance whose answer, and with it its next poll, is yet to come.
 */
export function createHeartbeats(options: HeartbeatOptions): Heartbeats {
  const { client, updates, table, ttlSeconds } = options;
  const columns = 'instance = ?, beat = ?, seen = ?, dead = false, log_closed_up_to = ?, source_seen = ?';
  const read = 'incarnation, instance, beat, seen, dead, log_closed_up_to, source_seen';
  const statements = {
    beat: `UPDATE ${table} USING TTL ? SET ${columns} WHERE incarnation = ? IF dead = false`,
    first: `UPDATE ${table} USING TTL ? SET ${columns} WHERE incarnation = ? IF dead = null`,
    scan: `SELECT ${read} FROM ${table}`,
    findOne: `SELECT ${read} FROM ${table} WHERE incarnation = ?`,
    declareDead: `UPDATE ${table} USING TTL ? SET dead = true WHERE incarnation = ? IF beat = ?`,
    remove: `DELETE FROM ${table} WHERE incarnation = ? IF EXISTS`,
  };
  const begun = new Remembered();
  const change = (statement: Bound, incarnation: string, judge: Judge, call: Call): Promise<boolean> =>
    settle({ client, updates }, { statement, find: { query: statements.findOne, params: [incarnation] }, judge }, call);
  return {
    beat: async (heartbeat, call) => {
      const { incarnation, instance, beat, seen, logClosedUpTo, sourceSeen = null } = heartbeat;
      const closed = logClosedUpTo === undefined ? null : BigInt(logClosedUpTo);
      const params = [ttlSeconds, instance, beat, JSON.stringify(seen), closed, sourceSeen, incarnation];
      const judge: Judge = (found) =>
        found?.beat === beat && !found.dead ? true : found?.dead === true ? false : null;
      // A row that this store has written and that is gone was removed after it was declared dead: it must not come back.
      const isFirst = !begun.has(incarnation);
      const made =
        (isFirst && (await change({ query: statements.first, params }, incarnation, judge, call))) ||
        (await change({ query: statements.beat, params }, incarnation, judge, call));
      if (made) begun.add(incarnation);
      return made;
    },
    heartbeats: (call) =>
      client.within(ROLE, call, async () => {
        const found: Heartbeat[] = [];
        let pageState: string | undefined;
        do {
          const page = { fetchSize: HEARTBEAT_PAGE, ...(pageState && { pageState }) };
          const result = await client.run({ query: statements.scan, params: [] }, call.deadlineMs, page);
          for (const row of result.rows) found.push(...toHeartbeat(row as DriverRow));
          pageState = result.pageState ?? undefined;
        } while (pageState !== undefined);
        return found;
      }),
    declareDead: (incarnation, beat, call) => {
      const judge: Judge = (found) => (found?.beat === beat ? (found.dead ? true : null) : false);
      const params = [ttlSeconds, incarnation, beat];
      return change({ query: statements.declareDead, params }, incarnation, judge, call);
    },
    removeHeartbeat: async (incarnation, call) => {
      const judge: Judge = (found) => (found === null ? true : null);
      await change({ query: statements.remove, params: [incarnation] }, incarnation, judge, call);
    },
  };
}

/** Says of a row, as it is, whether a change whose answer was lost has been made; null: it may yet be. */
type Judge = (found: Heartbeat | null) => boolean | null;

/** Sends a conditional change; true: it was made. Throws `unknown`/OUTCOME_UNKNOWN when it could not be found out. */
async function settle(
  { client, updates }: Pick<HeartbeatOptions, 'client' | 'updates'>,
  { statement, find, judge }: { readonly statement: Bound; readonly find: Bound; readonly judge: Judge },
  call: Call,
): Promise<boolean> {
  const outcome = await updates.update([statement], call);
  if (outcome !== 'unknown') return outcome === 'applied';
  let found: Heartbeat | null;
  try {
    found = await updates.resolve(async (deadlineMs) => {
      const { rows } = await client.runSerial(find, deadlineMs);
      return rows[0] === undefined ? null : (toHeartbeat(rows[0] as DriverRow)[0] ?? null);
    }, call);
  } catch (error) {
    throw outcomeUnknown('the answer was lost, and the heartbeat could not be read', error);
  }
  const made = judge(found);
  if (made === null) throw outcomeUnknown('the answer was lost, and the heartbeat is as it was');
  return made;
}

/** None of a row whose beat has expired: what is left of it was written by whoever declared it dead. */
function toHeartbeat(row: DriverRow): readonly Heartbeat[] {
  const { incarnation, instance, beat, seen, dead, log_closed_up_to: closed, source_seen: sourceSeen } = row;
  if (beat === null) return [];
  const heartbeat: Heartbeat = {
    incarnation: incarnation as string,
    instance: instance as string,
    beat: beat as bigint,
    seen: JSON.parse(seen as string) as Record<string, number>,
    dead: dead === true,
    ...(closed !== null && { logClosedUpTo: Number(closed) }),
    ...(sourceSeen !== null && { sourceSeen: sourceSeen as string }),
  };
  return [heartbeat];
}

/** The newest names of those that were added. */
class Remembered {
  readonly #names = new Set<string>();

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    this.#names.add(name);
    if (this.#names.size <= MAX_REMEMBERED_INCARNATIONS) return;
    for (const oldest of this.#names) {
      this.#names.delete(oldest);
      return;
    }
  }
}
