/** How a comparison of the two stores ended. */
export type ComparisonOutcome =
  | 'match'
  | 'raced'
  | 'mismatch'
  | 'missing_in_follower'
  | 'extra_in_follower'
  | 'missing_in_index'
  | 'error'
  | 'dropped';

/** What the migration measures. Every name of a metric stands in `telemetry/names.ts`. */
export interface MigrationMetrics {
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
  /** Time between a change's commit and its acknowledgement by the follower. */
  replicationLag(resource: string, lagMs: number): void;
  /** Changes that capture applied and records that it touched. */
  captured(resource: string, applied: number, touched: number): void;
  /** Rows of the running job of a kind. */
  jobProgress(resource: string, kind: 'backfill' | 'verification', rows: number, expectedRows: number): void;
}

/** Measures nothing. */
export const noMetrics: MigrationMetrics = {
  read: () => {},
  write: () => {},
  compared: () => {},
  shadowLatency: () => {},
  followerState: () => {},
  replicationLag: () => {},
  captured: () => {},
  jobProgress: () => {},
};
