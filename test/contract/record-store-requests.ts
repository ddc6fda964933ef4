/** The part of the store port's contract that is about `request_id`: docs/protocol.md, section 1. */
import { describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { Change, Copy, RecordStore, Stored } from '../../src/stores/record-store.ts';
import { MAX_REMEMBERED, REMEMBERED_MICROS, recall, type WriteRequest } from '../../src/stores/remembered-requests.ts';
import { collect, testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import { unless } from './excepted.ts';
import type { OpenStore, RecordStoreExceptions } from './record-store-contract.ts';

const TITLE = 2;
const ALL = [TITLE, 3, 4];
const codec = createKeyCodec(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);
const rowOf = (key: Key, title: string): Row => [...key.values, title, '1.50', 3];

function request(id: number, content = 1): WriteRequest {
  return { id: Buffer.alloc(16, id), hash: Buffer.alloc(8, content) };
}

const create = (key: Key, title: string, of: WriteRequest): Change => {
  return { key, kind: 'create', row: rowOf(key, title), columns: ALL, request: of };
};
const update = (key: Key, title: string, of?: WriteRequest, accepts?: Change['accepts']): Change => {
  const change: Change = { key, kind: 'update', row: rowOf(key, title), columns: [TITLE] };
  return { ...change, ...(of && { request: of }), ...(accepts && { accepts }) };
};
const remove = (key: Key, of: WriteRequest): Change => ({ key, kind: 'delete', row: null, columns: [], request: of });

/** Declares the tests of remembered requests. */
export function describeRequests(open: () => Promise<OpenStore>, exceptions: RecordStoreExceptions): void {
  const authority = async (): Promise<NonNullable<OpenStore['authority']>> => {
    const { authority: found } = await open();
    if (found === undefined) throw new Error('the harness has no authority');
    return found;
  };
  const titleOf = async (store: RecordStore, key: Key) => {
    const [found] = await store.getMany([key], testCall());
    return found?.row?.[TITLE] ?? null;
  };
  const walked = async (store: Pick<RecordStore, 'split' | 'walk'>): Promise<readonly Stored[]> => {
    const pages: Stored[] = [];
    for (const { range } of await collect(store.split(100, testCall()))) {
      pages.push(...(await store.walk(range, null, 100, testCall())).records);
    }
    return pages;
  };

  describe('a request id', () => {
    it('makes a create, an update and a delete happen once: again it answers the record as it is now', async () => {
      const { store, guard } = await authority();
      const key = note('a');
      const write = (change: Change) => store.write(change, guard(), testCall());
      const made = await write(create(key, 'made', request(1)));
      expect(made).toMatchObject({ outcome: 'written' });
      await write(update(key, 'by another'));
      const again = await write(create(key, 'made', request(1)));
      expect(again).toMatchObject({ outcome: 'repeated', stored: { row: rowOf(key, 'by another') } });
      expect(again.stored.version).toBeGreaterThan(made.stored.version);

      const isOld = (current: Row) => current[TITLE] === 'by another';
      expect(await write(update(key, 'mine', request(2), isOld))).toMatchObject({ outcome: 'written' });
      expect(await write(update(key, 'mine', request(2), isOld))).toMatchObject({ outcome: 'repeated' });
      expect(await write(update(key, 'mine', request(3), isOld))).toMatchObject({ outcome: 'etag_mismatch' });

      expect(await write(remove(key, request(4)))).toMatchObject({ outcome: 'written', stored: { row: null } });
      expect(await write(remove(key, request(4)))).toMatchObject({ outcome: 'repeated', stored: { row: null } });
      expect(await write(remove(key, request(5)))).toMatchObject({ outcome: 'not_found' });
      expect(await write(create(key, 'new', request(6)))).toMatchObject({ outcome: 'written' });
      expect(await write(remove(key, request(4)))).toMatchObject({ outcome: 'repeated' });
      expect(await titleOf(store, key)).toBe('new');
    });

    it('is refused for a request of other content, and of another record it says nothing', async () => {
      const { store, guard } = await authority();
      const [a, b] = [note('a'), note('b')];
      await store.write(create(a, 'a', request(1)), guard(), testCall());
      const reused = await store.write(update(a, 'x', request(1, 2)), guard(), testCall());
      expect(reused).toMatchObject({ outcome: 'request_reused', stored: { row: rowOf(a, 'a') } });
      expect(await store.write(create(b, 'b', request(1, 2)), guard(), testCall())).toMatchObject({
        outcome: 'written',
      });
      expect(await titleOf(store, a)).toBe('a');
    });

    it('that was refused is not remembered', async () => {
      const { store, guard } = await authority();
      const key = note('a');
      const change = update(key, 'x', request(1));
      expect(await store.write(change, guard(), testCall())).toMatchObject({ outcome: 'not_found' });
      await store.write(create(key, 'a', request(2)), guard(), testCall());
      expect(await store.write(change, guard(), testCall())).toMatchObject({ outcome: 'written' });
    });

    it(`is remembered with the last ${MAX_REMEMBERED}, whatever is written without one`, async () => {
      const { store, guard } = await authority();
      const key = note('a');
      await store.write(create(key, 'first', request(1)), guard(), testCall());
      for (let i = 2; i <= MAX_REMEMBERED; i++) {
        await store.write(update(key, `title ${i}`, request(i)), guard(), testCall());
        await store.write(update(key, 'other'), guard(), testCall());
        await store.touchMany([key], guard(), testCall());
      }
      expect(await store.write(create(key, 'first', request(1)), guard(), testCall())).toMatchObject({
        outcome: 'repeated',
      });
      await store.write(update(key, 'one more', request(99)), guard(), testCall());
      expect(await store.write(create(key, 'first', request(1)), guard(), testCall())).toMatchObject({
        outcome: 'already_exists',
      });
    });

    it('is forgotten after an hour of the versions’ clock', async () => {
      const { store, guard, setControl } = await authority();
      const key = note('a');
      const { stored } = await store.write(create(key, 'a', request(1)), guard(), testCall());
      await setControl({ floor: stored.version + REMEMBERED_MICROS });
      expect(await store.write(create(key, 'a', request(1)), guard(), testCall())).toMatchObject({
        outcome: 'already_exists',
      });
    });

    it('makes concurrent tries of one request one write', async () => {
      const { store, guard, setControl } = await authority();
      for (const state of ['in_sync', 'detached'] as const) {
        await setControl({ state });
        const key = note(state);
        const tries = Array.from({ length: 6 }, () => store.write(create(key, 'a', request(1)), guard(), testCall()));
        const outcomes = (await Promise.all(tries)).map(({ outcome }) => outcome).toSorted();
        expect(outcomes).toEqual([...Array.from({ length: 5 }, () => 'repeated'), 'written']);
      }
    });

    unless('counts in a batch for each record: again all of them answer as they are', exceptions.batches, async () => {
      const { store, guard } = await authority();
      const [a, b, c] = [note('a'), note('b'), note('c')];
      const batch = [create(a, 'a', request(1)), create(b, 'b', request(2))];
      await store.writeMany(batch, guard(), testCall());
      await store.write(update(a, 'later'), guard(), testCall());
      const again = await store.writeMany(batch, guard(), testCall());
      expect(again.map(({ outcome }) => outcome)).toEqual(['repeated', 'repeated']);
      expect(again.map(({ stored }) => stored.row?.[TITLE])).toEqual(['later', 'b']);
      const mixed = await store.writeMany([batch[0] as Change, create(c, 'c', request(3))], guard(), testCall());
      expect(mixed.map(({ outcome }) => outcome)).toEqual(['repeated', 'written']);
      expect(await Promise.all([a, b, c].map((key) => titleOf(store, key)))).toEqual(['later', 'b', 'c']);
      const refused = await store.writeMany(
        [create(note('d'), 'd', request(4)), update(c, 'x', request(3, 2))],
        guard(),
        testCall(),
      );
      expect(refused.map(({ outcome }) => outcome)).toEqual(['withheld', 'request_reused']);
      // The record that was withheld remembers nothing of it.
      const later = await store.write(create(note('d'), 'd', request(4)), guard(), testCall());
      expect(later).toMatchObject({ outcome: 'written' });
    });

    it('is in what goes to the follower: the write’s answer, touches, and pages of a walk, also of a deleted record', async () => {
      const { store, guard } = await authority();
      const [a, b, plain] = [note('a'), note('b'), note('plain')];
      const { stored } = await store.write(create(a, 'a', request(1)), guard(), testCall());
      await store.write(create(b, 'b', request(2)), guard(), testCall());
      await store.write(remove(b, request(3)), guard(), testCall());
      await store.write({ key: plain, kind: 'upsert', row: rowOf(plain, 'p'), columns: ALL }, guard(), testCall());
      const remembers = ({ requests, version }: Pick<Copy, 'requests' | 'version'>, id: number) =>
        recall(requests, request(id), version);
      expect(remembers(stored, 1)).toBe('repeated');
      const [touched] = await store.touchMany([a], guard(), testCall());
      expect(touched && remembers(touched.stored, 1)).toBe('repeated');
      const found = new Map((await walked(store)).map((one) => [one.key.id, one]));
      expect(remembers(found.get(a.id) as Stored, 1)).toBe('repeated');
      expect(remembers(found.get(b.id) as Stored, 2)).toBe('repeated');
      expect(remembers(found.get(b.id) as Stored, 3)).toBe('repeated');
      expect(found.get(plain.id)?.requests).toHaveLength(0);
    });
  });

  it('stays remembered in what is copied of an absent record, whatever found it so', async () => {
    const { store, guard } = await authority();
    const key = note('a');
    const plain: Change = { key, kind: 'delete', row: null, columns: [] };
    await store.write(create(key, 'a', request(1)), guard(), testCall());
    const changes: readonly Change[] = [
      { ...plain, accepts: () => true },
      plain,
      update(key, 'x'),
      update(key, 'x', undefined, () => true),
      { ...plain, kind: 'touch' },
    ];
    for (const change of changes) {
      const { stored } = await store.write(change, guard(), testCall());
      expect(stored.row).toBeNull();
      expect(recall(stored.requests, request(1), stored.version)).toBe('repeated');
    }
    const [batched] = await store.writeMany([plain, create(note('b'), 'b', request(2))], guard(), testCall());
    expect(recall(batched?.stored.requests, request(1), batched?.stored.version ?? 0n)).toBe('repeated');
  });

  describe('a follower', () => {
    const copyOf = async (id: string, of: number): Promise<Copy> => {
      const { store, guard } = await authority();
      const { stored } = await store.write(create(note(id), 'copied', request(of)), guard(), testCall());
      return stored;
    };

    it('remembers what its copies say, newer wins, in any order and number', async () => {
      const copy = await copyOf('a', 1);
      const { store, guard } = await authority();
      const { key, version } = copy;
      // A later copy that says nothing comes first.
      await store.apply([{ key, row: rowOf(key, 'later'), version: version + 1n }], testCall());
      await store.apply([copy, copy], testCall());
      expect(await titleOf(store, key)).toBe('later');
      const again = await store.write(create(key, 'copied', request(1)), guard(), testCall());
      expect(again).toMatchObject({ outcome: 'repeated', stored: { row: rowOf(key, 'later') } });
    });

    it('takes copies of many, of which some remember', async () => {
      const { key, requests, version } = await copyOf('a', 1);
      const { store, guard } = await authority();
      const copies = Array.from({ length: 9 }, (_, i): Copy => {
        const each = note(`note ${i}`);
        const copy = { key: each, row: i % 3 === 2 ? null : rowOf(each, 'many'), version };
        return i % 2 === 0 ? { ...copy, requests: requests as Buffer } : copy;
      });
      await store.apply([...copies, { key, row: rowOf(key, 'a'), version }], testCall());
      await store.apply(copies, testCall());
      for (const [i, one] of copies.entries()) {
        const again = await store.write(create(one.key, 'x', request(1)), guard(), testCall());
        const known = i % 2 === 0 ? 'repeated' : one.row === null ? 'written' : 'already_exists';
        expect(again.outcome).toBe(known);
      }
    });

    it('forgets what a newer copy says that there is none of', async () => {
      const copy = await copyOf('a', 1);
      const { store, guard } = await authority();
      const { key, version } = copy;
      const other = note('b');
      await store.apply([copy, { ...copy, key: other, row: rowOf(other, 'b') }], testCall());
      const none = { row: rowOf(key, 'restored'), version: version + 1n, requests: Buffer.alloc(0) };
      await store.apply([{ ...none, key }], testCall());
      await store.apply(
        [
          { ...none, key: other, row: rowOf(other, 'restored') },
          { ...none, key: note('c'), row: rowOf(note('c'), 'c') },
        ],
        testCall(),
      );
      for (const one of [key, other]) {
        const again = await store.write(create(one, 'copied', request(1)), guard(), testCall());
        expect(again).toMatchObject({ outcome: 'already_exists' });
      }
    });
  });
}
