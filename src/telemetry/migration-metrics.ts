/** Every {@link ComparisonOutcome}. */
export const comparisonOutcomes = [
  'match',
  'raced',
  'mismatch',
  'missing_in_follower',
  'extra_in_follower',
  'missing_in_index',
  'error',
  'dropped',
] as const;

/** How a comparison of the two stores ended. */
export type ComparisonOutcome = (typeof comparisonOutcomes)[number];

/** What the migration measures. Every name of a metric stands in `telemetry/names.ts`. */
export interface MigrationMetrics {
  /** Shows a resource's counters from 0 on: a counter that begins at 1 has not increased, and no alert would see its first event. */
  announce(resource: string): void;
  /** A read was answered by this store, for this reason, this long after it began. */
  read(resource: string, store: 'source' | 'target', reason: string, durationMs: number): void;
  /** A write was acknowledged (or refused with an outcome) this long after it began. */
  write(resource: string, outcome: string, durationMs: number): void;
  /** A shadow read or verification compared a record. Durations are given by shadow reads only. */
  compared(resource: string, by: 'shadow_read' | 'verification', outcome: ComparisonOutcome): void;
  /** A shadow read's two latencies, by store. */
  shadowLatency(resource: string, store: 'source' | 'target', durationMs: number): void;
  /** The follower's state, as a gauge of 0 and 1 by state. */
  followerState(resource: string, state: string): void;
  /** Who has the word on the records, and the phase that the flag asks for: undefined where it can't be told. */
  wanted(resource: string, authority: 'source' | 'target', phase: string | undefined): void;
  /** Whether this instance holds a valid lease of the control record. */
  lease(resource: string, valid: boolean): void;
  /** What this instance's controller waits for; empty where it waits for nothing, or another instance controls. */
  holds(resource: string, reasons: readonly string[]): void;
  /** Open mismatches, told by the controlling instance; 0 by the others. */
  openMismatches(resource: string, open: number): void;
  /** Whether this instance captures, and how old the oldest change is that the follower has not acknowledged; 0: none. */
  capture(resource: string, running: boolean, backlogMs: number): void;
  /** Time between a change's commit and its acknowledgement by the follower. */
  replicationLag(resource: string, lagMs: number): void;
  /** Changes that capture applied and records that it touched. */
  captured(resource: string, applied: number, touched: number): void;
  /** Rows of the running job of a kind. */
  jobProgress(resource: string, kind: 'backfill' | 'verification', rows: number, expectedRows: number): void;
  /** Whether this instance takes part in a job of a kind now. */
  jobRunning(resource: string, kind: 'backfill' | 'verification', running: boolean): void;
  /** A job in which this instance took part has ended as `state`. */
  jobEnded(resource: string, kind: 'backfill' | 'verification', state: string): void;
}

/** Measures nothing. */
export const noMetrics: MigrationMetrics = {
  announce: () => {},
  read: () => {},
  write: () => {},
  compared: () => {},
  shadowLatency: () => {},
  followerState: () => {},
  wanted: () => {},
  lease: () => {},
  holds: () => {},
  openMismatches: () => {},
  capture: () => {},
  replicationLag: () => {},
  captured: () => {},
  jobProgress: () => {},
  jobRunning: () => {},
  jobEnded: () => {},
};
