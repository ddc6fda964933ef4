import type { Clock, Random } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import type { LogEvent, LogStop } from '../change-log.ts';
import type { ControlRecord } from '../control-store.ts';

/** One committed transaction: its events by resource id, and its end. */
export interface MemoryTransaction {
  readonly events: ReadonlyMap<string, readonly LogEvent[]>;
  readonly committedAtMicros: bigint;
}

/**
 * What the ports of one in-memory authority share: time, the control records and the log. Every operation on it is one
 * synchronous step, so a transaction is atomic and the shared lock of a write needs no more than that.
 *
 * One port object serves any number of service instances; give each of them its own fault decorator.
 */
export class MemoryDatabase {
  readonly clock: Clock;
  readonly random: Random;
  readonly control = new Map<string, ControlRecord>();
  readonly #transactions: MemoryTransaction[] = [];
  /** How many transactions at the start of the log are gone. */
  #purged = 0;
  #grown = Promise.withResolvers<void>();

  constructor(time: { readonly clock: Clock; readonly random: Random }) {
    this.clock = time.clock;
    this.random = time.random;
  }

  /** Commits a transaction of one resource; without events it leaves no trace, as in a binary log. */
  commit(resource: string, events: readonly LogEvent[]): void {
    if (events.length === 0) return;
    this.#transactions.push({ events: new Map([[resource, events]]), committedAtMicros: this.clock.wallMicros() });
    const grown = this.#grown;
    this.#grown = Promise.withResolvers();
    grown.resolve();
  }

  /** How many transactions were ever committed: the log's position. */
  get position(): number {
    return this.#purged + this.#transactions.length;
  }

  /** The transaction that leads from position `at` to `at + 1`; null: not committed yet; 'purged': gone. */
  transaction(at: number): MemoryTransaction | null | 'purged' {
    if (at < this.#purged) return 'purged';
    return this.#transactions[at - this.#purged] ?? null;
  }

  /** Resolves with the next commit. */
  grown(): Promise<void> {
    return this.#grown.promise;
  }

  /** Drops everything before `position` from the log, as an expiring binary log does. */
  purgeLog(position: number): void {
    const drop = Math.min(position - this.#purged, this.#transactions.length);
    if (drop <= 0) return;
    this.#transactions.splice(0, drop);
    this.#purged += drop;
  }

  /** Puts something into the log of a resource that capture can't be carried on past: ALTER, TRUNCATE and the like. */
  stopLog(resource: string, reason: LogStop): void {
    this.commit(resource, [{ type: 'stopped', reason, message: 'stopped by the test' }]);
  }
}

/** Refuses a call that is cancelled or past its deadline. Throws `cancelled` or `deadline_exceeded`. */
export function checkCall(clock: Clock, call: Call): void {
  if (call.signal?.aborted) {
    throw new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'the caller cancelled' });
  }
  if (clock.monotonicMs() > call.deadlineMs) {
    throw new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the deadline passed' });
  }
}
