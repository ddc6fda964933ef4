import { afterEach, expect, test } from 'vitest';
import { startTelemetry, type TelemetryOptions } from '../../src/telemetry/telemetry.ts';
import { decodeOtlp, type SpanReceiver, startSpanReceiver } from '../support/span-receiver.ts';

const CALLERS_TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLERS_SPAN = 'b7ad6b7169203331';
const METHOD = '/hospital.v1.Medications/GetMedication';

let receivers: SpanReceiver[] = [];
afterEach(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  receivers = [];
});

async function receive(answer?: () => number | null): Promise<SpanReceiver> {
  const receiver = await startSpanReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

function start(options: Partial<TelemetryOptions>) {
  return startTelemetry({
    serviceName: 'records',
    instance: 'records-1',
    exporter: 'otlp',
    sampleRatio: 1,
    metrics: false,
    ...options,
  });
}

function carrier(traceparent?: string) {
  return { get: (name: string) => (name === 'traceparent' ? traceparent : undefined) };
}

/** One request that reads a store and fails there. */
function trace(telemetry: ReturnType<typeof start>, traceparent?: string): void {
  const request = telemetry.startRequest(METHOD, carrier(traceparent));
  request.set('crossfade.store', 'source');
  const store = request.child('source getMany', 'client');
  store.set('db.operation.batch.size', 3);
  store.set('crossfade.shadow.source_ms', 0.25);
  store.fail('AUTHORITY_UNAVAILABLE');
  store.end();
  request.child('shadow read').end();
  request.end();
}

test('a trace goes out as OTLP protobuf: request, store call and internal work, in the trace of the caller', async () => {
  const receiver = await receive();
  const telemetry = start({ endpoint: receiver.url });
  const before = Date.now() * 1_000;
  trace(telemetry, `00-${CALLERS_TRACE}-${CALLERS_SPAN}-01`);
  await telemetry.shutdown();
  expect(receiver.requests.map(({ path, contentType }) => [path, contentType])).toEqual([
    ['/v1/traces', 'application/x-protobuf'],
  ]);
  const spans = decodeOtlp(receiver.requests[0]?.body ?? Buffer.alloc(0));
  const [store, shadow, request] = spans;
  if (store === undefined || shadow === undefined || request === undefined) throw new Error('spans are missing');
  expect(spans.map((span) => span.traceId)).toEqual([CALLERS_TRACE, CALLERS_TRACE, CALLERS_TRACE]);
  expect(request).toMatchObject({ name: METHOD.slice(1), kind: 2, parentId: CALLERS_SPAN, error: false });
  expect(request.attributes).toEqual({
    'crossfade.store': 'source',
    'rpc.system.name': 'grpc',
    'rpc.method': METHOD.slice(1),
  });
  expect(request.resource).toMatchObject({ 'service.name': 'records', 'service.instance.id': 'records-1' });
  expect(store).toMatchObject({ name: 'source getMany', kind: 3, parentId: request.spanId, error: true });
  expect(store.attributes).toEqual({
    'db.operation.batch.size': 3,
    'crossfade.shadow.source_ms': 0.25,
    'error.type': 'AUTHORITY_UNAVAILABLE',
  });
  expect(shadow).toMatchObject({ name: 'shadow read', kind: 1, parentId: request.spanId, error: false });
  expect(request.startMicros).toBeGreaterThan(before - 5_000);
  expect(request.startMicros).toBeLessThanOrEqual(store.startMicros);
  expect(store.endMicros).toBeLessThanOrEqual(request.endMicros);
  expect(request.endMicros).toBeLessThan(before + 60_000_000);
});

test('a request that its caller does not trace is sent if it is kept, and only then', async () => {
  const receiver = await receive();
  const telemetry = start({ endpoint: receiver.url });
  trace(telemetry, `00-${CALLERS_TRACE}-${CALLERS_SPAN}-00`);
  const kept = telemetry.startRequest(METHOD, carrier(`00-${CALLERS_TRACE}-${CALLERS_SPAN}-00`));
  kept.keep();
  kept.set('crossfade.shadow.outcome', 'mismatch');
  kept.end();
  await telemetry.shutdown();
  const spans = decodeOtlp(receiver.requests[0]?.body ?? Buffer.alloc(0));
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({ traceId: CALLERS_TRACE, parentId: CALLERS_SPAN });
  expect(spans[0]?.attributes).toMatchObject({ 'crossfade.shadow.outcome': 'mismatch' });
});

test("a trace goes out as Zipkin's JSON, with an error that Zipkin sees", async () => {
  const receiver = await receive(() => 202);
  const telemetry = start({ exporter: 'zipkin', endpoint: receiver.url });
  trace(telemetry, `00-${CALLERS_TRACE}-${CALLERS_SPAN}-01`);
  await telemetry.shutdown();
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/api/v2/spans']);
  const [store, shadow, request] = JSON.parse(String(receiver.requests[0]?.body));
  expect(request).toMatchObject({
    traceId: CALLERS_TRACE,
    parentId: CALLERS_SPAN,
    name: METHOD.slice(1),
    kind: 'SERVER',
    localEndpoint: { serviceName: 'records' },
    tags: { 'crossfade.store': 'source', 'service.instance.id': 'records-1' },
  });
  expect(request.tags).not.toHaveProperty('error');
  expect(store).toMatchObject({
    parentId: request.id,
    kind: 'CLIENT',
    tags: { error: 'AUTHORITY_UNAVAILABLE', 'error.type': 'AUTHORITY_UNAVAILABLE' },
  });
  expect(shadow).toMatchObject({ parentId: request.id, name: 'shadow read' });
});

test('an endpoint with a path of its own is used as it is', async () => {
  const receiver = await receive();
  const telemetry = start({ endpoint: `${receiver.url}/tenant/traces` });
  trace(telemetry);
  await telemetry.shutdown();
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/tenant/traces']);
});

test('without an exporter nothing is recorded, whatever the caller wants', async () => {
  const telemetry = start({ exporter: 'none' });
  const request = telemetry.startRequest(METHOD, carrier(`00-${CALLERS_TRACE}-${CALLERS_SPAN}-01`));
  request.keep();
  expect(request.recording).toBe(false);
  await telemetry.shutdown();
});

test('shutting down takes no longer than its deadline where the trace server does not answer', async () => {
  const receiver = await receive(() => null);
  const telemetry = start({ exporter: 'zipkin', endpoint: receiver.url });
  trace(telemetry);
  const began = performance.now();
  await telemetry.shutdown(200);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(receiver.requests).toHaveLength(1);
});

test('a trace server that refuses is reported once, and once more when it takes spans again', async () => {
  let status = 400;
  const receiver = await receive(() => status);
  const reports: boolean[] = [];
  const telemetry = start({
    exporter: 'zipkin',
    endpoint: receiver.url,
    onExport: (error) => reports.push(error === null),
  });
  for (const wanted of [400, 400, 202]) {
    const before = receiver.requests.length;
    status = wanted;
    trace(telemetry);
    await expect.poll(() => receiver.requests.length, { timeout: 10_000 }).toBe(before + 1);
  }
  await telemetry.shutdown();
  expect(reports).toEqual([false, true]);
});
