import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Medications as MedicationsService } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession, type SessionOptions } from '../../clients/typescript/src/session.ts';
import { Migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { migrationAccess } from '../../src/rpc/migration-access.ts';
import { createTypedMethods, type TypedHandlers } from '../../src/rpc/typed-service.ts';
import { openServerTls, type ServerTls } from '../../src/security/server-tls.ts';
import { createAuthority, type IssuedCertificate } from '../support/certificates.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';
import { keepLog, openAccess } from '../support/secure-rpc.ts';
import { createTokenKey, jwksOf, signToken } from '../support/tokens.ts';

const program = join(import.meta.dirname, '../../src/main.ts');
const parent = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';
const protocols = ['grpc', 'grpc-web', 'connect'] as const;

const log = keepLog();
let folder: string;
let servers: Servers;
let tls: ServerTls;
let access: Awaited<ReturnType<typeof openAccess>>;
let ca: string;
let own: IssuedCertificate;
let token: string;

const migrations = {
  listMigrations: () => Promise.resolve({ migrations: [{ name: 'migrations/medications' }] }),
} as unknown as TypedHandlers<typeof Migrations>;
const handlers = new Proxy(migrations, {
  get: (target, name) => Reflect.get(target, name) ?? (() => Promise.resolve({})),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-clients-'));
  const authority = createAuthority('one for all');
  const server = authority.issue({ commonName: 'crossfade', ips: ['127.0.0.1'] });
  own = authority.issue({ commonName: 'operator', uris: ['spiffe://hospital/operator'] });
  ca = authority.cert;
  const key = await createTokenKey('one');
  token = await signToken(key);
  const files = {
    'ca.crt': ca,
    'server.crt': server.cert,
    'server.key': server.key,
    'own.crt': own.cert,
    'own.key': own.key,
    'jwks.json': JSON.stringify(await jwksOf(key)),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const [certFile, keyFile, clientCaFile] = [file('server.crt'), file('server.key'), file('ca.crt')];
  tls = await openServerTls({ certFile, keyFile, clientCaFile, requireClientCert: false }, log);
  const callers = ['clinic', 'spiffe://hospital/operator'];
  const roles = [{ callers, resources: ['*'], verbs: ['read', 'write'] as const }];
  access = await openAccess({ roles, keys: { jwksFile: file('jwks.json') }, log });
  const medications = await loadMedications();
  servers = await startServers({
    medications,
    records: memoryRecords(medications.resource),
    methods: createTypedMethods(Migrations, handlers, migrationAccess),
    tls,
    access: access.access,
  });
});

afterAll(async () => {
  await servers.stop();
  access.close();
  tls.close();
  await rm(folder, { recursive: true });
});

function file(name: string): string {
  return join(folder, name);
}

describe('the TypeScript client', () => {
  const list = (protocol: (typeof protocols)[number], more: Partial<SessionOptions>) => {
    const port = protocol === 'grpc' ? servers.grpcPort : servers.httpPort;
    const options = { addresses: [`https://127.0.0.1:${port}`], protocol, retries: 0, timeoutMs: 5_000, ...more };
    return createSession(options).client(MedicationsService).listMedications({ parent });
  };

  it.each(protocols)('calls over TLS with a token, which it asks for each time, by %s', async (protocol) => {
    let asked = 0;
    const renewed = (): string => {
      asked++;
      return token;
    };
    expect((await list(protocol, { tls: { ca }, token: renewed })).medications).toEqual([]);
    expect(asked).toBe(1);
    await expect(list(protocol, { tls: { ca } })).rejects.toMatchObject({ code: Code.Unauthenticated });
  });

  it.each(protocols)('calls over TLS with a certificate of its own, by %s', async (protocol) => {
    expect((await list(protocol, { tls: { ca, ...own } })).medications).toEqual([]);
  });

  it.each(protocols)('does not call a service whose authority it does not know, by %s', async (protocol) => {
    await expect(list(protocol, { token })).rejects.not.toMatchObject({ code: Code.Unauthenticated });
  });
});

describe('the command line', () => {
  const crossfade = async (args: readonly string[], env: Record<string, string> = {}) => {
    const server = ['--server', `https://127.0.0.1:${servers.httpPort}`, '--json'];
    const options = { env: { PATH: process.env.PATH ?? '', ...env }, timeout: 20_000 };
    const run = promisify(execFile)(process.execPath, [program, 'status', ...server, ...args], options);
    return run.then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr }),
    );
  };

  it('calls over TLS with a token from the environment', async () => {
    const found = await crossfade(['--ca', file('ca.crt'), '--token-env', 'CROSSFADE_TOKEN'], {
      CROSSFADE_TOKEN: token,
    });
    expect(found).toMatchObject({ code: 0, text: expect.stringContaining('migrations/medications') });
  });

  it('calls over TLS with a certificate', async () => {
    const found = await crossfade(['--ca', file('ca.crt'), '--cert', file('own.crt'), '--key', file('own.key')]);
    expect(found).toMatchObject({ code: 0, text: expect.stringContaining('migrations/medications') });
  });

  it('says what is missing', async () => {
    expect(await crossfade(['--ca', file('ca.crt')])).toMatchObject({
      code: 1,
      text: expect.stringContaining('--token-env'),
    });
    expect(await crossfade(['--ca', file('none.crt')])).toMatchObject({
      code: 2,
      text: expect.stringContaining('ENOENT'),
    });
    const unset = await crossfade(['--ca', file('ca.crt'), '--token-env', 'CROSSFADE_TOKEN']);
    expect(unset).toMatchObject({ code: 2, text: expect.stringContaining('CROSSFADE_TOKEN') });
  });
});
