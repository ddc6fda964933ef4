import type { StoreMetrics } from './metrics.ts';
import type { MigrationMetrics } from './migration-metrics.ts';

/** Tells both of every call of a store. */
export function bothStoreMetrics(one: StoreMetrics, other: StoreMetrics): StoreMetrics {
  return {
    storeCall: (store, operation, outcome, durationMs) => {
      one.storeCall(store, operation, outcome, durationMs);
      other.storeCall(store, operation, outcome, durationMs);
    },
  };
}

/** Tells the one of everything, and the other of what it asks for. */
export function bothMigrationMetrics(one: MigrationMetrics, other: Partial<MigrationMetrics>): MigrationMetrics {
  const { read, write, compared, shadowLatency, replicationLag } = other;
  return {
    ...one,
    read: (resource, store, reason, durationMs) => {
      one.read(resource, store, reason, durationMs);
      read?.(resource, store, reason, durationMs);
    },
    write: (resource, outcome, durationMs) => {
      one.write(resource, outcome, durationMs);
      write?.(resource, outcome, durationMs);
    },
    compared: (resource, by, outcome) => {
      one.compared(resource, by, outcome);
      compared?.(resource, by, outcome);
    },
    shadowLatency: (resource, store, durationMs) => {
      one.shadowLatency(resource, store, durationMs);
      shadowLatency?.(resource, store, durationMs);
    },
    replicationLag: (resource, lagMs) => {
      one.replicationLag(resource, lagMs);
      replicationLag?.(resource, lagMs);
    },
  };
}
