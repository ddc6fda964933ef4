import pLimit, { type LimitFunction } from 'p-limit';
import type { Clock } from '../domain/clock.ts';
import type { Key } from '../domain/key.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { Cascade, ChangeLog } from '../stores/change-log.ts';
import { type CascadedKeysOptions, cascadedKeys } from './cascaded-keys.ts';

/**
 * The most records that are looked at for one change that set a foreign key to null: those that had null before can't be told
 * apart, and are touched too. Beyond it a new copy costs less.
 */
const MAX_CLEARED_RECORDS = 10_000;

/** What following cascades needs of its session of capture. */
export interface CascadeFollowerOptions extends Omit<CascadedKeysOptions, 'ask'> {
  readonly changeLog: ChangeLog;
  readonly clock: Clock;
  /** How long one call of a store may take, in milliseconds. */
  readonly callMs: number;
  /** The most searches under way. */
  readonly searchesInFlight: number;
  /** Repeats a call while its store is away. */
  readonly untilDone: <T>(signal: AbortSignal, attempt: () => Promise<T>) => Promise<T>;
  /** Takes the keys of records that an outside writer may have changed. */
  readonly takeOutside: (keys: readonly Key[], signal: AbortSignal) => Promise<void>;
}

/** More records may have been reached than are worth looking at: the follower is attached anew. */
export class UnboundedCascade extends Error {
  override readonly name = 'UnboundedCascade';
}

/** Finds what changes of parents may have reached, which the source's log does not show, and has it touched. */
export class CascadeFollower {
  readonly #options: CascadeFollowerOptions;
  readonly #searches: LimitFunction;

  constructor(options: CascadeFollowerOptions) {
    this.#options = options;
    this.#searches = pLimit(options.searchesInFlight);
  }

  /**
   * Everything before the cascades must be in the follower. Returns how many records were touched; throws an
   * {@link UnboundedCascade}.
   */
  async follow(cascades: readonly Cascade[], signal: AbortSignal): Promise<number> {
    const { changeLog, clock, callMs, untilDone } = this.#options;
    if (cascades.some(({ present }) => present !== null)) {
      // The log runs ahead of what can be read, and a commit of one's own catches it up.
      await untilDone(signal, () => changeLog.requestBarrier(internalCall(clock, callMs, signal)));
    }
    const counts = await Promise.all(cascades.map((cascade) => this.#searches(() => this.#followOne(cascade, signal))));
    return counts.reduce((all, count) => all + count, 0);
  }

  async #followOne(cascade: Cascade, signal: AbortSignal): Promise<number> {
    const { clock, callMs, untilDone, takeOutside } = this.#options;
    const ask = <Answer>(attempt: (call: Call) => Promise<Answer>): Promise<Answer> =>
      untilDone(signal, () => attempt(internalCall(clock, callMs, signal)));
    let count = 0;
    for await (const keys of cascadedKeys(cascade, { ...this.#options, ask })) {
      count += keys.length;
      if (cascade.isCleared && count > MAX_CLEARED_RECORDS) {
        throw new UnboundedCascade(
          `the foreign key ${cascade.foreignKey} was set to null, as it is in more than ${MAX_CLEARED_RECORDS} records, and nothing tells them apart`,
        );
      }
      await takeOutside(keys, signal);
    }
    return count;
  }
}
