import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { Client, type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import {
  file_crossfade_v1alpha1_migrations,
  Migrations,
  WatchMigrationRequestSchema,
  type WatchMigrationResponse,
  WatchMigrationResponseSchema,
} from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import type { CallContext } from '../../src/rpc/call-context.ts';
import { drain } from '../../src/rpc/drain.ts';
import { createMethodTable } from '../../src/rpc/method-table.ts';
import { migrationAccess } from '../../src/rpc/migration-access.ts';
import { createTypedMethods, type TypedHandlers } from '../../src/rpc/typed-service.ts';
import { noTrace } from '../../src/telemetry/trace-scope.ts';
import { allCallers } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const NAME = 'migrations/medications';

type Handlers = TypedHandlers<typeof Migrations>;

/** What WatchMigration does in a test. */
let watch: (context: CallContext) => AsyncIterable<{ migration: { name: string; generation: bigint } }>;
let servers: Servers;
const spans: string[] = [];
const observed: [string, number, string][] = [];

function unserved(): never {
  throw new DomainError({ kind: 'unimplemented', reason: 'INTERNAL', message: 'not in this test' });
}

const handlers: Handlers = {
  getMigration: async ({ name }) => {
    if (name === NAME) return { name, generation: 7n };
    throw new DomainError({ kind: 'not_found', reason: 'MIGRATION_NOT_FOUND', message: 'there is no such migration' });
  },
  watchMigration: (_request, context) => watch(context),
  listMigrations: unserved,
  listTransitions: unserved,
  startBackfill: unserved,
  startVerification: unserved,
  throttleOperation: unserved,
  listMismatches: unserved,
  repairMismatches: unserved,
  decommissionMigration: unserved,
  fenceSource: unserved,
  unfenceSource: unserved,
};

async function start(): Promise<Servers> {
  const medications = await loadMedications();
  return startServers({
    medications,
    records: memoryRecords(medications.resource),
    methods: createTypedMethods(Migrations, handlers, migrationAccess),
    services: [Migrations],
    limits: { maxConcurrentStreams: 4, defaultTimeoutMs: 300 },
    startRequest: (method, carrier) => {
      const name = `${method} ${carrier.get('traceparent') ?? 'new'}`;
      return {
        ...noTrace,
        recording: true,
        fail: (reason) => spans.push(`${name} failed: ${reason}`),
        end: () => spans.push(name),
      };
    },
    observe: (method, code, _durationMs, reason) => observed.push([method, code, reason]),
  });
}

beforeAll(async () => {
  servers = await start();
});

afterAll(() => servers.stop());

afterEach(() => {
  spans.length = 0;
  observed.length = 0;
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

async function* counting(count: number) {
  for (let i = 1; i <= count; i++) yield { migration: { name: NAME, generation: BigInt(i) } };
}

function watchOverGrpc(port: number): { call: ClientReadableStream<WatchMigrationResponse>; client: Client } {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = client.makeServerStreamRequest(
    '/crossfade.v1alpha1.Migrations/WatchMigration',
    (name: string) => Buffer.from(toBinary(WatchMigrationRequestSchema, create(WatchMigrationRequestSchema, { name }))),
    (bytes) => fromBinary(WatchMigrationResponseSchema, bytes),
    NAME,
  );
  return { call, client };
}

/** Everything that a stream brings over gRPC, and the code that it ends with. */
async function collectGrpc(port: number): Promise<{ generations: bigint[]; code: number }> {
  const { call, client } = watchOverGrpc(port);
  const generations: bigint[] = [];
  call.on('data', (answer: WatchMigrationResponse) => generations.push(answer.migration?.generation ?? 0n));
  call.on('error', () => {});
  const { code } = await new Promise<{ code: number }>((resolve) => call.on('status', resolve));
  client.close();
  return { generations, code };
}

const webTransports = {
  Connect: (port: number) => createConnectTransport({ baseUrl: `http://127.0.0.1:${port}` }),
  'gRPC-Web': (port: number) => createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${port}` }),
};

async function collectWeb(protocol: keyof typeof webTransports, of: Servers, signal?: AbortSignal) {
  const client = createClient(Migrations, webTransports[protocol](of.httpPort));
  const generations: bigint[] = [];
  try {
    for await (const { migration } of client.watchMigration({ name: NAME }, signal ? { signal } : {})) {
      generations.push(migration?.generation ?? 0n);
    }
    return { generations, code: 0 };
  } catch (error) {
    return { generations, code: (error as { code: number }).code };
  }
}

/** The same stream in every protocol. */
function collectAll(of: Servers) {
  return Promise.all([collectGrpc(of.grpcPort), collectWeb('Connect', of), collectWeb('gRPC-Web', of)]);
}

describe('a generated service', () => {
  it('answers the same in every protocol', async () => {
    const callers = allCallers(servers);
    for (const caller of callers) {
      const got = await caller.call(Migrations.method.getMigration, { name: NAME });
      expect(got).toEqual({ code: 0, json: { name: NAME, generation: '7' }, version: null });
      const missing = await caller.call(Migrations.method.getMigration, { name: 'migrations/none' });
      expect(missing).toMatchObject({ code: 5, reason: 'MIGRATION_NOT_FOUND' });
      const other = await caller.call(Migrations.method.startBackfill, { name: NAME });
      expect(other).toMatchObject({ code: 12 });
      caller.close();
    }
  });

  it('is traced as its caller asks, and observed, each request once', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const path = '/crossfade.v1alpha1.Migrations/GetMigration';
    for (const caller of allCallers(servers)) {
      await caller.call(Migrations.method.getMigration, { name: NAME }, { headers: { traceparent } });
      await caller.call(Migrations.method.getMigration, { name: 'x' });
      const failed = `${path} new`;
      expect(spans.splice(0)).toEqual([`${path} ${traceparent}`, `${failed} failed: MIGRATION_NOT_FOUND`, failed]);
      expect(observed.splice(0)).toEqual([
        [path, 0, ''],
        [path, 5, 'MIGRATION_NOT_FOUND'],
      ]);
      caller.close();
    }
  });

  it('must have a handler for each method, and a path of its own', () => {
    const { startBackfill: _, ...without } = handlers;
    expect(() => createTypedMethods(Migrations, without as Handlers, migrationAccess)).toThrow(
      'StartBackfill has no handler',
    );
    const methods = createTypedMethods(Migrations, handlers, migrationAccess);
    expect(() => createMethodTable([...methods, ...methods])).toThrow('two methods are served as');
    expect(file_crossfade_v1alpha1_migrations.services).toContain(Migrations);
  });
});

describe('a stream', () => {
  it('brings every message in order, and ends', async () => {
    watch = () => counting(200);
    for (const { generations, code } of await collectAll(servers)) {
      expect(code).toBe(0);
      expect(generations).toEqual(Array.from({ length: 200 }, (_, i) => BigInt(i + 1)));
    }
  });

  it('that fails brings what came before, and its error', async () => {
    watch = async function* () {
      yield* counting(2);
      throw new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'down' });
    };
    for (const outcome of await collectAll(servers)) expect(outcome).toEqual({ generations: [1n, 2n], code: 14 });
    expect(observed.map(([, code]) => code)).toEqual([14, 14, 14]);
  });

  it('lasts longer than any default deadline', async () => {
    watch = async function* () {
      yield* counting(1);
      await new Promise((resolve) => setTimeout(resolve, 600));
      yield* counting(1);
    };
    for (const outcome of await collectAll(servers)) expect(outcome).toEqual({ generations: [1n, 1n], code: 0 });
  });

  it('is not asked for more than its caller takes', async () => {
    let made = 0;
    watch = async function* () {
      for (; made < 100_000; made++) yield { migration: { name: NAME.repeat(1000), generation: BigInt(made) } };
    };
    const { call, client } = watchOverGrpc(servers.grpcPort);
    call.pause();
    call.on('error', () => {});
    await until(() => made > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(made).toBeLessThan(5000);
    call.cancel();
    client.close();
    await until(() => observed.length === 1);
  });

  it('ends for its handler when its caller goes away', async () => {
    const contexts: CallContext[] = [];
    let returned = 0;
    watch = async function* (context) {
      contexts.push(context);
      try {
        yield* counting(1);
        await new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(context.signal.reason)));
      } finally {
        returned++;
      }
    };
    const controller = new AbortController();
    const web = [collectWeb('Connect', servers, controller.signal), collectWeb('gRPC-Web', servers, controller.signal)];
    const { call, client } = watchOverGrpc(servers.grpcPort);
    call.on('error', () => {});
    call.on('data', () => {});
    await until(() => contexts.length === 3);
    controller.abort();
    call.cancel();
    await Promise.all(web);
    await until(() => returned === 3 && contexts.every(({ signal }) => signal.aborted));
    client.close();
  });

  it('is refused beyond their bound, and there is room again when one has ended', async () => {
    let started = 0;
    watch = async function* (context) {
      started++;
      yield* counting(1);
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
    };
    const controller = new AbortController();
    const taken = [0, 1, 2, 3].map(() => collectWeb('Connect', servers, controller.signal));
    await until(() => started === 4);
    for (const { code } of await collectAll(servers)) expect(code).toBe(8);
    controller.abort();
    await Promise.all(taken);
    watch = () => counting(1);
    await until(() => observed.length === 7);
    for (const { code } of await collectAll(servers)) expect(code).toBe(0);
  });

  it('is ended by draining, so that its caller finds another instance', async () => {
    const drained = await start();
    let started = 0;
    watch = async function* () {
      started++;
      yield* counting(1);
      await new Promise(() => {});
    };
    const outcomes = collectAll(drained);
    await until(() => started === 3);
    expect(await drain({ ...drained, clock: systemClock, announceMs: 0, graceMs: 3000 })).toBe(0);
    for (const outcome of await outcomes) expect(outcome).toEqual({ generations: [1n], code: 14 });
  });
});
