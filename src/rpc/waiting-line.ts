import type { Clock } from '../domain/clock.ts';

/** How often those that wait are looked at: as often as memory is. */
const LOOK_MS = 100;

/** One that waits. */
export interface Waiting<Cut> {
  readonly sinceMs: number;
  /** Gives it up. */
  readonly cut: Cut;
}

/** What {@link WaitingLine} needs. */
export interface WaitingLineOptions<Cut> {
  readonly clock: Clock;
  /** Looks at the oldest, of so many. Returns what gives it up; null: it stays, and the younger ones do too. */
  readonly giveUp: (oldest: Waiting<Cut>, count: number) => (() => void) | null;
}

/** Those whose time is bounded, in the order in which they came. It looks after them only while there are any. */
export class WaitingLine<Cut> {
  readonly #options: WaitingLineOptions<Cut>;
  // A Set keeps the order.
  readonly #waiting = new Set<Waiting<Cut>>();
  #watching = false;

  constructor(options: WaitingLineOptions<Cut>) {
    this.#options = options;
  }

  /** How many wait. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Who has waited for longest. */
  get oldest(): Waiting<Cut> | undefined {
    const [oldest] = this.#waiting;
    return oldest;
  }

  /** Returns what to call when it waits no longer. */
  enter(cut: Cut): () => void {
    const one: Waiting<Cut> = { sinceMs: this.#options.clock.monotonicMs(), cut };
    this.#waiting.add(one);
    if (!this.#watching) void this.#watch();
    return () => this.leave(one);
  }

  /** It waits no longer. */
  leave(one: Waiting<Cut>): void {
    this.#waiting.delete(one);
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#waiting.size > 0) {
      await this.#options.clock.sleep(LOOK_MS);
      this.#look();
    }
    this.#watching = false;
  }

  #look(): void {
    for (const one of this.#waiting) {
      const cut = this.#options.giveUp(one, this.#waiting.size);
      if (cut === null) return;
      this.leave(one);
      cut();
    }
  }
}
