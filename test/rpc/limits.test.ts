import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterEach, expect, it } from 'vitest';
import { allCallers, grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import {
  loadMedications,
  memoryRecords,
  type Servers,
  type ServersOptions,
  startServers,
} from '../support/rpc-fixture.ts';

const NOT_FOUND = 5;
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

it('connections of strangers give way to those of callers', async () => {
  const { grpcPort, httpPort, methods } = await start({ maxConnections: 2 });
  for (const port of [grpcPort, httpPort]) {
    sockets.push(connect(port, '127.0.0.1'), connect(port, '127.0.0.1'));
  }
  await new Promise((resolve) => setTimeout(resolve, 800));
  for (const caller of allCallers({ grpcPort, httpPort })) {
    const outcome = await caller.call(methods.GetMedication as DescMethod, { name: `${PARENT}/medications/1` });
    caller.close();
    expect(outcome.code, caller.protocol).toBe(NOT_FOUND);
  }
});

it('and a caller that is connected stays', async () => {
  const { grpcPort, methods } = await start({ maxConnections: 2 });
  const caller = grpcCaller(grpcPort);
  const ask = () => caller.call(methods.GetMedication as DescMethod, { name: `${PARENT}/medications/1` });
  expect((await ask()).code).toBe(NOT_FOUND);
  const lost: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    const socket = connect(grpcPort, '127.0.0.1');
    // Reads what is sent, or it would not see the end.
    socket.resume().on('close', () => lost.push(i));
    sockets.push(socket);
  }
  await expect.poll(() => lost).toEqual([0, 1]);
  expect((await ask()).code).toBe(NOT_FOUND);
  caller.close();
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
