import { beforeEach, describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import {
  createRecordService,
  DEFAULT_PAGE_SIZE,
  type ListRecords,
  MAX_FILTERED_ROWS,
  MAX_PAGE_SIZE,
  type RecordService,
} from '../../src/records/record-service.ts';
import type { Change, Records } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import { memoryRecords } from '../support/rpc-fixture.ts';

const keys = createKeyCodec(notesResource);
const pageTokens = createPageTokens({ resource: notesResource, secret: Buffer.from('a secret of the test') });
const etagOf = (row: Row): string => `"${row.slice(2).join('|')}"`;
const ALL = [2, 3, 4];

let records: ReturnType<typeof memoryRecords>;
let service: RecordService;

beforeEach(() => {
  records = memoryRecords(notesResource);
  service = createRecordService({ records, pageTokens, etagOf });
});

function key(note: string, owner = 'ann'): Key {
  return keys.fromValues([owner, note]);
}

function row(of: Key, title: string): Row {
  return [...of.values, title, '1.00', 5];
}

function create(note: string, title = 'a title') {
  return service.create({ key: key(note), row: row(key(note), title), columns: ALL }, testCall());
}

function update(
  note: string,
  title: string,
  more: { etag?: string; ifMissing?: () => { row: Row; columns: number[] } } = {},
) {
  const { etag = '', ifMissing = null } = more;
  return service.update({ key: key(note), row: row(key(note), title), columns: [2], etag, ifMissing }, testCall());
}

async function failure(promise: Promise<unknown>): Promise<DomainError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isDomainError(error)) throw new Error('no DomainError was thrown', { cause: error });
  return error;
}

/** Records whose writes do something else first, once. */
function interrupted(before: (change: Change) => Promise<unknown> | undefined): Records {
  return {
    ...records,
    write: async (change, call) => {
      await before(change);
      return records.write(change, call);
    },
  };
}

describe('get', () => {
  it('returns the record with its version', async () => {
    const created = await create('a');
    expect(await service.get(key('a'), testCall())).toEqual(created);
    expect(created.version).toBeGreaterThan(0n);
  });

  it('says as of which version there is no record', async () => {
    await create('a');
    const version = await service.delete({ key: key('a'), etag: '', allowMissing: false }, testCall());
    const error = await failure(service.get(key('a'), testCall()));
    expect(error).toMatchObject({
      kind: 'not_found',
      reason: 'RECORD_NOT_FOUND',
      metadata: { version: String(version) },
    });
  });
});

describe('create', () => {
  it('refuses a record that is there, with its new version, and leaves it as it is', async () => {
    const created = await create('a', 'first');
    const error = await failure(create('a', 'second'));
    expect(error).toMatchObject({ kind: 'already_exists', reason: 'RECORD_ALREADY_EXISTS' });
    expect(BigInt(error.metadata.version ?? 0)).toBeGreaterThan(created.version);
    expect((await service.get(key('a'), testCall())).row[2]).toBe('first');
  });
});

