import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as conventions from '@opentelemetry/semantic-conventions';
import { expect, test } from 'vitest';
import { Instruments } from '../../src/telemetry/instruments.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { attributes, labels, metricNames, spanNames, statusNames } from '../../src/telemetry/names.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';

function start(metrics: boolean) {
  return startTelemetry({ serviceName: 'records', instance: 'records-1', exporter: 'none', sampleRatio: 0, metrics });
}

/** What a scrape of a handler answers. */
async function scrape(telemetry: ReturnType<typeof start>): Promise<{ status: number; text: string }> {
  const server = createServer((request, response) => telemetry.metricsRoute(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
    return { status: response.status, text: await response.text() };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const MEDICATION = 'hospital.v1.Medication';

test("everything that was measured is in Prometheus' text, in seconds and under the names of the catalogue", async () => {
  const telemetry = start(true);
  const { metrics } = telemetry;
  let inFlight = 3;
  metrics.showInFlight(() => inFlight);
  metrics.request('/hospital.v1.Medications/GetMedication', 0, 0.5);
  metrics.request('/hospital.v1.Medications/GetMedication', 0, 7);
  metrics.request('/hospital.v1.Medications/GetMedication', 5, 20_000, 'RECORD_NOT_FOUND');
  metrics.stores.storeCall('target', 'getMany', 'FOLLOWER_UNAVAILABLE', 30);
  metrics.migration.read(MEDICATION, 'target', 'flag', 2);
  metrics.migration.write(MEDICATION, 'written', 4);
  metrics.migration.compared(MEDICATION, 'shadow_read', 'mismatch');
  metrics.migration.compared(MEDICATION, 'shadow_read', 'mismatch');
  metrics.migration.shadowLatency(MEDICATION, 'source', 1);
  metrics.migration.followerState(MEDICATION, 'joining');
  metrics.migration.followerState(MEDICATION, 'in_sync');
  metrics.migration.wanted(MEDICATION, 'source', undefined);
  metrics.migration.wanted(MEDICATION, 'source', 'synchronize');
  metrics.migration.lease(MEDICATION, true);
  metrics.migration.holds(MEDICATION, ['backfill_running']);
  metrics.migration.holds(MEDICATION, ['catching_up', 'capture_stopped']);
  metrics.migration.openMismatches(MEDICATION, 3);
  metrics.migration.capture(MEDICATION, true, 2_500);
  metrics.migration.jobRunning(MEDICATION, 'backfill', true);
  metrics.migration.jobEnded(MEDICATION, 'verification', 'failed');
  metrics.beforeReading(() => metrics.liveInstances(2));
  metrics.flagsAge(Number.POSITIVE_INFINITY);
  metrics.migration.replicationLag(MEDICATION, 1_500);
  metrics.migration.captured(MEDICATION, 10, 2);
  metrics.migration.captured(MEDICATION, 5, 0);
  metrics.migration.jobProgress(MEDICATION, 'backfill', 2_000, 10_000);
  metrics.exportedSpans('ok', 12);
  inFlight = 7;
  const { status, text } = await scrape(telemetry);
  expect(status).toBe(200);
  const lines = text.split('\n');
  const get = 'rpc_method="hospital.v1.Medications/GetMedication"';
  for (const line of [
    `crossfade_request_duration_seconds_bucket{${get},code="OK",le="0.0005"} 1`,
    `crossfade_request_duration_seconds_bucket{${get},code="OK",le="0.005"} 1`,
    `crossfade_request_duration_seconds_bucket{${get},code="OK",le="0.01"} 2`,
    `crossfade_request_duration_seconds_count{${get},code="OK"} 2`,
    `crossfade_request_duration_seconds_sum{${get},code="OK"} 0.0075`,
    `crossfade_request_duration_seconds_bucket{${get},code="NOT_FOUND",le="10"} 0`,
    `crossfade_request_duration_seconds_bucket{${get},code="NOT_FOUND",le="+Inf"} 1`,
    '# TYPE crossfade_request_duration_seconds histogram',
    'crossfade_requests_in_flight 7',
    'crossfade_store_duration_seconds_sum{store="target",operation="getMany",outcome="FOLLOWER_UNAVAILABLE"} 0.03',
    `crossfade_read_duration_seconds_count{resource="${MEDICATION}",store="target",reason="flag"} 1`,
    `crossfade_write_duration_seconds_count{resource="${MEDICATION}",outcome="written"} 1`,
    '# TYPE crossfade_comparisons_total counter',
    `crossfade_comparisons_total{resource="${MEDICATION}",by="shadow_read",outcome="mismatch"} 2`,
    `crossfade_shadow_read_duration_seconds_sum{resource="${MEDICATION}",store="source"} 0.001`,
    `crossfade_follower_state{resource="${MEDICATION}",state="joining"} 0`,
    `crossfade_follower_state{resource="${MEDICATION}",state="in_sync"} 1`,
    `crossfade_state_changes_total{resource="${MEDICATION}",state="in_sync"} 1`,
    `crossfade_authority{resource="${MEDICATION}",store="source"} 1`,
    `crossfade_wanted_phase{resource="${MEDICATION}",phase="none"} 0`,
    `crossfade_wanted_phase{resource="${MEDICATION}",phase="synchronize"} 1`,
    `crossfade_lease{resource="${MEDICATION}"} 1`,
    `crossfade_hold{resource="${MEDICATION}",reason="backfill_running"} 0`,
    `crossfade_hold{resource="${MEDICATION}",reason="catching_up"} 1`,
    `crossfade_hold{resource="${MEDICATION}",reason="capture_stopped"} 1`,
    `crossfade_open_mismatches{resource="${MEDICATION}"} 3`,
    `crossfade_capture_running{resource="${MEDICATION}"} 1`,
    `crossfade_capture_backlog_age_seconds{resource="${MEDICATION}"} 2.5`,
    `crossfade_job_running{resource="${MEDICATION}",kind="backfill"} 1`,
    `crossfade_ended_jobs_total{resource="${MEDICATION}",kind="verification",state="failed"} 1`,
    `crossfade_failed_requests_total{${get},reason="RECORD_NOT_FOUND"} 1`,
    'crossfade_live_instances 2',
    'crossfade_flags_age_seconds +Inf',
    `crossfade_replication_lag_seconds_sum{resource="${MEDICATION}"} 1.5`,
    `crossfade_latest_replication_lag_seconds{resource="${MEDICATION}"} 1.5`,
    `crossfade_captured_changes_total{resource="${MEDICATION}"} 15`,
    `crossfade_touched_records_total{resource="${MEDICATION}"} 2`,
    `crossfade_job_rows{resource="${MEDICATION}",kind="backfill"} 2000`,
    `crossfade_job_expected_rows{resource="${MEDICATION}",kind="backfill"} 10000`,
    'crossfade_exported_spans_total{outcome="ok"} 12',
  ]) {
    expect(lines).toContain(line);
  }
  for (const name of Object.values(metricNames)) expect(text).toContain(`# HELP ${name} `);
  expect(text).toMatch(/target_info\{.*service_name="records".*service_instance_id="records-1".*\} 1/);
});

test('counts go on from one scrape to the next', async () => {
  const telemetry = start(true);
  for (const total of [1, 2]) {
    telemetry.metrics.migration.compared(MEDICATION, 'verification', 'match');
    const { text } = await scrape(telemetry);
    expect(text).toContain(`{resource="${MEDICATION}",by="verification",outcome="match"} ${total}\n`);
  }
});

test('where nothing is measured there is nothing to scrape', async () => {
  expect((await scrape(start(false))).status).toBe(404);
});

test('labels without end come into one cell that says so', async () => {
  const instruments = new Instruments();
  const metrics = createMetrics(instruments);
  for (let i = 0; i < 3_000; i++) metrics.migration.compared(`resource-${i}`, 'shadow_read', 'match');
  const { resourceMetrics } = await instruments.collect();
  const points = resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  expect(points).toHaveLength(2_001);
  expect(points.at(-1)).toMatchObject({ attributes: { otel_metric_overflow: 'true' }, value: 1_000 });
});

test("names without Crossfade's prefix are OpenTelemetry's conventions", () => {
  const known = new Set<unknown>(Object.values(conventions));
  const foreign = Object.values(attributes).filter((name) => !name.startsWith('crossfade.'));
  expect(foreign.length).toBeGreaterThan(0);
  expect(foreign.filter((name) => !known.has(name))).toEqual([]);
});

test('every name of the catalogue is explained in docs/telemetry.md', () => {
  const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');
  const names = [attributes, labels, metricNames, spanNames].flatMap((part) => Object.values<string>(part));
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("status codes are at their numbers' place", () => {
  expect([statusNames[0], statusNames[5], statusNames[10], statusNames[14], statusNames[16]]).toEqual([
    'OK',
    'NOT_FOUND',
    'ABORTED',
    'UNAVAILABLE',
    'UNAUTHENTICATED',
  ]);
  expect(statusNames).toHaveLength(17);
});
