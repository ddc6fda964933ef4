/**
 * Work that runs concurrently and is acknowledged in the order in which it began: an item is acknowledged when it and
 * everything before it is done. Bounded: the caller adds only while there is {@link InFlight.room}.
 */
export class InFlight<Item> {
  readonly #entries: { readonly item: Item; done: boolean }[] = [];
  readonly #max: number;
  readonly #acknowledge: (item: Item) => void;
  #roomMade = Promise.withResolvers<void>();

  /** `max`: how many may be under way. `acknowledge` must not throw. */
  constructor(max: number, acknowledge: (item: Item) => void) {
    this.#max = max;
    this.#acknowledge = acknowledge;
  }

  /** How many are under way or wait for one before them. */
  get size(): number {
    return this.#entries.length;
  }

  /** The oldest item that is not acknowledged. */
  get oldest(): Item | undefined {
    return this.#entries[0]?.item;
  }

  /** Whether another one may begin. */
  get hasRoom(): boolean {
    return this.#entries.length < this.#max;
  }

  /** Resolves when another one may begin, or rejects with the signal's reason. */
  async room(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom) await this.#progress(signal);
  }

  /** Resolves when all is acknowledged, or rejects with the signal's reason. */
  async idle(signal: AbortSignal): Promise<void> {
    while (this.#entries.length > 0) await this.#progress(signal);
  }

  /** Adds an item; `done` must follow, unless everything is given up. `turn` resolves when all before it is acknowledged. */
  begin(item: Item): { done(): void; turn(signal: AbortSignal): Promise<void> } {
    const entry = { item, done: false };
    this.#entries.push(entry);
    return {
      done: () => {
        entry.done = true;
        this.#advance();
      },
      turn: async (signal) => {
        while (this.#entries[0] !== entry) await this.#progress(signal);
      },
    };
  }

  #advance(): void {
    let advanced = false;
    for (let head = this.#entries[0]; head?.done; head = this.#entries[0]) {
      this.#entries.shift();
      advanced = true;
      this.#acknowledge(head.item);
    }
    if (!advanced) return;
    const made = this.#roomMade;
    this.#roomMade = Promise.withResolvers();
    made.resolve();
  }

  async #progress(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#roomMade.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    signal.throwIfAborted();
  }
}
