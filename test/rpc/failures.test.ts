import { request as httpRequest } from 'node:http';
import type { DescMethod } from '@bufbuild/protobuf';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DomainError, type ErrorKind, type ErrorReason } from '../../src/domain/errors.ts';
import type { Call } from '../../src/stores/call.ts';
import { allCallers, type Caller, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  startServers,
} from '../support/rpc-fixture.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const GET_PATH = '/hospital.v1.Medications/GetMedication';
const MAX_MESSAGE_BYTES = 64 * 1024;

let medications: Medications;
let servers: Servers;
let callers: readonly Caller[];
let methods: Readonly<Record<string, DescMethod>>;
/** What the store does with a read. */
let read: (call: Call) => Promise<never>;
const faults: { errorId: string; method: string; cause: unknown }[] = [];

beforeAll(async () => {
  medications = await loadMedications();
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
  servers = await startServers({
    medications,
    records: { ...memoryRecords(medications.resource), getMany: (_keys, call) => read(call) },
    limits: { maxMessageBytes: MAX_MESSAGE_BYTES, maxConcurrentRequests: 3, defaultTimeoutMs: 400, maxTimeoutMs: 1500 },
    reportFault: (errorId, method, cause) => faults.push({ errorId, method, cause }),
  });
  callers = allCallers(servers);
});

afterAll(async () => {
  for (const caller of callers) caller.close();
  await servers.stop();
});

beforeEach(() => {
  faults.length = 0;
  read = () => Promise.reject(new DomainError({ kind: 'not_found', reason: 'RECORD_NOT_FOUND', message: 'none' }));
});

function get(caller: Caller, options?: Parameters<Caller['call']>[2]): Promise<Outcome> {
  return caller.call(methods.GetMedication as DescMethod, { name: NAME }, options);
}

