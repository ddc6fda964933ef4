import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { HealthCheckRequestSchema, HealthCheckResponseSchema } from '../../src/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { drain } from '../../src/rpc/drain.ts';
import { allCallers, type Caller, methodsOf } from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  startServers,
} from '../support/rpc-fixture.ts';

const ORIGIN = 'https://dashboard.example';
let medications: Medications;
let servers: Servers;
let client: Client;

beforeAll(async () => {
  medications = await loadMedications();
  servers = await startServers({
    medications,
    records: memoryRecords(medications.resource),
    corsOrigins: [ORIGIN],
    routes: [['/metrics', (_request, response) => response.end('up 1\n')]],
  });
  client = new Client(`127.0.0.1:${servers.grpcPort}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await servers.stop();
});

type ReflectionQuestion = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest']>;

function ask(question: ReflectionQuestion, version = 'v1'): Promise<ServerReflectionResponse> {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    );
    call.on('error', reject);
    call.on('data', (answer: ServerReflectionResponse) => {
      resolve(answer);
      call.end();
    });
    const request = create(ServerReflectionRequestSchema, { host: 'h', messageRequest: question });
    call.write(toBinary(ServerReflectionRequestSchema, request));
  });
}

/** The names of the files in an answer. */
function filesOf({ messageResponse }: ServerReflectionResponse): string[] {
  if (messageResponse.case !== 'fileDescriptorResponse') return [];
  return messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

describe('reflection', () => {
  it.each(['v1', 'v1alpha'])('lists the services (%s)', async (version) => {
    const { messageResponse, validHost } = await ask({ case: 'listServices', value: '' }, version);
    expect(validHost).toBe('h');
    expect(messageResponse).toMatchObject({
      case: 'listServicesResponse',
      value: {
        service: [
          { name: 'hospital.v1.Medications' },
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
        ],
      },
    });
  });

  it.each([
    'hospital.v1.Medications',
    'hospital.v1.Medications.GetMedication',
    'hospital.v1.Medication',
    'hospital.v1.Medication.Status',
  ])('answers a symbol with its file and all that it imports: %s', async (value) => {
    const files = filesOf(await ask({ case: 'fileContainingSymbol', value }));
    expect(files[0]).toBe('hospital/v1/medications.proto');
    expect(new Set(files).size).toBe(files.length);
    expect(files).toEqual(
      expect.arrayContaining([
        'crossfade/v1alpha1/options.proto',
        'google/api/resource.proto',
        'google/protobuf/descriptor.proto',
        'google/protobuf/timestamp.proto',
      ]),
    );
  });

  it('keeps the custom options', async () => {
    const answer = await ask({ case: 'fileByFilename', value: 'hospital/v1/medications.proto' });
    if (answer.messageResponse.case !== 'fileDescriptorResponse') throw new Error('no files');
    const [bytes] = answer.messageResponse.value.fileDescriptorProto;
    const file = medications.registry.getFile('hospital/v1/medications.proto');
    expect(Buffer.from(bytes as Uint8Array)).toEqual(
      Buffer.from(toBinary(FileDescriptorProtoSchema, file?.proto as NonNullable<typeof file>['proto'])),
    );
    expect(Buffer.from(bytes as Uint8Array).toString('latin1')).toContain('patient_id');
  });

  it('knows extensions by their number', async () => {
    const containingType = 'google.protobuf.MessageOptions';
    const numbers = await ask({ case: 'allExtensionNumbersOfType', value: containingType });
    expect(numbers.messageResponse.value).toMatchObject({ extensionNumber: expect.arrayContaining([1053, 50601]) });
    const storage = { containingType, extensionNumber: 50601 };
    expect(filesOf(await ask({ case: 'fileContainingExtension', value: storage }))[0]).toBe(
      'crossfade/v1alpha1/options.proto',
    );
  });

  it.each([
    { case: 'fileContainingSymbol', value: 'hospital.v1.Nothing' },
    { case: 'fileByFilename', value: 'nothing.proto' },
    { case: 'allExtensionNumbersOfType', value: 'hospital.v1.Nothing' },
    {
      case: 'fileContainingExtension',
      value: { containingType: 'google.protobuf.MessageOptions', extensionNumber: 9 },
    },
  ] as const)('says what is not there: %j', async (question) => {
    const { messageResponse } = await ask(question);
    expect(messageResponse).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } });
  });

  it('answers many questions on one stream', async () => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    );
    const answers: unknown[] = [];
    call.on('data', (answer: ServerReflectionResponse) => answers.push(answer.messageResponse.case));
    const ended = new Promise((resolve) => call.on('status', resolve));
    for (const value of ['hospital.v1.Medications', 'no.Such']) {
      const request = create(ServerReflectionRequestSchema, {
        messageRequest: { case: 'fileContainingSymbol', value },
      });
      call.write(toBinary(ServerReflectionRequestSchema, request));
    }
    call.end();
    expect(await ended).toMatchObject({ code: 0 });
    expect(answers).toEqual(['fileDescriptorResponse', 'errorResponse']);
  });
});

function checkHealth(of: Client, service: string): Promise<number | string> {
  return new Promise((resolve) => {
    of.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (name: string) =>
        Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: name }))),
      (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
      service,
      (error, answer) => resolve(error === null ? (answer?.status ?? -1) : `code ${error.code}`),
    );
  });
}

describe('health', () => {
  it('says SERVING for the whole and for each service, and knows no others', async () => {
    expect(await checkHealth(client, '')).toBe(1);
    expect(await checkHealth(client, 'hospital.v1.Medications')).toBe(1);
    expect(await checkHealth(client, 'hospital.v1.Nothing')).toBe('code 5');
  });

  it('follows what the service says of itself, on both ports', async () => {
    const readiness = async () => (await fetch(`http://127.0.0.1:${servers.httpPort}/readyz`)).status;
    expect(await readiness()).toBe(200);
    servers.health.setServing(false);
    expect(await checkHealth(client, 'hospital.v1.Medications')).toBe(2);
    expect(await readiness()).toBe(503);
    expect((await fetch(`http://127.0.0.1:${servers.httpPort}/healthz`)).status).toBe(200);
    servers.health.setServing(true);
    expect(await checkHealth(client, '')).toBe(1);
    expect(await readiness()).toBe(200);
  });
});

