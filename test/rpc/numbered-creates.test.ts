/** Creates that leave the id to the service. */
import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import { BLOCK_IDS, createAssignedIds } from '../../src/records/assigned-ids.ts';
import type { IdSource } from '../../src/stores/id-sequence.ts';
import type { Records } from '../../src/stores/record-store.ts';
import { type Caller, grpcCaller, methodsOf, type Outcome } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

/** What comes next, as the test sets it. */
let next = 1n;
const source: IdSource = {
  take: async (count) => {
    next += BigInt(count);
    return next - BigInt(count);
  },
  rise: async () => {},
};
/** Thrown after the next write was made; null: nothing. */
let lost: DomainError | null = null;

let servers: Servers;
let caller: Caller;
let methods: Readonly<Record<string, DescMethod>>;
const parent = 'patients/6f1c2f70-0d5c-4a5e-9a8e-000000000001';

beforeAll(async () => {
  const medications = await loadMedications();
  const memory = memoryRecords(medications.resource);
  const records: Records = {
    ...memory,
    write: async (change, call) => {
      const written = await memory.write(change, call);
      if (lost !== null) throw lost;
      return written;
    },
  };
  const ids = createAssignedIds({ source, column: 'medication', greatest: 2n ** 31n - 1n });
  servers = await startServers({ medications, records, ids });
  caller = grpcCaller(servers.grpcPort);
  methods = methodsOf(medications.registry, 'hospital.v1.Medications');
});
afterAll(async () => {
  caller.close();
  await servers.stop();
});

const call = (method: string, request: JsonObject): Promise<Outcome> =>
  caller.call(methods[method] as DescMethod, method.startsWith('Get') ? request : { parent, ...request });
const drug = (description: string): JsonObject => ({ code: 1191, description, startTime: '2021-05-04T12:30:00Z' });
const create = (id?: number): Promise<Outcome> =>
  call('CreateMedication', { medication: drug(`drug ${id}`), ...(id !== undefined && { medicationId: String(id) }) });
/** A batch; null: the service gives the id. */
const createMany = (ids: readonly (number | null)[]): Promise<Outcome> =>
  call('BatchCreateMedications', {
    requests: ids.map((id, i) => ({ medication: drug(`drug ${i}`), ...(id !== null && { medicationId: String(id) }) })),
  });
const idsIn = ({ json }: Outcome): number[] =>
  ((json as JsonObject).medications as JsonObject[]).map(({ name }) => Number(String(name).split('/').at(-1)));
const numberOf = ({ json }: Outcome): number =>
  Number(
    String((json as JsonObject).name)
      .split('/')
      .at(-1),
  );

describe('a create without an id', () => {
  it('is answered with the number that the record has got, and passes over those that callers have named', async () => {
    // The greatest of a block comes first, then the least.
    const least = numberOf(await create()) - BLOCK_IDS + 1;
    await create(least);
    await create(least + 1);
    const second = await create();
    expect(second).toMatchObject({ code: 0, json: { description: 'drug undefined' } });
    expect(numberOf(second)).toBe(least + 2);
    const got = await call('GetMedication', { name: `${parent}/medications/${least + 2}` });
    expect(got.json).toEqual(second.json);
  });

  it('is refused for its own mistakes before an id is spent', async () => {
    const before = numberOf(await create());
    expect(await call('CreateMedication', { medication: { description: 'no code' } })).toMatchObject({ code: 3 });
    expect(await call('CreateMedication', { medication: drug('x'), parent: 'nowhere/1' })).toMatchObject({
      code: 3,
    });
    expect(numberOf(await create())).toBe(before + 1);
  });

  it('of unknown outcome says which record to look for', async () => {
    const before = numberOf(await create());
    lost = new DomainError({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN', message: 'The answer was lost.' });
    const unknown = await create();
    lost = null;
    const name = `${parent}/medications/${before + 1}`;
    expect(unknown).toMatchObject({ code: 2, reason: 'OUTCOME_UNKNOWN', metadata: { name } });
    expect(await call('GetMedication', { name })).toMatchObject({ code: 0 });
  });
});

describe('a batch of creates without ids', () => {
  it('has its records in order, those with ids of their own among them, and takes no id that the batch names', async () => {
    const last = numberOf(await create());
    const made = await createMany([null, last + 2, null, 900_000]);
    const [first = 0, named, third, far] = idsIn(made);
    expect([named, far]).toEqual([last + 2, 900_000]);
    expect(first).toBeGreaterThan(last + 2);
    expect(third).toBe(first + 1);
    const texts = ((made.json as JsonObject).medications as JsonObject[]).map(({ description }) => description);
    expect(texts).toEqual(['drug 0', 'drug 1', 'drug 2', 'drug 3']);
  });

  it('gets other ids for all where one is taken, and nothing is left of the try before', async () => {
    const last = numberOf(await create());
    await create(last + 2);
    expect(idsIn(await createMany([null, null]))).toEqual([last + 3, last + 4]);
    const name = `${parent}/medications/${last + 1}`;
    expect(await call('GetMedication', { name })).toMatchObject({ code: 5 });
  });

  it('is refused where a record that it names is there, by that record’s name', async () => {
    await create(800_000);
    const refused = await createMany([null, 800_000]);
    const metadata = { index: '1', name: `${parent}/medications/800000` };
    expect(refused).toMatchObject({ code: 6, reason: 'RECORD_ALREADY_EXISTS', metadata });
  });

  it('that is too large is refused, and gets no ids', async () => {
    const before = next;
    expect(await createMany(Array.from({ length: 101 }, () => null))).toMatchObject({
      code: 3,
      metadata: { field: 'requests' },
    });
    expect(next).toBe(before);
  });
});
