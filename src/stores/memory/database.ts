import type { Clock, Random } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import type { LogEvent, LogStop } from '../change-log.ts';
import type { ControlRecord } from '../control-store.ts';
import { Locks } from './locks.ts';

/** One committed transaction: its events by resource id, and its end. */
export interface MemoryTransaction {
  readonly events: ReadonlyMap<string, readonly LogEvent[]>;
  readonly committedAtMicros: bigint;
}

/** What a database in memory is made of. */
export interface MemoryDatabaseOptions {
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Waited for between the steps of a transaction, and between a commit's entry in the log and the moment in which others see
   * it: a capture may read of a change before a snapshot shows it. Default: transactions take no time.
   */
  readonly step?: () => Promise<void>;
}

/**
 * What the ports of one in-memory authority share: time, locks, the control records and the log.
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
  readonly locks: Locks;
  readonly #step: (() => Promise<void>) | undefined;
  /** The last commit's becoming visible: commits do so in the order of the log. */
  #shown: Promise<void> = Promise.resolve();
  #grown = Promise.withResolvers<void>();

  constructor(options: MemoryDatabaseOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.#step = options.step;
    this.locks = new Locks(options.clock);
  }

  /** What a transaction waits for between two of its steps. */
  async step(): Promise<void> {
    await this.#step?.();
  }

  /** Commits a transaction: its events are in the log at once, and a step later `show` makes its changes visible. */
  async commitThen(resource: string, events: readonly LogEvent[], show: () => void): Promise<void> {
    if (this.#step === undefined) {
      this.commit(resource, events);
      show();
      return;
    }
    const before = this.#shown;
    const shown = Promise.withResolvers<void>();
    this.#shown = shown.promise;
    this.commit(resource, events);
    await this.#step();
    await before;
    show();
    shown.resolve();
  }

  /** Puts a transaction of one resource into the log; without events it leaves no trace, as in a binary log. */
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
