import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import { isTransient } from './backoff.ts';

/** What barriers need. */
export interface BarriersOptions {
  readonly changeLog: Pick<ChangeLog, 'requestBarrier' | 'isBarrierMet'>;
  readonly clock: Clock;
}

/** How often a barrier that was requested is asked for, in milliseconds. */
const POLL_MS = 25;
/** After how long an unmet barrier is requested once more (capture may have died between acknowledging and telling); doubles each time. */
const REPEAT_MS = 5000;
/** How long one call of the log may take. */
const CALL_MS = 5000;
/** The most barriers under way at once: more waiters share the next one. */
const MAX_UNDER_WAY = 4;

interface Group {
  /** Waiters that are still there. */
  waiting: number;
  /** The barriers requested for it: any of them will do. */
  readonly ids: string[];
  readonly met: PromiseWithResolvers<void>;
  /** Wakes the poll. */
  readonly woken: AbortController;
}

/**
 * Waits for barriers (docs/protocol.md, section 2): everything committed before {@link Barriers.pass} was called has reached the
 * follower when it resolves. Waiters that come together share a barrier that is requested after all of them began.
 */
export class Barriers {
  readonly #options: BarriersOptions;
  readonly #requested = new Set<Group>();
  #forming: Group | null = null;
  #underWay = 0;

  constructor(options: BarriersOptions) {
    this.#options = options;
  }

  /** Throws `deadline_exceeded`, `cancelled`, or what the log throws when no barrier can ever be requested. */
  async pass(call: Call): Promise<void> {
    const group = this.#join();
    const { clock } = this.#options;
    const ended = new AbortController();
    const signal = call.signal === undefined ? ended.signal : AbortSignal.any([call.signal, ended.signal]);
    const late = clock.sleep(Math.max(0, call.deadlineMs - clock.monotonicMs()), signal).then(
      () => Promise.reject(tooLate()),
      () => Promise.reject(cancelled()),
    );
    late.catch(() => {});
    try {
      await Promise.race([group.met.promise, late]);
    } finally {
      ended.abort();
      group.waiting -= 1;
      if (group.waiting === 0 && group !== this.#forming) group.woken.abort();
    }
  }

  /** The fast path of the process that captures: these barriers are met. */
  noteMet(ids: readonly string[]): void {
    for (const group of this.#requested) {
      if (group.ids.some((id) => ids.includes(id))) this.#settle(group);
    }
  }

  #join(): Group {
    const group = this.#forming ?? { waiting: 0, ids: [], met: Promise.withResolvers(), woken: new AbortController() };
    group.waiting += 1;
    this.#forming = group;
    // Requested on a later turn, so that all who begin on this one are in it.
    if (group.waiting === 1) queueMicrotask(() => this.#begin());
    return group;
  }

  #begin(): void {
    const group = this.#forming;
    if (group === null || this.#underWay >= MAX_UNDER_WAY) return;
    this.#forming = null;
    this.#underWay += 1;
    this.#requested.add(group);
    group.met.promise.catch(() => {});
    void this.#follow(group)
      .catch((error: unknown) => group.met.reject(error))
      .finally(() => {
        this.#requested.delete(group);
        this.#underWay -= 1;
        this.#begin();
      });
  }

  #settle(group: Group): void {
    group.met.resolve();
    group.woken.abort();
  }

  async #follow(group: Group): Promise<void> {
    const { clock } = this.#options;
    const signal = group.woken.signal;
    let repeatMs = REPEAT_MS;
    let repeatAtMs = clock.monotonicMs();
    // Bounded by the waiters' deadlines: the last one to go wakes the poll for good.
    while (group.waiting > 0 && !signal.aborted) {
      if (clock.monotonicMs() >= repeatAtMs) {
        const id = await this.#request();
        if (id !== null) {
          group.ids.push(id);
          repeatAtMs = clock.monotonicMs() + repeatMs;
          repeatMs *= 2;
        }
      }
      await clock.sleep(POLL_MS, signal).catch(() => {});
      if (!signal.aborted && (await this.#isMet(group))) this.#settle(group);
    }
  }

  /** Null: the log is away; to be tried again. Throws what trying again does not mend. */
  async #request(): Promise<string | null> {
    const { changeLog, clock } = this.#options;
    try {
      return await changeLog.requestBarrier(internalCall(clock, CALL_MS));
    } catch (error) {
      if (isTransient(error)) return null;
      throw error;
    }
  }

  async #isMet(group: Group): Promise<boolean> {
    const { changeLog, clock } = this.#options;
    for (const id of group.ids) {
      const met = await changeLog.isBarrierMet(id, internalCall(clock, CALL_MS)).catch(() => false);
      if (met) return true;
    }
    return false;
  }
}

function tooLate(): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'the follower did not catch up within the deadline',
  });
}

function cancelled(): DomainError {
  return new DomainError({
    kind: 'cancelled',
    reason: 'CANCELLED',
    message: 'the wait for the follower was cancelled',
  });
}
