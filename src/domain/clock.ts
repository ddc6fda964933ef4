/** Time, injected so that a simulation can own it. */
export interface Clock {
  /** Wall clock in microseconds since 1970. May jump. */
  wallMicros(): bigint;
  /** Monotonic clock in milliseconds, with fractions. Its zero has no meaning. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness, injected so that a seed reproduces a run. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  uniform(): number;
  /** An id that no other instance makes: 128 random bits as 32 lower-case hexadecimal digits. */
  id(): string;
}

/** The machine's clock. */
export const systemClock: Clock = {
  wallMicros: () => BigInt(Date.now()) * 1000n,
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** The machine's randomness. */
export const systemRandom: Random = {
  uniform: () => Math.random(),
  id: () => crypto.randomUUID().replaceAll('-', ''),
};
