import { expect, it, onTestFinished } from 'vitest';
import { attributes, spanNames } from '../../src/telemetry/names.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';
import type { TraceScope } from '../../src/telemetry/trace-scope.ts';
import { fetchCollector, isCollectorBuilt, startCollector } from '../../stack/otel-collector.ts';
import { Supervisor } from '../../stack/process.ts';
import { startSpanReceiver } from '../support/span-receiver.ts';

/** Starting it, its decision after ten seconds, and a busy machine. */
const TIMEOUT_MS = 90_000;
const DECIDED_WITHIN_MS = 40_000;

/** What happens in a request, by the name that its method gets. */
const requests: Readonly<Record<string, (request: TraceScope) => void>> = {
  unremarkable: (request) => shadow(request, { [attributes.shadowOutcome]: 'match', [attributes.shadowSlowdown]: 1.5 }),
  different: (request) => shadow(request, { [attributes.shadowOutcome]: 'mismatch' }),
  missing: (request) => shadow(request, { [attributes.shadowOutcome]: 'missing_in_follower' }),
  failed: (request) => request.fail('NO_LEASE'),
  lopsided: (request) =>
    shadow(request, {
      [attributes.shadowOutcome]: 'match',
      [attributes.shadowSlowdown]: 7.25,
      [attributes.shadowTargetMs]: 72.5,
      [attributes.shadowSourceMs]: 10,
    }),
  'lopsided and quick': (request) =>
    shadow(request, {
      [attributes.shadowOutcome]: 'match',
      [attributes.shadowSlowdown]: 7.25,
      [attributes.shadowTargetMs]: 7.25,
      [attributes.shadowSourceMs]: 1,
    }),
  elsewhere: (request) => request.set(attributes.routeReason, 'follower_failed'),
  'by flag': (request) => request.set(attributes.routeReason, 'flag'),
};
const KEPT = ['different', 'elsewhere', 'failed', 'lopsided', 'missing'];

function shadow(request: TraceScope, told: Readonly<Record<string, string | number>>): void {
  const span = request.child(spanNames.shadowRead);
  for (const [name, value] of Object.entries(told)) span.set(name, value);
  span.end();
}

it.skipIf(!isCollectorBuilt())(
  'a Collector of the shipped configuration keeps what an operator looks for, and drops the rest',
  async () => {
    const receiver = await startSpanReceiver();
    onTestFinished(() => receiver.close());
    const supervisor = await Supervisor.start();
    onTestFinished(() => supervisor.close());
    const context = { supervisor, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const program = await fetchCollector({ ...context, onProgress: () => {} });
    const { otlp } = await startCollector(context, program, { zipkinUrl: receiver.url, keepPercent: 0 });
    const telemetry = startTelemetry({
      serviceName: 'records',
      instance: 'records-1',
      exporter: 'otlp',
      endpoint: otlp,
      sampleRatio: 1,
      metrics: false,
    });
    for (const [name, happen] of Object.entries(requests)) {
      const request = telemetry.startRequest(`/${name}`, { get: () => undefined });
      happen(request);
      request.end();
    }
    await telemetry.shutdown();
    const kept = () => {
      const spans = receiver.requests.flatMap(
        ({ body }) => JSON.parse(body.toString()) as { name: string; kind?: string }[],
      );
      return spans.flatMap(({ name, kind }) => (kind === 'SERVER' ? name : [])).toSorted();
    };
    await expect.poll(kept, { timeout: DECIDED_WITHIN_MS }).toEqual(KEPT);
  },
  TIMEOUT_MS,
);
