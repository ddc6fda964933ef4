/**
 * The contract of the store port: what src/stores/record-store.ts and docs/protocol.md, section 1, promise of every
 * engine. An engine that can't keep a rule names it as an exception, with its reason, which the report shows.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key, type KeyValue } from '../../src/domain/key.ts';
import type { Resource, Row, Value } from '../../src/domain/resource.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import type { Copy, FollowerStore, Guard, RecordStore, Stored } from '../../src/stores/record-store.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { collect, testCall } from '../support/calls.ts';
import {
  bytesResource,
  datesResource,
  latinResource,
  looseResource,
  momentsResource,
  notesResource,
  peopleResource,
  pricesResource,
  sharesResource,
  signedResource,
  typesResource,
  unsignedResource,
} from '../support/resources.ts';
import { excepted } from './excepted.ts';
import { describeLookups, describeLookupsOfWrites, describeUnique } from './record-store-lookups.ts';
import { describeRequests } from './record-store-requests.ts';
import { describeWrites } from './record-store-writes.ts';

/** How the contract gets at an engine. */
export interface RecordStoreHarness {
  /** An empty store for one of the resources of test/support/resources.ts. */
  open(resource: Resource): Promise<OpenStore>;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** A store that is open. */
export interface OpenStore {
  readonly store: FollowerStore;
  /** Absent with the exception `writes`. */
  readonly authority?: {
    readonly store: RecordStore;
    /** Changes the resource's control record, which is `in_sync` in epoch 1, attach 1, with a floor of 0 at first. */
    setControl(change: Partial<Pick<ControlRecord, 'epoch' | 'attach' | 'state' | 'floor'>>): Promise<void>;
    /** The guard of a caller that has just read the control record. */
    guard(): Guard;
    /** Changes a record as an outside program would. Null deletes it. */
    outsideWrite(key: Key, row: Row | null): Promise<void>;
  };
}

/** A part of the contract that an engine may be excepted from, with the reason. */
export interface RecordStoreExceptions {
  /** The store can't be the authority. */
  readonly writes?: string;
  /** The store can't be a follower. */
  readonly applies?: string;
  /** A write doesn't read the control record in its own transaction. */
  readonly sharedLock?: string;
  /** Two records may have the same value in a unique index. */
  readonly uniqueValues?: string;
  /** A record that an outside program deleted leaves no version behind. */
  readonly outsideDeletes?: string;
  /** Records of one parent are of several partitions, so none of them can be written together. */
  readonly batches?: string;
  /** Only the plain records are asked for. */
  readonly otherResources?: string;
}

const VERSION = 1_700_000_000_000_000n;

/** Runs the contract against an engine. */
export function describeRecordStore(
  name: string,
  createHarness: () => Promise<RecordStoreHarness>,
  exceptions: RecordStoreExceptions = {},
): void {
  describe(name, () => {
    let harness: RecordStoreHarness;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness.close());
    const opener = (resource: Resource) => () => harness.open(resource);

    excepted('as a follower', exceptions.applies, () => {
      describeReads(opener(notesResource));
      excepted('over other resources', exceptions.otherResources, () => {
        describeOrder((resource) => harness.open(resource));
        describeTypes(opener(typesResource));
        describeLookups(opener(peopleResource));
      });
      describeApply(opener(notesResource));
      describeWalk(opener(notesResource));
      describeCalls(opener(notesResource));
    });
    excepted('as the authority', exceptions.writes, () => {
      describeWrites(opener(notesResource), exceptions);
      describeRequests(opener(notesResource), exceptions);
      excepted('over other resources', exceptions.otherResources, () => {
        describeLookupsOfWrites(opener(peopleResource));
        excepted('unique values', exceptions.uniqueValues, () => describeUnique(opener(peopleResource)));
      });
    });
  });
}

type Open = () => Promise<OpenStore>;

const notes = createKeyCodec(notesResource);

function note(owner: string, id: string): Key {
  return notes.fromValues([owner, id]);
}

function copy(key: Key, title: string | null, version: bigint = VERSION): Copy {
  return { key, row: [...key.values, title, '1.50', 3], version };
}

