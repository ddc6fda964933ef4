import type { Counts, Quantiles } from './messages.ts';

/** What callers saw in one stage. */
export interface StageFigures {
  /** Acknowledged writes, deletes too. */
  readonly writes: number;
  readonly reads: number;
  readonly failedWrites: Counts;
  /** Those of the failed ones whose outcome is not known. */
  readonly unknownWrites: number;
  readonly failedReads: Counts;
  readonly writeMs: Quantiles;
  /** Of a write that was acknowledged. */
  readonly longestWriteMs: number;
  /** Of a request that failed. */
  readonly longestFailureMs: number;
  /** The longest time without an acknowledgement that ended in this stage. */
  readonly longestGapMs: number;
  /** How many such times were as long as {@link PAUSE_MS} or longer. */
  readonly pauses: number;
}

/** A time without any acknowledgement that counts as a pause: some hundred times what is usual between two. */
export const PAUSE_MS = 300;

/** Counts one stage, of all callers or of those of one instance. */
export class StageTally {
  readonly #failedWrites = new Map<string, number>();
  readonly #failedReads = new Map<string, number>();
  readonly #writeMs: number[] = [];
  #reads = 0;
  #unknown = 0;
  #longestWriteMs = 0;
  #longestFailureMs = 0;
  #longestGapMs = 0;
  #pauses = 0;

  acknowledged(tookMs: number, gapMs: number): void {
    this.#writeMs.push(tookMs);
    this.#longestWriteMs = Math.max(this.#longestWriteMs, tookMs);
    this.#longestGapMs = Math.max(this.#longestGapMs, gapMs);
    if (gapMs >= PAUSE_MS) this.#pauses += 1;
  }

  writeFailed(kind: string, isUnknown: boolean, tookMs: number): void {
    add(this.#failedWrites, kind);
    if (isUnknown) this.#unknown += 1;
    this.#longestFailureMs = Math.max(this.#longestFailureMs, tookMs);
  }

  readFailed(kind: string, tookMs: number): void {
    add(this.#failedReads, kind);
    this.#longestFailureMs = Math.max(this.#longestFailureMs, tookMs);
  }

  read(): void {
    this.#reads += 1;
  }

  figures(): StageFigures {
    return {
      writes: this.#writeMs.length,
      reads: this.#reads,
      failedWrites: Object.fromEntries(this.#failedWrites),
      unknownWrites: this.#unknown,
      failedReads: Object.fromEntries(this.#failedReads),
      writeMs: quantiles(this.#writeMs),
      longestWriteMs: Math.round(this.#longestWriteMs),
      longestFailureMs: Math.round(this.#longestFailureMs),
      longestGapMs: Math.round(this.#longestGapMs),
      pauses: this.#pauses,
    };
  }
}

/** One more of a kind. */
export function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Sorts the values in place. */
export function quantiles(values: number[]): Quantiles {
  values.sort((a, b) => a - b);
  const at = (part: number) => values[Math.min(values.length - 1, Math.floor(part * values.length))] ?? 0;
  return { count: values.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
