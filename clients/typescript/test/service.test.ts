import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { Medications } from '../gen/hospital/v1/medications_pb.ts';
import { asking, createSession, reasonOf, type SessionOptions } from '../src/session.ts';
import { newId, serviceEnv } from './service-env.ts';

/** Nobody listens there. */
const NOBODY = 'http://127.0.0.1:9';
const UPDATES = 60;
/** The machine that carries these tests carries both stores as well. */
const PATIENCE = { timeoutMs: 30_000, retries: 20 };

const grpc = `http://${serviceEnv('ADDRESS')}`;
const parent = serviceEnv('PATIENT');
const medication = { code: 7, description: 'a drug', startTime: timestampFromMs(1_700_000_000_000) };
const begin = (more: Partial<SessionOptions> = {}) => createSession({ addresses: [grpc], ...PATIENCE, ...more });

describe('a session with the real service', () => {
  it.each(['grpc', 'grpc-web', 'connect'] as const)(
    'lists, creates, updates, reads back and deletes by %s',
    async (protocol) => {
      const addresses = [protocol === 'grpc' ? grpc : `http://${serviceEnv('HTTP')}`];
      const session = begin({ addresses, protocol });
      const client = session.client(Medications);
      expect((await client.listMedications({ parent, pageSize: 2 })).medications).toHaveLength(2);
      const { name } = await client.createMedication({
        parent,
        medicationId: newId(),
        medication,
        requestId: randomUUID(),
      });
      const created = session.versionOf(name);
      await client.updateMedication({ medication: { name, note: 'with water' }, updateMask: { paths: ['note'] } });
      expect(session.versionOf(name)).toBeGreaterThan(created);
      expect((await client.getMedication({ name })).note).toBe('with water');
      await client.deleteMedication({ name });
      const error = await client.getMedication({ name }).catch((thrown: unknown) => thrown);
      expect(reasonOf(error)).toBe('RECORD_NOT_FOUND');
    },
  );

  it('shows no older state than one before, while half of the reads come from the other store', async () => {
    const { name } = await begin().client(Medications).createMedication({ parent, medicationId: newId(), medication });
    const writer = begin().client(Medications);
    const reader = begin().client(Medications);
    const stores = new Set<string>();
    const onHeader = (headers: Headers) => stores.add(headers.get('crossfade-served-by')?.split(';')[0] ?? '');
    let isWritten = false;
    const writing = (async () => {
      for (let dispenses = 1; dispenses <= UPDATES; dispenses++) {
        await writer.updateMedication({ medication: { name, dispenses }, updateMask: { paths: ['dispenses'] } });
      }
      isWritten = true;
    })();
    let last = 0;
    while (!isWritten) {
      const { dispenses } = await reader.getMedication({ name }, { onHeader });
      expect(dispenses).toBeGreaterThanOrEqual(last);
      last = dispenses;
    }
    await writing;
    expect((await reader.getMedication({ name }, asking('authority'))).dispenses).toBe(UPDATES);
    expect([...stores].sort()).toEqual(['source', 'target']);
    await writer.deleteMedication({ name });
  });

  it('asks the authority when a call says so', async () => {
    const { name } = (await begin().client(Medications).listMedications({ parent, pageSize: 1 })).medications[0] ?? {};
    const client = begin({ consistency: 'authority' }).client(Medications);
    for (let i = 0; i < 10; i++) {
      let servedBy = '';
      const onHeader = (headers: Headers) => {
        servedBy = headers.get('crossfade-served-by') ?? '';
      };
      await client.getMedication({ name: name ?? '' }, { onHeader });
      expect(servedBy).toMatch(/^source/);
    }
  });

  it('passes over an address at which nobody answers', async () => {
    const client = begin({ addresses: [NOBODY, grpc] }).client(Medications);
    expect((await client.listMedications({ parent, pageSize: 1 })).medications).toHaveLength(1);
  });

  it('has a deadline', async () => {
    const client = begin({ timeoutMs: 1 }).client(Medications);
    await expect(client.listMedications({ parent })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });
});

describe('a session over TLS', () => {
  const ca = readFileSync(serviceEnv('CA'));
  const list = (more: Partial<SessionOptions>) =>
    begin({ addresses: [`https://${serviceEnv('TLS_ADDRESS')}`], retries: 0, ...more })
      .client(Medications)
      .listMedications({ parent, pageSize: 1 });

  it('is known by its token', async () => {
    expect((await list({ tls: { ca }, token: serviceEnv('TOKEN') })).medications).toHaveLength(1);
    const error = await list({ tls: { ca } }).catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe('CREDENTIALS_MISSING');
  });

  it('is known by its certificate', async () => {
    const own = { cert: readFileSync(serviceEnv('CERT')), key: readFileSync(serviceEnv('KEY')) };
    expect((await list({ tls: { ca, ...own } })).medications).toHaveLength(1);
  });

  it('does not trust an authority that it was not told of', async () => {
    await expect(list({ token: serviceEnv('TOKEN') })).rejects.toMatchObject({ code: Code.Unavailable });
  });
});
