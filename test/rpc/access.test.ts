import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type DescMethod, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../src/gen/google/longrunning/operations_pb.ts';
import { ServerReflectionRequestSchema } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { auditChanges } from '../../src/rpc/audited-methods.ts';
import type { CallContext } from '../../src/rpc/call-context.ts';
import { migrationAccess, operationsAccess } from '../../src/rpc/migration-access.ts';
import { createTypedMethods, type TypedHandlers } from '../../src/rpc/typed-service.ts';
import type { Role } from '../../src/security/roles.ts';
import {
  allCallers,
  type Caller,
  type CallOptions,
  detailTypes,
  methodsOf,
  type Outcome,
} from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  startServers,
} from '../support/rpc-fixture.ts';
import { keepLog, LOOK_MS, openAccess } from '../support/secure-rpc.ts';
import { createTokenKey, ISSUER, jwksOf, signToken, type TokenKey } from '../support/tokens.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const [UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED] = [16, 7, 5, 8];

const roles: readonly Role[] = [
  { callers: ['clinic'], resources: ['medications'], verbs: ['read'] },
  { callers: ['pharmacy'], resources: ['encounters'], verbs: ['read', 'write', 'migrate'] },
  { callers: [{ claim: 'groups', value: 'operators' }], resources: ['medications'], verbs: ['read', 'migrate'] },
  { callers: ['root'], resources: ['*'], verbs: ['read', 'write', 'migrate', 'admin'] },
];

const log = keepLog();
let folder: string;
let jwksFile: string;
let key: TokenKey;
let stranger: TokenKey;
let medications: Medications;
let methods: Readonly<Record<string, DescMethod>>;
let access: Awaited<ReturnType<typeof openAccess>>;
let servers: Servers;
let callers: readonly Caller[];
/** What the handlers knew of their callers. */
const seen: string[] = [];
/** What holds GetMedication up. */
let hold: Promise<void> = Promise.resolve();

const migrations = new Proxy({} as TypedHandlers<typeof Migrations>, {
  get: (_target, name) => (name === 'watchMigration' ? watch : answer),
});
const operations = new Proxy({} as TypedHandlers<typeof Operations>, { get: () => answer });

async function answer(_request: unknown, { caller }: CallContext): Promise<object> {
  seen.push(caller);
  return {};
}

async function* watch(_request: unknown, { signal }: CallContext): AsyncIterable<object> {
  yield {};
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-access-'));
  jwksFile = join(folder, 'jwks.json');
  [key, stranger] = await Promise.all([createTokenKey('one'), createTokenKey('one')]);
  await writeFile(jwksFile, JSON.stringify(await jwksOf(key)));
  medications = await loadMedications();
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
  access = await openAccess({ roles, keys: { jwksFile }, log });
  const records = memoryRecords(medications.resource);
  servers = await startServers({
    medications,
    records: {
      ...records,
      getMany: async (keys, call) => {
        seen.push(call.caller);
        await hold;
        return records.getMany(keys, call);
      },
    },
    methods: auditChanges(
      [
        ...createTypedMethods(Migrations, migrations, migrationAccess),
        ...createTypedMethods(Operations, operations, operationsAccess),
      ],
      new Set(['medications', 'encounters']),
      log,
    ),
    services: [Migrations, Operations],
    routes: [['/metrics', (_request, response) => response.end('figures')]],
    access: access.access,
    limits: { maxRequestsOfCaller: 2 },
  });
  callers = allCallers(servers);
});

afterAll(async () => {
  for (const caller of callers) caller.close();
  await servers.stop();
  access.close();
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  log.lines.length = 0;
  seen.length = 0;
  hold = Promise.resolve();
});

function bearer(token: string): CallOptions {
  return { headers: { authorization: `Bearer ${token}` } };
}

function get(caller: Caller, options?: CallOptions): Promise<Outcome> {
  return caller.call(methods.GetMedication as DescMethod, { name: NAME }, options);
}

function remove(caller: Caller, options?: CallOptions): Promise<Outcome> {
  return caller.call(methods.DeleteMedication as DescMethod, { name: NAME }, options);
}

