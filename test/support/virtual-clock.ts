import type { Clock, Random } from '../../src/domain/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly sequence: number;
  readonly fire: () => void;
}

/**
 * A clock that moves only when nothing else can happen: days pass in milliseconds, always in the same order. For code
 * whose every wait is a sleep of this clock or a promise of such code.
 */
export class VirtualClock implements Clock {
  #nowMs = 1000;
  #sequence = 0;
  #timers: Timer[] = [];
  readonly #startMicros: bigint;

  constructor(startMicros = 1_700_000_000_000_000n) {
    this.#startMicros = startMicros;
  }

  wallMicros(): bigint {
    return this.#startMicros + BigInt(Math.round(this.#nowMs * 1000));
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#timers = this.#timers.filter((one) => one !== timer);
        reject(signal?.reason as Error);
      };
      const fire = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const timer = { atMs: this.#nowMs + Math.max(0, ms), sequence: this.#sequence++, fire };
      this.#timers.push(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets time pass until the promise is settled; throws when nothing can happen any more, or after `maxMs`. */
  async until<T>(promise: Promise<T>, maxMs = 3_600_000): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    const endMs = this.#nowMs + maxMs;
    for (;;) {
      await turn();
      if (settled) return await watched;
      const next = this.#next();
      if (next === undefined) throw new Error('nothing can happen any more: a promise waits for nobody');
      if (next.atMs > endMs) throw new Error(`not done after ${maxMs} ms of virtual time`);
      this.#fire(next);
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(this.sleep(ms));
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      const earlier = next === undefined || timer.atMs < next.atMs;
      if (earlier || (timer.atMs === next?.atMs && timer.sequence < next.sequence)) next = timer;
    }
    return next;
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    timer.fire();
  }
}

/** Lets everything happen that needs no time. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const word = (): string =>
    Math.floor(uniform() * 4294967296)
      .toString(16)
      .padStart(8, '0');
  return { uniform, id: () => word() + word() + word() + word() };
}