describe('update', () => {
  it('changes the columns of the mask only', async () => {
    await create('a', 'first');
    const changed = await service.update(
      { key: key('a'), row: ['ann', 'a', 'second', '9.00', 9], columns: [2, 4], etag: '', ifMissing: null },
      testCall(),
    );
    expect(changed.row).toEqual(['ann', 'a', 'second', '1.00', 9]);
  });

  it('is refused for a record whose etag is not the one given, with its version', async () => {
    const created = await create('a', 'first');
    const etag = etagOf(created.row);
    const changed = await update('a', 'second', { etag });
    const error = await failure(update('a', 'third', { etag }));
    expect(error).toMatchObject({ kind: 'aborted', reason: 'ETAG_MISMATCH' });
    expect(BigInt(error.metadata.version ?? 0)).toBeGreaterThan(changed.version);
  });

  it('does not create a missing record unless it may', async () => {
    expect((await failure(update('a', 'first'))).reason).toBe('RECORD_NOT_FOUND');
    const ifMissing = () => ({ row: row(key('a'), 'first'), columns: ALL });
    expect((await update('a', 'x', { ifMissing })).row).toEqual(row(key('a'), 'first'));
    expect((await update('a', 'second', { ifMissing })).row[2]).toBe('second');
  });

  it('does not ask what to create while there is a record', async () => {
    await create('a');
    const ifMissing = () => {
      throw new Error('asked');
    };
    expect((await update('a', 'second', { ifMissing })).row[2]).toBe('second');
  });

  it('with an etag does not create a record that somebody has deleted', async () => {
    const ifMissing = () => ({ row: row(key('a'), 'first'), columns: ALL });
    expect((await failure(update('a', 'x', { etag: '"1"', ifMissing }))).reason).toBe('ETAG_MISMATCH');
  });

  it('updates the record that somebody else created in between', async () => {
    const other = createRecordService({ records, pageTokens, etagOf });
    let first = true;
    const once = interrupted(async (change) => {
      if (change.kind !== 'create' || !first) return;
      first = false;
      await other.create({ key: key('a'), row: row(key('a'), 'theirs'), columns: ALL }, testCall());
    });
    service = createRecordService({ records: once, pageTokens, etagOf });
    const ifMissing = () => ({ row: row(key('a'), 'mine'), columns: ALL });
    expect((await update('a', 'updated', { ifMissing })).row[2]).toBe('updated');
  });

  it('gives up when a record comes and goes again and again', async () => {
    const other = createRecordService({ records, pageTokens, etagOf });
    const flickering = interrupted(async (change) => {
      if (change.kind === 'create')
        await other.create({ key: key('a'), row: row(key('a'), 'x'), columns: ALL }, testCall());
      else await other.delete({ key: key('a'), etag: '', allowMissing: true }, testCall());
    });
    service = createRecordService({ records: flickering, pageTokens, etagOf });
    const ifMissing = () => ({ row: row(key('a'), 'mine'), columns: ALL });
    expect((await failure(update('a', 'x', { ifMissing }))).reason).toBe('RECORD_NOT_FOUND');
  });
});

describe('delete', () => {
  it('removes the record, and says as of which version', async () => {
    const created = await create('a');
    const version = await service.delete({ key: key('a'), etag: etagOf(created.row), allowMissing: false }, testCall());
    expect(version).toBeGreaterThan(created.version);
    expect((await failure(service.get(key('a'), testCall()))).metadata.version).toBe(String(version));
  });

  it('is refused for another etag', async () => {
    await create('a');
    const error = await failure(service.delete({ key: key('a'), etag: '"x"', allowMissing: true }, testCall()));
    expect(error.reason).toBe('ETAG_MISMATCH');
  });

  it('of a missing record is refused unless that is well', async () => {
    const request = { key: key('a'), etag: '', allowMissing: false };
    expect((await failure(service.delete(request, testCall()))).reason).toBe('RECORD_NOT_FOUND');
    expect(await service.delete({ ...request, allowMissing: true }, testCall())).toBeGreaterThan(0n);
  });
});

