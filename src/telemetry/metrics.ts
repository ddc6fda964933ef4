import type { DurationCell, Instrument, Instruments } from './instruments.ts';
import { type MigrationMetrics, noMetrics } from './migration-metrics.ts';
import { labels, metricNames, statusName } from './names.ts';

/** What calls of the two stores measure. */
export interface StoreMetrics {
  /** A call ended this long after it began. `outcome` is `ok` or the reason of the error. */
  storeCall(store: 'source' | 'target', operation: string, outcome: string, durationMs: number): void;
}

/** Everything that the service measures. */
export interface Metrics {
  /** A request was answered. `method` is its path, `code` gRPC's number. */
  request(method: string, code: number, durationMs: number): void;
  /** From now on shows how many requests are under way, asked for whenever the metrics are read. Called once. */
  showInFlight(read: () => number): void;
  /** Spans reached the trace server, or did not. */
  exportedSpans(outcome: 'ok' | 'failed', spans: number): void;
  readonly migration: MigrationMetrics;
  readonly stores: StoreMetrics;
}

/** From half a millisecond to ten seconds: point reads at one end, the longest deadlines at the other. */
const DURATION_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/** A follower that was away for minutes is behind by minutes. */
const LAG_BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000, 60_000, 600_000];

/** Measures nothing. */
export const nothingMeasured: Metrics = {
  request: () => {},
  showInFlight: () => {},
  exportedSpans: () => {},
  migration: noMetrics,
  stores: { storeCall: () => {} },
};

/** Creates the service's metrics. One set for each {@link Instruments}. */
export function createMetrics(instruments: Instruments): Metrics {
  return {
    ...createRequestMetrics(instruments),
    migration: { ...createRecordMetrics(instruments), ...createReplicationMetrics(instruments) },
    stores: createStoreMetrics(instruments),
  };
}

function createRequestMetrics(instruments: Instruments): Omit<Metrics, 'migration' | 'stores'> {
  const requests = durations(instruments, metricNames.requestDuration, 'How long requests took.', [
    labels.method,
    labels.code,
  ]);
  const spans = instruments.counter({
    name: metricNames.exportedSpans,
    help: 'Spans sent to the trace server, by whether it took them.',
    labels: [labels.outcome],
  });
  return {
    request: (method, code, durationMs) => {
      requests.at(method.startsWith('/') ? method.slice(1) : method, statusName(code)).record(durationMs);
    },
    showInFlight: (read) =>
      instruments.observedGauge({ name: metricNames.requestsInFlight, help: 'Requests under way.' }, read),
    exportedSpans: (outcome, count) => {
      spans.at(outcome).value += count;
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
): Pick<MigrationMetrics, 'read' | 'write' | 'shadowLatency' | 'compared'> {
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
    read: (id, answered, why, durationMs) => reads.at(id, answered, why).record(durationMs),
    write: (id, result, durationMs) => writes.at(id, result).record(durationMs),
    shadowLatency: (id, answered, durationMs) => shadows.at(id, answered).record(durationMs),
    compared: (id, comparer, result) => {
      comparisons.at(id, comparer, result).value += 1;
    },
  };
}

function createReplicationMetrics(
  instruments: Instruments,
): Pick<MigrationMetrics, 'followerState' | 'replicationLag' | 'captured' | 'jobProgress'> {
  const { resource, state, kind } = labels;
  const number = (type: 'counter' | 'gauge', name: string, help: string, ...by: [string] | [string, string]) =>
    instruments[type]({ name, help, labels: by });
  const lag = instruments.histogram(
    {
      name: metricNames.replicationLag,
      help: "Time between a change's commit and its acknowledgement by the follower.",
      labels: [resource],
    },
    LAG_BOUNDS_MS,
  );
  const latestLag = number('gauge', metricNames.latestReplicationLag, 'The latest replication lag.', resource);
  const captured = number('counter', metricNames.capturedChanges, 'Changes applied to the follower.', resource);
  const touched = number('counter', metricNames.touchedRecords, 'Records given a version by capture.', resource);
  const states = number('gauge', metricNames.followerState, '1 for the state the follower is in.', resource, state);
  const rows = number('gauge', metricNames.jobRows, 'Rows done by the latest job.', resource, kind);
  const expected = number('gauge', metricNames.jobExpectedRows, 'Rows the latest job expects.', resource, kind);
  const current = new Map<string, string>();
  return {
    followerState: (id, now) => {
      const before = current.get(id);
      if (before === now) return;
      if (before !== undefined) states.at(id, before).value = 0;
      states.at(id, now).value = 1;
      current.set(id, now);
    },
    replicationLag: (id, lagMs) => {
      lag.at(id).record(lagMs);
      latestLag.at(id).value = lagMs / 1_000;
    },
    captured: (id, applied, touches) => {
      captured.at(id).value += applied;
      touched.at(id).value += touches;
    },
    jobProgress: (id, job, done, expectedRows) => {
      rows.at(id, job).value = done;
      expected.at(id, job).value = expectedRows;
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
