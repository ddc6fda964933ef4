import type { Instruments } from './instruments.ts';
import type { MigrationMetrics } from './migration-metrics.ts';
import { labels, metricNames } from './names.ts';

/** A follower that was away for minutes is behind by minutes. */
const LAG_BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000, 60_000, 600_000];

type ReplicationMetrics = Pick<
  MigrationMetrics,
  'announce' | 'replicationLag' | 'captured' | 'capture' | 'jobProgress' | 'jobRunning' | 'jobEnded'
>;

/** What capture and the jobs measure. */
export function createReplicationMetrics(instruments: Instruments): ReplicationMetrics {
  const capture = createCaptureMetrics(instruments);
  const jobs = createJobMetrics(instruments);
  return {
    ...capture,
    ...jobs,
    announce: (id) => {
      capture.announce(id);
      jobs.announce(id);
    },
  };
}

function createCaptureMetrics(
  instruments: Instruments,
): Pick<ReplicationMetrics, 'announce' | 'replicationLag' | 'captured' | 'capture'> {
  const number = (type: 'counter' | 'gauge', name: string, help: string) =>
    instruments[type]({ name, help, labels: [labels.resource] });
  const lag = instruments.histogram(
    {
      name: metricNames.replicationLag,
      help: "Time between a change's commit and its acknowledgement by the follower.",
      labels: [labels.resource],
    },
    LAG_BOUNDS_MS,
  );
  const latestLag = number('gauge', metricNames.latestReplicationLag, 'The latest replication lag.');
  const captured = number('counter', metricNames.capturedChanges, 'Changes applied to the follower.');
  const touched = number('counter', metricNames.touchedRecords, 'Records given a version by capture.');
  const running = number('gauge', metricNames.captureRunning, '1 where this instance captures.');
  const backlog = number('gauge', metricNames.captureBacklogAge, 'Age of the oldest change not acknowledged.');
  return {
    announce: (id) => {
      for (const counter of [captured, touched]) counter.at(id);
    },
    replicationLag: (id, lagMs) => {
      lag.at(id).record(lagMs);
      latestLag.at(id).value = lagMs / 1_000;
    },
    captured: (id, applied, touches) => {
      captured.at(id).value += applied;
      touched.at(id).value += touches;
    },
    capture: (id, runs, backlogMs) => {
      running.at(id).value = runs ? 1 : 0;
      backlog.at(id).value = backlogMs / 1_000;
    },
  };
}

function createJobMetrics(
  instruments: Instruments,
): Pick<ReplicationMetrics, 'announce' | 'jobProgress' | 'jobRunning' | 'jobEnded'> {
  const { resource, kind, state } = labels;
  const gauge = (name: string, help: string) => instruments.gauge({ name, help, labels: [resource, kind] });
  const rows = gauge(metricNames.jobRows, 'Rows done by the latest job.');
  const expected = gauge(metricNames.jobExpectedRows, 'Rows the latest job expects.');
  const running = gauge(metricNames.jobRunning, '1 where this instance takes part in a job.');
  const ended = instruments.counter({
    name: metricNames.endedJobs,
    help: 'Jobs that have ended, by how, told by each instance that took part.',
    labels: [resource, kind, state],
  });
  return {
    announce: (id) => {
      for (const job of ['backfill', 'verification']) {
        for (const how of ['succeeded', 'failed', 'cancelled']) ended.at(id, job, how);
      }
    },
    jobProgress: (id, job, done, expectedRows) => {
      rows.at(id, job).value = done;
      expected.at(id, job).value = expectedRows;
    },
    jobRunning: (id, job, runs) => {
      running.at(id, job).value = runs ? 1 : 0;
    },
    jobEnded: (id, job, how) => {
      ended.at(id, job, how).value += 1;
    },
  };
}
