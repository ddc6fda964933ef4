import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { create, type DescMethod, toBinary } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alternativeNames } from '../../src/security/certificate-names.ts';
import type { Role } from '../../src/security/roles.ts';
import { openServerTls, type ServerTls } from '../../src/security/server-tls.ts';
import { type Authority, createAuthority, type IssuedCertificate } from '../support/certificates.ts';
import { allCallers, type Caller, type CallOptions, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import {
  loadMedications,
  type Medications,
  memoryRecords,
  type Servers,
  startServers,
} from '../support/rpc-fixture.ts';
import { type CallerTls, keepLog, LOOK_MS, openAccess, secureCallers } from '../support/secure-rpc.ts';
import { createTokenKey, jwksOf, signToken, type TokenKey } from '../support/tokens.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const CLINIC = 'spiffe://hospital/clinic';
const [NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED, UNAVAILABLE] = [5, 7, 16, 14];

const roles: readonly Role[] = [
  { callers: [CLINIC, 'ann'], resources: ['medications'], verbs: ['read'] },
  { callers: ['bob'], resources: ['medications'], verbs: ['write'] },
];

const log = keepLog();
let folder: string;
let medications: Medications;
let methods: Readonly<Record<string, DescMethod>>;
let authority: Authority;
let clientAuthority: Authority;
let stranger: Authority;
let clinic: IssuedCertificate;
let key: TokenKey;
/** What the handlers knew of their callers. */
const seen: string[] = [];
/** What a test has opened; closed in the opposite order. */
const opened: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-tls-'));
  medications = await loadMedications();
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
  [authority, clientAuthority, stranger] = [
    createAuthority('servers'),
    createAuthority('clients'),
    createAuthority('x'),
  ];
  clinic = clientAuthority.issue({ commonName: 'ann', uris: [CLINIC], dns: ['clinic.hospital'] });
  key = await createTokenKey('one');
  await writeFile(file('jwks.json'), JSON.stringify(await jwksOf(key)));
});

afterAll(() => rm(folder, { recursive: true }));

beforeEach(() => {
  log.lines.length = 0;
  seen.length = 0;
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function file(name: string): string {
  return join(folder, name);
}

async function writeServerCertificate(by: Authority): Promise<IssuedCertificate> {
  const issued = by.issue({ commonName: 'crossfade', dns: ['localhost'], ips: ['127.0.0.1'] });
  await writeFile(file('server.crt'), issued.cert);
  await writeFile(file('server.key'), issued.key);
  return issued;
}

interface Doors {
  readonly clientCa?: boolean;
  readonly requireClientCert?: boolean;
  readonly tokens?: boolean;
  readonly host?: string;
}

async function openDoors({
  clientCa = false,
  requireClientCert = false,
  tokens = false,
  host = '127.0.0.1',
}: Doors = {}): Promise<Servers> {
  await writeServerCertificate(authority);
  await writeFile(file('clients.crt'), clientAuthority.cert);
  const tls: ServerTls = await openServerTls(
    {
      certFile: file('server.crt'),
      keyFile: file('server.key'),
      ...(clientCa && { clientCaFile: file('clients.crt') }),
      requireClientCert,
    },
    log,
    LOOK_MS,
  );
  opened.push(() => tls.close());
  const keys = tokens ? { jwksFile: file('jwks.json') } : null;
  const access = clientCa || tokens ? await openAccess({ roles, keys, log }) : null;
  opened.push(() => access?.close());
  const records = memoryRecords(medications.resource);
  const servers = await startServers({
    medications,
    records: {
      ...records,
      getMany: (list, call) => {
        seen.push(call.caller);
        return records.getMany(list, call);
      },
    },
    tls,
    host,
    ...(access && { access: access.access }),
  });
  opened.push(() => servers.stop());
  return servers;
}

function callersOf(servers: Servers, tls: CallerTls): readonly Caller[] {
  const callers = secureCallers(servers, tls);
  opened.push(() => {
    for (const caller of callers) caller.close();
  });
  return callers;
}

function get(caller: Caller, options: CallOptions = {}): Promise<Outcome> {
  return caller.call(methods.GetMedication as DescMethod, { name: NAME }, { timeoutMs: 2_000, ...options });
}

/** The certificate that a new connection is shown. */
function certificateAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] },
      () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

function fingerprint({ cert }: IssuedCertificate): string {
  return new X509Certificate(cert).fingerprint256;
}

