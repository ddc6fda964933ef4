import type { StageResult } from '../../examples/hospital/pharmacy/messages.ts';

/** The middle value; of an even number the mean of the two in the middle; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  return upper === undefined || lower === undefined ? Number.NaN : (upper + lower) / 2;
}

/** How long callers were held up: the longest time between two acknowledgements, or a write that took longer. */
export function seenPauseMs({ all }: StageResult): number {
  return Math.max(all.longestGapMs, all.longestWriteMs);
}

/** How much slower the second is, by the p99 of writes. */
export function p99Ratio(before: StageResult, during: StageResult): number {
  return Math.round((during.all.writeMs.p99 / before.all.writeMs.p99) * 100) / 100;
}

/** Requests that failed in a stage. */
export function failedRequests({ all }: StageResult): number {
  return [...Object.values(all.failedWrites), ...Object.values(all.failedReads)].reduce((total, n) => total + n, 0);
}