describe('a call without credentials that count', () => {
  const tokens: [string, () => Promise<string>, string][] = [
    ['of another key', () => signToken(stranger), 'CREDENTIALS_INVALID'],
    ['of another issuer', () => signToken(key, { iss: 'https://other.test/' }), 'CREDENTIALS_INVALID'],
    ['for another audience', () => signToken(key, { aud: 'other' }), 'CREDENTIALS_INVALID'],
    ['that is not good yet', async () => signToken(key, { nbf: Date.now() / 1000 + 60 }), 'CREDENTIALS_INVALID'],
    ['that has expired', () => signToken(key, { expiresIn: -1 }), 'CREDENTIALS_EXPIRED'],
    ['that never expires', () => signToken(key, { exp: undefined } as never), 'CREDENTIALS_INVALID'],
    ['without a subject', () => signToken(key, { sub: '' }), 'CREDENTIALS_INVALID'],
    ['with a key that is not published', async () => signToken(await createTokenKey('two')), 'CREDENTIALS_INVALID'],
    ['that is none', () => Promise.resolve('x.y.z'), 'CREDENTIALS_INVALID'],
    ['that is too long', () => Promise.resolve('x'.repeat(9_000)), 'CREDENTIALS_INVALID'],
    [
      'without a signature',
      async () => `${(await signToken(key)).split('.').slice(0, 2).join('.')}.`,
      'CREDENTIALS_INVALID',
    ],
    [
      'that is signed with the public key as a shared secret',
      async () => {
        const { keys } = await jwksOf(key);
        const secret = Buffer.from(JSON.stringify(keys[0]));
        return new SignJWT({ iss: ISSUER, aud: 'crossfade', sub: 'root', exp: Date.now() / 1000 + 60 })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(secret);
      },
      'CREDENTIALS_INVALID',
    ],
  ];

  it('is UNAUTHENTICATED in every protocol', async () => {
    for (const caller of callers) {
      expect(await get(caller)).toMatchObject({ code: UNAUTHENTICATED, reason: 'CREDENTIALS_MISSING' });
    }
    expect(seen).toEqual([]);
    expect(log.lines).toHaveLength(callers.length);
    expect(log.lines[0]).toMatchObject({
      audit: true,
      caller: '',
      method: '/hospital.v1.Medications/GetMedication',
      reason: 'CREDENTIALS_MISSING',
    });
  });

  it.each(tokens)('but a token %s is UNAUTHENTICATED', async (_which, make, reason) => {
    const token = await make();
    for (const caller of callers) {
      const outcome = await get(caller, bearer(token));
      expect(outcome).toMatchObject({ code: UNAUTHENTICATED, reason });
      expect(outcome.message).toMatch(/^the token (has expired; get a new one|is not one that this service takes)$/);
    }
    expect(seen).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toContain(token);
  });

  it('but another scheme is UNAUTHENTICATED', async () => {
    for (const caller of callers) {
      const outcome = await get(caller, { headers: { authorization: 'Basic Y2xpbmljOng=' } });
      expect(outcome).toMatchObject({ code: UNAUTHENTICATED, reason: 'CREDENTIALS_INVALID' });
    }
  });

  it('is UNAUTHENTICATED even when its message is malformed, and learns nothing of it', async () => {
    const response = await fetch(`http://127.0.0.1:${servers.httpPort}/hospital.v1.Medications/GetMedication`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"nmae":"x"}',
    });
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain('nmae');
  });
});