describe('TLS', () => {
  it('is spoken on both ports, in every protocol, with who trusts the authority', async () => {
    const servers = await openDoors();
    for (const caller of callersOf(servers, { ca: authority.cert })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
    for (const caller of callersOf(servers, { ca: stranger.cert })) {
      expect((await get(caller)).reason, caller.protocol).toBeUndefined();
    }
    expect(seen).toHaveLength(3);
  });

  it('is not left out for who does not speak it', async () => {
    const servers = await openDoors();
    const callers = allCallers(servers);
    opened.push(() => {
      for (const caller of callers) caller.close();
    });
    for (const caller of callers) {
      const outcome = await get(caller).catch(() => ({ code: UNAVAILABLE }));
      expect(outcome.code, caller.protocol).not.toBe(NOT_FOUND);
    }
    expect(seen).toEqual([]);
  });

  it('with a renewed certificate is for new connections, and the present ones live on', async () => {
    const servers = await openDoors();
    // Trusts the first authority only: if it had to connect again, it could not.
    const callers = callersOf(servers, { ca: authority.cert });
    const [grpc] = callers as readonly [Caller];
    expect(await get(grpc)).toMatchObject({ code: NOT_FOUND });
    const before = await certificateAt(servers.grpcPort);
    const renewed = stranger.issue({ commonName: 'crossfade', ips: ['127.0.0.1'] });
    await writeFile(file('server.crt'), renewed.cert);
    await expect.poll(() => log.lines.length).toBe(1);
    expect(log.lines[0]?.message).toContain('what was read before holds');
    expect([await certificateAt(servers.grpcPort), await certificateAt(servers.httpPort)]).toEqual([before, before]);
    await writeFile(file('server.key'), renewed.key);
    await expect.poll(() => certificateAt(servers.grpcPort)).toBe(fingerprint(renewed));
    expect(await certificateAt(servers.httpPort)).toBe(fingerprint(renewed));
    expect(await get(grpc)).toMatchObject({ code: NOT_FOUND });
    for (const caller of callersOf(servers, { ca: stranger.cert })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
    expect(JSON.stringify(log.lines)).not.toContain('PRIVATE');
  });

  it('does not begin with a key that is not the certificate’s', async () => {
    await writeServerCertificate(authority);
    await writeFile(file('server.key'), stranger.key);
    const files = { certFile: file('server.crt'), keyFile: file('server.key'), requireClientCert: false };
    await expect(openServerTls(files, log)).rejects.toThrow();
    await expect(openServerTls({ ...files, keyFile: file('none.key') }, log)).rejects.toThrow('ENOENT');
  });
});

describe('a client certificate', () => {
  it('that is required and missing, or of another authority, ends the connection', async () => {
    const servers = await openDoors({ clientCa: true, requireClientCert: true });
    const other = stranger.issue({ commonName: 'ann', uris: [CLINIC] });
    for (const own of [{}, other]) {
      for (const caller of callersOf(servers, { ca: authority.cert, ...own })) {
        const outcome = await get(caller);
        expect(outcome.code, caller.protocol).not.toBe(NOT_FOUND);
        expect(outcome.reason).toBeUndefined();
      }
    }
    expect(seen).toEqual([]);
  });

  it('says who calls', async () => {
    const servers = await openDoors({ clientCa: true, requireClientCert: true });
    for (const caller of callersOf(servers, { ca: authority.cert, ...clinic })) {
      const options = { headers: { 'crossfade-caller': 'somebody else' } };
      expect(await get(caller, options), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
    expect(seen).toEqual([CLINIC, CLINIC, CLINIC]);
  });

  it('is checked as before while the file of its authorities holds none, as in the midst of a renewal', async () => {
    const servers = await openDoors({ clientCa: true, requireClientCert: true });
    for (const broken of ['', clientAuthority.cert.slice(0, 200)]) {
      log.lines.length = 0;
      await writeFile(file('clients.crt'), broken);
      await expect.poll(() => log.lines.map(({ message }) => message).join()).toContain('what was read before holds');
      for (const caller of callersOf(servers, { ca: authority.cert, ...clinic })) {
        expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
      }
      await writeFile(file('clients.crt'), clientAuthority.cert);
      await expect.poll(() => log.lines.at(-1)?.message).toContain('read again');
    }
    const files = { certFile: file('server.crt'), keyFile: file('server.key'), requireClientCert: true };
    await expect(openServerTls({ ...files, clientCaFile: file('server.key') }, log)).rejects.toThrow();
  });

  it.each([
    ['for servers', { purpose: 'server' }],
    ['not good yet', { fromMs: 3_600_000 }],
    ['good no more', { fromMs: -3 * 3_600_000 }],
  ] as const)('that is %s names nobody', async (_which, change) => {
    const servers = await openDoors({ clientCa: true });
    const own = clientAuthority.issue({ commonName: 'ann', uris: [CLINIC], ...change });
    for (const caller of callersOf(servers, { ca: authority.cert, ...own })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: UNAUTHENTICATED });
    }
    expect(seen).toEqual([]);
  });

  it('for clients says who calls', async () => {
    const servers = await openDoors({ clientCa: true });
    const own = clientAuthority.issue({ commonName: 'ann', uris: [CLINIC], purpose: 'client' });
    for (const caller of callersOf(servers, { ca: authority.cert, ...own })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
  });

  it('by its common name only where it has no other', async () => {
    const servers = await openDoors({ clientCa: true, requireClientCert: true });
    const ann = clientAuthority.issue({ commonName: 'ann' });
    const notAnn = clientAuthority.issue({ commonName: 'ann', dns: ['other.hospital'] });
    for (const caller of callersOf(servers, { ca: authority.cert, ...ann })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
    for (const caller of callersOf(servers, { ca: authority.cert, ...notAnn })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: PERMISSION_DENIED });
    }
    expect(log.lines[0]).toMatchObject({ audit: true, caller: 'other.hospital', reason: 'PERMISSION_DENIED' });
  });

  it('that is not required: without one, or with one of another authority, a caller has no name', async () => {
    const servers = await openDoors({ clientCa: true });
    const other = stranger.issue({ commonName: 'ann', uris: [CLINIC] });
    for (const own of [{}, other]) {
      for (const caller of callersOf(servers, { ca: authority.cert, ...own })) {
        expect(await get(caller), caller.protocol).toMatchObject({
          code: UNAUTHENTICATED,
          reason: 'CREDENTIALS_MISSING',
        });
      }
    }
    for (const caller of callersOf(servers, { ca: authority.cert, ...clinic })) {
      expect(await get(caller), caller.protocol).toMatchObject({ code: NOT_FOUND });
    }
  });

  it('counts less than a token, and nothing beside a bad one', async () => {
    const servers = await openDoors({ clientCa: true, tokens: true });
    const bob = { headers: { authorization: `Bearer ${await signToken(key, { sub: 'bob' })}` } };
    const bad = { headers: { authorization: 'Bearer x.y.z' } };
    for (const caller of callersOf(servers, { ca: authority.cert, ...clinic })) {
      expect(await get(caller, bob)).toMatchObject({ code: PERMISSION_DENIED });
      expect(await get(caller, bad)).toMatchObject({ code: UNAUTHENTICATED, reason: 'CREDENTIALS_INVALID' });
      expect(await get(caller)).toMatchObject({ code: NOT_FOUND });
    }
  });
});

/** A call by an HTTP/2 connection from this port of 127.0.0.1 to one of this machine's addresses. */
async function callFrom(localPort: number, host: string, port: number, own: CallerTls): Promise<() => Promise<string>> {
  const socket = connect({
    socket: connectTcp({ host, port, localPort, localAddress: '127.0.0.1' }),
    ca: authority.cert,
    ...own,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const session = connectHttp2(`https://${host}:${port}`, { createConnection: () => socket });
  session.on('error', () => {});
  opened.push(() => session.destroy());
  return async () => {
    const { input, parent, name } = methods.GetMedication as DescMethod;
    const message = toBinary(input, create(input, { name: NAME }));
    const frame = Buffer.concat([Buffer.alloc(5), message]);
    frame.writeUInt32BE(message.length, 1);
    const path = `/${parent.typeName}/${name}`;
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    return new Promise<string>((resolve) => {
      stream.on('response', (headers) => resolve(String(headers['grpc-status'])));
      stream.on('error', () => resolve('broken')).end(frame);
    });
  };
}

describe('two connections from one address and port', () => {
  it('to two addresses of the service: neither goes by the name of the other', async () => {
    const servers = await openDoors({ clientCa: true, host: '0.0.0.0' });
    const localPort = await freePort();
    const stranger = await callFrom(localPort, '127.0.0.2', servers.grpcPort, {});
    expect(await stranger()).toBe(String(UNAUTHENTICATED));
    await callFrom(localPort, '127.0.0.1', servers.grpcPort, clinic);
    expect(await stranger()).toBe(String(UNAUTHENTICATED));
    expect(seen).toEqual([]);
  });
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the names of a certificate', () => {
  it('are its URIs, then its host names, and nothing that only looks like one', () => {
    expect(alternativeNames('DNS:a.test, URI:spiffe://h/x, IP Address:127.0.0.1')).toEqual(['spiffe://h/x', 'a.test']);
    expect(alternativeNames('DNS:"evil.test\\u002c DNS:root"')).toEqual(['evil.test, DNS:root']);
    expect(alternativeNames('DNS:evil"x, DNS:root')).toEqual([]);
    expect(alternativeNames('')).toEqual([]);
  });
});
