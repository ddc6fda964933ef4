import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allCallers, type Caller, type CallOptions, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const PATIENT = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab';
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

function call(protocol: string, method: string, request: JsonObject, options?: CallOptions): Promise<Outcome> {
  return (callers.get(protocol) as Caller).call(methods[method] as DescMethod, request, options);
}

function aspirin(change: JsonObject = {}): JsonObject {
  return {
    code: 1191,
    description: 'Aspirin 81 MG',
    startTime: '2021-05-04T12:30:00.123456Z',
    dispenses: 3,
    ...change,
  };
}

async function createAspirin(protocol: string, id: string, change: JsonObject = {}): Promise<Outcome> {
  const outcome = await call(protocol, 'CreateMedication', {
    parent: PATIENT,
    medicationId: id,
    medication: aspirin(change),
  });
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
}

describe.each(PROTOCOLS)('the records API over %s', (protocol) => {
  const base = PROTOCOLS.indexOf(protocol) * 1000;
  const nameOf = (id: number) => `${PATIENT}/medications/${base + id}`;

  it('creates a record and gets it back with its name, etag and version', async () => {
    const created = await createAspirin(protocol, String(base + 1));
    expect(created.json).toMatchObject({ name: nameOf(1), ...aspirin() });
    expect((created.json as JsonObject).etag).toMatch(/^".+"$/);

    const got = await call(protocol, 'GetMedication', { name: nameOf(1) });
    expect(got).toEqual(created);
    expect(BigInt(got.version ?? 0)).toBeGreaterThan(0n);
  });

  it('refuses to create a record that is there, and says its version', async () => {
    const created = await createAspirin(protocol, String(base + 2));
    const again = await call(protocol, 'CreateMedication', {
      parent: PATIENT,
      medicationId: String(base + 2),
      medication: aspirin(),
    });
    expect(again).toMatchObject({ code: 6, reason: 'RECORD_ALREADY_EXISTS' });
    expect(BigInt(again.metadata?.version ?? 0)).toBeGreaterThan(BigInt(created.version ?? 0));
    expect(again.version).toBe(again.metadata?.version);
  });

  it('answers NOT_FOUND with the version of the absence', async () => {
    await createAspirin(protocol, String(base + 3));
    const deleted = await call(protocol, 'DeleteMedication', { name: nameOf(3) });
    expect(deleted).toMatchObject({ code: 0, json: {} });
    const got = await call(protocol, 'GetMedication', { name: nameOf(3) });
    expect(got).toMatchObject({ code: 5, reason: 'RECORD_NOT_FOUND', version: deleted.version });
    expect(got.metadata).toEqual({ version: deleted.version });
  });

  it('updates the fields of the mask and no other', async () => {
    await createAspirin(protocol, String(base + 4), { note: 'Take with food.' });
    const updated = await call(protocol, 'UpdateMedication', {
      medication: { name: nameOf(4), description: 'Aspirin 100 MG', dispenses: 9 },
      updateMask: 'description',
    });
    expect(updated.json).toMatchObject({ description: 'Aspirin 100 MG', dispenses: 3, note: 'Take with food.' });
    const cleared = await call(protocol, 'UpdateMedication', { medication: { name: nameOf(4) }, updateMask: 'note' });
    expect(cleared.json).not.toHaveProperty('note');
    expect(BigInt(cleared.version ?? 0)).toBeGreaterThan(BigInt(updated.version ?? 0));
  });

  it('updates only a record whose etag is the one given', async () => {
    const created = await createAspirin(protocol, String(base + 5));
    const etag = (created.json as JsonObject).etag as string;
    const change = { name: nameOf(5), dispenses: 4, etag };
    const first = await call(protocol, 'UpdateMedication', { medication: change, updateMask: 'dispenses' });
    expect(first).toMatchObject({ code: 0, json: { dispenses: 4 } });
    const second = await call(protocol, 'UpdateMedication', { medication: change, updateMask: 'dispenses' });
    expect(second).toMatchObject({ code: 10, reason: 'ETAG_MISMATCH' });
  });

  it('deletes only a record whose etag is the one given', async () => {
    const created = await createAspirin(protocol, String(base + 6));
    const wrong = await call(protocol, 'DeleteMedication', { name: nameOf(6), etag: '"another"' });
    expect(wrong).toMatchObject({ code: 10, reason: 'ETAG_MISMATCH' });
    const etag = (created.json as JsonObject).etag as string;
    expect(await call(protocol, 'DeleteMedication', { name: nameOf(6), etag })).toMatchObject({ code: 0 });
  });

  it('creates what an update with allow_missing does not find, whatever the mask', async () => {
    const request = { medication: { name: nameOf(7), ...aspirin() }, updateMask: 'dispenses' };
    expect(await call(protocol, 'UpdateMedication', request)).toMatchObject({ code: 5 });
    const created = await call(protocol, 'UpdateMedication', { ...request, allowMissing: true });
    expect(created).toMatchObject({ code: 0, json: aspirin() });
  });

  it('lists the records of a parent in the order of their keys, page by page', async () => {
    const parent = `patients/00000000-0000-0000-0000-00000000000${base / 1000}`;
    for (const id of ['9', '10', '2', '18446744073709551615']) {
      const request = { parent, medicationId: id, medication: aspirin() };
      expect(await call(protocol, 'CreateMedication', request)).toMatchObject({ code: 0 });
    }
    const first = await call(protocol, 'ListMedications', { parent, pageSize: 3 });
    const { medications, nextPageToken } = first.json as { medications: JsonObject[]; nextPageToken: string };
    expect(medications.map(({ name }) => name)).toEqual(['2', '9', '10'].map((id) => `${parent}/medications/${id}`));
    const last = await call(protocol, 'ListMedications', { parent, pageSize: 3, pageToken: nextPageToken });
    expect(last.json).toEqual({
      medications: [expect.objectContaining({ name: `${parent}/medications/18446744073709551615` })],
    });
    expect(BigInt(first.version ?? 0)).toBeGreaterThan(0n);
  });

  it('lists backwards, page by page, with a token for that order alone', async () => {
    const parent = `patients/20000000-0000-0000-0000-00000000000${base / 1000}`;
    for (const id of ['9', '10', '2']) {
      await call(protocol, 'CreateMedication', { parent, medicationId: id, medication: aspirin() });
    }
    const list = { parent, pageSize: 2, orderBy: 'medication desc' };
    const first = await call(protocol, 'ListMedications', list);
    const { medications, nextPageToken } = first.json as { medications: JsonObject[]; nextPageToken: string };
    expect(medications.map(({ name }) => name)).toEqual(['10', '9'].map((id) => `${parent}/medications/${id}`));
    const last = await call(protocol, 'ListMedications', { ...list, orderBy: 'name desc', pageToken: nextPageToken });
    expect((last.json as JsonObject).medications).toMatchObject([{ name: `${parent}/medications/2` }]);
    for (const other of [{ parent }, { ...list, filter: 'code = 1' }, { parent, filter: 'code = 1' }]) {
      const refused = await call(protocol, 'ListMedications', { ...other, pageToken: nextPageToken });
      expect(refused).toMatchObject({ code: 3, reason: 'INVALID_PAGE_TOKEN' });
    }
  });

  it('lists the records that a filter matches', async () => {
    const parent = `patients/30000000-0000-0000-0000-00000000000${base / 1000}`;
    for (const [id, change] of Object.entries({
      1: { dispenses: 1, status: 'STATUS_ACTIVE' },
      2: { dispenses: 5, status: 'STATUS_ACTIVE' },
      3: { dispenses: 5, status: 'STATUS_STOPPED', stopTime: '2022-01-01T00:00:00Z' },
    })) {
      const request = { parent, medicationId: id, medication: aspirin(change) };
      expect(await call(protocol, 'CreateMedication', request)).toMatchObject({ code: 0 });
    }
    const found = async (filter: string) => {
      const { code, json } = await call(protocol, 'ListMedications', { parent, filter });
      expect(code).toBe(0);
      return (
        ((json as JsonObject).medications as JsonObject[] | undefined)?.map(({ name }) => String(name).at(-1)) ?? []
      );
    };
    expect(await found('status = STATUS_ACTIVE AND dispenses > 3')).toEqual(['2']);
    expect(await found('stop_time:*')).toEqual(['3']);
    expect(await found('start_time > 2020-01-01T00:00:00Z AND NOT stop_time:*')).toEqual(['1', '2']);
    expect(await found('code = 2')).toEqual([]);
    const refused = await call(protocol, 'ListMedications', { parent, filter: 'code = x' });
    expect(refused).toMatchObject({ code: 3, reason: 'INVALID_FILTER', metadata: { field: 'filter', position: '8' } });
  });

  it('checks a write without doing it, if asked to', async () => {
    const request = { parent: PATIENT, medicationId: String(base + 20), medication: aspirin(), validateOnly: true };
    expect(await call(protocol, 'CreateMedication', request)).toMatchObject({ code: 0, json: aspirin() });
    expect(await call(protocol, 'GetMedication', { name: nameOf(20) })).toMatchObject({ code: 5 });
    const created = await createAspirin(protocol, String(base + 20));
    expect(await call(protocol, 'CreateMedication', request)).toMatchObject({ code: 6 });
    const change = { medication: { name: nameOf(20), dispenses: 8 }, updateMask: 'dispenses', validateOnly: true };
    const checked = await call(protocol, 'UpdateMedication', change);
    expect(checked).toMatchObject({ code: 0, json: { dispenses: 8 }, version: created.version });
    const deleted = await call(protocol, 'DeleteMedication', { name: nameOf(20), validateOnly: true });
    expect(deleted).toMatchObject({ code: 0, version: created.version });
    expect(await call(protocol, 'GetMedication', { name: nameOf(20) })).toEqual(created);
  });

  it('holds what is written against the rules of the proto, and names field and rule', async () => {
    const long = 'x'.repeat(256);
    const refused = await call(protocol, 'CreateMedication', {
      parent: PATIENT,
      medicationId: String(base + 21),
      medication: aspirin({ description: long, baseCost: '1.234' }),
    });
    expect(refused).toMatchObject({
      code: 3,
      reason: 'RULE_VIOLATED',
      metadata: { field: 'medication.description', rule: 'string.max_len' },
    });
    expect(refused.details).toContain('google.rpc.BadRequest');
    expect(refused.message).toContain('medication.base_cost');
    await createAspirin(protocol, String(base + 21));
    const update = { medication: { name: nameOf(21), description: long, dispenses: 4 } };
    expect(await call(protocol, 'UpdateMedication', { ...update, updateMask: 'dispenses' })).toMatchObject({ code: 0 });
    expect(await call(protocol, 'UpdateMedication', { ...update, updateMask: 'description' })).toMatchObject({
      code: 3,
      reason: 'RULE_VIOLATED',
    });
  });

  it('lists nothing for a parent without records', async () => {
    const parent = 'patients/ffffffff-ffff-ffff-ffff-ffffffffffff';
    expect(await call(protocol, 'ListMedications', { parent })).toMatchObject({ code: 0, json: {} });
  });

  it.each([
    ['GetMedication', { name: 'patients/x' }, 'name'],
    ['GetMedication', {}, 'name'],
    ['ListMedications', { parent: 'people/1' }, 'parent'],
    ['ListMedications', { parent: PATIENT, pageSize: -1 }, 'page_size'],
    ['CreateMedication', { parent: PATIENT, medicationId: '01', medication: aspirin() }, 'medication_id'],
    ['CreateMedication', { parent: PATIENT, medicationId: '1' }, 'medication'],
    ['CreateMedication', { parent: PATIENT, medicationId: '1', medication: { code: 1 } }, 'medication.description'],
    ['UpdateMedication', { medication: { name: 'x' } }, 'medication.name'],
    ['UpdateMedication', { medication: { name: `${PATIENT}/medications/1` }, updateMask: 'color' }, 'update_mask'],
    ['DeleteMedication', { name: `${PATIENT}/medications/-1` }, 'name'],
  ] as const)('refuses a bad %s and names the field: %j', async (method, request, field) => {
    const outcome = await call(protocol, method, request as unknown as JsonObject);
    expect(outcome).toMatchObject({ code: 3, reason: 'INVALID_FIELD', metadata: { field } });
    expect(outcome.message).toContain(field);
    expect(outcome.details).toContain('google.rpc.BadRequest');
  });

  it('recognises a request that is sent again by its id, in either case, and refuses one of other content', async () => {
    const requestId = 'F47AC10B-58CC-4372-A567-0E02B2C3D479';
    const request = { parent: PATIENT, medicationId: String(base + 90), medication: aspirin(), requestId };
    const created = await call(protocol, 'CreateMedication', request);
    expect(created).toMatchObject({ code: 0 });
    const update = { medication: { name: nameOf(90), note: 'later' }, updateMask: 'note' };
    const updated = await call(protocol, 'UpdateMedication', update);
    const again = await call(protocol, 'CreateMedication', request);
    expect(again.json).toEqual(updated.json);
    const other = { ...request, medication: aspirin({ dispenses: 4 }) };
    expect(await call(protocol, 'CreateMedication', other)).toMatchObject({
      code: 3,
      reason: 'REQUEST_ID_REUSED',
      metadata: { field: 'request_id' },
    });
    const gone = { name: nameOf(90), requestId: '00000000-0000-4000-8000-00000000000a' };
    expect(await call(protocol, 'DeleteMedication', gone)).toMatchObject({ code: 0 });
    expect(await call(protocol, 'DeleteMedication', gone)).toMatchObject({ code: 0 });
    expect(await call(protocol, 'CreateMedication', request)).toMatchObject({ code: 5, reason: 'RECORD_NOT_FOUND' });
    expect(await call(protocol, 'DeleteMedication', { ...gone, requestId: 'x' })).toMatchObject({
      code: 3,
      reason: 'INVALID_FIELD',
      metadata: { field: 'request_id' },
    });
  });

  it('refuses a page token of another parent', async () => {
    const parent = 'patients/10000000-0000-0000-0000-000000000000';
    for (const id of [1, 2]) {
      await call(protocol, 'CreateMedication', { parent, medicationId: String(base + id), medication: aspirin() });
    }
    const page = await call(protocol, 'ListMedications', { parent, pageSize: 1 });
    const pageToken = (page.json as JsonObject).nextPageToken as string;
    for (const token of [pageToken, 'nonsense', `${pageToken.slice(0, -1)}_`]) {
      const outcome = await call(protocol, 'ListMedications', { parent: PATIENT, pageToken: token });
      expect(outcome).toMatchObject({ code: 3, reason: 'INVALID_PAGE_TOKEN' });
    }
  });
});

it('answers the same on both ports in every protocol', async () => {
  await createAspirin('gRPC', '77777', { note: 'Zażyć 💊', payerId: '0a0b0c0d-0000-4000-8000-000000000001' });
  const requests: [string, JsonObject][] = [
    ['GetMedication', { name: `${PATIENT}/medications/77777` }],
    ['GetMedication', { name: `${PATIENT}/medications/77778` }],
    ['GetMedication', { name: 'nonsense' }],
    ['ListMedications', { parent: PATIENT, pageSize: 2 }],
  ];
  for (const [method, request] of requests) {
    const outcomes = await Promise.all(PROTOCOLS.map((protocol) => call(protocol, method, request)));
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  }
});