describe('a caller with a good token', () => {
  it('may do what its role says, under its proven name', async () => {
    const options = { headers: { authorization: `bearer ${await signToken(key)}`, 'crossfade-caller': 'root' } };
    for (const caller of callers) expect(await get(caller, options)).toMatchObject({ code: NOT_FOUND });
    expect(seen).toEqual(callers.map(() => 'clinic'));
    expect(log.lines).toEqual([]);
  });

  it('may do no more', async () => {
    const options = bearer(await signToken(key));
    for (const caller of callers) {
      expect(await remove(caller, options)).toMatchObject({
        code: PERMISSION_DENIED,
        reason: 'PERMISSION_DENIED',
        metadata: { verb: 'write', resource: 'medications' },
        message: 'no role gives the caller the verb write on medications',
      });
    }
    expect(log.lines[0]).toMatchObject({ audit: true, caller: 'clinic', reason: 'PERMISSION_DENIED', verb: 'write' });
    expect(JSON.stringify(log.lines)).not.toContain('6f1c2f70');
  });

  it('may nothing with another resource', async () => {
    const options = bearer(await signToken(key, { sub: 'pharmacy' }));
    for (const caller of callers) expect(await get(caller, options)).toMatchObject({ code: PERMISSION_DENIED });
  });

  it('but without any role may nothing', async () => {
    const options = bearer(await signToken(key, { sub: 'nobody' }));
    for (const caller of callers) expect(await get(caller, options)).toMatchObject({ code: PERMISSION_DENIED });
  });

  it('may what a role of its claims says', async () => {
    const operator = bearer(await signToken(key, { sub: 'ann', groups: ['staff', 'operators'] }));
    const [caller] = callers as readonly [Caller];
    expect(await get(caller, operator)).toMatchObject({ code: NOT_FOUND });
    expect(await remove(caller, operator)).toMatchObject({ code: PERMISSION_DENIED });
  });

  it('has only so many requests under way at once, and others are not held up by it', async () => {
    const clinic = bearer(await signToken(key));
    const root = bearer(await signToken(key, { sub: 'root' }));
    const release = Promise.withResolvers<void>();
    hold = release.promise;
    const [caller] = callers as readonly [Caller];
    const first = [get(caller, clinic), get(caller, clinic)];
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const each of callers) {
      const refused = await get(each, clinic);
      expect(refused).toMatchObject({ code: RESOURCE_EXHAUSTED, reason: 'TOO_MANY_REQUESTS_OF_CALLER' });
      expect(refused.details).toContain(detailTypes.retryInfo);
    }
    const other = get(caller, root);
    release.resolve();
    expect(await Promise.all([...first, other])).toMatchObject([
      { code: NOT_FOUND },
      { code: NOT_FOUND },
      { code: NOT_FOUND },
    ]);
    expect(await get(caller, clinic)).toMatchObject({ code: NOT_FOUND });
  });
});