function marker(key: Key, version: bigint): Copy {
  return { key, row: null, version };
}

function stored({ key, row, version }: Copy): Stored {
  return { key, row, version };
}

/** What matters of a stored record: `key.bytes` is what identifies it. */
function plain(records: readonly Stored[]): readonly object[] {
  return records.map(({ key, row, version }) => ({ key: key.id, row, version }));
}

function describeReads(open: Open): void {
  describe('getMany', () => {
    it('answers in the order of the keys, over parents, each with its version, absent ones as null', async () => {
      const { store } = await open();
      const first = copy(note('ann', 'b'), 'first', VERSION + 1n);
      const second = copy(note('ann', 'a'), 'second', VERSION + 2n);
      const third = copy(note('bob', 'a'), 'third', VERSION + 3n);
      await store.apply([first, second, third], testCall());
      const absent = { key: note('bob', 'b'), row: null, version: 0n };
      const keys = [third.key, first.key, absent.key, second.key];
      const found = await store.getMany(keys, testCall());
      expect(plain(found)).toEqual(plain([stored(third), stored(first), absent, stored(second)]));
    });

    it('answers a key that is asked for twice twice, and nothing for no keys', async () => {
      const { store } = await open();
      const one = copy(note('ann', 'a'), 'one');
      await store.apply([one], testCall());
      expect(plain(await store.getMany([one.key, one.key], testCall()))).toEqual(plain([stored(one), stored(one)]));
      expect(await store.getMany([], testCall())).toEqual([]);
    });

    it('answers as many keys as it says it can', async () => {
      const { store } = await open();
      const copies = Array.from({ length: store.maxKeys }, (_, i) =>
        copy(note(`owner ${i % 7}`, `${i}`), `title ${i}`),
      );
      await store.apply(copies, testCall());
      const keys = copies.map(({ key }) => key);
      expect(plain(await store.getMany(keys, testCall()))).toEqual(plain(copies.map(stored)));
    });
  });

  describe('list', () => {
    const list = async (
      store: FollowerStore,
      owner: string,
      after: Key | null,
      limit: number,
      descending = false,
    ): Promise<unknown[]> => {
      const found = await store.list({ parent: [owner], after, limit, descending }, testCall());
      return found.map(({ key }) => key.values[1]);
    };

    it("shows one parent's records with their versions, and none of a parent that has none", async () => {
      const { store } = await open();
      const mine = copy(note('ann', 'a'), 'mine');
      await store.apply([mine, copy(note('anna', 'a'), 'hers'), copy(note('an', 'a'), 'his')], testCall());
      expect(plain(await store.list({ parent: ['ann'], after: null, limit: 10 }, testCall()))).toEqual(
        plain([stored(mine)]),
      );
      expect(await list(store, 'nobody', null, 10)).toEqual([]);
    });

    it('goes on after a key, also one that is not there, and stops at the limit', async () => {
      const { store } = await open();
      await store.apply(
        ['a', 'b', 'c', 'e'].map((id) => copy(note('ann', id), id)),
        testCall(),
      );
      expect(await list(store, 'ann', null, 2)).toEqual(['a', 'b']);
      expect(await list(store, 'ann', note('ann', 'b'), 2)).toEqual(['c', 'e']);
      expect(await list(store, 'ann', note('ann', 'd'), 2)).toEqual(['e']);
      expect(await list(store, 'ann', note('ann', 'e'), 2)).toEqual([]);
    });

    it('fills a page past deleted records', async () => {
      const { store } = await open();
      const ids = Array.from({ length: 400 }, (_, i) => String(i).padStart(3, '0'));
      const isLive = (id: string): boolean => id < '003' || id > '396';
      await store.apply(
        ids.map((id) => (isLive(id) ? copy(note('ann', id), id) : marker(note('ann', id), VERSION))),
        testCall(),
      );
      expect(await list(store, 'ann', null, 5)).toEqual(['000', '001', '002', '397', '398']);
      expect(await list(store, 'ann', note('ann', '001'), 2)).toEqual(['002', '397']);
      expect(await list(store, 'ann', null, 1_001)).toEqual(ids.filter(isLive));
      expect(await list(store, 'ann', null, 4, true)).toEqual(['399', '398', '397', '002']);
      expect(await list(store, 'ann', note('ann', '397'), 4, true)).toEqual(['002', '001', '000']);
    });

    it('goes backwards too, from the end of the parent or from before a key', async () => {
      const { store } = await open();
      await store.apply(
        ['a', 'b', 'c', 'e'].map((id) => copy(note('ann', id), id)),
        testCall(),
      );
      await store.apply([copy(note('anna', 'a'), 'hers'), copy(note('an', 'z'), 'his')], testCall());
      expect(await list(store, 'ann', null, 3, true)).toEqual(['e', 'c', 'b']);
      expect(await list(store, 'ann', note('ann', 'b'), 3, true)).toEqual(['a']);
      expect(await list(store, 'ann', note('ann', 'd'), 2, true)).toEqual(['c', 'b']);
      expect(await list(store, 'ann', note('ann', 'a'), 2, true)).toEqual([]);
      expect(await list(store, 'nobody', null, 2, true)).toEqual([]);
    });
  });
}