/** Waits for something that the test can only see from outside. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

describe('an error of the service', () => {
  const cases: [ErrorKind, ErrorReason, number][] = [
    ['cancelled', 'CANCELLED', 1],
    ['unknown', 'OUTCOME_UNKNOWN', 2],
    ['invalid_argument', 'VERSION_FROM_THE_FUTURE', 3],
    ['deadline_exceeded', 'DEADLINE_EXCEEDED', 4],
    ['not_found', 'RECORD_NOT_FOUND', 5],
    ['already_exists', 'RECORD_ALREADY_EXISTS', 6],
    ['resource_exhausted', 'TOO_MANY_REQUESTS', 8],
    ['failed_precondition', 'CONSTRAINT_VIOLATED', 9],
    ['aborted', 'ETAG_MISMATCH', 10],
    ['unimplemented', 'INTERNAL', 12],
    ['unavailable', 'NO_LEASE', 14],
    ['data_loss', 'VERSION_LOST', 15],
  ];

  it.each(cases)('of kind %s and reason %s is code %i in every protocol', async (kind, reason, code) => {
    const metadata = { version: '1700000000000001' };
    read = () => Promise.reject(new DomainError({ kind, reason, message: 'what happened', metadata }));
    for (const caller of callers) {
      const outcome = await get(caller);
      expect([caller.protocol, outcome]).toEqual([
        caller.protocol,
        expect.objectContaining({ code, reason, metadata, version: metadata.version, message: 'what happened' }),
      ]);
      const mayRetry = kind === 'unavailable' || kind === 'resource_exhausted';
      expect(outcome.details?.includes('google.rpc.RetryInfo')).toBe(mayRetry);
    }
    expect(faults).toEqual([]);
  });

  it('that nobody foresaw shows nothing but the id of its report', async () => {
    const cause = new Error("Duplicate entry 'Jane Doe' for key 'patients.name'");
    read = () => Promise.reject(cause);
    for (const caller of callers) {
      const outcome = await get(caller);
      expect(outcome).toMatchObject({ code: 13, reason: 'INTERNAL' });
      const report = faults.pop();
      expect(report).toEqual({ errorId: outcome.metadata?.error_id, method: GET_PATH, cause });
      expect(JSON.stringify(outcome)).not.toMatch(/Jane|Duplicate|\.ts:|node_modules/);
    }
  });

  it('of kind internal keeps its reason and its field, and hides its message', async () => {
    const init = { kind: 'internal', reason: 'UNREPRESENTABLE_VALUE', message: 'secret' } as const;
    read = () => Promise.reject(new DomainError({ ...init, metadata: { field: 'code' } }));
    for (const caller of callers) {
      const outcome = await get(caller);
      expect(outcome).toMatchObject({ code: 13, reason: 'UNREPRESENTABLE_VALUE', metadata: { field: 'code' } });
      expect(outcome.message).not.toContain('secret');
      expect(faults.pop()?.errorId).toBe(outcome.metadata?.error_id);
    }
  });

  it('thrown before there is a promise is answered too', async () => {
    read = () => {
      throw new Error('at once');
    };
    for (const caller of callers) expect(await get(caller)).toMatchObject({ code: 13, reason: 'INTERNAL' });
  });
});

describe('metadata', () => {
  it('reaches the stores', async () => {
    const calls: Call[] = [];
    read = (call) => {
      calls.push(call);
      throw new DomainError({ kind: 'not_found', reason: 'RECORD_NOT_FOUND', message: 'none' });
    };
    const headers = {
      'crossfade-version': '1700000000000042',
      'crossfade-consistency': 'at-least',
      'crossfade-caller': 'ward-7',
      'crossfade-user': 'u-1',
    };
    for (const caller of callers) {
      const before = performance.now();
      await get(caller, { headers, timeoutMs: 1000 });
      const call = calls.pop();
      const said = { atLeast: 1700000000000042n, consistency: 'at-least', caller: 'ward-7', user: 'u-1' };
      expect(call).toMatchObject(said);
      expect(call?.deadlineMs).toBeGreaterThan(before + 500);
      expect(call?.deadlineMs).toBeLessThan(performance.now() + 1000);
    }
  });

  it('left out stands for any state, any store, nobody and the default deadline', async () => {
    const calls: Call[] = [];
    read = (call) => {
      calls.push(call);
      throw new DomainError({ kind: 'not_found', reason: 'RECORD_NOT_FOUND', message: 'none' });
    };
    for (const caller of callers) {
      await get(caller);
      const call = calls.pop();
      expect(call).toMatchObject({ atLeast: 0n, consistency: 'latency', caller: '', user: '' });
      expect(call?.deadlineMs).toBeLessThan(performance.now() + 400);
    }
  });

  it.each([
    ['crossfade-version', '-1'],
    ['crossfade-version', '1.5'],
    ['crossfade-version', '9223372036854775808'],
    ['crossfade-version', '1'.repeat(200)],
    ['crossfade-consistency', 'quorum'],
    ['crossfade-caller', 'x'.repeat(257)],
    ['crossfade-user', 'x'.repeat(257)],
  ])('%s is refused as %s', async (field, value) => {
    for (const caller of callers) {
      const outcome = await get(caller, { headers: { [field]: value } });
      expect(outcome).toMatchObject({ code: 3, reason: 'INVALID_FIELD', metadata: { field } });
    }
  });
});

describe('a deadline', () => {
  /** A store that never answers and does not look at the deadline either. */
  const hang = (): Promise<never> => new Promise(() => {});

  it('is kept even if the store does not look at it', async () => {
    for (const caller of callers) {
      const waiting = new Set<() => void>();
      read = () => new Promise((_, reject) => waiting.add(() => reject(new Error('too late'))));
      const startMs = performance.now();
      const outcome = await get(caller);
      expect(outcome).toMatchObject({ code: 4, reason: 'DEADLINE_EXCEEDED' });
      expect(performance.now() - startMs).toBeGreaterThan(350);
      expect(servers.pipeline.running()).toBe(1);
      for (const end of waiting) end();
      await until(() => servers.pipeline.running() === 0);
    }
    expect(faults).toEqual([]);
  });

  it('of the caller counts if it is shorter, and is cut if it is too long', async () => {
    const signals: AbortSignal[] = [];
    const leftMs: number[] = [];
    read = (call) => {
      if (call.signal) signals.push(call.signal);
      leftMs.push(call.deadlineMs - performance.now());
      return new Promise((_, reject) => call.signal?.addEventListener('abort', () => reject(call.signal?.reason)));
    };
    for (const caller of callers) {
      expect(await get(caller, { timeoutMs: 200 })).toMatchObject({ code: 4 });
      expect(leftMs.pop()).toBeLessThanOrEqual(200);
    }
    expect(await get(callers[1] as Caller, { timeoutMs: 100_000 })).toMatchObject({
      code: 4,
      reason: 'DEADLINE_EXCEEDED',
    });
    expect(leftMs.pop()).toBeLessThanOrEqual(1500);
    await until(() => signals.every((signal) => signal.aborted) && servers.pipeline.running() === 0);
  });

  it('that has passed already is answered at once', async () => {
    read = hang;
    const outcome = await get(callers[1] as Caller, { timeoutMs: 0 });
    expect(outcome).toMatchObject({ code: 4 });
  });
});

