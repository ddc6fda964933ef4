/*
 * What an instance has measured lately of one resource, for people who look on. A request costs some additions in one array;
 * everything else is done once a step, for all viewers together: the array becomes a sample, and is set back to zeros.
 */
import { bucketOf, LATENCY_BUCKETS, type LatencySummary, summarize } from './latency-buckets.ts';
import type { StoreMetrics } from './metrics.ts';
import { type ComparisonOutcome, comparisonOutcomes, type MigrationMetrics } from './migration-metrics.ts';

/** Latencies with how many took how long, by bucket. */
export interface LatencyDistribution extends LatencySummary {
  readonly histogram: Uint32Array;
}

/** What was measured of one store. Null: there was nothing to measure. */
export interface StoreMeasures<Latency = LatencySummary> {
  readonly answeredReads: number;
  readonly failedCalls: number;
  readonly reads: Latency | null;
  readonly writes: Latency | null;
  readonly shadowedReads: Latency | null;
}

/** How often comparisons of records ended how. */
export type Comparisons = Readonly<Record<ComparisonOutcome, number>>;

/** What was measured within some time. */
export interface Measures<Latency = LatencySummary> {
  readonly source: StoreMeasures<Latency>;
  readonly target: StoreMeasures<Latency>;
  readonly divertedReads: number;
  readonly writes: Latency | null;
  readonly refusedWrites: number;
  readonly shadowReads: Comparisons;
  readonly verifications: Comparisons;
  /** The longest replication lag; null: none was measured. */
  readonly lagMs: number | null;
}

/** One step. */
export interface Sample {
  /** Counted from 1. */
  readonly number: number;
  readonly endMicros: bigint;
  readonly seconds: number;
  /** Null: nothing happened. */
  readonly measures: Measures | null;
}

/** The bounds of what is remembered. */
export interface RecentMeasuresOptions {
  /** How many samples are kept. */
  readonly samples: number;
  /** Of how many steps {@link RecentMeasures.latest} tells, the one under way among them. */
  readonly latestSteps: number;
}

/** The cells of the one array: plain counts first, then the latencies' buckets. */
const cells = {
  answered: { source: 0, target: 1 },
  failedCalls: { source: 2, target: 3 },
  diverted: 4,
  refusedWrites: 5,
  compared: { shadow_read: 6, verification: 6 + comparisonOutcomes.length },
} as const;
const PLAIN_CELLS = cells.compared.verification + comparisonOutcomes.length;
const latency = (place: number): number => PLAIN_CELLS + place * LATENCY_BUCKETS;
const latencies = {
  source: { reads: latency(0), writes: latency(1), shadowed: latency(2) },
  target: { reads: latency(3), writes: latency(4), shadowed: latency(5) },
  writes: latency(6),
} as const;
const CELLS = latency(7);

/** What the calls of a store are for. Walks, splits, clocks and touches are no caller's. */
const kinds: ReadonlyMap<string, 'reads' | 'writes'> = new Map([
  ['getMany', 'reads'],
  ['list', 'reads'],
  ['lookup', 'reads'],
  ['write', 'writes'],
  ['writeMany', 'writes'],
  ['apply', 'writes'],
]);
const compared = new Map<ComparisonOutcome, number>(comparisonOutcomes.map((outcome, index) => [outcome, index]));
/** Reasons for which another store answered than was meant to. */
const diversions: ReadonlySet<string> = new Set([
  'not_in_sync',
  'follower_failed',
  'version_behind',
  'authority_unreachable',
]);
const DONE: ReadonlySet<string> = new Set(['written', 'repeated']);

/** What is counted of a migration. */
export type RecentCounters = Pick<MigrationMetrics, 'read' | 'write' | 'compared' | 'shadowLatency' | 'replicationLag'>;

/** Remembers what happened lately to one resource, in memory of a fixed size. */
export class RecentMeasures {
  /** Counts what the service measures. */
  readonly counters: { readonly stores: StoreMetrics; readonly migration: RecentCounters };
  readonly #options: RecentMeasuresOptions;
  /** The step under way. */
  readonly #now = new Uint32Array(CELLS);
  #lagMs: number | null = null;
  /** The cells of the latest steps before it, in a ring. */
  readonly #steps: { readonly counts: Uint32Array; lagMs: number | null }[];
  #samples: Sample[] = [];
  #number = 0;