describe('the migration API', () => {
  const { getMigration, listMigrations, startBackfill, throttleOperation, fenceSource } = Migrations.method;
  const { getOperation, listOperations, cancelOperation } = Operations.method;
  const operation = { name: `migrations/medications/operations/${'0'.repeat(32)}` };

  it('asks for the verb of each method on the resource that the request names', async () => {
    const operator = bearer(await signToken(key, { sub: 'ann', groups: ['operators'] }));
    for (const caller of callers) {
      const outcome = async (method: DescMethod, request: object) =>
        (await caller.call(method, { ...request }, operator)).code;
      expect(await outcome(getMigration, { name: 'migrations/medications' })).toBe(0);
      expect(await outcome(getMigration, { name: 'migrations/encounters' })).toBe(PERMISSION_DENIED);
      expect(await outcome(getMigration, { name: '' })).toBe(PERMISSION_DENIED);
      expect(await outcome(listMigrations, {})).toBe(PERMISSION_DENIED);
      expect(await outcome(startBackfill, { name: 'migrations/medications' })).toBe(0);
      expect(await outcome(startBackfill, { name: 'migrations/encounters' })).toBe(PERMISSION_DENIED);
      expect(await outcome(throttleOperation, operation)).toBe(0);
      for (const method of [getOperation, cancelOperation]) {
        expect(await outcome(method, operation)).toBe(0);
        expect(await outcome(method, { name: 'operations/1' })).toBe(PERMISSION_DENIED);
        expect(await outcome(method, { name: 'migrations/encounters/operations/1' })).toBe(PERMISSION_DENIED);
      }
      expect(await outcome(listOperations, { name: 'migrations/medications' })).toBe(0);
      expect(await outcome(listOperations, { name: 'migrations/encounters' })).toBe(PERMISSION_DENIED);
      expect(await outcome(fenceSource, { name: 'migrations/medications' })).toBe(PERMISSION_DENIED);
    }
  });

  it('looks at no message of a caller that may not call the method at all', async () => {
    const response = await fetch(`http://127.0.0.1:${servers.httpPort}/crossfade.v1alpha1.Migrations/FenceSource`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await signToken(key)}` },
      body: '{"nmae":"x"}',
    });
    expect(await response.json()).toMatchObject({ code: 'permission_denied' });
  });

  it('leaves an audit line for each call that changes something', async () => {
    const root = bearer(await signToken(key, { sub: 'root' }));
    const [caller] = callers as readonly [Caller];
    await caller.call(fenceSource, { name: 'migrations/medications' }, root);
    await caller.call(getMigration, { name: 'migrations/medications' }, root);
    await caller.call(listMigrations, {}, root);
    expect(log.lines).toEqual([
      {
        message: 'a call to change a migration',
        audit: true,
        method: '/crossfade.v1alpha1.Migrations/FenceSource',
        resource: 'medications',
        caller: 'root',
        user: '',
        outcome: 'OK',
      },
    ]);
  });
});

describe('a stream', () => {
  /** How often a stream was answered, and the code that it ended with. */
  function watchBy(token: string): Promise<{ readonly answers: number; readonly code: number }> {
    const client = new Client(`127.0.0.1:${servers.grpcPort}`, credentials.createInsecure());
    const metadata = new Metadata();
    if (token !== '') metadata.set('authorization', `Bearer ${token}`);
    const { watchMigration: method } = Migrations.method;
    const request = Buffer.from(toBinary(method.input, create(method.input, { name: 'migrations/medications' })));
    const asIs = (bytes: Buffer): Buffer => bytes;
    let answers = 0;
    return new Promise<{ answers: number; code: number }>((resolve) => {
      client
        .makeServerStreamRequest(`/${method.parent.typeName}/${method.name}`, asIs, asIs, request, metadata)
        .on('data', () => answers++)
        .on('error', (error: ServiceError) => resolve({ answers, code: error.code }))
        .on('end', () => resolve({ answers, code: 0 }));
    }).finally(() => client.close());
  }

  it('is refused as a request is', async () => {
    expect(await watchBy('')).toEqual({ answers: 0, code: UNAUTHENTICATED });
    expect(await watchBy(await signToken(key, { sub: 'nobody' }))).toEqual({ answers: 0, code: PERMISSION_DENIED });
    expect(log.lines).toHaveLength(2);
  });

  it('ends when its token expires', async () => {
    expect(await watchBy(await signToken(key, { expiresIn: 3 }))).toEqual({ answers: 1, code: UNAUTHENTICATED });
  });
});

describe('the message of a stranger', () => {
  it('is not read over HTTP: the answer is there before it', async () => {
    const head = ['content-type: application/json', 'content-length: 4000000', 'host: crossfade', '', '{"name":"'];
    const socket = connect(servers.httpPort, '127.0.0.1');
    socket.write(['POST /hospital.v1.Medications/GetMedication HTTP/1.1', ...head].join('\r\n'));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1.1 401/);
    socket.destroy();
  });

  it('is not read over gRPC: the answer is there before it', async () => {
    const session = connectHttp2(`http://127.0.0.1:${servers.grpcPort}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/hospital.v1.Medications/GetMedication',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.write(Buffer.of(0, 0, 1, 0, 0, 1, 2, 3));
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    expect(Number(headers['grpc-status'])).toBe(UNAUTHENTICATED);
    session.destroy();
  });
});