describe('a caller that goes away', () => {
  it('aborts its call', async () => {
    for (const caller of callers) {
      let signal: AbortSignal | undefined;
      read = (call) => {
        signal = call.signal;
        return new Promise((_, reject) => call.signal?.addEventListener('abort', () => reject(call.signal?.reason)));
      };
      const controller = new AbortController();
      const outcome = get(caller, { signal: controller.signal, timeoutMs: 1500 }).catch(() => null);
      await until(() => signal !== undefined);
      controller.abort();
      await outcome;
      await until(() => signal?.aborted === true);
      expect(signal?.reason).toMatchObject({ reason: 'CANCELLED' });
      await until(() => servers.pipeline.running() === 0);
    }
  });
});

describe('the bound on requests', () => {
  it('holds on both ports together, and refuses at once', async () => {
    const waiting: (() => void)[] = [];
    read = () => new Promise((_, reject) => waiting.push(() => reject(new Error('enough'))));
    const taken = [0, 1, 2].map((i) => get(callers[i] as Caller));
    await until(() => waiting.length === 3);
    for (const caller of callers) {
      const outcome = await get(caller);
      expect(outcome).toMatchObject({ code: 8, reason: 'TOO_MANY_REQUESTS' });
      expect(outcome.details).toContain('google.rpc.RetryInfo');
    }
    for (const end of waiting) end();
    for (const outcome of await Promise.all(taken)) expect(outcome).toMatchObject({ code: 13 });
    read = () => Promise.reject(new DomainError({ kind: 'not_found', reason: 'RECORD_NOT_FOUND', message: 'none' }));
    for (const caller of callers) expect(await get(caller)).toMatchObject({ code: 5 });
  });
});

/** Sends bytes as they are. */
function post(headers: Record<string, string>, body: string | Buffer, path = GET_PATH) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port: servers.httpPort, path, method: 'POST', headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('latin1');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function frame(message: Buffer | string, flags = 0): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Field 1 is a string of five bytes, of which one is there. */
const TRUNCATED = Buffer.from('0a0541', 'hex');

