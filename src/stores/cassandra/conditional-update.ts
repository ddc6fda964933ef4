import type { Clock } from '../../domain/clock.ts';
import type { Call } from '../call.ts';
import type { UpdateOutcome } from '../conditional-writes.ts';
import type { Bound, CassandraClient } from './client.ts';
import { mayHaveApplied, type Role } from './errors.ts';
import { OUTCOME_PAUSE_MS, OUTCOME_READS, OUTCOME_RESERVE_MS } from './limits.ts';

/** Lightweight transactions of one role, with the time that a call leaves for each part. */
export interface ConditionalUpdates {
  /**
   * Sends one conditional statement, or a batch of one partition, once. Throws only when it is certain that nothing was
   * applied: `unavailable`, `deadline_exceeded`, `cancelled`, `failed_precondition`.
   */
  update(statements: readonly Bound[], call: Call): Promise<UpdateOutcome>;
  /**
   * Reads at SERIAL what became of an update of unknown outcome, in several tries within the call's deadline, as the link may have
   * to come back first. Throws what the last try threw.
   */
  resolve<Seen>(read: (deadlineMs: number) => Promise<Seen>, call: Call): Promise<Seen>;
}

/** Creates the lightweight transactions of one role. */
export function createConditionalUpdates(client: CassandraClient, role: Role, clock: Clock): ConditionalUpdates {
  return {
    update: async (statements, call) => {
      const left = call.deadlineMs - clock.monotonicMs();
      const deadlineMs = call.deadlineMs - Math.min(OUTCOME_RESERVE_MS, Math.max(0, left / 2));
      let sent = false;
      try {
        const applied = await client.within(role, { ...call, deadlineMs }, () => {
          sent = true;
          return client.compareAndSet(statements, deadlineMs);
        });
        return applied ? 'applied' : 'not_applied';
      } catch (error) {
        if (sent && mayHaveApplied(error)) return 'unknown';
        throw error;
      }
    },
    resolve: async (read, call) => {
      for (let tries = 1; ; tries++) {
        try {
          return await client.within(role, call, () => read(call.deadlineMs));
        } catch (error) {
          const late = clock.monotonicMs() + OUTCOME_PAUSE_MS >= call.deadlineMs || call.signal?.aborted;
          if (late || tries >= OUTCOME_READS) throw error;
          await clock.sleep(OUTCOME_PAUSE_MS);
        }
      }
    },
  };
}
