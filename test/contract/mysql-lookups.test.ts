/** Lookups and unique values in MySQL, where they meet keys in any collation, and what records remember of requests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index, Resource, Row } from '../../src/domain/resource.ts';
import type { Copy } from '../../src/stores/record-store.ts';
import { remember } from '../../src/stores/remembered-requests.ts';
import { collect, testCall } from '../support/calls.ts';
import { createMysqlHarness, type MysqlHarness } from '../support/mysql-harness.ts';
import { looseResource, mysqlTable, peopleResource, placeResource } from '../support/resources.ts';

const VERSION = 1_700_000_000_000_000n;
const byTitle: Index = { name: 'title', columns: [2], unique: false, mysqlKeys: ['title'] };
const looseIndexed: Resource = { ...looseResource, indexes: [byTitle] };
const remembering: Resource = { ...peopleResource, remembersRequests: true };

let harness: MysqlHarness;

beforeAll(async () => {
  const tables = [looseIndexed, remembering];
  harness = await createMysqlHarness((schema) => tables.map((one) => mysqlTable(placeResource(one, schema))));
});

afterAll(() => harness.close());

describe('a lookup over keys in any collation', () => {
  const codec = createKeyCodec(looseIndexed);
  const key = (owner: string, note: string): Key => codec.fromValues([owner, note]);

  it('comes in the order of the exact texts, page by page', async () => {
    const { store } = await harness.open(looseIndexed);
    const keys = ['Zoe', 'ann', 'Émile', 'bob', 'Ann B'].map((owner) => key(owner, 'n'));
    const copies = keys.map((one): Copy => ({ key: one, row: [...one.values, 'same'], version: VERSION }));
    await store.apply(copies, testCall());
    const sorted = keys.toSorted((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ values }) => values[0]);
    const found: unknown[] = [];
    let after: Key | null = null;
    for (let page = 0; page < keys.length; page++) {
      const [next] = await store.lookup({ index: byTitle, values: ['same'], after, limit: 1 }, testCall());
      found.push(next?.key.values[0]);
      after = next?.key ?? null;
    }
    expect(found).toEqual(sorted);
    expect(await store.lookup({ index: byTitle, values: ['same'], after, limit: 1 }, testCall())).toEqual([]);
  });
});

describe('copies of records that remember requests', () => {
  const codec = createKeyCodec(remembering);
  const person = (id: string): Key => codec.fromValues([1, id]);
  const row = (key: Key, email: string): Row => [...key.values, email, null, null, null, null, null];

  it('swap their unique values, and go on remembering', async () => {
    const { store } = await harness.open(remembering);
    const [a, b] = [person('a'), person('b')];
    const copies = (version: bigint, emails: readonly [string, string]): Copy[] =>
      [a, b].map((key, i): Copy => {
        const request = { id: Buffer.alloc(16, i + 1), hash: Buffer.alloc(8, Number(version - VERSION)) };
        const requests = remember(undefined, request, version);
        return { key, row: row(key, emails[i] as string), version, requests };
      });
    await store.apply(copies(VERSION, ['x', 'y']), testCall());
    const swapped = copies(VERSION + 1n, ['y', 'x']);
    await store.apply(swapped, testCall());
    expect((await store.getMany([a, b], testCall())).map(({ row: found }) => found?.[2])).toEqual(['y', 'x']);
    const [range] = await collect(store.split(1_000, testCall()));
    const page = await store.walk(range?.range ?? '', null, 10, testCall());
    expect(page.records.map(({ requests }) => requests)).toEqual(swapped.map(({ requests }) => requests));
  });
});
