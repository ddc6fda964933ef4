import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { create, type DescMethod, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  type ServersOptions,
  startServers,
} from '../support/rpc-fixture.ts';

const PARENT = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab';
const PATH = '/hospital.v1.Medications/ListMedications';
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** More than the kernel keeps of an answer for a reader that does not read. */
const RECORDS = 200;
const NOTE = 'x'.repeat(60_000);
const OK = 0;

let medications: Medications;
let methods: Readonly<Record<string, DescMethod>>;
let records: ReturnType<typeof memoryRecords>;
let servers: Servers | undefined;
const ends: (() => void)[] = [];

beforeAll(async () => {
  medications = await loadMedications();
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
  records = memoryRecords(medications.resource);
  const { grpcPort, stop } = await startServers({ medications, records });
  const caller = grpcCaller(grpcPort);
  const medication = { code: 1, description: 'x', startTime: '2024-01-01T00:00:00Z', note: NOTE };
  for (let id = 1; id <= RECORDS; id++) {
    const request = { parent: PARENT, medicationId: String(id), medication };
    expect((await caller.call(methods.CreateMedication as DescMethod, request)).code).toBe(OK);
  }
  caller.close();
  await stop();
});

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await servers?.stop();
  servers = undefined;
});

async function start(options: Partial<ServersOptions>): Promise<Servers> {
  servers = await startServers({ medications, records, limits: { maxMessageBytes: MESSAGE_BYTES }, ...options });
  return servers;
}

/** Asks over gRPC and gives no room for the answers. Each resolves when the server gives its answer up. */
function askGrpc(port: number, count: number): Promise<void>[] {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  session.on('error', () => {});
  ends.push(() => session.destroy());
  const { input } = methods.ListMedications as DescMethod;
  const message = toBinary(input, create(input, { parent: PARENT, pageSize: 1_000 }));
  const frame = Buffer.concat([Buffer.alloc(5), message]);
  frame.writeUInt32BE(message.length, 1);
  return Array.from({ length: count }, () => {
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.on('error', () => {}).end(frame);
    return new Promise<void>((resolve) => stream.on('close', () => resolve()));
  });
}

/** The same over HTTP/1.1. */
function askHttp(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.on('error', () => {});
  const body = JSON.stringify({ parent: PARENT, pageSize: 1_000 });
  const head = `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.pause();
  socket.write(head + body);
  return socket;
}

/** Reads on, up to the end of the connection or as much as a whole answer has. */
async function read(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= RECORDS * NOTE.length) socket.destroy();
  });
  socket.resume();
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  return bytes;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('an answer that its caller does not read', () => {
  it('is given up after its time over gRPC', async () => {
    const { grpcPort } = await start({ answerTimeoutMs: 300 });
    await Promise.all(askGrpc(grpcPort, 3));
  });

  it('is given up after its time over HTTP', async () => {
    const complaints = vi.spyOn(console, 'error');
    ends.push(() => complaints.mockRestore());
    const { httpPort } = await start({ answerTimeoutMs: 300 });
    const socket = askHttp(httpPort);
    await sleep(3_000);
    expect(await read(socket)).toBeLessThan(RECORDS * NOTE.length);
    // Nothing past the log.
    expect(complaints).not.toHaveBeenCalled();
  });

  it('is read to its end by a caller that is in time', async () => {
    const { httpPort } = await start({ answerTimeoutMs: 60_000 });
    const socket = askHttp(httpPort);
    await sleep(300);
    expect(await read(socket)).toBeGreaterThanOrEqual(RECORDS * NOTE.length);
  });

  it('gives way while memory is short: all but the newest sixteen', async () => {
    const memory = { isShort: false };
    const { grpcPort } = await start({ memory });
    const closed = askGrpc(grpcPort, 20).map((one, index) => one.then(() => index));
    await sleep(3_000);
    memory.isShort = true;
    const first = await Promise.all(closed.slice(0, 4));
    expect(first).toEqual([0, 1, 2, 3]);
    const later = await Promise.race([...closed.slice(4), sleep(500).then(() => 'waits')]);
    expect(later).toBe('waits');
  });
});
