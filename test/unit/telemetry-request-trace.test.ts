import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { beforeEach, describe, expect, test } from 'vitest';
import { createStartRequest, traceHeaders } from '../../src/telemetry/request-trace.ts';

const CALLERS_TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLERS_SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${CALLERS_TRACE}-${CALLERS_SPAN}-01`;
const NOT_SAMPLED = `00-${CALLERS_TRACE}-${CALLERS_SPAN}-00`;
const METHOD = '/hospital.v1.Medications/GetMedication';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({
  sampler: new AlwaysOnSampler(),
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
});
const tracer = provider.getTracer('test');
beforeEach(() => exporter.reset());

function start(headers: Record<string, string> = {}, options: { sampleRatio?: number; uniform?: () => number } = {}) {
  return createStartRequest({ tracer, sampleRatio: 0, ...options })(METHOD, { get: (name) => headers[name] });
}

const names = () => exporter.getFinishedSpans().map((span) => span.name);

describe('what is recorded', () => {
  test("the caller's choice holds, whatever the ratio", () => {
    const unwanted = start({ traceparent: NOT_SAMPLED }, { sampleRatio: 1 });
    expect(unwanted.recording).toBe(false);
    unwanted.end();
    expect(names()).toEqual([]);
    const wanted = start({ traceparent: SAMPLED }, { sampleRatio: 0 });
    expect(wanted.recording).toBe(true);
    wanted.end();
    expect(names()).toEqual([METHOD.slice(1)]);
  });

  test('without a caller who chooses, the ratio does', () => {
    expect(start({}, { sampleRatio: 0.25, uniform: () => 0.24 }).recording).toBe(true);
    expect(start({}, { sampleRatio: 0.25, uniform: () => 0.25 }).recording).toBe(false);
    expect(start({}, { sampleRatio: 0, uniform: () => 0 }).recording).toBe(false);
    expect(start({}, { sampleRatio: 1, uniform: () => 0.999999 }).recording).toBe(true);
  });

  test('a request that is not recorded makes no span, and neither do its children', () => {
    const request = start();
    const child = request.child('source getMany', 'client');
    expect(child.recording).toBe(false);
    child.set('crossfade.store', 'source');
    child.fail('AUTHORITY_UNAVAILABLE');
    child.end();
    request.fail('AUTHORITY_UNAVAILABLE');
    request.end();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test.each(['', 'garbage', `00-${'0'.repeat(32)}-${CALLERS_SPAN}-01`, `ff-${CALLERS_TRACE}-${CALLERS_SPAN}-01`])(
    'a traceparent that is none (%j) begins a new trace',
    (traceparent) => {
      const request = start({ traceparent }, { sampleRatio: 1 });
      expect(request.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(request.traceId).not.toBe(CALLERS_TRACE);
      request.end();
      expect(exporter.getFinishedSpans()[0]?.parentSpanContext).toBeUndefined();
    },
  );
});

describe('keeping a request', () => {
  test('makes a span from its start, with what was set before, and of its children those that follow', async () => {
    const startedAt = Date.now();
    const request = start({ traceparent: NOT_SAMPLED });
    request.set('crossfade.resource', 'hospital.v1.Medication');
    request.child('before').end();
    await new Promise((resolve) => setTimeout(resolve, 30));
    request.keep();
    expect(request.recording).toBe(true);
    request.set('crossfade.store', 'source');
    const child = request.child('shadow read');
    child.child('target getMany', 'client').end();
    request.end();
    child.end();
    expect(names()).toEqual(['target getMany', METHOD.slice(1), 'shadow read']);
    const [call, server, shadow] = exporter.getFinishedSpans();
    if (call === undefined || server === undefined || shadow === undefined) throw new Error('spans are missing');
    expect(server.parentSpanContext).toMatchObject({ traceId: CALLERS_TRACE, spanId: CALLERS_SPAN, isRemote: true });
    expect(server.kind).toBe(SpanKind.SERVER);
    expect(shadow.kind).toBe(SpanKind.INTERNAL);
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.parentSpanContext?.spanId).toBe(shadow.spanContext().spanId);
    expect(shadow.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
    expect(server.attributes).toMatchObject({
      'crossfade.resource': 'hospital.v1.Medication',
      'crossfade.store': 'source',
    });
    expect(server.duration[0] * 1e3 + server.duration[1] / 1e6).toBeGreaterThanOrEqual(29);
    expect(Math.abs(server.startTime[0] * 1e3 + server.startTime[1] / 1e6 - startedAt)).toBeLessThan(20);
  });

  test('twice makes one span', () => {
    const request = start();
    request.keep();
    request.keep();
    request.end();
    expect(names()).toEqual([METHOD.slice(1)]);
  });
});

test('a failure is an error with its reason and nothing else', () => {
  const request = start({ traceparent: SAMPLED });
  request.fail('RECORD_NOT_FOUND');
  request.end();
  const [span] = exporter.getFinishedSpans();
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'RECORD_NOT_FOUND' });
  expect(span?.attributes['error.type']).toBe('RECORD_NOT_FOUND');
  expect(span?.events).toEqual([]);
});

test('the protocol is the one that the transport names', () => {
  const request = createStartRequest({ tracer, sampleRatio: 1 })(METHOD, {
    get: () => undefined,
    rpcSystem: 'connectrpc',
  });
  request.end();
  expect(exporter.getFinishedSpans()[0]?.attributes['rpc.system.name']).toBe('connectrpc');
});

describe('handing a trace on', () => {
  test('a recorded request hands on its own span in the trace and state of the caller', () => {
    const request = start({ traceparent: SAMPLED, tracestate: 'vendor=a' });
    const headers = traceHeaders(request);
    expect(headers.traceparent).toMatch(new RegExp(`^00-${CALLERS_TRACE}-[0-9a-f]{16}-01$`));
    expect(headers.traceparent).not.toContain(CALLERS_SPAN);
    expect(headers.tracestate).toBe('vendor=a');
    const next = start(headers);
    next.end();
    request.end();
    const [after, before] = exporter.getFinishedSpans();
    expect(after?.parentSpanContext?.spanId).toBe(before?.spanContext().spanId);
  });

  test('one that is not recorded hands on what it was given', () => {
    expect(traceHeaders(start({ traceparent: NOT_SAMPLED, tracestate: 'vendor=a' }))).toEqual({
      traceparent: NOT_SAMPLED,
      tracestate: 'vendor=a',
    });
  });

  test('one without a trace hands on nothing, and has no id', () => {
    const request = start();
    expect(traceHeaders(request)).toEqual({});
    expect(request.traceId).toBe('');
    expect(start({ traceparent: NOT_SAMPLED }).traceId).toBe(CALLERS_TRACE);
  });
});
