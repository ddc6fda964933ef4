/** The contract of the store port, for records without a parent: in Cassandra they are spread over buckets. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index } from '../../src/domain/resource.ts';
import { testCall } from '../support/calls.ts';
import { withParents } from '../support/lone-records.ts';
import { loneResource } from '../support/resources.ts';
import { describeRecordStore, type RecordStoreExceptions, type RecordStoreHarness } from './record-store-contract.ts';

const VERSION = 1_700_000_000_000_000n;

/** Runs the contract against an engine. */
export function describeLoneRecords(
  name: string,
  createHarness: () => Promise<RecordStoreHarness>,
  exceptions: RecordStoreExceptions = {},
): void {
  const createLone = async (): Promise<RecordStoreHarness> => {
    const harness = await createHarness();
    return { open: async () => withParents(await harness.open(loneResource)), close: harness.close };
  };
  const otherResources = 'they have parents';
  describeRecordStore(`${name}, records without a parent`, createLone, { ...exceptions, otherResources });

  describe(`${name}, a list of all records`, () => {
    it('is in key order over pages of any size, without those that are deleted', async () => {
      const harness = await createHarness();
      onTestFinished(() => harness.close());
      const { store } = await harness.open(loneResource);
      const codec = createKeyCodec(loneResource);
      // Long runs of deleted records in each bucket, and buckets that end long before others.
      const ids = Array.from({ length: 1_500 }, (_, i) => String(i * 7_919).padStart(9, '0'));
      const isLive = (id: string): boolean => Number(id) % 10 === 0 && (id < '002' || id > '009');
      const copies = ids.map((id) => {
        const key = codec.fromValues([id]);
        return { key, row: isLive(id) ? [id, 'x', null, null] : null, version: VERSION };
      });
      await store.apply(copies, testCall());
      for (const limit of [1, 7, 1_000]) {
        const found: unknown[] = [];
        let after: Key | null = null;
        for (let full = true; full; ) {
          const page = await store.list({ parent: [], after, limit }, testCall());
          found.push(...page.map(({ key }) => key.values[0]));
          after = page.at(-1)?.key ?? null;
          full = page.length === limit;
        }
        expect(found, `pages of ${limit}`).toEqual(ids.filter(isLive));
      }
    });
  });

  describe(`${name}, a lookup of all records`, () => {
    it('is in key order over pages, as they are now', async () => {
      const harness = await createHarness();
      onTestFinished(() => harness.close());
      const { store } = await harness.open(loneResource);
      const codec = createKeyCodec(loneResource);
      const [index] = loneResource.indexes ?? [];
      const ids = Array.from({ length: 60 }, (_, i) => String(i * 7_919).padStart(9, '0'));
      const copy = (id: string, stars: number | null, version: bigint) => {
        return { key: codec.fromValues([id]), row: stars === null ? null : [id, 'x', null, stars], version };
      };
      await store.apply(
        ids.map((id) => copy(id, 5, VERSION)),
        testCall(),
      );
      const [changed, deleted, ...left] = ids as [string, string, ...string[]];
      await store.apply([copy(changed, 4, VERSION + 1n), copy(deleted, null, VERSION + 1n)], testCall());
      const found: unknown[] = [];
      let after: Key | null = null;
      for (let full = true; full; ) {
        const query = { index: index as Index, values: [5], after, limit: 7 };
        const page = await store.lookup(query, testCall());
        found.push(...page.map(({ key }) => key.values[0]));
        after = page.at(-1)?.key ?? null;
        full = page.length === 7;
      }
      expect(found).toEqual(left);
    });
  });
}
