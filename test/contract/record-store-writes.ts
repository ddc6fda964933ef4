/** The part of the store port's contract that is about the authority: docs/protocol.md, section 1. */
import { describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import {
  type Change,
  type Guard,
  MAX_BATCH_CHANGES,
  type RecordStore,
  type Stored,
  type Written,
} from '../../src/stores/record-store.ts';
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

  const describeBatches = exceptions.batches === undefined ? describe : describe.skip;
  describeBatches(exceptions.batches === undefined ? 'writeMany' : `writeMany: excepted, ${exceptions.batches}`, () => {
    const update = (key: Key, title: string, accepts?: Change['accepts']): Change => {
      return { key, kind: 'update', row: rowOf(key, title), columns: [TITLE], ...(accepts && { accepts }) };
    };
    const remove = (key: Key): Change => ({ key, kind: 'delete', row: null, columns: [] });
    const outcomesOf = (written: readonly Written[]) => written.map(({ outcome }) => outcome);

    it('makes all changes at one version that is newer than each had, and answers in their order', async () => {
      const { store, guard } = await authority();
      const [a, b, c, d] = ['d', 'b', 'c', 'a'].map((id) => note('ann', id)) as [Key, Key, Key, Key];
      const before = await store.write(create(b, 'before'), guard(), testCall());
      await store.write(create(c, 'gone'), guard(), testCall());
      const { row } = before.stored;
      const changes: readonly Change[] = [
        create(a, 'created'),
        update(b, 'updated', (current) => current[TITLE] === 'before'),
        remove(c),
        { key: d, kind: 'upsert', row: rowOf(d, null), columns: ALL },
      ];
      const written = await store.writeMany(changes, guard(), testCall());
      expect(outcomesOf(written)).toEqual(['written', 'written', 'written', 'written']);
      expect(written.map(({ stored }) => stored.key.id)).toEqual([a.id, b.id, c.id, d.id]);
      expect(written.map(({ stored }) => stored.row)).toEqual([
        rowOf(a, 'created'),
        [...(row ?? []).slice(0, TITLE), 'updated', ...(row ?? []).slice(AMOUNT)],
        null,
        rowOf(d, null),
      ]);
      expect(new Set(written.map(({ stored }) => stored.version)).size).toBe(1);
      expect(written[1]?.stored.version).toBeGreaterThan(before.stored.version);
      for (const one of written) await expectStored(store, one);
    });

    it('makes none if one is refused, says which, and gives all a newer version', async () => {
      const { store, guard } = await authority();
      const [a, b, c] = ['a', 'b', 'c'].map((id) => note('ann', id)) as [Key, Key, Key];
      await store.write(create(b, 'b'), guard(), testCall());
      const refusals: readonly (readonly [Change, Written['outcome']])[] = [
        [create(b, 'again'), 'already_exists'],
        [update(b, 'other', () => false), 'etag_mismatch'],
        [{ ...remove(b), accepts: () => false }, 'etag_mismatch'],
        [update(note('ann', 'none'), 'x'), 'not_found'],
        [remove(note('ann', 'none')), 'not_found'],
      ];
      let last = (await read(store, b)).version;
      for (const [refused, outcome] of refusals) {
        const changes = [create(a, 'first'), refused, create(c, 'last')];
        const written = await store.writeMany(changes, guard(), testCall());
        expect(outcomesOf(written)).toEqual(['withheld', outcome, 'withheld']);
        expect(written.map(({ stored }) => stored.row)).toEqual([null, refused.key === b ? rowOf(b, 'b') : null, null]);
        for (const one of written) {
          await expectStored(store, one);
          expect(one.stored.version).toBeGreaterThan(last);
        }
        last = written[1]?.stored.version ?? 0n;
      }
    });

    it('names every change that would be refused as far as it can be told from the records', async () => {
      const { store, guard } = await authority();
      const keys = ['a', 'b', 'c'].map((id) => note('ann', id)) as [Key, Key, Key];
      await store.write(create(keys[0], 'a'), guard(), testCall());
      const changes = [create(keys[0], 'a'), update(keys[1], 'b'), create(keys[2], 'c')];
      const written = await store.writeMany(changes, guard(), testCall());
      expect(outcomesOf(written)).toEqual(['already_exists', 'not_found', 'withheld']);
    });

    it('may delete what is not there, if the change says so', async () => {
      const { store, guard } = await authority();
      const [there, absent] = [note('ann', 'a'), note('ann', 'b')];
      await store.write(create(there, 'a'), guard(), testCall());
      const changes = [there, absent].map((key) => ({ ...remove(key), allowsMissing: true }));
      const written = await store.writeMany(changes, guard(), testCall());
      expect(outcomesOf(written)).toEqual(['written', 'not_found']);
      for (const one of written) {
        expect(one.stored.row).toBeNull();
        await expectStored(store, one);
      }
    });

    it('gives all one version also where one record is far ahead of the clock', async () => {
      const { store, guard } = await authority();
      const [far, near] = [note('ann', 'far'), note('ann', 'near')];
      const ahead = (await store.clock(testCall())) + 3_600_000_000n;
      await store.apply([{ key: far, row: rowOf(far, 'far'), version: ahead }], testCall());
      const written = await store.writeMany(
        [create(near, 'near'), { key: far, kind: 'touch', row: null, columns: [] }],
        guard(),
        testCall(),
      );
      expect(written.map(({ stored }) => stored.version)).toEqual([ahead + 1n, ahead + 1n]);
      await expectStored(store, written[0] as Written);
    });

    it('takes as many changes as a batch may have', async () => {
      const { store, guard } = await authority();
      const keys = Array.from({ length: MAX_BATCH_CHANGES }, (_, i) => note('ann', `note ${(i * 37) % 100}`));
      const created = await store.writeMany(
        keys.map((key) => create(key, 'x')),
        guard(),
        testCall(),
      );
      expect(new Set(outcomesOf(created))).toEqual(new Set(['written']));
      const removed = await store.writeMany(keys.map(remove), guard(), testCall());
      expect(new Set(outcomesOf(removed))).toEqual(new Set(['written']));
      const left = await store.list({ parent: ['ann'], after: null, limit: 10 }, testCall());
      expect(left).toEqual([]);
    });

    it('puts concurrent batches of the same records one after the other: no record shows two of them', async () => {
      const { store, guard } = await authority();
      const keys = ['a', 'b', 'c', 'd'].map((id) => note('ann', id));
      const writes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => {
          const order = i % 2 === 0 ? keys : keys.toReversed();
          const changes = order.map((key): Change => {
            return { key, kind: 'upsert', row: rowOf(key, `batch ${i}`), columns: ALL };
          });
          return store.writeMany(changes, guard(), testCall());
        }),
      );
      expect(new Set(writes.map(([first]) => first?.stored.version)).size).toBe(writes.length);
      const found = await store.getMany(keys, testCall());
      expect(new Set(found.map(({ row }) => row?.[TITLE])).size).toBe(1);
    });

    it('lets one of concurrent batches of creates win, whole', async () => {
      const { store, guard } = await authority();
      const keys = ['a', 'b', 'c'].map((id) => note('ann', id));
      const writes = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          store.writeMany(
            keys.slice(0, 2 + (i % 2)).map((key) => create(key, `batch ${i}`)),
            guard(),
            testCall(),
          ),
        ),
      );
      const winners = writes.filter((written) => written.every(({ outcome }) => outcome === 'written'));
      expect(winners).toHaveLength(1);
      for (const one of winners[0] ?? []) expect((await read(store, one.stored.key)).row).toEqual(one.stored.row);
    });

    it('refuses all of it, and says where, if the store can never take one of the changes', async () => {
      const { store, guard } = await authority();
      const [a, b] = [note('ann', 'a'), note('ann', 'b')];
      const never: Change = { key: b, kind: 'create', row: [...b.values, 'x'.repeat(300), '1.50', 3], columns: ALL };
      const attempt = await store.writeMany([create(a, 'a'), never], guard(), testCall()).catch((error) => error);
      // The others have no bound of their own: the service checks values before they come here.
      if (store.engine !== 'mysql') return;
      expect(attempt).toMatchObject({ kind: 'failed_precondition', metadata: { index: '1' } });
      expect(await read(store, a)).toMatchObject({ row: null });
    });

    it('does nothing while authority is handed over', async () => {
      const { store, guard, setControl } = await authority();
      await setControl({ state: 'handing_over' });
      const keys = ['a', 'b'].map((id) => note('ann', id));
      const changes = keys.map((key) => create(key, 'x'));
      expect(outcomesOf(await store.writeMany(changes, guard(), testCall()))).toEqual([
        'control_changed',
        'control_changed',
      ]);
      for (const key of keys) expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    });

    it('writes while the follower is detached too', async () => {
      const { store, guard, setControl } = await authority();
      await setControl({ state: 'detached' });
      const changes = ['a', 'b'].map((id) => create(note('ann', id), id));
      expect(outcomesOf(await store.writeMany(changes, guard(), testCall()))).toEqual(['written', 'written']);
      const refused = await store.writeMany([...changes, create(note('ann', 'c'), 'c')], guard(), testCall());
      expect(outcomesOf(refused)).toEqual(['already_exists', 'already_exists', 'withheld']);
      expect((await read(store, note('ann', 'c'))).row).toBeNull();
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