describe('a message that can not be decoded', () => {
  it('is INVALID_ARGUMENT over gRPC', async () => {
    const client = new Client(`127.0.0.1:${servers.grpcPort}`, credentials.createInsecure());
    const asIs = (bytes: Buffer) => bytes;
    for (const message of [TRUNCATED, Buffer.from('0a02c328', 'hex'), Buffer.from('ffffffffffffffffffffffff', 'hex')]) {
      const error = await new Promise<ServiceError | null>((resolve) => {
        client.makeUnaryRequest(GET_PATH, asIs, asIs, message, (failure) => resolve(failure));
      });
      expect(error).toMatchObject({ code: 3, details: expect.stringContaining('hospital.v1.GetMedicationRequest') });
      expect(error?.metadata.get('grpc-status-details-bin').join()).toContain('MALFORMED_REQUEST');
    }
    client.close();
  });

  it.each([
    ['binary', 'application/proto', TRUNCATED],
    ['JSON that is none', 'application/json', '{'],
    ['JSON of another shape', 'application/json', '[]'],
    ['no JSON at all', 'application/json', ''],
    ['JSON that is no text', 'application/json', Buffer.from([0x22, 0xff, 0x22])],
  ])('is invalid_argument over Connect: %s', async (_what, type, body) => {
    const answer = await post({ 'content-type': type }, body);
    expect(answer.status).toBe(400);
    const error = JSON.parse(answer.text) as { code: string; details: { type: string; debug: object }[] };
    expect(error.code).toBe('invalid_argument');
    expect(error.details[0]?.debug).toMatchObject({ reason: 'MALFORMED_REQUEST', domain: 'crossfade.dev' });
  });

  it('names a JSON field that does not exist or has a wrong value, and not the value', async () => {
    const wrong = [
      ['ListMedications', '{"parent": "patients/1", "pagesize": 3}', 'pagesize'],
      ['ListMedications', '{"parent": "patients/1", "pageSize": "many secrets"}', 'page_size'],
      ['UpdateMedication', '{"medication": {"dispenses": 1.5}}', 'dispenses'],
    ] as const;
    for (const [method, body, field] of wrong) {
      const answer = await post({ 'content-type': 'application/json' }, body, `/hospital.v1.Medications/${method}`);
      const error = JSON.parse(answer.text) as { message: string; details: { debug: object }[] };
      expect(error.details[0]?.debug).toMatchObject({ reason: 'MALFORMED_REQUEST', metadata: { field } });
      expect(error.message).toContain(`"${field}"`);
      expect(answer.text).not.toContain('secret');
    }
  });

  it('is INVALID_ARGUMENT over gRPC-Web', async () => {
    const answer = await post({ 'content-type': 'application/grpc-web+proto' }, frame(TRUNCATED));
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/grpc-status: *3/);
    expect(answer.text).toContain('grpc-status-details-bin');
  });

  it.each([
    ['application/grpc-web+proto', frame(TRUNCATED).subarray(0, 6)],
    ['application/grpc-web+proto', Buffer.alloc(0)],
    ['application/grpc-web+proto', Buffer.concat([frame(''), frame('')])],
  ])('of a torn or doubled frame is an error and not a crash: %s %#', async (type, body) => {
    const answer = await post({ 'content-type': type }, body);
    expect(answer.text).toMatch(/grpc-status: *(3|12|13)/);
    expect(answer.text).not.toContain('node_modules');
  });

  it('is refused by its type if that is none of ours', async () => {
    expect((await post({ 'content-type': 'text/xml' }, '<x/>')).status).toBe(415);
    expect((await post({ 'content-type': 'application/json' }, '{}', '/hospital.v1.Medications/Nothing')).status).toBe(
      404,
    );
  });
});

describe('a message that is too large', () => {
  it('is RESOURCE_EXHAUSTED in every protocol', async () => {
    const name = 'x'.repeat(MAX_MESSAGE_BYTES + 1);
    for (const caller of callers) {
      const outcome = await caller.call(methods.GetMedication as DescMethod, { name });
      expect([caller.protocol, outcome.code]).toEqual([caller.protocol, 8]);
    }
  });

  it('is never made of a page: the page ends earlier', async () => {
    const parent = 'patients/20000000-0000-0000-0000-000000000000';
    const note = 'n'.repeat(9000);
    const [grpc] = callers as [Caller];
    for (let id = 1; id <= 10; id++) {
      const medication = { code: 1, description: 'x', startTime: '2021-05-04T12:30:00Z', note };
      const request = { parent, medicationId: String(id), medication };
      expect(await grpc.call(methods.CreateMedication as DescMethod, request)).toMatchObject({ code: 0 });
    }
    for (const caller of callers) {
      const names: string[] = [];
      let pageToken = '';
      do {
        const outcome = await caller.call(methods.ListMedications as DescMethod, { parent, pageToken });
        const page = outcome.json as { medications: { name: string }[]; nextPageToken?: string };
        expect(page.medications.length).toBeLessThan(5);
        names.push(...page.medications.map((each) => each.name));
        pageToken = page.nextPageToken ?? '';
      } while (pageToken !== '');
      expect(names).toEqual(Array.from({ length: 10 }, (_, i) => `${parent}/medications/${i + 1}`));
    }
  });
});

describe('a method that is not served', () => {
  it('is UNIMPLEMENTED over gRPC and 404 over HTTP', async () => {
    const method = methodsOf(medications.registry, 'hospital.v1.Encounters').GetEncounter as DescMethod;
    expect(await (callers[0] as Caller).call(method, { name: 'x' })).toMatchObject({ code: 12 });
    const answer = await post({ 'content-type': 'application/json' }, '{}', '/hospital.v1.Encounters/GetEncounter');
    expect(answer.status).toBe(404);
  });
});
