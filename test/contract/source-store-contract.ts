/** The part of the store port's contract that is about the source: a guarded follower, and versions that it can tell. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import type { Copy, SourceStore, Stored } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import type { OpenStore } from './record-store-contract.ts';

/** How the contract gets at the source: as {@link OpenStore}, with all that a source can. */
export interface SourceStoreHarness {
  open(
    resource: Resource,
  ): Promise<{ readonly store: SourceStore; readonly authority: NonNullable<OpenStore['authority']> }>;
  close(): Promise<void>;
}

const VERSION = 1_700_000_000_000_000n;
const HERE = { epoch: 1, attach: 1 };
const REFUSED = { kind: 'failed_precondition', reason: 'MIGRATION_STATE' };

const codec = createKeyCodec(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);

function copy(key: Key, title: string, version: bigint): Copy {
  return { key, row: [...key.values, title, '1.50', 3], version };
}

async function read(store: SourceStore, key: Key): Promise<Stored | undefined> {
  return (await store.getMany([key], testCall()))[0];
}

/** Runs the contract against a source. */
export function describeSourceStore(name: string, createHarness: () => Promise<SourceStoreHarness>): void {
  describe(`${name}, as the source`, () => {
    let harness: SourceStoreHarness;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness.close());

    describe('apply with a guard', () => {
      it('takes copies that are meant for its epoch and attach, in whatever state its own record is', async () => {
        const { store, authority } = await harness.open(notesResource);
        const key = note('a');
        let version = VERSION;
        for (const state of ['moved', 'detached', 'handing_over', 'in_sync'] as const) {
          await authority.setControl({ epoch: 4, attach: 2, state });
          version += 1n;
          await store.apply([copy(key, state, version)], testCall(), { epoch: 4, attach: 2 });
          expect(await read(store, key)).toMatchObject({ row: copy(key, state, version).row, version });
        }
      });

      it('refuses copies of another epoch or attach without a trace, also markers and many of them', async () => {
        const { store } = await harness.open(notesResource);
        const [present, absent] = [note('present'), note('absent')];
        await store.apply([copy(present, 'first', VERSION)], testCall(), HERE);
        const late = [copy(absent, 'late', VERSION), { key: present, row: null, version: VERSION + 9n }];
        const many = Array.from({ length: 450 }, (_, i) => copy(note(`many ${i}`), 'late', VERSION));
        for (const guard of [
          { epoch: 2, attach: 1 },
          { epoch: 0, attach: 1 },
          { epoch: 1, attach: 2 },
          { epoch: 1, attach: 0 },
        ]) {
          await expect(store.apply(late, testCall(), guard)).rejects.toMatchObject(REFUSED);
          await expect(store.apply(many, testCall(), guard)).rejects.toMatchObject(REFUSED);
        }
        expect(await read(store, present)).toMatchObject({ row: copy(present, 'first', VERSION).row });
        expect(await read(store, absent)).toMatchObject({ row: null, version: 0n });
        expect(await store.highestVersion(testCall())).toBe(VERSION);
        await store.apply(late, testCall());
        expect(await read(store, present)).toMatchObject({ row: null, version: VERSION + 9n });
      });
    });

    describe('the highest version', () => {
      it('is 0 where nothing was ever written, and counts writes, copies and deleted records', async () => {
        const { store, authority } = await harness.open(notesResource);
        expect(await store.highestVersion(testCall())).toBe(0n);
        await authority.outsideWrite(note('outside'), copy(note('outside'), 'x', VERSION).row);
        expect(await store.highestVersion(testCall())).toBe(0n);
        const change = { key: note('a'), kind: 'touch', row: null, columns: [] } as const;
        const touched = await store.write(change, authority.guard(), testCall());
        expect(await store.highestVersion(testCall())).toBe(touched.stored.version);
        const far = touched.stored.version + 3_600_000_000n;
        await store.apply([copy(note('b'), 'x', far - 1n), { key: note('c'), row: null, version: far }], testCall());
        expect(await store.highestVersion(testCall())).toBe(far);
      });

      it('is that of its own resource, up to the largest that there is', async () => {
        const { store } = await harness.open(notesResource);
        const largest = 2n ** 63n - 1n;
        await store.apply([{ key: note('a'), row: null, version: largest }], testCall());
        expect(await store.highestVersion(testCall())).toBe(largest);
      });
    });
  });
}
