/** The hospital's service for tests of clients: on real stores, read from both of them; once in plain text, once behind TLS and tokens. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FollowerState, Migrations } from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { MOVED_RESOURCE } from '../../examples/hospital/demo/bring-up.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import type { Log } from '../../src/domain/log.ts';
import { reservePort } from '../../stack/ports.ts';
import type { StackAddresses } from '../../stack/stack.ts';
import { createAuthority } from '../support/certificates.ts';
import { createFlagAdmin } from '../support/flag-admin.ts';
import { AUDIENCE, createTokenKey, ISSUER, jwksOf, signToken } from '../support/tokens.ts';

/** What the tests of every language are told, by environment variables. */
export interface ClientTestEnv {
  /** `host:port`, gRPC in plain text. */
  readonly CROSSFADE_TEST_ADDRESS: string;
  /** `host:port`, Connect and gRPC-Web in plain text. */
  readonly CROSSFADE_TEST_HTTP: string;
  /** `host:port`, gRPC over TLS, for callers with a token or a certificate. */
  readonly CROSSFADE_TEST_TLS_ADDRESS: string;
  /** A file with the certificate of the authority that is to be trusted, PEM. */
  readonly CROSSFADE_TEST_CA: string;
  /** A bearer token that may read and write. */
  readonly CROSSFADE_TEST_TOKEN: string;
  /** Files with a client certificate that may read and write, and with its key, PEM. */
  readonly CROSSFADE_TEST_CERT: string;
  readonly CROSSFADE_TEST_KEY: string;
  /** `patients/…`, with some medications. */
  readonly CROSSFADE_TEST_PATIENT: string;
  /** The one origin whose pages may call, and at which nobody listens yet. */
  readonly CROSSFADE_TEST_ORIGIN: string;
}

const HOSPITAL = join(import.meta.dirname, '../../examples/hospital');
/** Of the sample's first ones. */
const PATIENT = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';
const CALLER = 'clinic';
const CERTIFIED_CALLER = 'spiffe://hospital/clinic';
/** Longer than the tests of all languages take, one after another. */
const TOKEN_SECONDS = 3_600;
/** Half of the reads from either store, also of one record: so it is seen that a session shows no older state. */
const READS_FROM_TARGET_PERCENT = 50;
const IN_SYNC_WITHIN_MS = 120_000;
const POLL_MS = 200;

/** Starts both, moves the medications until both stores have them, and lets half of the reads come from either. */
export async function startClientTestService(
  addresses: Required<Pick<StackAddresses, 'mysql' | 'cassandra' | 'unleash'>>,
  options: { readonly folder: string; readonly log: Log; readonly signal: AbortSignal },
): Promise<{ readonly env: ClientTestEnv; readonly services: readonly Service[] }> {
  const { folder, log, signal } = options;
  await mkdir(folder, { recursive: true });
  const origin = `http://127.0.0.1:${await reservePort()}`;
  const { security, env } = await makeCredentials(folder);
  const start = (instance: string, more: object): Promise<Service> => {
    const config = { ...configOf(addresses), instance, ...more };
    const secrets = {
      MYSQL: addresses.mysql.password,
      UNLEASH: addresses.unleash.clientToken,
      PAGE_TOKENS: randomBytes(32).toString('hex'),
    };
    return startService(parseConfig(JSON.stringify(config), join(folder, `${instance}.yaml`), secrets), signal, {
      log,
    });
  };
  const plain = await start('plain', { http: { port: 0, corsOrigins: [origin] } });
  const secure = await start('secure', { security, pageTokenSecretEnv: 'PAGE_TOKENS' });
  await readFromBothStores(addresses, plain, signal);
  return {
    services: [plain, secure],
    env: {
      ...env,
      CROSSFADE_TEST_ADDRESS: plain.addresses.grpc,
      CROSSFADE_TEST_HTTP: hostOf(plain.addresses.http),
      CROSSFADE_TEST_TLS_ADDRESS: secure.addresses.grpc,
      CROSSFADE_TEST_PATIENT: PATIENT,
      CROSSFADE_TEST_ORIGIN: origin,
    },
  };
}

function configOf({ mysql, cassandra, unleash }: Required<Pick<StackAddresses, 'mysql' | 'cassandra' | 'unleash'>>) {
  const { host, port, user, password } = mysql;
  return {
    grpc: { port: 0 },
    http: { port: 0 },
    descriptors: join(HOSPITAL, 'hospital.binpb'),
    resources: [{ type: 'hospital.v1.Medication' }, { type: 'hospital.v1.Encounter' }],
    stores: {
      mysql: { host, port, user, ...(password !== '' && { passwordEnv: 'MYSQL' }) },
      cassandra: { ...cassandra, createTables: true },
    },
    unleash: { url: `${unleash.url}/api`, tokenEnv: 'UNLEASH', refreshMs: 500 },
    telemetry: { exporter: 'none' },
  };
}

/** An authority with the certificates of both sides, and an issuer with a token. */
async function makeCredentials(folder: string) {
  const authority = createAuthority('the tests of the clients');
  const server = authority.issue({ commonName: 'crossfade', ips: ['127.0.0.1'], dns: ['localhost'] });
  const client = authority.issue({ commonName: 'clinic', uris: [CERTIFIED_CALLER] });
  const key = await createTokenKey('one');
  const files = {
    'ca.crt': authority.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'client.crt': client.cert,
    'client.key': client.key,
    'jwks.json': JSON.stringify(await jwksOf(key)),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return {
    security: {
      tls: { certFile: 'server.crt', keyFile: 'server.key', clientCaFile: 'ca.crt' },
      jwt: { jwksFile: 'jwks.json', issuer: ISSUER, audience: AUDIENCE },
      roles: [{ callers: [CALLER, CERTIFIED_CALLER], resources: ['*'], verbs: ['read', 'write'] }],
    },
    env: {
      CROSSFADE_TEST_CA: join(folder, 'ca.crt'),
      CROSSFADE_TEST_TOKEN: await signToken(key, { sub: CALLER, expiresIn: TOKEN_SECONDS }),
      CROSSFADE_TEST_CERT: join(folder, 'client.crt'),
      CROSSFADE_TEST_KEY: join(folder, 'client.key'),
    },
  };
}

async function readFromBothStores(
  { unleash }: Required<Pick<StackAddresses, 'unleash'>>,
  plain: Service,
  signal: AbortSignal,
): Promise<void> {
  const flags = createFlagAdmin(unleash, MOVED_RESOURCE);
  await flags.setPhase('synchronize', true);
  const migrations = createSession({ addresses: [plain.addresses.http], protocol: 'connect' }).client(Migrations);
  await until('the medications are in sync', signal, async () => {
    const { followerState } = await migrations.getMigration({ name: `migrations/${MOVED_RESOURCE}` });
    return followerState === FollowerState.IN_SYNC;
  });
  await flags.setStickiness('read-target', 'random');
  await flags.setRollout('read-target', READS_FROM_TARGET_PERCENT);
  const medications = createSession({ addresses: [`http://${plain.addresses.grpc}`] }).client(Medications);
  await until('reads come from the target', signal, async () => {
    let servedBy = '';
    const onHeader = (headers: Headers) => {
      servedBy = headers.get('crossfade-served-by') ?? '';
    };
    await medications.listMedications({ parent: PATIENT }, { onHeader });
    return servedBy.startsWith('target');
  });
}

async function until(what: string, signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + IN_SYNC_WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`it did not come to this within two minutes: ${what}`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

function hostOf(url: string): string {
  return new URL(url).host;
}
