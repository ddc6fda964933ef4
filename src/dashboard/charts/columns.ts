/** Samples as columns of numbers, as charts want them. Null: nothing was measured then. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type {
  DashboardComparisons,
  DashboardLatency,
  DashboardMeasures,
  DashboardSample,
  DashboardStoreMeasures,
} from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';

/** A column; all columns of a chart are of one length. */
export type Column = (number | null)[];

/** Which calls a latency is of. */
export type CallKind = 'shadowedReads' | 'reads' | 'writes';

/** When the samples ended, in seconds. */
export function times(samples: readonly DashboardSample[]): number[] {
  return samples.map(({ endTime }) => (endTime === undefined ? 0 : timestampMs(endTime) / 1_000));
}

/** Counts as rates per second. */
export function ratesBy(samples: readonly DashboardSample[], countOf: (measures: DashboardMeasures) => number): Column {
  return samples.map(({ measures, seconds }) =>
    measures === undefined || seconds <= 0 ? null : countOf(measures) / seconds,
  );
}

/** Counts as they are. */
export function countsBy(
  samples: readonly DashboardSample[],
  countOf: (measures: DashboardMeasures) => number,
): Column {
  return samples.map(({ measures }) => (measures === undefined ? null : countOf(measures)));
}

/** p50, p95 and p99 of one store, in milliseconds. */
export function quantiles(
  samples: readonly DashboardSample[],
  store: 'source' | 'target',
  kind: CallKind,
): readonly [Column, Column, Column] {
  const latencies = samples.map(({ measures }) => measured(measures?.[store], kind));
  return [
    latencies.map((latency) => latency?.p50Ms ?? null),
    latencies.map((latency) => latency?.p95Ms ?? null),
    latencies.map((latency) => latency?.p99Ms ?? null),
  ];
}

/** The latency of one kind of call, if there were any. */
export function measured(store: DashboardStoreMeasures | undefined, kind: CallKind): DashboardLatency | undefined {
  const latency = store?.[kind];
  return latency === undefined || latency.count === 0 ? undefined : latency;
}

/** The replication lag, in milliseconds. */
export function lags(samples: readonly DashboardSample[]): Column {
  return samples.map(({ measures }) => measures?.lagMs ?? null);
}

/** How comparisons ended, of shadow reads and verifications together. */
export interface Outcomes {
  readonly match: number;
  readonly raced: number;
  readonly mismatch: number;
  readonly missing: number;
  readonly extra: number;
  readonly missingInIndex: number;
  readonly error: number;
  readonly dropped: number;
}

const none: Outcomes = {
  match: 0,
  raced: 0,
  mismatch: 0,
  missing: 0,
  extra: 0,
  missingInIndex: 0,
  error: 0,
  dropped: 0,
};

/** The sum of several comparisons. */
export function outcomesOf(all: readonly (DashboardComparisons | undefined)[]): Outcomes {
  return all.reduce<Outcomes>(
    (sum, one) =>
      one === undefined
        ? sum
        : {
            match: sum.match + one.matchCount,
            raced: sum.raced + one.racedCount,
            mismatch: sum.mismatch + one.mismatchCount,
            missing: sum.missing + one.missingCount,
            extra: sum.extra + one.extraCount,
            missingInIndex: sum.missingInIndex + one.missingInIndexCount,
            error: sum.error + one.errorCount,
            dropped: sum.dropped + one.droppedCount,
          },
    none,
  );
}

/** Records that were found to differ, in whichever way. */
export function differing({ mismatch, missing, extra, missingInIndex }: Outcomes): number {
  return mismatch + missing + extra + missingInIndex;
}

/** Both kinds of comparison in one step. */
export function comparisonsIn(measures: DashboardMeasures): Outcomes {
  return outcomesOf([measures.shadowReads, measures.verifications]);
}
