/** Columns of numbers as charts want them. */
import {
  type CallKind,
  type Comparer,
  type Field,
  OUTCOMES,
  type Outcome,
  QUANTILES,
  type Samples,
  type StoreSide,
} from '../samples.ts';

/** A column; all columns of a chart are of one length. Null: nothing was measured then. */
export type Column = (number | null)[];

/** When the samples ended, in seconds. */
export function times(samples: Samples): number[] {
  return Array.from(samples.times);
}

/** The sum of some counts, as a rate per second. */
export function ratesOver(samples: Samples, fields: readonly Field[]): Column {
  const { seconds } = samples;
  return countsOver(samples, fields).map((count, index) => {
    const length = seconds[index] ?? 0;
    return count === null || length <= 0 ? null : count / length;
  });
}

/** The sum of some counts. */
export function countsOver(samples: Samples, fields: readonly Field[]): Column {
  const columns = fields.map((field) => samples.column(field));
  return Array.from({ length: samples.length }, (_, index) =>
    columns.reduce((sum, column) => sum + (column[index] ?? 0), 0),
  );
}

/** p50, p95 and p99 of one store, in milliseconds. */
export function quantiles(samples: Samples, side: StoreSide, kind: CallKind): readonly Column[] {
  return QUANTILES.map((quantile) => withGaps(samples.column(`${side}.${kind}.${quantile}`)));
}

/** The replication lag, in milliseconds. */
export function lags(samples: Samples): Column {
  return withGaps(samples.column('lagMs'));
}

function withGaps(column: Float32Array): Column {
  return Array.from(column, (value) => (Number.isNaN(value) ? null : value));
}

/** What was compared, whatever came of it. */
const COMPARED: readonly Outcome[] = OUTCOMES.filter((outcome) => outcome !== 'dropped');
/** What was found to differ, in whichever way. */
const DIFFERING: readonly Outcome[] = ['mismatch', 'missing', 'extra', 'missingInIndex'];

/** The fields of records that one comparer compared. */
export function comparedBy(comparer: Comparer): readonly Field[] {
  return COMPARED.map((outcome) => `${comparer}.${outcome}` as const);
}

/** The fields of one outcome, by both comparers. */
export function endedAs(...outcomes: readonly Outcome[]): readonly Field[] {
  return outcomes.flatMap((outcome) => [`shadowReads.${outcome}`, `verifications.${outcome}`] as const);
}

/** The fields of records that were found to differ. */
export function foundDiffering(): readonly Field[] {
  return endedAs(...DIFFERING);
}

/** The sum over all samples. */
export function total(samples: Samples, fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + samples.column(field).reduce((part, value) => part + value, 0), 0);
}
