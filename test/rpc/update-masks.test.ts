/** What an update may name and say without setting it (AIP-161, AIP-203), over every protocol. */
import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMessageCodec } from '../../src/schema/message-codec.ts';
import { allCallers, type Caller, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const PROTOCOLS = ['gRPC', 'JSON over HTTP', 'Connect (binary)', 'gRPC-Web'] as const;
const PATIENT = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab';
const IMMUTABLE = ['code', 'reason_code'];

let servers: Servers;
let callers: ReadonlyMap<string, Caller>;
let methods: Readonly<Record<string, DescMethod>>;

beforeAll(async () => {
  const medications = await loadMedications();
  const fields = medications.definition.fields.map((one) =>
    IMMUTABLE.includes(one.field.name) ? { ...one, immutable: true } : one,
  );
  const definition = { ...medications.definition, fields };
  const { resource } = medications;
  const messages = createMessageCodec(definition, resource);
  servers = await startServers({
    medications: { ...medications, definition, messages },
    records: memoryRecords(resource),
  });
  callers = new Map(allCallers(servers).map((caller) => [caller.protocol, caller]));
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
});

afterAll(async () => {
  for (const caller of callers.values()) caller.close();
  await servers.stop();
});

describe.each(PROTOCOLS)('an update over %s', (protocol) => {
  let count = PROTOCOLS.indexOf(protocol) * 1000;
  const call = (method: string, request: JsonObject): Promise<Outcome> =>
    (callers.get(protocol) as Caller).call(methods[method] as DescMethod, request);
  const made = async (): Promise<JsonObject> => {
    count += 1;
    const medication = {
      code: 1191,
      description: 'Aspirin',
      status: 'STATUS_ACTIVE',
      startTime: '2021-05-04T12:30:00Z',
      baseCost: '1.00',
      payerCoverage: '1.00',
      totalCost: '1.00',
    };
    const created = await call('CreateMedication', { parent: PATIENT, medicationId: String(count), medication });
    expect(created).toMatchObject({ code: 0 });
    return created.json as JsonObject;
  };
  const update = (medication: JsonObject, updateMask?: string, more: JsonObject = {}): Promise<Outcome> =>
    call('UpdateMedication', { medication, ...(updateMask !== undefined && { updateMask }), ...more });

  it('lets a mask name every field that a read shows, and changes nothing by what was read', async () => {
    const record = await made();
    const names = [...Object.keys(record), 'updateTime'];
    expect(names).toEqual(expect.arrayContaining(['name', 'etag', 'code', 'description']));
    for (const mask of [names.join(), '*', undefined]) {
      expect(await update(record, mask)).toMatchObject({ code: 0, json: record });
    }
  });

  it('sets what a mask names beside output only fields, and not those', async () => {
    const { name } = await made();
    const asked = { name: name as string, note: 'new', updateTime: '2001-01-01T00:00:00Z' };
    const updated = await update(asked, 'updateTime,note,name');
    expect(updated).toMatchObject({ code: 0, json: { note: 'new' } });
    expect((updated.json as JsonObject).updateTime).not.toBe(asked.updateTime);
  });

  it.each([
    ['names it', 'code,note'],
    ['is *', '*'],
    ['is absent', undefined],
  ])('refuses another value of an immutable field if its mask %s', async (_, mask) => {
    const record = await made();
    for (const more of [{}, { validateOnly: true }]) {
      const refused = await update({ ...record, code: 7, note: 'new' }, mask, more);
      expect(refused).toMatchObject({
        code: 3,
        reason: 'INVALID_FIELD',
        metadata: { field: 'medication.code' },
      });
      expect(refused.details).toContain('google.rpc.BadRequest');
    }
    expect(await call('GetMedication', { name: record.name as string })).toMatchObject({ code: 0, json: record });
  });

  it('lets an immutable field be that its mask leaves out, or that is not set', async () => {
    const record = await made();
    const name = record.name as string;
    expect(await update({ name, code: 7, note: 'a' }, 'note')).toMatchObject({ code: 0, json: { code: 1191 } });
    expect(await update({ name, note: 'b' })).toMatchObject({ code: 0, json: { code: 1191, note: 'b' } });
    expect(await update({ name }, 'reasonCode')).toMatchObject({ code: 0 });
    expect(await update({ name, reasonCode: '3' }, 'reasonCode')).toMatchObject({ code: 3 });
  });

  it('creates with an immutable field what is not there', async () => {
    const { etag: _, ...record } = await made();
    const name = `${PATIENT}/medications/${count + 500}`;
    const upserted = await update({ ...record, name, code: 7 }, 'code', { allowMissing: true });
    expect(upserted).toMatchObject({ code: 0, json: { name, code: 7 } });
  });

  it('says in a batch which of its requests would change an immutable field', async () => {
    const records = [await made(), await made()];
    const requests = [{ medication: records[0] ?? {} }, { medication: { ...records[1], code: 7 } }];
    const refused = await call('BatchUpdateMedications', { parent: PATIENT, requests });
    const place = { index: '1', name: records[1]?.name as string, field: 'requests[1].medication.code' };
    expect(refused).toMatchObject({ code: 3, metadata: place });
  });

  it.each(['color', 'startTime.seconds', 'medication.note'])('refuses the path %s', async (mask) => {
    const refused = await update(await made(), mask);
    expect(refused).toMatchObject({ code: 3, reason: 'INVALID_FIELD', metadata: { field: 'update_mask' } });
  });
});
