import { type ClientHttp2Session, connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const PATH = '/hospital.v1.Medications/GetMedication';
/** The name that no record has, framed. */
const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const MESSAGE = Buffer.concat([Buffer.from([0x0a, NAME.length]), Buffer.from(NAME)]);
const frame = (flag = 0) => Buffer.concat([Buffer.from([flag, 0, 0, 0, MESSAGE.length]), MESSAGE]);
const [INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED] = ['3', '5', '8'];
const BAD_REQUEST = 400;
const MOST_WAITING_BYTES = 50 * 1024 * 1024;

let servers: Servers;
let session: ClientHttp2Session;

beforeAll(async () => {
  const medications = await loadMedications();
  const records = memoryRecords(medications.resource);
  servers = await startServers({ medications, records, limits: { maxConcurrentStreams: 3 } });
  session = connectHttp2(`http://127.0.0.1:${servers.grpcPort}`);
});

afterAll(async () => {
  session.destroy();
  await servers.stop();
});

function call(headers: Record<string, string>, body: Buffer): Promise<IncomingHttpHeaders> {
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', ...headers });
  const answer: IncomingHttpHeaders = {};
  stream.on('response', (head) => Object.assign(answer, head));
  stream.on('trailers', (trailers) => Object.assign(answer, trailers));
  stream.on('error', () => {});
  stream.resume().end(body);
  return new Promise((resolve) => stream.on('close', () => resolve(answer)));
}

describe('a head over gRPC', () => {
  it.each(['', 'x', '-1S', '1.5S', '999999999S', '5S5S', '5 S'])(
    'with the time-out "%s" is malformed',
    async (timeout) => {
      const answer = await call({ 'grpc-timeout': timeout }, frame());
      expect(answer['grpc-status']).toBe(INVALID_ARGUMENT);
      expect(answer['grpc-status-details-bin']).toBeDefined();
    },
  );

  it('may have the longest time-out that there is', async () => {
    for (const timeout of ['99999999H', '99999999S', '5S'])
      expect([timeout, (await call({ 'grpc-timeout': timeout }, frame()))['grpc-status']]).toEqual([
        timeout,
        NOT_FOUND,
      ]);
  });

  it('that says a compression which its message has not is malformed, not a fault', async () => {
    const answer = await call({ 'grpc-encoding': 'gzip' }, frame(1));
    expect(answer['grpc-status']).toBe(INVALID_ARGUMENT);
    expect(answer['grpc-message']).toContain('decoded');
  });

  it('must be a POST', async () => {
    const answer = await call({ ':method': 'PUT' }, frame());
    expect(answer[':status']).toBe(constants.HTTP_STATUS_METHOD_NOT_ALLOWED);
  });
});

it('streams of health and reflection are bounded, and probes are answered while all of them are taken', async () => {
  const ask = (method: 'Watch' | 'Check') => {
    const path = `/grpc.health.v1.Health/${method}`;
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => {});
    stream.end(Buffer.alloc(5));
    return stream;
  };
  const open = Array.from({ length: 3 }, () => ask('Watch'));
  await Promise.all(open.map((stream) => new Promise((resolve) => stream.once('response', resolve))));
  const headOf = (method: 'Watch' | 'Check') =>
    new Promise<IncomingHttpHeaders>((resolve) => ask(method).once('response', resolve));
  expect(await headOf('Watch')).toMatchObject({ 'grpc-status': RESOURCE_EXHAUSTED });
  expect(await headOf('Check')).not.toHaveProperty('grpc-status');
  for (const stream of open) stream.close();
});

it('questions to reflection are read at the pace of their answers', async () => {
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stream.on('error', () => {});
  // Each asks for a file with all that it imports: its answer is a thousand times as long.
  const symbol = Buffer.from('hospital.v1.Medications');
  const question = Buffer.concat([Buffer.from([0, 0, 0, 0, symbol.length + 2, 0x22, symbol.length]), symbol]);
  stream.write(Buffer.concat(Array.from({ length: 20_000 }, () => question)));
  // Nobody reads the answers. Without a pace some hundred megabytes of them would wait after three seconds.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(MOST_WAITING_BYTES);
  stream.close(constants.NGHTTP2_CANCEL);
});

describe('a head over HTTP', () => {
  it.each([
    ['an empty host', `POST ${PATH} HTTP/1.1\r\nhost: \r\n\r\n`],
    ['a host that is none', `POST ${PATH} HTTP/1.1\r\nhost: ]\r\n\r\n`],
    ['no host, as HTTP/1.0 lets it', `POST ${PATH} HTTP/1.0\r\n\r\n`],
  ])('with %s is refused, and the instance goes on', async (_, head) => {
    const socket = connect(servers.httpPort, '127.0.0.1');
    socket.write(head);
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.destroy();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${BAD_REQUEST} `));
    expect((await fetch(`http://127.0.0.1:${servers.httpPort}/healthz`)).status).toBe(200);
  });
});

it('a message that connect-es can’t even complain of is answered over gRPC-Web', async () => {
  // The complaint quotes so many bytes of what is no JSON that it ends in the midst of a character, in one of the two.
  for (const text of ['😀'.repeat(60), `a${'😀'.repeat(60)}`]) {
    const message = Buffer.from(text);
    const body = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const answer = await fetch(`http://127.0.0.1:${servers.httpPort}${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+json' },
      body,
      signal: AbortSignal.timeout(5_000),
    });
    const status = answer.headers.get('grpc-status') ?? /grpc-status: *(\d+)/i.exec(await answer.text())?.[1];
    expect(status).toBe(INVALID_ARGUMENT);
  }
});

describe('a complaint about a message', () => {
  const post = (encodings: string, key: string) =>
    fetch(`http://127.0.0.1:${servers.httpPort}${PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-encoding': encodings },
      body: JSON.stringify({ [key]: 1 }),
    });

  it.each(['identity', 'gzip', 'br'])(
    'that would quote much of it has its reason and no quotation, with %s',
    async (encodings) => {
      const answer = await post(encodings, `a field ${'x'.repeat(5_000)}`);
      expect(answer.status).toBe(BAD_REQUEST);
      const text = await answer.text();
      expect(text).toContain('MALFORMED_REQUEST');
      expect(text).not.toContain('xxx');
    },
  );

  it('takes no longer for a field’s name of megabytes than for any other message of that size', async () => {
    const timed = async (key: string): Promise<number> => {
      const startMs = performance.now();
      expect((await post('identity', key)).status).toBe(BAD_REQUEST);
      return performance.now() - startMs;
    };
    const letters = 'a'.repeat(3_000_000);
    await timed(`other ${letters}`);
    const others = Math.max(await timed(`other ${letters}`), await timed(`other ${letters}`));
    expect(await timed(`cannot decode field ${letters}`)).toBeLessThan(5 * others + 1_000);
  });
});
