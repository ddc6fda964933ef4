import type { Clock, Random } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';

/** How long to pause between tries. */
export interface BackoffOptions {
  /** The first pause in milliseconds. */
  readonly firstMs: number;
  /** The longest pause in milliseconds. */
  readonly maxMs: number;
}

/** Pauses that double up to a bound, each cut to between half and all of it by chance, so that retries spread out. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #nextMs: number;

  constructor(options: BackoffOptions, time: { readonly clock: Clock; readonly random: Random }) {
    this.#options = options;
    this.#clock = time.clock;
    this.#random = time.random;
    this.#nextMs = options.firstMs;
  }

  /** Waits for the next pause. Rejects with the signal's reason when it aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.5 + this.#random.uniform() / 2);
    this.#nextMs = Math.min(this.#options.maxMs, this.#nextMs * 2);
    await this.#clock.sleep(ms, signal);
  }

  /** Begins again with the first pause: something went well. */
  reset(): void {
    this.#nextMs = this.#options.firstMs;
  }
}

/**
 * Whether trying again may help: the store can't be reached, is late or busy. Everything else (a refused value, a fault in the code)
 * comes back however often it is tried.
 */
export function isTransient(error: unknown): boolean {
  return isDomainError(
    error,
    'unavailable',
    'deadline_exceeded',
    'unknown',
    'resource_exhausted',
    'aborted',
    'cancelled',
  );
}

/** The text of an error that may be shown to an operator: never a driver's. */
export function publicText(error: unknown): string {
  return isDomainError(error) ? error.message : 'an unexpected error; the log has it';
}
