import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Migrations } from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession, type SessionOptions } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { type Config, parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { createJsonLog } from '../../src/telemetry/log.ts';
import { createAuthority } from '../support/certificates.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { createTokenKey, ISSUER, jwksOf, signToken, type TokenKey } from '../support/tokens.ts';

const hospital = join(import.meta.dirname, '../../examples/hospital');
const PAGE_SECRET = 'the secret of the pages';

describe('an instance with authentication', () => {
  const stopping = new AbortController();
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  const authority = createAuthority('one for all');
  const lines: string[] = [];
  const log = createJsonLog({ write: (line) => lines.push(line) });
  let folder: string;
  let control: TestDatabase;
  let service: Service;
  let key: TokenKey;
  const audit = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line.audit);

  function config(security: object): Config {
    const { host, port, user, password } = inject('mysql');
    const source = {
      instance: 'one',
      grpc: { port: 0 },
      http: { port: 0 },
      descriptors: join(hospital, 'hospital.binpb'),
      resources: [{ type: 'hospital.v1.Medication', mysqlSchema: database }],
      stores: { mysql: { host, port, user, passwordEnv: 'MYSQL', controlSchema: control.name } },
      telemetry: { exporter: 'none' },
      pageTokenSecretEnv: 'PAGES',
      security,
    };
    return parseConfig(JSON.stringify(source), join(folder, 'test.yaml'), { MYSQL: password, PAGES: PAGE_SECRET });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crossfade-door-'));
    control = await createTestDatabase();
    await loadHospital({ mysql: inject('mysql'), database, rows: 50 });
    const server = authority.issue({ commonName: 'crossfade', ips: ['127.0.0.1'] });
    key = await createTokenKey('one');
    const files = {
      'server.crt': server.cert,
      'server.key': server.key,
      'jwks.json': JSON.stringify(await jwksOf(key)),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const security = {
      tls: { certFile: 'server.crt', keyFile: 'server.key' },
      jwt: { jwksFile: 'jwks.json', issuer: ISSUER, audience: 'crossfade' },
      roles: [
        { callers: ['clinic'], resources: ['medications'], verbs: ['read'] },
        { callers: ['root'], resources: ['*'], verbs: ['read', 'admin'] },
        { callers: ['nobody'], resources: ['medicines'], verbs: ['read'] },
      ],
    };
    service = await startService(config(security), stopping.signal, { log });
  });

  afterAll(async () => {
    stopping.abort();
    await service?.ended;
    await control.run(`DROP DATABASE IF EXISTS ${database}`);
    await control.drop();
    await rm(folder, { recursive: true });
  });

  const session = (token: string | undefined, protocol: NonNullable<SessionOptions['protocol']> = 'grpc') => {
    const { grpc, http } = service.addresses;
    const addresses = [protocol === 'grpc' ? `https://${grpc}` : http];
    return createSession({ addresses, protocol, tls: { ca: authority.cert }, retries: 0, ...(token && { token }) });
  };

  it('serves records and the migration to who may, on both ports', async () => {
    const token = await signToken(key);
    const parent = `patients/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`;
    for (const protocol of ['grpc', 'connect'] as const) {
      const records = session(token, protocol).client(Medications);
      expect((await records.listMedications({ parent })).medications).toEqual([]);
      const denied = records.deleteMedication({ name: `${parent}/medications/1` });
      await expect(denied).rejects.toMatchObject({ code: Code.PermissionDenied });
      const unknown = session(undefined, protocol).client(Medications).listMedications({ parent });
      await expect(unknown).rejects.toMatchObject({ code: Code.Unauthenticated });
    }
    const { name } = await session(token).client(Migrations).getMigration({ name: 'migrations/medications' });
    expect(name).toBe('migrations/medications');
    const refused = session(token).client(Migrations).fenceSource({ name });
    await expect(refused).rejects.toMatchObject({ code: Code.PermissionDenied });
    expect((await fetch(service.addresses.http).catch(() => null))?.ok).not.toBe(true);
  });

  it('leaves audit lines of refusals and of what was changed by whom', async () => {
    const root = session(await signToken(key, { sub: 'root' })).client(Migrations);
    await root.fenceSource({ name: 'migrations/medications' });
    const decommission = root.decommissionMigration({ name: 'migrations/medications', confirmation: 'medications' });
    await expect(decommission).rejects.toMatchObject({ code: Code.FailedPrecondition });
    expect(audit()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ caller: 'clinic', verb: 'write', reason: 'PERMISSION_DENIED' }),
        expect.objectContaining({ caller: '', reason: 'CREDENTIALS_MISSING' }),
        expect.objectContaining({ caller: 'root', method: expect.stringContaining('FenceSource'), outcome: 'OK' }),
        expect.objectContaining({ caller: 'root', outcome: 'MIGRATION_STATE', resource: 'medications' }),
      ]),
    );
  });

  it('says which roles name what is not served, and nothing that is secret', async () => {
    const text = lines.join('\n');
    expect(text).toContain('roles name resources that are not served');
    for (const secret of [PAGE_SECRET, `"${inject('mysql').password}"`, 'PRIVATE', await signToken(key)]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/);
    expect(text).not.toContain('patients/');
  });

  it('does not start without its files, and names them', async () => {
    const tls = { certFile: 'none.crt', keyFile: 'server.key' };
    const jwt = { jwksFile: 'server.crt', issuer: ISSUER, audience: 'crossfade' };
    const roles = [{ callers: ['*'], resources: ['*'], verbs: ['read'] }];
    const start = startService(config({ tls, jwt, roles }), stopping.signal, { log });
    await expect(start).rejects.toThrow(
      /none\.crt cannot be read \(ENOENT\)[\s\S]*security\.jwt\.jwksFile: the file is no JSON/,
    );
  });
});
