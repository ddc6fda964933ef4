/** How long some calls took. */
export interface LatencySummary {
  readonly count: number;
  /** The times within which half, 95 % and 99 % of them ended, in milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** The upper bound of the first bucket: less than any call of a store takes. */
const LEAST_MS = 0.05;
/** Buckets of one doubling. Each is 2^(1/4), some 19 %, wider than the one before, so a quantile is exact to some percent. */
const PER_DOUBLING = 4;
/** From 0.05 ms to 13 s: longer than any call of a store may take. */
const DOUBLINGS = 18;

/** The upper bounds of the buckets in milliseconds, ascending; one bucket more is for what took longer. */
export const latencyBoundsMs: readonly number[] = Array.from(
  { length: DOUBLINGS * PER_DOUBLING + 1 },
  (_, index) => LEAST_MS * 2 ** (index / PER_DOUBLING),
);

/** How many buckets there are. */
export const LATENCY_BUCKETS = latencyBoundsMs.length + 1;

/** The bucket of a duration; negative ones are in the first. A logarithm, and no search. */
export function bucketOf(durationMs: number): number {
  if (!(durationMs > LEAST_MS)) return 0;
  return Math.min(Math.ceil(Math.log2(durationMs / LEAST_MS) * PER_DOUBLING), LATENCY_BUCKETS - 1);
}

/** What the counts of {@link LATENCY_BUCKETS} buckets say; null: nothing was counted. */
export function summarize(counts: Uint32Array): LatencySummary | null {
  const count = counts.reduce((sum, one) => sum + one, 0);
  if (count === 0) return null;
  const [p50Ms = 0, p95Ms = 0, p99Ms = 0] = [0.5, 0.95, 0.99].map((part) => quantile(counts, part * count));
  return { count, p50Ms, p95Ms, p99Ms };
}

/** The duration of this rank, by straight line within its bucket; of the last bucket its lower bound. */
function quantile(counts: Uint32Array, rank: number): number {
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const lower = latencyBoundsMs[bucket - 1] ?? 0;
      const upper = latencyBoundsMs[bucket] ?? lower;
      return lower + ((upper - lower) * (rank - below)) / count;
    }
    below += count;
  }
  return latencyBoundsMs.at(-1) ?? 0;
}