describe('the HTTP port', () => {
  it('serves the routes that it was given', async () => {
    expect(await (await fetch(`http://127.0.0.1:${servers.httpPort}/metrics?x=1`)).text()).toBe('up 1\n');
    expect((await fetch(`http://127.0.0.1:${servers.httpPort}/nothing`)).status).toBe(404);
  });

  const path = '/hospital.v1.Medications/GetMedication';
  const preflight = (origin: string) =>
    fetch(`http://127.0.0.1:${servers.httpPort}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'crossfade-version',
      },
    });

  it('lets scripts of the configured origins call, and show the version', async () => {
    const answer = await preflight(ORIGIN);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    for (const name of ['crossfade-version', 'connect-protocol-version', 'traceparent', 'content-type']) {
      expect(answer.headers.get('access-control-allow-headers')?.toLowerCase()).toContain(name);
    }
    const call = await fetch(`http://127.0.0.1:${servers.httpPort}${path}`, {
      method: 'POST',
      headers: { origin: ORIGIN, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(call.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(call.headers.get('access-control-expose-headers')).toContain('crossfade-version');
  });

  it('lets no other scripts', async () => {
    const answer = await preflight('https://elsewhere.example');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('draining', () => {
  const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
  const options = (of: Servers) => ({ ...of, clock: systemClock, announceMs: 100, graceMs: 5000 });
  const getMethod = () => methodsOf(medications.registry, 'hospital.v1.Medications').GetMedication as DescMethod;

  /** Servers whose reads take as long as the test wants. */
  async function slowServers() {
    const records = memoryRecords(medications.resource);
    const waiting: (() => void)[] = [];
    const started = await startServers({
      medications,
      records: {
        ...records,
        getMany: async (keys) => {
          await new Promise<void>((resolve) => waiting.push(resolve));
          return keys.map((key) => ({ key, row: null, version: 7n }));
        },
      },
    });
    return { started, waiting };
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(holds()).toBe(true);
  }

  it('says so first, finishes what is under way, and then closes', async () => {
    const { started, waiting } = await slowServers();
    const callers = allCallers(started);
    const health = new Client(`127.0.0.1:${started.grpcPort}`, credentials.createInsecure());
    expect(await checkHealth(health, '')).toBe(1);
    const outcomes = callers.map((caller) => caller.call(getMethod(), { name: NAME }));
    await until(() => waiting.length === callers.length);

    const drained = drain(options(started));
    expect(await checkHealth(health, '')).toBe(2);
    expect((await fetch(`http://127.0.0.1:${started.httpPort}/readyz`)).status).toBe(503);
    started.health.setServing(true);
    expect(await checkHealth(health, '')).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const end of waiting) end();
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ code: 5, version: '7' });
    expect(await drained).toBe(0);
    await expect(fetch(`http://127.0.0.1:${started.httpPort}/healthz`)).rejects.toThrow();
    for (const caller of callers) caller.close();
    health.close();
  });

  it('cuts off what is still under way after its time', async () => {
    const { started, waiting } = await slowServers();
    const callers = allCallers(started);
    const outcomes = callers.map((caller) => caller.call(getMethod(), { name: NAME }).catch(() => ({ code: 14 })));
    await until(() => waiting.length === callers.length);
    const startMs = performance.now();
    expect(await drain({ ...options(started), announceMs: 0, graceMs: 300 })).toBe(callers.length);
    expect(performance.now() - startMs).toBeLessThan(2000);
    for (const outcome of await Promise.all(outcomes)) expect(outcome.code).not.toBe(0);
    for (const caller of callers) caller.close();
  });

  it('fails no request of a busy client that knows another instance', async () => {
    const records = memoryRecords(medications.resource);
    const pair = [await startServers({ medications, records }), await startServers({ medications, records })] as const;
    const both = new Client(
      `ipv4:${pair.map((each) => `127.0.0.1:${each.grpcPort}`).join(',')}`,
      credentials.createInsecure(),
      { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) },
    );
    const asIs = (bytes: Buffer) => bytes;
    const { input } = getMethod();
    const message = Buffer.from(toBinary(input, create(input, { name: NAME })));
    const codes = new Map<number, number>();
    let busy = true;
    const work = async (): Promise<void> => {
      while (busy) {
        const code = await new Promise<number>((resolve) => {
          both.makeUnaryRequest('/hospital.v1.Medications/GetMedication', asIs, asIs, message, (error) =>
            resolve(error?.code ?? 0),
          );
        });
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    };
    const workers = Array.from({ length: 16 }, work);
    await until(() => (codes.get(5) ?? 0) > 200);
    expect(await drain(options(pair[0]))).toBe(0);
    const before = codes.get(5) ?? 0;
    await until(() => (codes.get(5) ?? 0) > before + 200);
    busy = false;
    await Promise.all(workers);
    expect([...codes.keys()]).toEqual([5]);
    both.close();
    await pair[1].stop();
  });

  it('fails no request of a busy browser that may connect anew until the port is closed', async () => {
    const started = await startServers({ medications, records: memoryRecords(medications.resource) });
    const [, json] = allCallers(started) as [Caller, Caller];
    let draining: Promise<number> | null = null;
    const codes = new Set<number>();
    let answered = 0;
    const work = async (): Promise<void> => {
      while (draining === null) {
        codes.add((await json.call(getMethod(), { name: NAME })).code);
        if (++answered === 100) draining = drain(options(started));
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(await draining).toBe(0);
    expect([...codes]).toEqual([5]);
  });
});
