import type { Clock } from '../domain/clock.ts';

/** Lets rows pass at no more than a rate, in the order in which they ask. */
export class Throttle {
  readonly #clock: Clock;
  #rowsPerSecond = 0;
  /** When all rows let through so far have used up their time, on the monotonic clock. */
  #paidUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets the rate of this instance; 0: no limit. Holds for rows that ask from now on. */
  setRate(rowsPerSecond: number): void {
    this.#rowsPerSecond = rowsPerSecond;
  }

  /** The rows that may be asked for at once, so that one ask waits no longer than `ms`: at least 1, at most `rows`. */
  portion(rows: number, ms: number): number {
    if (this.#rowsPerSecond === 0) return rows;
    return Math.max(1, Math.min(rows, Math.floor((this.#rowsPerSecond * ms) / 1000)));
  }

  /** Waits until as many rows may pass. Rejects with the signal's reason. */
  async take(rows: number, signal: AbortSignal): Promise<void> {
    if (this.#rowsPerSecond === 0) return;
    const now = this.#clock.monotonicMs();
    const fromMs = Math.max(now, this.#paidUntilMs);
    this.#paidUntilMs = fromMs + (rows * 1000) / this.#rowsPerSecond;
    if (fromMs > now) await this.#clock.sleep(fromMs - now, signal);
  }

  /** Gives back what was asked for and not used. */
  giveBack(rows: number): void {
    if (this.#rowsPerSecond > 0) this.#paidUntilMs -= (rows * 1000) / this.#rowsPerSecond;
  }
}
