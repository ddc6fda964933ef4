/** The part of the store port's contract that is about the authority: docs/protocol.md, section 1. */
import { describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { Change, Guard, RecordStore, Stored, Written } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import type { OpenStore, RecordStoreExceptions } from './record-store-contract.ts';

const TITLE = 2;
const AMOUNT = 3;
const STARS = 4;
const ALL = [TITLE, AMOUNT, STARS];

const codec = createKeyCodec(notesResource);

function note(owner: string, id: string): Key {
  return codec.fromValues([owner, id]);
}

function rowOf(key: Key, title: string | null): Row {
  return [...key.values, title, '1.50', 3];
}

function create(key: Key, title: string | null): Change {
  return { key, kind: 'create', row: rowOf(key, title), columns: ALL };
}

function unless(name: string, reason: string | undefined, body: () => Promise<void>): void {
  if (reason === undefined) it(name, body);
  else it.skip(`${name}: excepted, ${reason}`, () => {});
}

/** Declares the tests of writes. */
export function describeWrites(open: () => Promise<OpenStore>, exceptions: RecordStoreExceptions): void {
  const authority = async (): Promise<NonNullable<OpenStore['authority']>> => {
    const { authority: found } = await open();
    if (found === undefined) throw new Error('the harness has no authority and no exception for it');
    return found;
  };
  const read = async (store: RecordStore, key: Key): Promise<Stored> => {
    const [found] = await store.getMany([key], testCall());
    if (found === undefined) throw new Error('getMany answered nothing');
    return found;
  };
  /** The write's answer says what the store has. */
  const expectStored = async (store: RecordStore, written: Written): Promise<void> => {
    const { key, row, version } = await read(store, written.stored.key);
    expect({ key: key.id, row, version }).toEqual({
      key: written.stored.key.id,
      row: written.stored.row,
      version: written.stored.version,
    });
  };

  describe('write', () => {
    it('creates, updates, upserts and deletes, each at a newer version, and answers with the record', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      const changes: readonly (readonly [Change, Row | null])[] = [
        [create(key, 'created'), rowOf(key, 'created')],
        [{ key, kind: 'update', row: rowOf(key, 'updated'), columns: [TITLE] }, rowOf(key, 'updated')],
        [
          { key, kind: 'upsert', row: [...key.values, null, '2.00', null], columns: ALL },
          [...key.values, null, '2.00', null],
        ],
        [{ key, kind: 'delete', row: null, columns: [] }, null],
        [{ key, kind: 'upsert', row: rowOf(key, ''), columns: ALL }, rowOf(key, '')],
      ];
      let last = 0n;
      for (const [change, row] of changes) {
        const written = await store.write(change, guard(), testCall());
        expect(written).toMatchObject({ outcome: 'written', stored: { row } });
        expect(written.stored.version).toBeGreaterThan(last);
        await expectStored(store, written);
        last = written.stored.version;
      }
    });

    it('sets only the columns that are named, and leaves the others of a create to their defaults', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      await store.write({ key, kind: 'create', row: rowOf(key, 'title'), columns: [TITLE] }, guard(), testCall());
      expect((await read(store, key)).row).toEqual([...key.values, 'title', null, null]);
      await store.write({ key, kind: 'update', row: rowOf(key, 'other'), columns: [STARS] }, guard(), testCall());
      expect((await read(store, key)).row).toEqual([...key.values, 'title', null, 3]);
      const none = await store.write(
        { key, kind: 'update', row: rowOf(key, 'other'), columns: [] },
        guard(),
        testCall(),
      );
      expect(none).toMatchObject({ outcome: 'written', stored: { row: [...key.values, 'title', null, 3] } });
    });

    it('gives a newer version to a write that changes nothing and to one that is refused', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      const absent = note('ann', 'b');
      const changes: readonly (readonly [Change, Written['outcome'], Row | null])[] = [
        [create(key, 'x'), 'written', rowOf(key, 'x')],
        [create(key, 'y'), 'already_exists', rowOf(key, 'x')],
        [{ key, kind: 'update', row: rowOf(key, 'x'), columns: ALL }, 'written', rowOf(key, 'x')],
        [
          { key, kind: 'update', row: rowOf(key, 'y'), columns: ALL, accepts: () => false },
          'etag_mismatch',
          rowOf(key, 'x'),
        ],
        [{ key, kind: 'delete', row: null, columns: [], accepts: () => false }, 'etag_mismatch', rowOf(key, 'x')],
        [{ key, kind: 'touch', row: null, columns: [] }, 'written', rowOf(key, 'x')],
        [{ key: absent, kind: 'update', row: rowOf(absent, 'y'), columns: ALL }, 'not_found', null],
        [{ key: absent, kind: 'delete', row: null, columns: [] }, 'not_found', null],
        [{ key: absent, kind: 'touch', row: null, columns: [] }, 'written', null],
      ];
      const last = new Map<string, bigint>();
      for (const [change, outcome, row] of changes) {
        const written = await store.write(change, guard(), testCall());
        expect(written).toMatchObject({ outcome, stored: { row } });
        expect(written.stored.version).toBeGreaterThan(last.get(change.key.id) ?? 0n);
        await expectStored(store, written);
        last.set(change.key.id, written.stored.version);
      }
    });

    it('shows `accepts` the record as it is', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      await store.write(create(key, 'seen'), guard(), testCall());
      const seen: Row[] = [];
      const accepts = (current: Row): boolean => {
        seen.push(current);
        return true;
      };
      await store.write(
        { key, kind: 'update', row: rowOf(key, 'next'), columns: [TITLE], accepts },
        guard(),
        testCall(),
      );
      await store.write({ key, kind: 'delete', row: null, columns: [], accepts }, guard(), testCall());
      expect(seen.at(0)).toEqual(rowOf(key, 'seen'));
      expect(seen.at(-1)).toEqual(rowOf(key, 'next'));
      expect((await read(store, key)).row).toBeNull();
    });

    it("takes versions above the floor, the record's own and the server's clock", async () => {
      const { store, guard, setControl } = await authority();
      const key = note('ann', 'a');
      const before = await store.clock(testCall());
      const first = await store.write(create(key, 'a'), guard(), testCall());
      expect(first.stored.version).toBeGreaterThanOrEqual(before);
      const floor = (await store.clock(testCall())) + 3_600_000_000n;
      await setControl({ floor });
      const second = await store.write({ key, kind: 'touch', row: null, columns: [] }, guard(), testCall());
      expect(second.stored.version).toBe(floor + 1n);
      await setControl({ floor: 0n });
      const third = await store.write({ key, kind: 'touch', row: null, columns: [] }, guard(), testCall());
      expect(third.stored.version).toBe(floor + 2n);
    });

    it('keeps the version of a deleted record, so that a new one of its key is newer', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      await store.write(create(key, 'a'), guard(), testCall());
      const deleted = await store.write({ key, kind: 'delete', row: null, columns: [] }, guard(), testCall());
      expect(await read(store, key)).toMatchObject({ row: null, version: deleted.stored.version });
      const again = await store.write(create(key, 'b'), guard(), testCall());
      expect(again.stored.version).toBeGreaterThan(deleted.stored.version);
    });

    it('sees what an outside program changed, at the version that was', async () => {
      const { store, guard, outsideWrite } = await authority();
      const key = note('ann', 'a');
      await outsideWrite(key, rowOf(key, 'outside'));
      expect(await read(store, key)).toMatchObject({ row: rowOf(key, 'outside'), version: 0n });
      const refused = await store.write(create(key, 'mine'), guard(), testCall());
      expect(refused).toMatchObject({ outcome: 'already_exists', stored: { row: rowOf(key, 'outside') } });
      await outsideWrite(key, null);
      expect((await read(store, key)).row).toBeNull();
    });

    unless('keeps the version of a record that an outside program deletes', exceptions.outsideDeletes, async () => {
      const { store, guard, outsideWrite } = await authority();
      const key = note('ann', 'a');
      const written = await store.write(create(key, 'mine'), guard(), testCall());
      await outsideWrite(key, null);
      expect(await read(store, key)).toMatchObject({ row: null, version: written.stored.version });
    });

    it('puts concurrent writes of one record one after the other', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      const writes = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          store.write({ key, kind: 'upsert', row: rowOf(key, `title ${i}`), columns: ALL }, guard(), testCall()),
        ),
      );
      const versions = new Set(writes.map((written) => written.stored.version));
      expect(versions.size).toBe(writes.length);
      const newest = writes.reduce((a, b) => (a.stored.version > b.stored.version ? a : b));
      await expectStored(store, newest);
    });

    it('lets one of concurrent creates win', async () => {
      const { store, guard } = await authority();
      const key = note('ann', 'a');
      const titles = Array.from({ length: 8 }, (_, i) => `title ${i}`);
      const writes = await Promise.all(titles.map((title) => store.write(create(key, title), guard(), testCall())));
      const outcomes = writes.map(({ outcome }) => outcome).toSorted();
      expect(outcomes).toEqual([...Array.from({ length: 7 }, () => 'already_exists'), 'written']);
    });
  });

  describe('the guard', () => {
    it('answers with the control record as the write found it', async () => {
      const { store, guard, setControl } = await authority();
      await setControl({ state: 'syncing', floor: 7n });
      const written = await store.write(create(note('ann', 'a'), 'a'), guard(), testCall());
      expect(written.control).toMatchObject({ epoch: 1, attach: 1, state: 'syncing', floor: 7n });
    });

    const expectRefused = async (store: RecordStore, guard: Guard, before: Stored): Promise<void> => {
      const { key } = before;
      const change: Change = { key, kind: 'update', row: rowOf(key, 'second'), columns: ALL };
      expect((await store.write(change, guard, testCall())).outcome).toBe('control_changed');
      const touched = await store.touchMany([key, note('ann', 'b')], guard, testCall());
      expect(touched.map(({ outcome }) => outcome)).toEqual(['control_changed', 'control_changed']);
      expect(await read(store, key)).toMatchObject({ row: before.row, version: before.version });
    };

    it('refuses a write while authority is handed over, and does nothing', async () => {
      const { store, guard, setControl } = await authority();
      const key = note('ann', 'a');
      const first = await store.write(create(key, 'first'), guard(), testCall());
      for (const state of ['handing_over', 'moved'] as const) {
        await setControl({ state });
        await expectRefused(store, guard(), first.stored);
      }
      await setControl({ state: 'in_sync' });
      const change: Change = { key, kind: 'update', row: rowOf(key, 'second'), columns: ALL };
      expect((await store.write(change, guard(), testCall())).outcome).toBe('written');
    });

    unless(
      'refuses a write of another epoch or attach by itself, and does nothing',
      exceptions.sharedLock,
      async () => {
        const { store, guard } = await authority();
        const first = await store.write(create(note('ann', 'a'), 'first'), guard(), testCall());
        await expectRefused(store, { epoch: 2, attach: 1 }, first.stored);
        await expectRefused(store, { epoch: 1, attach: 2 }, first.stored);
      },
    );

    it('lets writes pass in every other state', async () => {
      const { store, guard, setControl } = await authority();
      const key = note('ann', 'a');
      for (const state of ['detached', 'syncing', 'joining', 'in_sync', 'leaving'] as const) {
        await setControl({ state });
        const change: Change = { key, kind: 'upsert', row: rowOf(key, state), columns: ALL };
        const written = await store.write(change, guard(), testCall());
        expect(written).toMatchObject({ outcome: 'written', stored: { row: rowOf(key, state) } });
        expect((await read(store, key)).row).toEqual(rowOf(key, state));
      }
    });
  });

  describe('touchMany', () => {
    it('gives every record, present or absent, a newer version, and answers in the order of the keys', async () => {
      const { store, guard } = await authority();
      const keys = Array.from({ length: 450 }, (_, i) => note(`owner ${i % 3}`, `note ${(i * 37) % 450}`));
      const present = keys.filter((_, i) => i % 15 === 0);
      const before = await Promise.all(present.map((key) => store.write(create(key, 'x'), guard(), testCall())));
      const touched = await store.touchMany(keys, guard(), testCall());
      expect(touched.map(({ stored }) => stored.key.id)).toEqual(keys.map(({ id }) => id));
      expect(new Set(touched.map(({ outcome }) => outcome))).toEqual(new Set(['written']));
      for (const written of touched) {
        const earlier = before.find(({ stored }) => stored.key.id === written.stored.key.id);
        expect(written.stored.version).toBeGreaterThan(earlier?.stored.version ?? 0n);
        expect(written.stored.row).toEqual(earlier?.stored.row ?? null);
      }
    });

    it('takes each version above its own record, not above those of others', async () => {
      const { store, guard } = await authority();
      const [far, near] = [note('ann', 'far'), note('ann', 'near')];
      const ahead = (await store.clock(testCall())) + 3_600_000_000n;
      await store.write(create(far, 'far'), { ...guard(), floor: ahead }, testCall());
      await store.apply([{ key: near, row: rowOf(near, 'near'), version: 7n }], testCall());
      const before = await store.clock(testCall());
      const touched = await store.touchMany([far, near], guard(), testCall());
      expect(touched[1]?.stored.version).toBeGreaterThanOrEqual(before);
      expect(touched[1]?.stored.version).toBeLessThan(ahead);
    });

    it('reads the record as it is after the touch began', async () => {
      const { store, guard, outsideWrite } = await authority();
      const key = note('ann', 'a');
      await outsideWrite(key, rowOf(key, 'outside'));
      const [touched] = await store.touchMany([key], guard(), testCall());
      expect(touched).toMatchObject({ outcome: 'written', stored: { row: rowOf(key, 'outside') } });
    });
  });
}
