import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import type { Call } from '../call.ts';
import type { IdSequence } from '../id-sequence.ts';
import type { CassandraClient } from './client.ts';
import { createConditionalUpdates } from './conditional-update.ts';
import { unavailable } from './errors.ts';
import { DEFAULT_CONTROL_KEYSPACE, MAX_SEQUENCE_PAUSE_MS, MAX_SEQUENCE_TRIES } from './limits.ts';
import { quote } from './statements.ts';

/** What {@link createCassandraIdSequence} needs. */
export interface CassandraIdSequenceOptions {
  readonly client: CassandraClient;
  /** The keyspace of Crossfade's own tables. Default: `crossfade`. */
  readonly keyspace?: string;
  /** The resource's id. */
  readonly resource: string;
  /** For deadlines. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}

const ROLE = 'authority';

/**
 * The sequence of a resource, for which `setUpKeyspace` has made the table: one row, changed by lightweight transactions alone. It
 * knows nothing of the records' table, and begins with the first `raiseTo`.
 */
export function createCassandraIdSequence(options: CassandraIdSequenceOptions): IdSequence {
  const { client, resource, clock = systemClock, random = systemRandom } = options;
  const table = `${quote(options.keyspace ?? DEFAULT_CONTROL_KEYSPACE)}.crossfade_sequence`;
  const find = `SELECT next FROM ${table} WHERE resource = ?`;
  const replace = `UPDATE ${table} SET next = ? WHERE resource = ? IF next = ?`;
  const updates = createConditionalUpdates(client, ROLE, clock);

  const read = (call: Call): Promise<bigint | null> =>
    client.within(ROLE, call, async () => {
      const { rows } = await client.runSerial({ query: find, params: [resource] }, call.deadlineMs);
      const next = (rows[0]?.get('next') as bigint | null | undefined) ?? null;
      return next === null ? null : BigInt(next);
    });

  /**
   * Replaces what comes next, and resolves to what came next before; `change` answers null where there is nothing to do. One of
   * unknown outcome is begun again from the read: at the worst it is done twice, which leaves a gap.
   */
  const replaceBy = async (change: (next: bigint | null) => bigint | null, call: Call): Promise<bigint | null> => {
    for (let tries = 0; tries < MAX_SEQUENCE_TRIES; tries++) {
      const before = await read(call);
      const next = change(before);
      if (next === null) return before;
      const outcome = await updates.update([{ query: replace, params: [next, resource, before] }], call);
      if (outcome === 'applied') return before;
      await clock.sleep(random.uniform() * MAX_SEQUENCE_PAUSE_MS, call.signal).catch(() => {});
    }
    throw unavailable(
      ROLE,
      'the sequence of ids was changed by other instances, or answers were lost, each time; retry',
    );
  };

  return {
    take: (count, call) => replaceBy((next) => (next === null ? null : next + BigInt(count)), call),
    next: read,
    raiseTo: async (to, call) => {
      await replaceBy((next) => (next === null || next < to ? to : null), call);
    },
  };
}
