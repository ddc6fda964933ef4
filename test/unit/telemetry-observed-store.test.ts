import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { ShadowReads } from '../../src/migration/shadow-read.ts';
import { observed } from '../../src/stores/observed-store.ts';
import type { FollowerStore } from '../../src/stores/record-store.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import type { TraceScope } from '../../src/telemetry/trace-scope.ts';
import { collect, testCall } from '../support/calls.ts';
import { createMemoryWorld, noteKey, noteRow, resource } from '../support/memory-migration.ts';
import { decodeOtlp, type ReceivedSpan, type SpanReceiver, startSpanReceiver } from '../support/span-receiver.ts';

const CALLERS_TRACE = '0af7651916cd43dd8448eb211c80319c';
/** Values of fields, which must not leave the stores. */
const SECRETS = ['Ada-the-patient', 'note-4711', 'on-insulin', 'off-insulin'];
const KEY = noteKey('Ada-the-patient', 'note-4711');

let receiver: SpanReceiver;
let telemetry: Telemetry;
beforeEach(async () => {
  receiver = await startSpanReceiver();
  telemetry = startTelemetry({
    serviceName: 'records',
    instance: 'records-1',
    exporter: 'otlp',
    endpoint: receiver.url,
    sampleRatio: 0,
    metrics: true,
  });
});
afterEach(() => receiver.close());

/** Two stores in memory that differ in one record, as the service would observe them. */
async function createStores() {
  const world = await createMemoryWorld({ clock: systemClock, random: systemRandom });
  await world.attach();
  const { version } = await world.write(KEY, 'on-insulin');
  await world.follower.apply([{ key: KEY, row: noteRow(KEY, 'off-insulin'), version }], testCall());
  const place = { namespace: 'clinic', metrics: telemetry.metrics.stores };
  return {
    world,
    source: observed(world.authority, { ...place, store: 'source', table: 'NOTES' }),
    target: observed(world.follower, { ...place, store: 'target', table: 'notes' }),
  };
}

function startRequest(flags: '00' | '01'): TraceScope {
  const traceparent = `00-${CALLERS_TRACE}-b7ad6b7169203331-${flags}`;
  return telemetry.startRequest('/notes.v1.Notes/GetNote', {
    get: (name) => (name === 'traceparent' ? traceparent : undefined),
  });
}

async function received(): Promise<ReceivedSpan[]> {
  await telemetry.shutdown();
  return receiver.requests.flatMap(({ body }) => decodeOtlp(body));
}

/** The metrics as text. */
function metricsText(): Promise<string> {
  return new Promise((resolve) => {
    const response = { statusCode: 0, setHeader: () => {}, end: resolve };
    telemetry.metricsRoute({} as never, response as never);
  });
}

test('every call of a recorded request is a client span that says what was asked of which table', async () => {
  const { world, source, target } = await createStores();
  const trace = startRequest('01');
  const call = testCall({ trace });
  const other = noteKey('Ada-the-patient', 'note-4712');
  await source.getMany([KEY], call);
  await source.getMany([KEY, other], call);
  await source.list({ parent: [KEY.values[0] as string], after: null, limit: 10 }, call);
  await source.write({ key: other, kind: 'delete', row: null, columns: [] }, world.record(), call);
  await source.touchMany([KEY, other], world.record(), call);
  await target.apply([], call);
  await source.highestVersion(call);
  const [range] = await collect(target.split(100, call));
  await target.walk(range?.range ?? '', null, 10, call);
  await target.clock(call);
  trace.end();
  const spans = await received();
  const request = spans.find(({ kind }) => kind === 2);
  const calls = spans.filter(({ kind }) => kind === 3);
  expect(calls.map(({ name }) => name)).toEqual([
    'source getMany',
    'source getMany',
    'source list',
    'source write',
    'source touchMany',
    'target apply',
    'source highestVersion',
    'target split',
    'target walk',
    'target clock',
  ]);
  expect(calls.every(({ parentId }) => parentId === request?.spanId)).toBe(true);
  expect(calls[0]?.attributes).toEqual({
    'crossfade.store': 'source',
    'db.system.name': 'memory',
    'db.namespace': 'clinic',
    'db.collection.name': 'NOTES',
    'db.operation.name': 'getMany',
  });
  expect(calls[1]?.attributes['db.operation.batch.size']).toBe(2);
  expect(calls[3]?.attributes['crossfade.write.outcome']).toBe('not_found');
  expect(calls[5]?.attributes['db.collection.name']).toBe('notes');
});

test('a copy takes the guard of its attach along', async () => {
  const { source } = await createStores();
  const late = source.apply([{ key: KEY, row: null, version: 7n }], testCall(), { epoch: 1, attach: 99 });
  await expect(late).rejects.toMatchObject({ reason: 'MIGRATION_STATE' });
});