describe('list', () => {
  const page = (pageSize: number, pageToken = '', more: Partial<ListRecords> = {}) =>
    service.list({ parent: ['ann'], pageSize, pageToken, ...more }, testCall());
  const notesOf = (of: { records: readonly { key: Key }[] }) => of.records.map((record) => record.key.values[1]);

  it("walks the parent page by page, without another parent's records", async () => {
    for (const note of ['b', 'a', 'c', 'e', 'd']) await create(note);
    const foreign = key('c2', 'anna');
    await service.create({ key: foreign, row: row(foreign, 'x'), columns: ALL }, testCall());
    const first = await page(2);
    const second = await page(2, first.nextPageToken);
    const third = await page(10, second.nextPageToken);
    expect([first, second, third].map(notesOf)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.nextPageToken).toBe('');
  });

  it('gives no token when the last record ends a full page', async () => {
    for (const note of ['a', 'b']) await create(note);
    expect((await page(2)).nextPageToken).toBe('');
  });

  it('goes on after a record that was deleted meanwhile', async () => {
    for (const note of ['a', 'b', 'c']) await create(note);
    const { nextPageToken } = await page(2);
    await service.delete({ key: key('b'), etag: '', allowMissing: false }, testCall());
    expect(notesOf(await page(2, nextPageToken))).toEqual(['c']);
  });

  it('asks for the default size if none is given, and never for more than the maximum', async () => {
    const limits: number[] = [];
    const list: Records['list'] = async ({ limit }) => {
      limits.push(limit);
      return [];
    };
    service = createRecordService({ records: { ...records, list }, pageTokens, etagOf });
    for (const size of [0, 7, 1_000_000]) await page(size);
    expect(limits).toEqual([DEFAULT_PAGE_SIZE + 1, 8, MAX_PAGE_SIZE + 1]);
    expect((await failure(page(-1))).metadata).toEqual({ field: 'page_size' });
  });

  it('ends a page before the record that does not fit, but not before the first', async () => {
    for (const note of ['a', 'b', 'c']) await create(note);
    let room = 2;
    const first = await page(3, '', { fits: () => room-- > 0 });
    expect(notesOf(first)).toEqual(['a', 'b']);
    expect(notesOf(await page(3, first.nextPageToken))).toEqual(['c']);
    expect(notesOf(await page(3, '', { fits: () => false }))).toEqual(['a']);
  });

  it('goes backwards, page by page', async () => {
    for (const note of ['b', 'a', 'c']) await create(note);
    const first = await page(2, '', { descending: true });
    const second = await page(2, first.nextPageToken, { descending: true });
    expect([first, second].map(notesOf)).toEqual([['c', 'b'], ['a']]);
  });

  it('takes a token for the request alone that it was given to', async () => {
    for (const note of ['a', 'b']) await create(note);
    const { nextPageToken } = await page(1, '', { request: 'one' });
    expect((await failure(page(1, nextPageToken, { request: 'another' }))).reason).toBe('INVALID_PAGE_TOKEN');
    expect((await failure(page(1, nextPageToken))).reason).toBe('INVALID_PAGE_TOKEN');
    const turned = page(1, nextPageToken, { request: 'one', descending: true });
    expect((await failure(turned)).reason).toBe('INVALID_PAGE_TOKEN');
  });

  it('shows the records that match, whatever lies between them, until there are no more', async () => {
    const all = Array.from({ length: 1_200 }, (_, i) => key(String(i).padStart(4, '0')));
    await records.store.apply(
      all.map((of, i) => ({ key: of, row: row(of, i % 100 === 0 ? 'yes' : 'no'), version: BigInt(i + 1) })),
      testCall(),
    );
    const matches = (of: Row) => of[2] === 'yes';
    const found: unknown[] = [];
    let token = '';
    let pages = 0;
    do {
      const next = await page(5, token, { matches });
      found.push(...notesOf(next));
      token = next.nextPageToken;
      pages += 1;
    } while (token !== '');
    expect(found).toEqual(Array.from({ length: 12 }, (_, i) => String(i * 100).padStart(4, '0')));
    expect(pages).toBe(3);
    expect((await page(1, '', { matches: () => false })).version).toBe(1_200n);
  });

  it('looks at a bounded number of records for one page, which may be empty and have a next one', async () => {
    let listed = 0;
    const list: Records['list'] = async ({ limit }) => {
      listed += limit;
      return Array.from({ length: limit }, (_, i) => {
        const of = key(String(listed + i));
        return { key: of, row: row(of, 'x'), version: 1n };
      });
    };
    service = createRecordService({ records: { ...records, list }, pageTokens, etagOf });
    const empty = await page(10, '', { matches: () => false });
    expect(listed).toBe(MAX_FILTERED_ROWS);
    expect(empty.records).toEqual([]);
    expect(empty.nextPageToken).not.toBe('');
  });

  it("gives the greatest version of the page, and none below the caller's", async () => {
    await create('a');
    const { version } = await create('b');
    expect((await page(5)).version).toBe(version);
    const later = await service.list(
      { parent: ['ann'], pageSize: 1, pageToken: '' },
      testCall({ atLeast: version + 5n }),
    );
    expect(later.version).toBe(version + 5n);
  });
});

