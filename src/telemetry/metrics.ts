import type { DurationCell, Instrument, Instruments } from './instruments.ts';
import { comparisonOutcomes, type MigrationMetrics, noMetrics } from './migration-metrics.ts';
import { labels, metricNames, statusName } from './names.ts';
import { createReplicationMetrics } from './replication-metrics.ts';
import { createStateMetrics } from './state-metrics.ts';

/** What calls of the two stores measure. */
export interface StoreMetrics {
  /** A call ended this long after it began. `outcome` is `ok` or the reason of the error. */
  storeCall(store: 'source' | 'target', operation: string, outcome: string, durationMs: number): void;
}

/** Everything that the service measures. */
export interface Metrics {
  /** A request was answered. `method` is its path, `code` gRPC's number, `reason` that of its error; empty: none. */
  request(method: string, code: number, durationMs: number, reason?: string): void;
  /** From now on shows how many requests are under way, asked for whenever the metrics are read. Called once. */
  showInFlight(read: () => number): void;
  /** Calls `measure` whenever the metrics are about to be read: for gauges of what is so now. Must not throw. */
  beforeReading(measure: () => void): void;
  /** How many instances are alive, as this one sees it. */
  liveInstances(count: number): void;
  /** How long ago the flags were last fetched; endless: never. */
  flagsAge(ageMs: number): void;
  /** Spans reached the trace server, or did not. */
  exportedSpans(outcome: 'ok' | 'failed', spans: number): void;
  readonly migration: MigrationMetrics;
  readonly stores: StoreMetrics;
}

/** From half a millisecond to ten seconds: point reads at one end, the longest deadlines at the other. */
const DURATION_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** Measures nothing. */
export const nothingMeasured: Metrics = {
  request: () => {},
  showInFlight: () => {},
  beforeReading: () => {},
  liveInstances: () => {},
  flagsAge: () => {},
  exportedSpans: () => {},
  migration: noMetrics,
  stores: { storeCall: () => {} },
};

/** Creates the service's metrics. One set for each {@link Instruments}. */
export function createMetrics(instruments: Instruments): Metrics {
  return {
    ...createRequestMetrics(instruments),
    ...createInstanceMetrics(instruments),
    migration: createMigrationMetrics(instruments),
    stores: createStoreMetrics(instruments),
  };
}

function createMigrationMetrics(instruments: Instruments): MigrationMetrics {
  const records = createRecordMetrics(instruments);
  const replication = createReplicationMetrics(instruments);
  const states = createStateMetrics(instruments);
  return {
    ...records,
    ...replication,
    ...states,
    announce: (resource) => {
      for (const part of [records, replication, states]) part.announce(resource);
    },
  };
}

type RequestMetrics = Pick<Metrics, 'request' | 'showInFlight' | 'exportedSpans'>;

function createRequestMetrics(instruments: Instruments): RequestMetrics {
  const requests = durations(instruments, metricNames.requestDuration, 'How long requests took.', [
    labels.method,
    labels.code,
  ]);
  const failed = instruments.counter({
    name: metricNames.failedRequests,
    help: 'Requests that were answered with an error, by its reason.',
    labels: [labels.method, labels.reason],
  });
  const spans = instruments.counter({
    name: metricNames.exportedSpans,
    help: 'Spans sent to the trace server, by whether it took them.',
    labels: [labels.outcome],
  });
  return {
    request: (path, code, durationMs, reason = '') => {
      const method = path.startsWith('/') ? path.slice(1) : path;
      requests.at(method, statusName(code)).record(durationMs);
      if (reason !== '') failed.at(method, reason).value += 1;
    },
    showInFlight: (read) =>
      instruments.observedGauge({ name: metricNames.requestsInFlight, help: 'Requests under way.' }, read),
    exportedSpans: (outcome, count) => {
      spans.at(outcome).value += count;
    },
  };
}

function createInstanceMetrics(
  instruments: Instruments,
): Pick<Metrics, 'beforeReading' | 'liveInstances' | 'flagsAge'> {
  const gauge = (name: string, help: string) => instruments.gauge({ name, help, labels: [] });
  const live = gauge(metricNames.liveInstances, 'Instances alive, as this one sees it.');
  const age = gauge(metricNames.flagsAge, 'How long ago the flags were last fetched.');
  return {
    beforeReading: (measure) => instruments.beforeCollecting(measure),
    liveInstances: (count) => {
      live.at().value = count;
    },
    flagsAge: (ageMs) => {
      age.at().value = ageMs / 1_000;
    },
  };
}

function createStoreMetrics(instruments: Instruments): StoreMetrics {
  const calls = durations(instruments, metricNames.storeDuration, 'How long calls of a store took, by outcome.', [
    labels.store,
    labels.operation,
    labels.outcome,
  ]);
  return {
    storeCall: (store, operation, outcome, durationMs) => calls.at(store, operation, outcome).record(durationMs),
  };
}

function createRecordMetrics(
  instruments: Instruments,
): Pick<MigrationMetrics, 'announce' | 'read' | 'write' | 'shadowLatency' | 'compared'> {
  const { resource, store, outcome, reason, by } = labels;
  const reads = durations(
    instruments,
    metricNames.readDuration,
    'How long reads took, by the store that answered and why it was chosen.',
    [resource, store, reason],
  );
  const writes = durations(instruments, metricNames.writeDuration, 'How long writes took, by outcome.', [
    resource,
    outcome,
  ]);
  const shadows = durations(
    instruments,
    metricNames.shadowReadDuration,
    'How long either store took for the reads that both of them answered.',
    [resource, store],
  );
  const comparisons = instruments.counter({
    name: metricNames.comparisons,
    help: 'Records compared between the stores, by outcome.',
    labels: [resource, by, outcome],
  });
  return {
    announce: (id) => {
      for (const comparer of ['shadow_read', 'verification']) {
        for (const result of comparisonOutcomes) comparisons.at(id, comparer, result);
      }
    },
    read: (id, answered, why, durationMs) => reads.at(id, answered, why).record(durationMs),
    write: (id, result, durationMs) => writes.at(id, result).record(durationMs),
    shadowLatency: (id, answered, durationMs) => shadows.at(id, answered).record(durationMs),
    compared: (id, comparer, result) => {
      comparisons.at(id, comparer, result).value += 1;
    },
  };
}

function durations(
  instruments: Instruments,
  name: string,
  help: string,
  by: [string, string] | [string, string, string],
): Instrument<DurationCell> {
  return instruments.histogram({ name, help, labels: by }, DURATION_BOUNDS_MS);
}
