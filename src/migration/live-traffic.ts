import type { Clock } from '../domain/clock.ts';

/** A pause between requests that is longer than this means that nobody is being served. */
const QUIET_MS = 100;

/** Tells whether callers are being served now, so that work in the background can give way to them. */
export class LiveTraffic {
  readonly #clock: Clock;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A caller's request began at this time of the monotonic clock. */
  began(atMs: number): void {
    this.#lastMs = atMs;
  }

  get busy(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs < QUIET_MS;
  }
}
