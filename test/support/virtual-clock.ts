import type { Clock, Random } from '../../src/domain/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly sequence: number;
  /** Undefined: cancelled. */
  fire: (() => void) | undefined;
}

/**
 * A clock that moves only when nothing else can happen: days pass in milliseconds, always in the same order. For code
 * whose every wait is a sleep of this clock or a promise of such code.
 */
export class VirtualClock implements Clock {
  #nowMs = 1000;
  #sequence = 0;
  readonly #timers = new TimerHeap();
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
      const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), sequence: this.#sequence++, fire: resolve };
      this.#timers.push(timer);
      if (signal === undefined) return;
      const onAbort = (): void => {
        timer.fire = undefined;
        reject(signal.reason as Error);
      };
      timer.fire = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
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
      const next = this.#timers.peek();
      if (next === undefined) throw new Error('nothing can happen any more: a promise waits for nobody');
      if (next.atMs > endMs) throw new Error(`not done after ${maxMs} ms of virtual time`);
      this.#timers.pop();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire?.();
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(this.sleep(ms));
  }
}

/** Timers by their time, and by their age where that is the same. */
class TimerHeap {
  readonly #heap: Timer[] = [];

  push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const other = heap[parent] as Timer;
      if (isEarlier(other, timer)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = timer;
  }

  /** The first that was not cancelled. */
  peek(): Timer | undefined {
    while (this.#heap.length > 0 && this.#heap[0]?.fire === undefined) this.pop();
    return this.#heap[0];
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && isEarlier(right, heap[child] as Timer)) child += 1;
      const least = heap[child] as Timer;
      if (isEarlier(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/**
 * Lets everything happen that needs no time: what `nextTick` is given from within a promise runs when no promise has
 * anything left to do. Several times cheaper than a turn of the event loop.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
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