describe('beside the records', () => {
  it('health is open, and metrics are for whoever has proven who it is', async () => {
    const url = `http://127.0.0.1:${servers.httpPort}`;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const refused = await fetch(`${url}/metrics`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const { headers = {} } = bearer(await signToken(key, { sub: 'prometheus' }));
    expect(await (await fetch(`${url}/metrics`, { headers })).text()).toBe('figures');
  });

  it('reflection is for whoever may read something', async () => {
    expect(await reflect(servers.grpcPort, '')).toBe(UNAUTHENTICATED);
    expect(await reflect(servers.grpcPort, await signToken(key, { sub: 'nobody' }))).toBe(PERMISSION_DENIED);
    expect(await reflect(servers.grpcPort, await signToken(key))).toBe(0);
  });
});

describe('the keys of an issuer', () => {
  it('in a file are read again when it changes: tokens of a key that is gone are refused', async () => {
    const [caller] = callers as readonly [Caller];
    const [old, next] = [key, await createTokenKey('next')];
    const before = bearer(await signToken(old));
    const after = bearer(await signToken(next));
    expect(await get(caller, before)).toMatchObject({ code: NOT_FOUND });
    expect(await get(caller, after)).toMatchObject({ code: UNAUTHENTICATED });
    await writeFile(jwksFile, JSON.stringify(await jwksOf(next)));
    await expect.poll(async () => (await get(caller, after)).code).toBe(NOT_FOUND);
    expect(await get(caller, before)).toMatchObject({ code: UNAUTHENTICATED });
    await writeFile(jwksFile, 'not json');
    await expect
      .poll(() => log.lines.some(({ message }) => message.startsWith('changed files cannot be used')))
      .toBe(true);
    expect(await get(caller, after)).toMatchObject({ code: NOT_FOUND });
    await writeFile(jwksFile, JSON.stringify(await jwksOf(old)));
    await expect.poll(async () => (await get(caller, before)).code).toBe(NOT_FOUND);
  });

  it('at a URL are fetched once for many requests, again for a key that is not known, and an issuer that is away is UNAVAILABLE', async () => {
    let fetched = 0;
    let published = [key];
    const issuer = createServer((_request, response) => {
      fetched++;
      void jwksOf(...published).then((jwks) => response.end(JSON.stringify(jwks)));
    });
    const port = await listening(issuer);
    const remote = await openAccess({ roles, keys: { jwksUrl: `http://127.0.0.1:${port}/jwks` }, log });
    const away = await openAccess({ roles, keys: { jwksUrl: 'http://127.0.0.1:1/jwks' }, log });
    try {
      const method = { path: '/x', access: { verb: 'read', resource: 'medications' } } as const;
      const inbound = (token: string) => ({
        get: (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined),
        rpcSystem: 'grpc' as const,
        timeoutMs: undefined,
        onCancel: () => {},
        peer: () => ({ address: '', names: [] }),
      });
      const tokens = await Promise.all([signToken(key), signToken(key, { jti: 'other' })]);
      await Promise.all([...tokens, ...tokens].map((token) => remote.access.admit(method, inbound(token))));
      expect(fetched).toBe(1);
      const next = await createTokenKey('next');
      const rotated = await signToken(next);
      published = [next];
      await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_MS));
      expect((await remote.access.admit(method, inbound(rotated))).name).toBe('clinic');
      expect(fetched).toBe(2);
      // Its key is gone, and nothing but the time that it is remembered lets it in.
      const unseen = await signToken(key, { jti: 'unseen' });
      await expect(remote.access.admit(method, inbound(unseen))).rejects.toMatchObject({
        reason: 'CREDENTIALS_INVALID',
      });
      log.lines.length = 0;
      await expect(away.access.admit(method, inbound(await signToken(key)))).rejects.toMatchObject({
        kind: 'unavailable',
        reason: 'TOKEN_KEYS_UNAVAILABLE',
      });
      expect(log.lines).toMatchObject([{ message: 'the keys of tokens cannot be fetched', host: '127.0.0.1:1' }]);
    } finally {
      issuer.close();
    }
  });
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** The status code of one question to reflection. */
function reflect(port: number, token: string): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const asIs = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    const call = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
    call.on('data', () => call.end());
    call.on('error', (error: ServiceError) => resolve(error.code));
    call.on('end', () => resolve(0));
    const request = create(ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '' } });
    call.write(Buffer.from(toBinary(ServerReflectionRequestSchema, request)));
  }).finally(() => client.close()) as Promise<number>;
}