test('a request that is not recorded makes no span, and is measured', async () => {
  const { source } = await createStores();
  const trace = startRequest('00');
  await source.getMany([KEY], testCall({ trace }));
  trace.end();
  expect(await received()).toEqual([]);
  expect(await metricsText()).toContain(
    'crossfade_store_duration_seconds_count{store="source",operation="getMany",outcome="ok"} 1',
  );
});

test('a failure is the reason of the error, and reaches the caller as it was', async () => {
  const { world } = await createStores();
  const unavailable = new DomainError({ kind: 'unavailable', reason: 'FOLLOWER_UNAVAILABLE', message: 'gone' });
  const broken: FollowerStore = {
    ...world.follower,
    getMany: () => Promise.reject(unavailable),
    list: () => {
      throw new Error('on-insulin is no number');
    },
    async *split() {
      yield* [];
      throw unavailable;
    },
  };
  const target = observed(broken, {
    store: 'target',
    namespace: 'clinic',
    table: 'notes',
    metrics: telemetry.metrics.stores,
  });
  const trace = startRequest('01');
  const call = testCall({ trace });
  await expect(target.getMany([KEY], call)).rejects.toBe(unavailable);
  await expect(target.list({ parent: ['Ada-the-patient'], after: null, limit: 1 }, call)).rejects.toThrow('no number');
  await expect(collect(target.split(1, call))).rejects.toBe(unavailable);
  trace.end();
  const calls = (await received()).filter(({ kind }) => kind === 3);
  expect(calls.map(({ error, attributes }) => [error, attributes['error.type']])).toEqual([
    [true, 'FOLLOWER_UNAVAILABLE'],
    [true, 'INTERNAL'],
    [true, 'FOLLOWER_UNAVAILABLE'],
  ]);
  expect(await metricsText()).toContain('{store="target",operation="getMany",outcome="FOLLOWER_UNAVAILABLE"} 1');
  for (const secret of SECRETS) expect(String(receiver.requests[0]?.body)).not.toContain(secret);
});

test('a store offers what it did before: a follower no writes, a target no highest version', async () => {
  const { world, source, target } = await createStores();
  const { write: _, touchMany: __, ...reads } = world.follower;
  const place = { namespace: 'clinic', table: 'notes', metrics: telemetry.metrics.stores } as const;
  const follower: FollowerStore = observed(reads, { ...place, store: 'target' });
  const offered = [follower, target, source].map((store) => ['write' in store, 'highestVersion' in store]);
  expect(offered).toEqual([
    [false, false],
    [true, false],
    [true, true],
  ]);
});

test('one search finds the mismatch of a shadowed request, with both stores beside it and no value anywhere', async () => {
  const { world, source, target } = await createStores();
  const shadow = new ShadowReads({
    resource,
    source,
    target,
    jobs: world.jobs,
    barrier: () => Promise.resolve(),
    authority: () => 'source',
    metrics: telemetry.metrics.migration,
    clock: systemClock,
  });
  const trace = startRequest('00');
  trace.keep();
  const stored = await source.getMany([KEY], testCall({ trace }));
  shadow.begin({ stored, store: 'source', durationMs: 1.25, trace });
  trace.end();
  const comparison = `crossfade_comparisons_total{resource="${resource.id}",by="shadow_read",outcome="mismatch"} 1`;
  await expect.poll(metricsText).toContain(comparison);
  // The span ends right after the mismatch is on record.
  await expect.poll(() => world.jobs.countOpenMismatches(resource.id, testCall())).toBe(1);
  await new Promise(setImmediate);
  const spans = await received();
  const found = spans.filter(({ attributes }) => attributes['crossfade.shadow.outcome'] === 'mismatch');
  expect(found.map(({ name, traceId }) => [name, traceId])).toEqual([['shadow read', CALLERS_TRACE]]);
  expect(found[0]?.attributes).toMatchObject({
    'crossfade.shadow.source_ms': 1.25,
    'crossfade.shadow.field_paths': expect.any(String),
    'crossfade.key_hash': expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(found[0]?.attributes['crossfade.shadow.target_ms']).toBeGreaterThan(0);
  const inside = spans.filter(({ parentId }) => parentId === found[0]?.spanId).map(({ name }) => name);
  expect(new Set(inside)).toEqual(new Set(['source getMany', 'target getMany']));
  const sent = Buffer.concat(receiver.requests.map(({ body }) => body)).toString('latin1') + (await metricsText());
  for (const secret of SECRETS) expect(sent).not.toContain(secret);
});
