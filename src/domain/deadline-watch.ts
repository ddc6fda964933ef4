import type { Clock } from './clock.ts';

/** Something that must be over by a certain time. */
export interface Expiring {
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  /** Called once, at the deadline or up to {@link WATCH_TICK_MS} later, unless it was removed before. Must not throw. */
  expire(): void;
}

/** How late an expiry may be noticed: small against any deadline that a caller sets, large against the cost of a look. */
export const WATCH_TICK_MS = 10;

/**
 * Watches many deadlines with one timer: a timer for each request costs more than the rest of its bookkeeping. Runs only
 * while there is something to watch. Bounded by its owners' bounds on what is under way.
 */
export class DeadlineWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Expiring>();
  #running = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches it until it is removed or expires. */
  add(item: Expiring): void {
    this.#watched.add(item);
    if (!this.#running) void this.#run();
  }

  /** Stops watching it. */
  remove(item: Expiring): void {
    this.#watched.delete(item);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#watched.size > 0) {
      await this.#clock.sleep(WATCH_TICK_MS);
      const now = this.#clock.monotonicMs();
      for (const item of this.#watched) {
        if (item.deadlineMs > now) continue;
        this.#watched.delete(item);
        item.expire();
      }
    }
    this.#running = false;
  }
}
