import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './tally.ts';

/** How far the pace may catch up after nobody could work: more would be a burst that no caller makes. */
const CATCH_UP_MS = 100;

/** Hands out turns at an even rate to all loops together. */
export class Pace {
  readonly #intervalMs: number;
  #nextMs = 0;

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond;
  }

  /** When the next turn is, by `nowMs` of the monotonic clock. */
  take(nowMs: number): number {
    const atMs = Math.max(this.#nextMs, nowMs - CATCH_UP_MS);
    this.#nextMs = atMs + this.#intervalMs;
    return atMs;
  }

  /** Resolves at the caller's turn, or when the signal aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    const waitMs = this.take(monotonicMs()) - monotonicMs();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}