describe('validate_only', () => {
  const version = async () => (await service.get(key('a'), testCall())).version;
  const fresh = (note: string, title: string) => ({ key: key(note), row: row(key(note), title), columns: ALL });

  it('answers what a create would make, and makes nothing', async () => {
    const made = await service.create({ ...fresh('a', 'x'), validateOnly: true }, testCall());
    expect(made.row[2]).toBe('x');
    expect((await failure(service.get(key('a'), testCall()))).reason).toBe('RECORD_NOT_FOUND');
    await create('a');
    const again = service.create({ ...fresh('a', 'x'), validateOnly: true }, testCall());
    expect((await failure(again)).reason).toBe('RECORD_ALREADY_EXISTS');
  });

  it('answers what an update would make, with the etag and the record looked at, and bumps nothing', async () => {
    const { row: before } = await create('a', 'before');
    const was = await version();
    const change = { key: key('a'), row: row(key('a'), 'after'), columns: [2], ifMissing: null, validateOnly: true };
    const made = await service.update({ ...change, etag: etagOf(before) }, testCall());
    expect(made.row).toEqual([...before.slice(0, 2), 'after', ...before.slice(3)]);
    expect((await failure(service.update({ ...change, etag: '"x"' }, testCall()))).reason).toBe('ETAG_MISMATCH');
    expect((await failure(service.update({ ...change, key: key('b'), etag: '' }, testCall()))).reason).toBe(
      'RECORD_NOT_FOUND',
    );
    const ifMissing = () => ({ row: row(key('b'), 'new'), columns: ALL });
    const created = await service.update({ ...change, key: key('b'), etag: '', ifMissing }, testCall());
    expect(created.row[2]).toBe('new');
    expect(await version()).toBe(was);
    expect((await service.get(key('a'), testCall())).row[2]).toBe('before');
  });

  it('deletes nothing', async () => {
    await create('a');
    const was = await version();
    const request = { key: key('a'), allowMissing: false, validateOnly: true };
    expect(await service.delete({ ...request, etag: '' }, testCall())).toBe(was);
    expect((await failure(service.delete({ ...request, etag: '"x"' }, testCall()))).reason).toBe('ETAG_MISMATCH');
    expect((await failure(service.delete({ ...request, key: key('b'), etag: '' }, testCall()))).reason).toBe(
      'RECORD_NOT_FOUND',
    );
    expect(await version()).toBe(was);
  });

  it('looks at the authority, whatever the flags say', async () => {
    const asked: string[] = [];
    const getMany: Records['getMany'] = (of, call) => {
      asked.push(call.consistency);
      return records.getMany(of, call);
    };
    service = createRecordService({ records: { ...records, getMany }, pageTokens, etagOf });
    await service.create({ ...fresh('a', 'x'), validateOnly: true }, testCall());
    expect(asked).toEqual(['authority']);
  });
});

describe('the check of an update', () => {
  it('is asked about the record as it would be, and refuses the write with what it throws', async () => {
    await create('a', 'before');
    const seen: Row[] = [];
    const error = new Error('must not be');
    const check = (after: Row) => {
      seen.push(after);
      if (after[2] === 'wrong') throw error;
    };
    const change = (title: string) => ({
      key: key('a'),
      row: row(key('a'), title),
      columns: [2],
      etag: '',
      ifMissing: null,
    });
    await expect(service.update({ ...change('wrong'), check }, testCall())).rejects.toBe(error);
    expect((await service.get(key('a'), testCall())).row[2]).toBe('before');
    expect((await service.update({ ...change('right'), check }, testCall())).row[2]).toBe('right');
    expect(seen.map((after) => after[2])).toEqual(['wrong', 'right']);
  });
});
