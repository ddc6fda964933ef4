/** What was measured over time, in columns of a fixed size: a page that is open for days holds no more than at its start. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type {
  DashboardComparisons,
  DashboardLatency,
  DashboardMeasures,
  DashboardSample,
  DashboardStoreMeasures,
} from '../gen/crossfade/v1alpha1/dashboard_pb.ts';

/** One of the two stores. */
export type StoreSide = 'source' | 'target';
/** Which calls a latency is of. */
export type CallKind = 'shadowedReads' | 'reads' | 'writes';
/** Half, 95 and 99 of a hundred. */
export type Quantile = 'p50Ms' | 'p95Ms' | 'p99Ms';
/** Who compared. */
export type Comparer = 'shadowReads' | 'verifications';
/** How a comparison ended. */
export type Outcome = 'match' | 'raced' | 'mismatch' | 'missing' | 'extra' | 'missingInIndex' | 'error' | 'dropped';
/** A column's name. */
export type Field =
  | 'sourceReads'
  | 'targetReads'
  | 'writes'
  | 'refusedWrites'
  | 'lagMs'
  | `${StoreSide}.${CallKind}.${Quantile}`
  | `${Comparer}.${Outcome}`;

/** NaN: nothing was measured. */
type Reader = (measures: DashboardMeasures) => number;

export const OUTCOMES: readonly Outcome[] = [
  'match',
  'raced',
  'mismatch',
  'missing',
  'extra',
  'missingInIndex',
  'error',
  'dropped',
];
export const QUANTILES: readonly Quantile[] = ['p50Ms', 'p95Ms', 'p99Ms'];
const SIDES: readonly StoreSide[] = ['source', 'target'];
const KINDS: readonly CallKind[] = ['shadowedReads', 'reads', 'writes'];
const COMPARERS: readonly Comparer[] = ['shadowReads', 'verifications'];
const MS_PER_SECOND = 1_000;

const readers: readonly (readonly [Field, Reader])[] = [
  ['sourceReads', ({ source }) => source?.answeredReadCount ?? 0],
  ['targetReads', ({ target }) => target?.answeredReadCount ?? 0],
  ['writes', ({ writes }) => writes?.count ?? 0],
  ['refusedWrites', ({ refusedWriteCount }) => refusedWriteCount],
  ['lagMs', ({ lagMs }) => lagMs ?? Number.NaN],
  ...SIDES.flatMap((side) =>
    KINDS.flatMap((kind) => QUANTILES.map((quantile) => quantileReader(side, kind, quantile))),
  ),
  ...COMPARERS.flatMap((comparer) => OUTCOMES.map((outcome) => outcomeReader(comparer, outcome))),
];

function quantileReader(side: StoreSide, kind: CallKind, quantile: Quantile): readonly [Field, Reader] {
  return [`${side}.${kind}.${quantile}`, (measures) => measured(measures[side], kind)?.[quantile] ?? Number.NaN];
}

function outcomeReader(comparer: Comparer, outcome: Outcome): readonly [Field, Reader] {
  const count: keyof DashboardComparisons = `${outcome}Count`;
  return [`${comparer}.${outcome}`, (measures) => measures[comparer]?.[count] ?? 0];
}

/** The latency of one kind of call, if there were any. */
export function measured(store: DashboardStoreMeasures | undefined, kind: CallKind): DashboardLatency | undefined {
  const latency = store?.[kind];
  return latency === undefined || latency.count === 0 ? undefined : latency;
}

/** The latest samples of a resource, oldest first. */
export class Samples {
  readonly #limit: number;
  readonly #times: Float64Array;
  readonly #seconds: Float32Array;
  readonly #columns: ReadonlyMap<Field, Float32Array>;
  #length = 0;
  #taken = 0;

  /** @param limit How many are kept. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#times = new Float64Array(limit);
    this.#seconds = new Float32Array(limit);
    this.#columns = new Map(readers.map(([field]) => [field, new Float32Array(limit)]));
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** How many there have been: another number means other samples. */
  get taken(): number {
    return this.#taken;
  }

  /** When each ended, in seconds. */
  get times(): Float64Array {
    return this.#times.subarray(0, this.#length);
  }

  /** How long each was. */
  get seconds(): Float32Array {
    return this.#seconds.subarray(0, this.#length);
  }

  /** One column. NaN: nothing was measured then. */
  column(field: Field): Float32Array {
    return (this.#columns.get(field) as Float32Array).subarray(0, this.#length);
  }

  /** Takes one in; the oldest goes when there is no room. One without measures is none. */
  add({ endTime, seconds, measures }: DashboardSample): void {
    if (measures === undefined || endTime === undefined) return;
    if (this.#length === this.#limit) this.#shift();
    const at = this.#length++;
    this.#taken++;
    this.#times[at] = timestampMs(endTime) / MS_PER_SECOND;
    this.#seconds[at] = seconds;
    for (const [field, read] of readers) (this.#columns.get(field) as Float32Array)[at] = read(measures);
  }

  #shift(): void {
    for (const column of [this.#times, this.#seconds, ...this.#columns.values()]) column.copyWithin(0, 1);
    this.#length--;
  }
}