  constructor(options: RecentMeasuresOptions) {
    this.#options = options;
    this.#steps = Array.from({ length: options.latestSteps - 1 }, () => ({
      counts: new Uint32Array(CELLS),
      lagMs: null,
    }));
    this.counters = { stores: this.#storeCounter(), migration: this.#migrationCounters() };
  }

  /** Tells of a lag that was measured elsewhere; counts for the step under way unless a longer one was measured. */
  sawLag(lagMs: number): void {
    if (this.#lagMs === null || lagMs > this.#lagMs) this.#lagMs = lagMs;
  }

  /** Ends the step under way, which has lasted this long. */
  step(endMicros: bigint, seconds: number): void {
    this.#number += 1;
    const measures = this.#isEmpty() ? null : measuresOf(this.#now, this.#lagMs, summarize);
    this.#samples.push({ number: this.#number, endMicros, seconds, measures });
    if (this.#samples.length > this.#options.samples) this.#samples.shift();
    const place = this.#steps[this.#number % this.#steps.length];
    place?.counts.set(this.#now);
    if (place !== undefined) place.lagMs = this.#lagMs;
    this.#now.fill(0);
    this.#lagMs = null;
  }

  /** The samples after this number, oldest first. */
  samplesAfter(number: number): readonly Sample[] {
    const from = this.#samples.findIndex((sample) => sample.number > number);
    return from < 0 ? [] : this.#samples.slice(from);
  }

  /** The number of the newest sample; 0: there is none. */
  get newest(): number {
    return this.#number;
  }

  /** What was measured within the latest steps, with histograms; null: nothing. */
  latest(): Measures<LatencyDistribution> | null {
    const sum = new Uint32Array(this.#now);
    let lagMs = this.#lagMs;
    for (const step of this.#steps) {
      for (let cell = 0; cell < CELLS; cell++) sum[cell] = (sum[cell] ?? 0) + (step.counts[cell] ?? 0);
      if (step.lagMs !== null && (lagMs === null || step.lagMs > lagMs)) lagMs = step.lagMs;
    }
    if (lagMs === null && sum.every((count) => count === 0)) return null;
    return measuresOf(sum, lagMs, distribution);
  }

  #isEmpty(): boolean {
    return this.#lagMs === null && this.#now.every((count) => count === 0);
  }

  #count(cell: number): void {
    this.#now[cell] = (this.#now[cell] ?? 0) + 1;
  }

  #storeCounter(): StoreMetrics {
    return {
      storeCall: (store, operation, outcome, durationMs) => {
        const kind = kinds.get(operation);
        if (outcome !== 'ok') this.#count(cells.failedCalls[store]);
        else if (kind !== undefined) this.#count(latencies[store][kind] + bucketOf(durationMs));
      },
    };
  }

  #migrationCounters(): RecentCounters {
    return {
      read: (_resource, store, reason) => {
        this.#count(cells.answered[store]);
        if (diversions.has(reason)) this.#count(cells.diverted);
      },
      write: (_resource, outcome, durationMs) => {
        this.#count(DONE.has(outcome) ? latencies.writes + bucketOf(durationMs) : cells.refusedWrites);
      },
      compared: (_resource, by, outcome) => this.#count(cells.compared[by] + (compared.get(outcome) ?? 0)),
      shadowLatency: (_resource, store, durationMs) => {
        this.#count(latencies[store].shadowed + bucketOf(durationMs));
      },
      replicationLag: (_resource, lagMs) => this.sawLag(lagMs),
    };
  }
}

type Summarize<Latency> = (counts: Uint32Array) => Latency | null;

function measuresOf<Latency>(
  counts: Uint32Array,
  lagMs: number | null,
  summarizeBuckets: Summarize<Latency>,
): Measures<Latency> {
  const buckets = (from: number): Latency | null => summarizeBuckets(counts.subarray(from, from + LATENCY_BUCKETS));
  const at = (cell: number): number => counts[cell] ?? 0;
  const storeOf = (store: 'source' | 'target'): StoreMeasures<Latency> => ({
    answeredReads: at(cells.answered[store]),
    failedCalls: at(cells.failedCalls[store]),
    reads: buckets(latencies[store].reads),
    writes: buckets(latencies[store].writes),
    shadowedReads: buckets(latencies[store].shadowed),
  });
  const comparisonsOf = (from: number): Comparisons =>
    Object.fromEntries(comparisonOutcomes.map((outcome, index) => [outcome, at(from + index)])) as Comparisons;
  return {
    source: storeOf('source'),
    target: storeOf('target'),
    divertedReads: at(cells.diverted),
    writes: buckets(latencies.writes),
    refusedWrites: at(cells.refusedWrites),
    shadowReads: comparisonsOf(cells.compared.shadow_read),
    verifications: comparisonsOf(cells.compared.verification),
    lagMs,
  };
}

function distribution(counts: Uint32Array): LatencyDistribution | null {
  const summary = summarize(counts);
  return summary === null ? null : { ...summary, histogram: counts.slice() };
}
