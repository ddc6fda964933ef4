import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { type BatchService, createBatchService } from '../../src/records/batch-service.ts';
import type { UpdateRecord } from '../../src/records/record-service.ts';
import type { Change } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import { memoryRecords } from '../support/rpc-fixture.ts';

const keys = createKeyCodec(notesResource);
const etagOf = (row: Row): string => `"${row.slice(2).join('|')}"`;
const ALL = [2, 3, 4];

let records: ReturnType<typeof memoryRecords>;
let service: BatchService;

beforeEach(() => {
  records = memoryRecords(notesResource);
  service = createBatchService({ records, etagOf });
});

const key = (note: string, owner = 'ann'): Key => keys.fromValues([owner, note]);
const rowOf = (of: Key, title: string): Row => [...of.values, title, '1.00', 5];
const creation = (note: string, title = note) => ({ key: key(note), row: rowOf(key(note), title), columns: ALL });

function updating(note: string, title: string, more: Partial<UpdateRecord> = {}): UpdateRecord {
  return { key: key(note), row: rowOf(key(note), title), columns: [2], etag: '', ifMissing: null, ...more };
}

const orCreate = (note: string, title: string) =>
  updating(note, title, { ifMissing: () => ({ row: rowOf(key(note), title), columns: ALL }) });

const titles = async (...notes: readonly string[]) => {
  const found = await records.getMany(
    notes.map((note) => key(note)),
    testCall(),
  );
  return found.map(({ row }) => row?.[2] ?? null);
};

it('holds a batch that writes to its bound', async () => {
  service = createBatchService({ records, etagOf, maxBatchSize: 2 });
  await service.create([creation('a'), creation('b')], testCall());
  const more = service.create([creation('c'), creation('d'), creation('e')], testCall());
  await expect(more).rejects.toMatchObject({ reason: 'INVALID_FIELD', metadata: { field: 'requests' } });
  expect(await titles('a', 'b', 'c')).toEqual(['a', 'b', null]);
});

describe('get', () => {
  it('reads more than one read of the store may have', async () => {
    records = { ...records, maxKeys: 2 };
    service = createBatchService({ records, etagOf });
    const notes = ['a', 'b', 'c', 'd', 'e'];
    await service.create(
      notes.map((note) => creation(note)),
      testCall(),
    );
    const found = await service.get(
      notes.toReversed().map((note) => key(note)),
      testCall(),
    );
    expect(found.map(({ row }) => row[2])).toEqual(notes.toReversed());
  });
});

describe('update', () => {
  it('creates what is missing and may be created, with the rest of the batch', async () => {
    await service.create([creation('a')], testCall());
    await service.update([updating('a', 'new'), orCreate('b', 'made'), orCreate('c', 'made too')], testCall());
    expect(await titles('a', 'b', 'c')).toEqual(['new', 'made', 'made too']);
  });

  it('turns back to an update where somebody else has created the record in between', async () => {
    await service.create([creation('a')], testCall());
    let interrupted = false;
    const racing = {
      ...records,
      writeMany: async (changes: readonly Change[], call: ReturnType<typeof testCall>) => {
        if (changes[1]?.kind === 'create' && !interrupted) {
          interrupted = true;
          await records.write({ ...creation('b', 'theirs'), kind: 'create' }, call);
        }
        return records.writeMany(changes, call);
      },
    };
    service = createBatchService({ records: racing, etagOf });
    await service.update([updating('a', 'new'), orCreate('b', 'ours')], testCall());
    expect(interrupted).toBe(true);
    expect(await titles('a', 'b')).toEqual(['new', 'ours']);
  });

  it('creates nothing where an etag was given, or another record refuses', async () => {
    await service.create([creation('a')], testCall());
    const withEtag = { ...orCreate('b', 'x'), etag: '"old"' };
    await expect(service.update([updating('a', 'new'), withEtag], testCall())).rejects.toMatchObject({
      reason: 'ETAG_MISMATCH',
      metadata: { index: '1' },
    });
    await expect(service.update([orCreate('b', 'x'), updating('c', 'x')], testCall())).rejects.toMatchObject({
      reason: 'RECORD_NOT_FOUND',
      metadata: { index: '1' },
    });
    expect(await titles('a', 'b', 'c')).toEqual(['a', null, null]);
  });

  it('gives up if records flicker, and names one', async () => {
    const flickering = {
      ...records,
      writeMany: async (changes: readonly Change[], call: ReturnType<typeof testCall>) => {
        const { kind } = changes[0] as Change;
        if (kind === 'create') await records.write({ ...creation('a'), kind: 'upsert' }, call);
        else await records.write({ key: key('a'), kind: 'delete', row: null, columns: [] }, call);
        return records.writeMany(changes, call);
      },
    };
    service = createBatchService({ records: flickering, etagOf });
    await expect(service.update([orCreate('a', 'x'), orCreate('b', 'x')], testCall())).rejects.toMatchObject({
      metadata: { index: '0' },
    });
    expect(await titles('b')).toEqual([null]);
  });
});

describe('delete', () => {
  it('takes what is not there if it may be missing, and answers the version of the absences', async () => {
    await service.create([creation('a')], testCall());
    const remove = (note: string, allowMissing: boolean) => ({ key: key(note), etag: '', allowMissing });
    await expect(service.delete([remove('a', false), remove('b', false)], testCall())).rejects.toMatchObject({
      reason: 'RECORD_NOT_FOUND',
      metadata: { index: '1' },
    });
    const version = await service.delete([remove('a', false), remove('b', true)], testCall());
    const found = await records.getMany([key('a'), key('b')], testCall());
    expect(found.map((stored) => [stored.row, stored.version])).toEqual([
      [null, version],
      [null, version],
    ]);
  });
});
