/** The batch methods (AIP-231, AIP-233 to AIP-235) over every protocol. */
import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allCallers, type Caller, type CallOptions, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const PROTOCOLS = ['gRPC', 'JSON over HTTP', 'Connect (binary)', 'gRPC-Web'] as const;

let servers: Servers;
let callers: ReadonlyMap<string, Caller>;
let methods: Readonly<Record<string, DescMethod>>;

beforeAll(async () => {
  const medications = await loadMedications();
  servers = await startServers({ medications, records: memoryRecords(medications.resource) });
  callers = new Map(allCallers(servers).map((caller) => [caller.protocol, caller]));
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
});

afterAll(async () => {
  for (const caller of callers.values()) caller.close();
  await servers.stop();
});

const drug = (description: string): JsonObject => ({ code: 1191, description, startTime: '2021-05-04T12:30:00Z' });

describe.each(PROTOCOLS)('a batch over %s', (protocol) => {
  const parent = `patients/6f1c2f70-0d5c-4a5e-9a8e-00000000000${PROTOCOLS.indexOf(protocol)}`;
  const other = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ff';
  const nameOf = (id: number, of = parent) => `${of}/medications/${id}`;
  const call = (method: string, request: JsonObject, options?: CallOptions): Promise<Outcome> =>
    (callers.get(protocol) as Caller).call(methods[method] as DescMethod, request, options);
  const creating = (...ids: readonly number[]): JsonObject => ({
    parent,
    requests: ids.map((id) => ({ medicationId: String(id), medication: drug(`drug ${id}`) })),
  });
  const listOf = ({ json }: Outcome) => (json as JsonObject).medications as readonly JsonObject[];
  const get = (id: number) => call('GetMedication', { name: nameOf(id) });

  it('creates, gets, updates and deletes, in order, each record as the single method would show it', async () => {
    const created = await call('BatchCreateMedications', creating(3, 1, 2));
    expect(created).toMatchObject({ code: 0 });
    expect(listOf(created).map(({ name }) => name)).toEqual([nameOf(3), nameOf(1), nameOf(2)]);
    expect(listOf(created)[1]).toEqual((await get(1)).json);

    const names = [nameOf(2), nameOf(3), nameOf(2)];
    const got = await call('BatchGetMedications', { parent, names });
    expect(listOf(got).map(({ name }) => name)).toEqual(names);
    expect(BigInt(got.version ?? 0)).toBe(BigInt(created.version ?? 0));

    const updated = await call('BatchUpdateMedications', {
      parent,
      requests: [
        { medication: { name: nameOf(1), description: 'other', etag: listOf(created)[1]?.etag ?? '' } },
        { medication: { name: nameOf(4), ...drug('made') }, allowMissing: true },
        { medication: { name: nameOf(3), description: 'third' }, updateMask: 'description', allowMissing: true },
      ],
    });
    expect(updated).toMatchObject({ code: 0 });
    expect(listOf(updated).map(({ description }) => description)).toEqual(['other', 'made', 'third']);
    const after = await get(1);
    expect(listOf(updated)[0]).toEqual(after.json);
    // The batch's version is one that each of its records reaches.
    expect(after.version).toBe(updated.version);

    const requests = [1, 2, 3, 4].map((id) => ({ name: nameOf(id) }));
    expect(await call('BatchDeleteMedications', { parent, requests })).toMatchObject({ code: 0, json: {} });
    expect(await get(4)).toMatchObject({ code: 5 });
  });

  it('does nothing if one record refuses, and says which', async () => {
    await call('BatchCreateMedications', creating(11, 12));
    const again = await call('BatchCreateMedications', creating(10, 12));
    expect(again).toMatchObject({
      code: 6,
      reason: 'RECORD_ALREADY_EXISTS',
      metadata: { index: '1', name: nameOf(12) },
    });
    expect(again.message).toContain(`requests[1], ${nameOf(12)}`);
    expect(await get(10)).toMatchObject({ code: 5 });

    const update = (etag: string) => ({
      parent,
      requests: [{ medication: { name: nameOf(11), description: 'x', etag } }],
    });
    expect(await call('BatchUpdateMedications', update('"wrong"'))).toMatchObject({
      code: 10,
      reason: 'ETAG_MISMATCH',
      metadata: { index: '0' },
    });
    const requests = [11, 19].map((id) => ({ name: nameOf(id) }));
    expect(await call('BatchDeleteMedications', { parent, requests })).toMatchObject({
      code: 5,
      metadata: { index: '1', name: nameOf(19) },
    });
    expect(await get(11)).toMatchObject({ code: 0 });
    expect(await call('BatchGetMedications', { names: [nameOf(11), nameOf(19)] })).toMatchObject({
      code: 5,
      reason: 'RECORD_NOT_FOUND',
      metadata: { index: '1', name: nameOf(19) },
    });
  });

  it('says of a request_id that another request had which it is', async () => {
    const requestId = `f47ac10b-58cc-4372-a567-0e02b2c3d4${PROTOCOLS.indexOf(protocol)}0`;
    const one = { medicationId: '31', medication: drug('x'), requestId };
    expect(await call('BatchCreateMedications', { parent, requests: [one] })).toMatchObject({ code: 0 });
    const requests = [
      { medicationId: '32', medication: drug('x') },
      { ...one, medication: drug('y') },
    ];
    expect(await call('BatchCreateMedications', { parent, requests })).toMatchObject({
      code: 3,
      reason: 'REQUEST_ID_REUSED',
      metadata: { index: '1', name: nameOf(31), field: 'requests[1].request_id' },
    });
  });

  it('reads records of several patients, if it names none itself', async () => {
    await call('CreateMedication', { parent: other, medicationId: '1', medication: drug('other') });
    await call('BatchCreateMedications', creating(21));
    const names = [nameOf(1, other), nameOf(21)];
    expect(listOf(await call('BatchGetMedications', { names })).map(({ name }) => name)).toEqual(names);
  });

  it.each([
    ['BatchGetMedications', () => ({ names: [] }), 'names'],
    ['BatchGetMedications', () => ({ names: ['nonsense'] }), 'names[0]'],
    ['BatchGetMedications', () => ({ parent, names: [nameOf(1, other)] }), 'names[0]'],
    ['BatchGetMedications', () => ({ names: Array.from({ length: 1001 }, (_, i) => nameOf(i)) }), 'names'],
    ['BatchCreateMedications', () => ({ parent, requests: [] }), 'requests'],
    ['BatchCreateMedications', () => ({ requests: creating(1).requests ?? [] }), 'parent'],
    ['BatchCreateMedications', () => creating(...Array.from({ length: 101 }, (_, i) => i)), 'requests'],
    ['BatchCreateMedications', () => creating(1, 2, 1), 'requests[2]'],
    [
      'BatchCreateMedications',
      () => ({ parent, requests: [{ parent: other, medicationId: '1', medication: drug('x') }] }),
      'requests[0].parent',
    ],
    [
      'BatchCreateMedications',
      () => ({ parent, requests: [{ medicationId: '1', medication: drug('x') }, { medicationId: '2' }] }),
      'requests[1].medication',
    ],
    [
      'BatchUpdateMedications',
      () => ({ parent, requests: [{ medication: { name: nameOf(1, other), description: 'x' } }] }),
      'requests[0].medication.name',
    ],
    ['BatchDeleteMedications', () => ({ parent, requests: [{ name: nameOf(1, other) }] }), 'requests[0].name'],
  ] as const)('refuses a bad %s and names the field (%#)', async (method, request, field) => {
    const outcome = await call(method, request() as unknown as JsonObject);
    expect(outcome).toMatchObject({ code: 3, reason: 'INVALID_FIELD', metadata: { field } });
    expect(outcome.message).toContain(field);
    // Of one request, and not of the batch as such: said which, for programs.
    expect(outcome.metadata?.index).toBe(/\[(\d)\]/.exec(field)?.[1]);
  });
});
