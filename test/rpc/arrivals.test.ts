import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createArrivals } from '../../src/rpc/arrivals.ts';
import { allCallers, detailTypes, grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  type ServersOptions,
  startServers,
} from '../support/rpc-fixture.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const PATH = '/hospital.v1.Medications/GetMedication';
const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const [NOT_FOUND, RESOURCE_EXHAUSTED] = [5, 8];
const DEADLINE_EXCEEDED = '4';

let medications: Medications;
let method: DescMethod;
let servers: Servers | undefined;
const ends: (() => void)[] = [];

beforeAll(async () => {
  medications = await loadMedications();
  method = methodsOf(medications.registry, 'hospital.v1.Medications').GetMedication as DescMethod;
});

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await servers?.stop();
  servers = undefined;
});

async function start(options: Partial<ServersOptions>): Promise<Servers> {
  servers = await startServers({ medications, records: memoryRecords(medications.resource), ...options });
  return servers;
}

/** Begins a message over gRPC and does not go on. Resolves with the status that it ends with. */
function beginGrpc(port: number, count = 1): Promise<string>[] {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  ends.push(() => session.destroy());
  return Array.from({ length: count }, () => {
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.write(Buffer.from([0, 0, 0, 1, 0, 1]));
    return new Promise<string>((resolve) => {
      let status = 'none';
      stream.on('response', (headers) => {
        status = String(headers['grpc-status']);
      });
      stream.on('error', () => {});
      stream.on('close', () => resolve(status));
    });
  });
}

/** The same over HTTP/1.1. Resolves when the server breaks the connection. */
function beginHttp(port: number): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`);
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve())) };
}

describe('a message that does not come', () => {
  it('is given up after its time on either port', async () => {
    const { grpcPort, httpPort } = await start({ arrivalTimeoutMs: 200 });
    const [overGrpc] = beginGrpc(grpcPort);
    const overHttp = beginHttp(httpPort);
    expect(await overGrpc).toBe(DEADLINE_EXCEEDED);
    await overHttp.closed;
  });

  it('takes no room from those that do: the oldest gives way', async () => {
    const { grpcPort, httpPort } = await start({ limits: { maxConcurrentRequests: 4 } });
    const begun = beginGrpc(grpcPort, 4);
    // Longer than a message of a good caller takes.
    await new Promise((resolve) => setTimeout(resolve, 700));
    for (const caller of allCallers({ grpcPort, httpPort })) {
      expect((await caller.call(method, { name: NAME })).code).toBe(NOT_FOUND);
      caller.close();
    }
    expect(await Promise.race(begun)).toBe(String(RESOURCE_EXHAUSTED));
  });

  it('is let go where memory is short', async () => {
    const memory = { isShort: false };
    const { grpcPort } = await start({ memory });
    const begun = beginGrpc(grpcPort, 20);
    const late = grpcCaller(grpcPort);
    expect((await late.call(method, { name: NAME })).code).toBe(NOT_FOUND);
    late.close();
    memory.isShort = true;
    const ended: string[] = [];
    for (const one of begun) void one.then((status) => ended.push(status));
    // All but sixteen.
    await expect.poll(() => ended).toEqual(Array(4).fill(String(RESOURCE_EXHAUSTED)));
  });
});

describe('a message that is answered before its end', () => {
  /** Of a frame that says it is longer than any may be: answered as soon as that is read. */
  const begin = (port: number, contentBytes: number): Socket => {
    const socket = connect(port, '127.0.0.1');
    ends.push(() => socket.destroy());
    socket.on('error', () => {});
    const type = 'content-type: application/grpc-web+proto';
    socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\n${type}\r\ncontent-length: ${contentBytes}\r\n\r\n`);
    socket.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    return socket;
  };

  it('leaves its connection to the next request', async () => {
    const { httpPort } = await start({});
    // More than the buffers of the connection hold.
    const rest = Buffer.alloc(16 << 20);
    const socket = begin(httpPort, rest.length + 5);
    const answers: string[] = [];
    socket.on('data', (data) => answers.push(data.toString('latin1')));
    await expect.poll(() => answers.join('')).toMatch(/grpc-status: *8/i);
    socket.write(rest);
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answers.join('').match(/HTTP\/1.1 200/g)).toHaveLength(2);
  });

  it('is given up when its rest does not come', async () => {
    const { httpPort } = await start({ arrivalTimeoutMs: 200 });
    const socket = begin(httpPort, 100).resume();
    await new Promise((resolve) => socket.on('close', resolve));
  });
});

describe('messages on their way', () => {
  it('are refused with a pause where there are as many young ones as may be', async () => {
    const clock = new VirtualClock();
    const arrivals = createArrivals({ most: 2, timeoutMs: 1_000, clock, memory: null });
    const cut: string[] = [];
    arrivals.enter(() => cut.push('first'));
    const leave = arrivals.enter(() => cut.push('second'));
    expect(() => arrivals.enter(() => {})).toThrow(/retry after a pause/);
    leave();
    arrivals.enter(() => cut.push('third'));
    expect([arrivals.count(), cut]).toEqual([2, []]);
  });

  it('are refused over both ports with RetryInfo', async () => {
    const { grpcPort, httpPort } = await start({ limits: { maxConcurrentRequests: 2 } });
    void Promise.all(beginGrpc(grpcPort, 2));
    const caller = grpcCaller(grpcPort);
    const refused = await caller.call(method, { name: NAME });
    caller.close();
    expect(refused).toMatchObject({ code: RESOURCE_EXHAUSTED, reason: 'TOO_MANY_REQUESTS' });
    expect(refused.details).toContain(detailTypes.retryInfo);
    const overHttp = await fetch(`http://127.0.0.1:${httpPort}${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(overHttp.status).toBe(constants.HTTP_STATUS_TOO_MANY_REQUESTS);
    expect(await overHttp.json()).toMatchObject({ code: 'resource_exhausted' });
  });
});
