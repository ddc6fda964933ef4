import type { StoreMetrics } from './metrics.ts';
import type { MigrationMetrics } from './migration-metrics.ts';
import type { RecentCounters } from './recent-measures.ts';

/** Tells both of every call of a store. */
export function bothStoreMetrics(one: StoreMetrics, other: StoreMetrics): StoreMetrics {
  return {
    storeCall: (store, operation, outcome, durationMs) => {
      one.storeCall(store, operation, outcome, durationMs);
      other.storeCall(store, operation, outcome, durationMs);
    },
  };
}

/** Tells the one of everything, and the other of what it counts. */
export function bothMigrationMetrics(one: MigrationMetrics, other: RecentCounters): MigrationMetrics {
  return {
    ...one,
    read: (resource, store, reason, durationMs) => {
      one.read(resource, store, reason, durationMs);
      other.read(resource, store, reason, durationMs);
    },
    write: (resource, outcome, durationMs) => {
      one.write(resource, outcome, durationMs);
      other.write(resource, outcome, durationMs);
    },
    compared: (resource, by, outcome) => {
      one.compared(resource, by, outcome);
      other.compared(resource, by, outcome);
    },
    shadowLatency: (resource, store, durationMs) => {
      one.shadowLatency(resource, store, durationMs);
      other.shadowLatency(resource, store, durationMs);
    },
    replicationLag: (resource, lagMs) => {
      one.replicationLag(resource, lagMs);
      other.replicationLag(resource, lagMs);
    },
  };
}
