import { randomUUID } from 'node:crypto';
import { Code } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Medications as MedicationsService } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import {
  asking,
  createSession,
  isOutcomeUnknown,
  reasonOf,
  type SessionOptions,
} from '../../clients/typescript/src/session.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import type { Call } from '../../src/stores/call.ts';
import type { Records } from '../../src/stores/record-store.ts';
import { openLink } from '../support/broken-link.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

/** Nobody listens there. */
const NOBODY = 'http://127.0.0.1:9';
/** Ten seconds of silence, five for an answer, and time for a loaded machine. */
const HANG_NOTICED_MS = 30_000;
const parent = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';
const medication = { code: 7, description: 'a drug', startTime: { seconds: 1_700_000_000n, nanos: 0 } };

describe('the TypeScript client', () => {
  let servers: Servers;
  let records: Records;
  /** The calls that reached the records, in order. */
  let calls: { readonly operation: string; readonly call: Call }[];
  /** Thrown by the next calls, one each. */
  let failures: DomainError[];

  beforeEach(async () => {
    const medications = await loadMedications();
    calls = [];
    failures = [];
    records = memoryRecords(medications.resource);
    const meet = (operation: string, call: Call) => {
      calls.push({ operation, call });
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    };
    const watched: Records = {
      maxKeys: records.maxKeys,
      lookup: records.lookup,
      getMany: async (keys, call) => {
        meet('read', call);
        return records.getMany(keys, call);
      },
      list: async (query, call) => {
        meet('list', call);
        return records.list(query, call);
      },
      write: async (change, call) => {
        meet('write', call);
        return records.write(change, call);
      },
      writeMany: async (changes, call) => {
        meet('write', call);
        return records.writeMany(changes, call);
      },
    };
    servers = await startServers({ medications, records: watched });
  });
  afterEach(() => servers.stop());

  const grpc = () => `http://127.0.0.1:${servers.grpcPort}`;
  const session = (more: Partial<SessionOptions> = {}) => createSession({ addresses: [grpc()], ...more });
  const create = (options: Partial<SessionOptions> = {}) => {
    const begun = session(options);
    const client = begun.client(MedicationsService);
    return { begun, client, created: client.createMedication({ parent, medicationId: '1', medication }) };
  };
  const unavailable = new DomainError({ kind: 'unavailable', reason: 'NO_LEASE', message: 'no lease' });
  const unknown = new DomainError({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN', message: 'the link broke' });

  it('sends back the version that it was last given, for each record by itself', async () => {
    const { begun, client, created } = create();
    const { name } = await created;
    expect(begun.versionOf(name)).toBeGreaterThan(0n);
    await client.getMedication({ name });
    expect(calls.at(-1)?.call.atLeast).toBe(begun.versionOf(name));
    await client.getMedication({ name: `${parent}/medications/2` }).catch(() => {});
    expect(calls.at(-1)?.call.atLeast).toBe(0n);
  });

  it('remembers the version of an absence', async () => {
    const { begun, client, created } = create();
    const { name } = await created;
    const before = begun.versionOf(name);
    await client.deleteMedication({ name });
    await expect(client.getMedication({ name })).rejects.toMatchObject({ code: Code.NotFound });
    expect(begun.versionOf(name)).toBeGreaterThan(before);
  });

  it('sends with a List the newest version that it was given of the list or of its records', async () => {
    const { begun, client, created } = create();
    const { name } = await created;
    await client.listMedications({ parent });
    expect(calls.at(-1)?.call.atLeast).toBe(begun.versionOf(name));
    const listed = begun.versionOf(`${parent}/medications/*`);
    expect(listed).toBe(begun.versionOf(name));
    await client.listMedications({ parent: 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab' });
    expect(calls.at(-1)?.call.atLeast).toBe(0n);
  });

  it('asks the authority for a record once after a List, which may have shown more, also by leaving it out', async () => {
    const { client, created } = create();
    const { name } = await created;
    const get = async (options: { headers?: Record<string, string> } = {}) => {
      await client.getMedication({ name }, options);
      return calls.at(-1)?.call.consistency;
    };
    expect(await get()).toBe('latency');
    await client.listMedications({ parent });
    expect(await get({ headers: { 'crossfade-consistency': 'latency' } })).toBe('latency');
    await client.listMedications({ parent });
    expect(await get()).toBe('authority');
    expect(await get()).toBe('latency');
    await client.deleteMedication({ name });
    await client.listMedications({ parent });
    await get().catch(() => {});
    expect(calls.at(-1)?.call.consistency).toBe('authority');
  });

  it('knows what a Create would be called, whatever name the resource itself bears', async () => {
    const { begun, client, created } = create();
    const { name } = await created;
    const before = begun.versionOf(name);
    await client.deleteMedication({ name });
    await client.createMedication({ parent, medicationId: '1', medication });
    const again = { ...medication, name: `${parent}/medications/2` };
    await expect(client.createMedication({ parent, medicationId: '1', medication: again })).rejects.toMatchObject({
      code: Code.AlreadyExists,
    });
    expect(begun.versionOf(name)).toBeGreaterThan(before);
    expect(begun.versionOf(again.name)).toBe(0n);
  });

  it.each(['grpc', 'grpc-web', 'connect'] as const)('remembers the version of a failure (%s)', async (protocol) => {
    const port = protocol === 'grpc' ? servers.grpcPort : servers.httpPort;
    const begun = session({ protocol, addresses: [`http://127.0.0.1:${port}`] });
    const client = begun.client(MedicationsService);
    const { name, etag } = await client.createMedication({ parent, medicationId: '1', medication });
    await create().created.catch(() => {});
    const before = begun.versionOf(name);
    await client.updateMedication({ medication: { ...medication, name, description: 'more', etag } });
    const wrong = client.updateMedication({ medication: { ...medication, name, etag } });
    await expect(wrong).rejects.toMatchObject({ code: Code.Aborted });
    await client.deleteMedication({ name });
    await expect(client.getMedication({ name })).rejects.toMatchObject({ code: Code.NotFound });
    expect(begun.versionOf(name)).toBeGreaterThan(before);
    const fresh = session({ protocol, addresses: [`http://127.0.0.1:${port}`] });
    await expect(fresh.client(MedicationsService).getMedication({ name })).rejects.toThrow();
    expect(fresh.versionOf(name)).toBeGreaterThanOrEqual(begun.versionOf(name));
  });

  it('remembers the version of each record of a batch, and sends one that all of them reach', async () => {
    const { begun, client, created } = create();
    const { name } = await created;
    const made = await client.batchCreateMedications({
      parent,
      requests: ['2', '3'].map((medicationId) => ({ medicationId, medication })),
    });
    const [second = '', third = ''] = made.medications.map((one) => one.name);
    expect(begun.versionOf(second)).toBeGreaterThan(begun.versionOf(name));
    expect(begun.versionOf(third)).toBe(begun.versionOf(second));
    await client.batchGetMedications({ names: [second, third] });
    expect(calls.at(-1)?.call).toMatchObject({ atLeast: begun.versionOf(second), consistency: 'latency' });
    // The first record is older than the others' version, which it would never reach.
    await client.batchGetMedications({ names: [name, third] });
    expect(calls.at(-1)?.call).toMatchObject({ atLeast: begun.versionOf(name), consistency: 'authority' });
    await client.batchDeleteMedications({ parent, requests: [{ name: second }, { name: third }] });
    await expect(client.batchGetMedications({ names: [name, third] })).rejects.toMatchObject({ code: Code.NotFound });
    expect(begun.versionOf(third)).toBeGreaterThan(begun.versionOf(name));
  });

  it('says who calls', async () => {
    await create({ caller: 'pharmacy', user: 'ann' }).created;
    expect(calls.at(-1)?.call).toMatchObject({ caller: 'pharmacy', user: 'ann' });
  });

  it('passes an instance over that does not answer, for reads and writes', async () => {
    const { client, created } = create({ addresses: [NOBODY, grpc()] });
    const { name } = await created;
    expect((await client.getMedication({ name })).description).toBe('a drug');
  });

  it('sends a read again on UNAVAILABLE, and a write that the service itself refused', async () => {
    failures.push(unavailable, unavailable);
    const { client, created } = create();
    const { name } = await created;
    failures.push(unavailable);
    await client.getMedication({ name });
    expect(calls.map(({ operation }) => operation)).toEqual(['write', 'write', 'write', 'read', 'read']);
  });

  it('never sends a write again whose outcome is not known', async () => {
    failures.push(unknown);
    const error = await create().created.catch((thrown: unknown) => thrown);
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(reasonOf(error)).toBe('OUTCOME_UNKNOWN');
    expect(calls).toHaveLength(1);
  });

  it('sends a write again whose outcome is not known if it is named, a batch only if all of it is', async () => {
    const { client, created } = create();
    await created;
    failures.push(unknown);
    const requestId = randomUUID();
    await client.createMedication({ parent, medicationId: '2', medication, requestId });
    expect(calls.map(({ operation }) => operation)).toEqual(['write', 'write', 'write']);
    const batch = (...ids: readonly string[]) =>
      client.batchCreateMedications({
        parent,
        requests: ids.map((id, i) => ({ medicationId: String(3 + i), medication, requestId: id })),
      });
    failures.push(unknown);
    await expect(batch(randomUUID(), '')).rejects.toMatchObject({ code: Code.Unknown });
    failures.push(unknown);
    await batch(randomUUID(), randomUUID());
    expect(calls).toHaveLength(6);
  });

  it('gives up after as many tries as it was told', async () => {
    failures.push(unavailable, unavailable, unavailable);
    await expect(create({ retries: 2 }).created).rejects.toMatchObject({ code: Code.Unavailable });
    expect(calls).toHaveLength(3);
  });

  it('waits as long as the service says before it sends again, and not at all where its deadline is nearer', async () => {
    const { client, created } = create();
    const { name } = await created;
    failures.push(unavailable);
    const startedAt = performance.now();
    await client.getMedication({ name });
    // The service says 200 ms; the client's own first pause is 20 at most.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(199);
    failures.push(unavailable);
    await expect(client.getMedication({ name }, { timeoutMs: 150 })).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it('asks what its reads are for, for the session and for one call', async () => {
    const { client, created } = create({ consistency: 'at-least' });
    const { name } = await created;
    expect(calls.at(-1)?.call.consistency).toBe('latency');
    await client.getMedication({ name });
    expect(calls.at(-1)?.call.consistency).toBe('at-least');
    await client.getMedication({ name }, asking('authority'));
    expect(calls.at(-1)?.call.consistency).toBe('authority');
  });

  it('does not count a refusal as an unknown outcome', async () => {
    const { client, created } = create();
    await created;
    const again = await client
      .createMedication({ parent, medicationId: '1', medication })
      .catch((error: unknown) => error);
    expect(isOutcomeUnknown(again)).toBe(false);
  });

  it('gives a call ten seconds by default: longer than a handover may make writers wait', async () => {
    await create().created;
    const leftMs = (calls.at(-1)?.call.deadlineMs ?? 0) - systemClock.monotonicMs();
    expect(leftMs).toBeGreaterThan(defaultProtocolSettings.handoverTimeoutMs);
    expect(leftMs).toBeLessThanOrEqual(10_000);
  });

  it('moves on from an instance once, however many calls fail there together, also where none is sent again', async () => {
    const { client, created } = create({ addresses: [grpc(), NOBODY], retries: 0 });
    const { name } = await created;
    failures.push(unavailable);
    await expect(client.getMedication({ name })).rejects.toMatchObject({ code: Code.Unavailable });
    // At the other address is nobody.
    const both = [client.getMedication({ name }), client.getMedication({ name })];
    for (const { status } of await Promise.allSettled(both)) expect(status).toBe('rejected');
    expect((await client.getMedication({ name })).name).toBe(name);
  });

  it('notices long before a distant deadline that an instance hangs', async () => {
    const link = await openLink({ host: '127.0.0.1', port: servers.grpcPort });
    try {
      const addresses = [`http://127.0.0.1:${link.port}`];
      const client = session({ addresses, retries: 0, timeoutMs: 60_000 }).client(MedicationsService);
      await client.listMedications({ parent });
      link.hang();
      const begunAt = performance.now();
      await expect(client.listMedications({ parent })).rejects.toMatchObject({ code: Code.Unavailable });
      expect(performance.now() - begunAt).toBeLessThan(HANG_NOTICED_MS);
    } finally {
      await link.close();
    }
  }, 60_000);

  it('sends a token without TLS only if it is told to, and what the call says itself instead', async () => {
    expect(() => session({ token: 'secret' })).toThrow('TLS');
    expect(() => session({ addresses: ['https://127.0.0.1:9', grpc()], token: 'secret' })).toThrow(grpc());
    const { client, created } = create({ token: 'secret', tokenInClear: true, caller: 'pharmacy' });
    const { name } = await created;
    await client.getMedication({ name }, { headers: { 'crossfade-caller': 'ward' } });
    expect(calls.map(({ call }) => call.caller)).toEqual(['pharmacy', 'ward']);
  });

  it('needs an address', () => {
    expect(() => createSession({ addresses: [] })).toThrow(RangeError);
  });
});
