import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterEach, expect, it } from 'vitest';
import { grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import {
  loadMedications,
  memoryRecords,
  type Servers,
  type ServersOptions,
  startServers,
} from '../support/rpc-fixture.ts';

const PARENT = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab';

let servers: Servers | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await servers?.stop();
  servers = undefined;
});

async function start(
  limits: NonNullable<ServersOptions['limits']>,
): Promise<Servers & { readonly methods: ReturnType<typeof methodsOf> }> {
  const medications = await loadMedications();
  servers = await startServers({ medications, records: memoryRecords(medications.resource), limits });
  return { ...servers, methods: methodsOf(medications.registry, 'hospital.v1.Medications') };
}

it('a page has no more records than the limit, whatever is asked for', async () => {
  const { grpcPort, methods } = await start({ maxPageSize: 2 });
  const caller = grpcCaller(grpcPort);
  for (const id of ['1', '2', '3']) {
    const medication = { code: 1, description: 'x', startTime: '2024-01-01T00:00:00Z' };
    const created = await caller.call(methods.CreateMedication as DescMethod, {
      parent: PARENT,
      medicationId: id,
      medication,
    });
    expect(created.code).toBe(0);
  }
  const page = await caller.call(methods.ListMedications as DescMethod, { parent: PARENT, pageSize: 1_000 });
  caller.close();
  expect((page.json as { medications: unknown[] }).medications).toHaveLength(2);
});

it('a port has no more connections than the limit', async () => {
  const { grpcPort, httpPort } = await start({ maxConnections: 2 });
  for (const port of [grpcPort, httpPort]) {
    const open = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'));
    sockets.push(...open);
    const closed = await Promise.race(
      open.map((socket) => new Promise((resolve) => socket.once('close', () => resolve(true)))),
    );
    expect(closed).toBe(true);
  }
});

it('a connection is told how many requests it may have under way', async () => {
  const { grpcPort } = await start({ maxRequestsPerConnection: 7 });
  const session = connectHttp2(`http://127.0.0.1:${grpcPort}`);
  const settings = await new Promise<{ maxConcurrentStreams?: number | undefined }>((resolve) =>
    session.once('remoteSettings', resolve),
  );
  session.destroy();
  expect(settings.maxConcurrentStreams).toBe(7);
});