function describeOrder(open: (resource: Resource) => Promise<OpenStore>): void {
  const cases: readonly (readonly [string, Resource, readonly KeyValue[], readonly KeyValue[]])[] = [
    ['signed integers', signedResource, [-7], [-(2n ** 63n), -1_000n, -1n, 0n, 1n, 255n, 256n, 2n ** 63n - 1n]],
    [
      'unsigned integers',
      unsignedResource,
      [2n ** 64n - 1n],
      [0n, 127n, 128n, 255n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
    ],
    // UTF-16, as JavaScript compares, would have the last two the other way round.
    [
      'strings, by their UTF-8 bytes',
      notesResource,
      ['Zoë'],
      ['A', 'B', 'a', 'aa', 'b', 'z', 'é', 'ü', '中', '\uff5e', '😀'],
    ],
    [
      'byte strings, under a parent of two columns',
      bytesResource,
      ['00112233-4455-6677-8899-aabbccddeeff', Buffer.from([0, 1, 0])],
      [[0], [0, 0], [0, 0, 1], [0, 1], [1], [1, 0], [127], [128], [255], [255, 255]].map((bytes) => Buffer.from(bytes)),
    ],
    [
      'dates, under a parent of a decimal, a timestamp and a year',
      datesResource,
      ['-0.50', 1_234_567_000n, 2024],
      ['1000-01-01', '1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31'],
    ],
    [
      'times',
      momentsResource,
      ['1969-12-31'],
      [-(30_610_224_000n * 1_000_000n), -1n, 0n, 1n, 999_999n, 1_000_000n, 253_402_300_799_999_999n],
    ],
    [
      'decimals',
      pricesResource,
      [-1_000_000n],
      [`-${'9'.repeat(28)}.99`, '-10.00', '-9.99', '-0.01', '0.00', '0.01', '9.99', '10.00', `${'9'.repeat(28)}.99`],
    ],
    [
      'moments of seconds, under a fraction',
      sharesResource,
      ['0.0700'],
      [1_000_000n, 2_000_000n, 2_147_483_647_000_000n],
    ],
    [
      'texts that MySQL sorts otherwise, and compares without case, accents and spaces at the end',
      looseResource,
      ['Ann '],
      ['', '-', '/%', 'A', 'Z ', 'b', 'c', 'c\t', 'x', 'É', 'ü', '中', '\uff5e'],
    ],
    ['texts of latin1', latinResource, [], ['A', 'b', 'z', 'ÿ', 'Œ', '€']],
  ];
  describe('the order of keys', () => {
    it.each(cases)(
      'is that of %s, whatever order they came in, in every page',
      async (_, resource, parent, ordered) => {
        const { store } = await open(resource);
        const codec = createKeyCodec(resource);
        const keys = ordered.map((value) => codec.fromValues([...parent, value]));
        expect(keys.map(({ id }) => id).toSorted(), 'the order of the encoded keys').toEqual(keys.map(({ id }) => id));
        const copies = keys.toReversed().map((key): Copy => {
          const rest = resource.columns.slice(resource.keyLength).map(() => null);
          return { key, row: [...key.values, ...rest], version: VERSION };
        });
        await store.apply(copies, testCall());
        const found: string[] = [];
        let after: Key | null = null;
        for (let page = 0; page < keys.length; page++) {
          const records: readonly Stored[] = await store.list({ parent: [...parent], after, limit: 3 }, testCall());
          found.push(...records.map(({ key }) => key.id));
          after = records.at(-1)?.key ?? after;
        }
        expect(found).toEqual(keys.map(({ id }) => id));
        const backwards: string[] = [];
        after = null;
        for (let page = 0; page < keys.length; page++) {
          const query = { parent: [...parent], after, limit: 3, descending: true };
          const records: readonly Stored[] = await store.list(query, testCall());
          backwards.push(...records.map(({ key }) => key.id));
          after = records.at(-1)?.key ?? after;
        }
        expect(backwards).toEqual(found.toReversed());
        const read = await store.getMany(keys, testCall());
        expect(read.map(({ row }) => row?.[resource.keyLength - 1])).toEqual(ordered);
        // The version is found by the encoded key, which MySQL computes from the columns.
        const listed = await store.list({ parent: [...parent], after: null, limit: 100 }, testCall());
        expect(listed.map(({ version }) => version)).toEqual(keys.map(() => VERSION));
      },
    );

    const ordered = [signedResource, unsignedResource, datesResource, momentsResource, pricesResource, sharesResource];
    it.each(ordered)('is that of their encodings, for any values of $id', async (resource) => {
      const { store } = await open(resource);
      const codec = createKeyCodec(resource);
      const [first] = fc.sample(arbitraryRow(resource), 1);
      const parent = (first ?? []).slice(0, resource.parentLength) as KeyValue[];
      const rows = fc.sample(arbitraryRow(resource), 80).map((row): Row => [...parent, ...row.slice(parent.length)]);
      const copies = new Map(
        rows.map((row) => [codec.fromRow(row).id, { key: codec.fromRow(row), row, version: VERSION }]),
      );
      await store.apply([...copies.values()], testCall());
      const found = await store.list({ parent, after: null, limit: 100 }, testCall());
      expect(found.map(({ key }) => key.id)).toEqual([...copies.keys()].toSorted());
      expect(found.map(({ version }) => version)).toEqual(found.map(() => VERSION));
      expect(found.map(({ key }) => codec.fromBytes(key.bytes).values)).toEqual(found.map(({ key }) => key.values));
    });
  });
}

function describeApply(open: Open): void {
  const get = async (store: FollowerStore, key: Key): Promise<Stored | undefined> =>
    (await store.getMany([key], testCall()))[0];

  describe('apply', () => {
    it('lets the newer version win, in any order, together or apart, once or twice', async () => {
      const { store } = await open();
      const history = (key: Key): Copy[] => [
        copy(key, 'created', VERSION),
        copy(key, 'changed', VERSION + 1n),
        marker(key, VERSION + 2n),
        copy(key, null, VERSION + 3n),
      ];
      const orders = permutations([0, 1, 2, 3]);
      const keys = orders.map((order) => note('order', order.join('')));
      const shuffled = orders.map((order, i) => order.map((n) => history(keys[i] as Key)[n] as Copy));
      for (let step = 0; step < 4; step++)
        await store.apply(
          shuffled.map((copies) => copies[step] as Copy),
          testCall(),
        );
      const newest = keys.map((key) => stored(copy(key, null, VERSION + 3n)));
      expect(plain(await store.getMany(keys, testCall()))).toEqual(plain(newest));
      await store.apply(shuffled.flat(), testCall());
      expect(plain(await store.getMany(keys, testCall()))).toEqual(plain(newest));
    });

    it('lets the newer version win when copies arrive at the same time', async () => {
      const { store } = await open();
      const key = note('ann', 'a');
      const copies = Array.from({ length: 40 }, (_, i) => copy(key, `title ${i}`, VERSION + BigInt(i)));
      const shuffled = copies.toSorted((a, b) => Number((a.version * 7919n) % 41n) - Number((b.version * 7919n) % 41n));
      await Promise.all(shuffled.map((one) => store.apply([one], testCall())));
      expect(await get(store, key)).toMatchObject({ version: VERSION + 39n, row: ['ann', 'a', 'title 39', '1.50', 3] });
    });

    it('keeps a record deleted when an older create of it comes late', async () => {
      const { store } = await open();
      const key = note('ann', 'a');
      await store.apply([marker(key, VERSION + 5n)], testCall());
      await store.apply([copy(key, 'zombie', VERSION + 4n)], testCall());
      expect(await get(store, key)).toMatchObject({ row: null, version: VERSION + 5n });
      await store.apply([copy(key, 'created again', VERSION + 6n)], testCall());
      expect(await get(store, key)).toMatchObject({ row: ['ann', 'a', 'created again', '1.50', 3] });
    });

    it('replaces every column, also by null, and keeps null and empty apart', async () => {
      const { store } = await open();
      const key = note('ann', 'a');
      await store.apply([copy(key, 'title')], testCall());
      await store.apply([{ key, row: ['ann', 'a', null, null, null], version: VERSION + 1n }], testCall());
      expect((await get(store, key))?.row).toEqual(['ann', 'a', null, null, null]);
      await store.apply([copy(key, '', VERSION + 2n)], testCall());
      expect((await get(store, key))?.row?.[2]).toBe('');
    });

    it('takes thousands of copies of many parents at once', async () => {
      const { store } = await open();
      const copies = Array.from({ length: 3_000 }, (_, i) =>
        copy(note(`owner ${i % 90}`, `note ${i}`), 'x'.repeat(i % 200)),
      );
      await store.apply(copies, testCall());
      const sample = copies.filter((_, i) => i % 61 === 0);
      const found = await store.getMany(
        sample.map(({ key }) => key),
        testCall(),
      );
      expect(plain(found)).toEqual(plain(sample.map(stored)));
    });

    it('takes none', async () => {
      const { store } = await open();
      await store.apply([], testCall());
    });
  });
}

function describeWalk(open: Open): void {
  const walkAll = async (store: FollowerStore, chunkRows: number, limit: number): Promise<Stored[]> => {
    const found: Stored[] = [];
    for await (const { range } of store.split(chunkRows, testCall())) {
      let after: string | null = null;
      do {
        // A job keeps range and cursor as text, for whichever instance goes on.
        const page = await store.walk(String(range), after === null ? null : String(after), limit, testCall());
        expect(page.records.length).toBeLessThanOrEqual(limit);
        found.push(...page.records);
        after = page.next;
      } while (after !== null);
    }
    return found;
  };

  describe('walk', () => {
    it('meets everything once, records and traces of deleted ones, whatever the sizes of ranges and pages', async () => {
      const { store } = await open();
      const copies = Array.from({ length: 700 }, (_, i): Copy => {
        const key = note(`owner ${i % 23}`, `note ${i}`);
        return i % 10 === 0 ? marker(key, VERSION + BigInt(i)) : copy(key, `title ${i}`, VERSION + BigInt(i));
      });
      await store.apply(copies, testCall());
      const byKey = (a: Stored, b: Stored): number => Buffer.compare(a.key.bytes, b.key.bytes);
      const expected = plain(copies.map(stored).toSorted(byKey));
      expect(plain((await walkAll(store, 100, 30)).toSorted(byKey))).toEqual(expected);
      expect(plain((await walkAll(store, 10_000, 1_000)).toSorted(byKey))).toEqual(expected);
      expect(plain((await walkAll(store, 7, 1)).toSorted(byKey))).toEqual(expected);
    });

    it('finds nothing in an empty store', async () => {
      const { store } = await open();
      expect(await walkAll(store, 10, 10)).toEqual([]);
    });

    it('meets records that come after it was planned, wherever their keys are', async () => {
      const { store } = await open();
      await store.apply(
        Array.from({ length: 50 }, (_, i) => copy(note('m', `note ${i}`), 'planned')),
        testCall(),
      );
      const ranges = await collect(store.split(10, testCall()));
      const late = ['a', 'm', 'z'].map((owner) => copy(note(owner, 'zz'), 'late'));
      await store.apply(late, testCall());
      const pages = await Promise.all(ranges.map(({ range }) => store.walk(range, null, 1_000, testCall())));
      const titles = pages.flatMap(({ records }) => records.map(({ row }) => row?.[2]));
      expect(titles.filter((title) => title === 'late')).toHaveLength(3);
      expect(titles).toHaveLength(53);
    });

    it('expects about as many rows as there are', async () => {
      const { store } = await open();
      await store.apply(
        Array.from({ length: 600 }, (_, i) => copy(note(`owner ${i % 200}`, `${i}`), 'x')),
        testCall(),
      );
      const ranges = await collect(store.split(50, testCall()));
      const expected = ranges.reduce((sum, { expectedRows }) => sum + expectedRows, 0);
      expect(expected).toBeGreaterThan(200);
      expect(expected).toBeLessThan(1_800);
    });
  });
}

function describeTypes(open: Open): void {
  const codec = createKeyCodec(typesResource);

  describe('values', () => {
    it('come back exactly as they went in, of every type, from getMany, list and walk', {
      timeout: 120_000,
    }, async () => {
      const { store } = await open();
      let version = VERSION;
      const rows = fc.array(arbitraryRow(typesResource), { minLength: 5, maxLength: 15 });
      await fc.assert(
        fc.asyncProperty(rows, async (batch) => {
          version += 1n;
          const copies = new Map(
            batch.map((row) => [codec.fromRow(row).id, { key: codec.fromRow(row), row, version }]),
          );
          await store.apply([...copies.values()], testCall());
          const keys = [...copies.values()].map(({ key }) => key);
          for (const found of await store.getMany(keys, testCall()))
            expectRow(found.row, copies.get(found.key.id)?.row);
        }),
        { numRuns: 25 },
      );
      const [first] = await collect(store.split(1_000_000, testCall()));
      const page = await store.walk(first?.range ?? '', null, 100, testCall());
      for (const record of page.records) {
        const [read] = await store.getMany([record.key], testCall());
        expectRow(record.row, read?.row);
        expect(record.key.id).toBe(codec.fromRow(record.row ?? []).id);
        const parent = record.key.values.slice(0, 1);
        const listed = await store.list({ parent, after: null, limit: 1_000 }, testCall());
        expectRow(listed.find(({ key }) => key.id === record.key.id)?.row ?? null, read?.row);
      }
      expect(page.records.length).toBeGreaterThan(20);
    });
  });

  /** By Object.is, so that -0 and 0 differ; a failure names the column. */
  function expectRow(actual: Row | null | undefined, wanted: Row | null | undefined): void {
    const named = (row: Row | null | undefined): Record<string, Value> =>
      Object.fromEntries(typesResource.columns.map(({ field }, i) => [field ?? i, row?.[i] ?? null]));
    expect(named(actual)).toStrictEqual(named(wanted));
  }
}

function describeCalls(open: Open): void {
  describe('a call', () => {
    it('that is past its deadline is refused, whatever it is', async () => {
      const { store } = await open();
      const late = testCall({ deadlineMs: performance.now() - 1 });
      const refused = { kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED' };
      await expect(store.getMany([note('ann', 'a')], late)).rejects.toMatchObject(refused);
      await expect(store.list({ parent: ['ann'], after: null, limit: 1 }, late)).rejects.toMatchObject(refused);
      await expect(store.apply([copy(note('ann', 'a'), 'a')], late)).rejects.toMatchObject(refused);
      await expect(store.clock(late)).rejects.toMatchObject(refused);
      await expect(collect(store.split(10, late))).rejects.toMatchObject(refused);
    });

    it('whose caller has gone is refused', async () => {
      const { store } = await open();
      const gone = testCall({ signal: AbortSignal.abort() });
      await expect(store.getMany([note('ann', 'a')], gone)).rejects.toMatchObject({ kind: 'cancelled' });
    });

    it("is told the server's time in microseconds", async () => {
      const { store } = await open();
      const first = await store.clock(testCall());
      const drift = Number(first) / 1_000 - Date.now();
      expect(Math.abs(drift)).toBeLessThan(60_000);
      expect(await store.clock(testCall())).toBeGreaterThanOrEqual(first);
    });
  });
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
