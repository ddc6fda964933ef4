/** The target in memory: the contract, and what it is there for, the ways in which Cassandra is not MySQL. */
import { describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import {
  createMemoryTargetStore,
  type MemoryTargetStoreOptions,
  type UpdateFate,
} from '../../src/stores/memory/target-store.ts';
import type { Change, Copy, Guard, Stored } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';
import { describeRecordStore, type OpenStore } from './record-store-contract.ts';

const GUARD = { epoch: 1, attach: 1, state: 'in_sync', floor: 0n, generation: 7 } as const;

describeRecordStore(
  'the target in memory',
  async () => ({
    open: async (resource): Promise<OpenStore> => {
      const store = createMemoryTargetStore({ clock: systemClock, random: systemRandom, resource });
      let control: Guard = GUARD;
      return {
        store,
        authority: {
          store,
          setControl: async (change) => {
            control = { ...control, ...change };
          },
          guard: () => control,
          outsideWrite: async (key, row) => store.outsideWrite(key, row),
        },
      };
    },
    close: async () => {},
  }),
  {
    sharedLock: 'as in Cassandra, the guard is believed: the lease vouches for it, through `ready`',
    outsideDeletes: 'as in Cassandra, the version is in the row itself',
  },
);

const UNKNOWN = { kind: 'unknown', reason: 'OUTCOME_UNKNOWN' };
const ALL = [2, 3, 4];
const codec = createKeyCodec(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);

function rowOf(key: Key, title: string | null, stars: number | null = 3): Row {
  return [...key.values, title, '1.50', stars];
}

function upsert(key: Key, title: string): Change {
  return { key, kind: 'upsert', row: rowOf(key, title), columns: ALL };
}

const touch = (key: Key): Change => ({ key, kind: 'touch', row: null, columns: [] });

/** A store on a clock that stands still unless it is told otherwise. */
function open(more: Partial<MemoryTargetStoreOptions> = {}) {
  const clock = new VirtualClock();
  const store = createMemoryTargetStore({ clock, random: seededRandom(1), resource: notesResource, ...more });
  const call = () => testCall({ deadlineMs: clock.monotonicMs() + 10_000 });
  const read = async (key: Key): Promise<Stored> => (await store.getMany([key], call()))[0] as Stored;
  /** Virtual time passes until the write has its answer. */
  const write = (change: Change, guard: Guard = GUARD) => clock.until(store.write(change, guard, call()));
  return { clock, store, call, read, write };
}

/** A store whose next updates meet these fates; later ones go as always. */
function openFated(...fates: UpdateFate[]) {
  return { ...open({ onUpdate: () => fates.shift() ?? 'apply' }), fates };
}

describe('a write to the target in memory', () => {
  it('needs the whole view of the control record, and writes nothing while authority is handed over', async () => {
    const { write, read, store, call } = open();
    await expect(write(upsert(note('a'), 'x'), { epoch: 1, attach: 1 })).rejects.toMatchObject({ kind: 'internal' });
    await write(upsert(note('a'), 'x'));
    const handingOver: Guard = { ...GUARD, state: 'handing_over', fencing: true };
    expect(await write(upsert(note('a'), 'y'), handingOver)).toMatchObject({ outcome: 'control_changed' });
    expect(await store.touchMany([note('a')], handingOver, call())).toMatchObject([{ outcome: 'written' }]);
    const moved: Guard = { ...handingOver, state: 'moved' };
    expect(await store.touchMany([note('a')], moved, call())).toMatchObject([{ outcome: 'control_changed' }]);
    expect((await read(note('a'))).row).toEqual(rowOf(note('a'), 'x'));
  });

  it('asks whether it is ready beside the read and after it, and again for every try', async () => {
    const other = open();
    for (const answers of [[false], [true, false]]) {
      let asked = 0;
      const ready = async (): Promise<boolean> => answers[asked++] ?? true;
      expect(await other.write(upsert(note('a'), 'x'), { ...GUARD, ready })).toMatchObject({
        outcome: 'control_changed',
      });
      expect(asked).toBe(answers.length);
      expect(await other.read(note('a'))).toMatchObject({ row: null, version: 0n });
    }
  });

  it('that another one overtakes between its read and its update begins again, and nothing is lost', async () => {
    const { clock, store, read, call } = open();
    let asked = 0;
    /** When the record has been read. */
    const ready = async (): Promise<boolean> => {
      if (++asked === 2) await store.write(upsert(note('a'), 'quicker'), GUARD, call());
      return true;
    };
    const change: Change = { key: note('a'), kind: 'upsert', row: rowOf(note('a'), 'x', 9), columns: [4] };
    const written = await clock.until(store.write(change, { ...GUARD, ready }, call()));
    expect(asked).toBe(4);
    expect(written.stored.row).toEqual(rowOf(note('a'), 'quicker', 9));
    expect(await read(note('a'))).toMatchObject({ row: written.stored.row, version: written.stored.version });
  });

  it('interleaves with others, as long as the ways are, in a manner that a seed reproduces', async () => {
    const run = async (seed: number): Promise<string> => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const onWay = () => clock.sleep(random.uniform() * 5);
      const { store } = open({ random, onWay, clock });
      const call = testCall({ deadlineMs: clock.monotonicMs() + 10_000 });
      const titles = ['a', 'b', 'c', 'd'];
      const writes = titles.map((title) => store.write(upsert(note('x'), title), GUARD, call));
      const written = await clock.until(Promise.all(writes));
      expect(new Set(written.map(({ stored }) => stored.version)).size).toBe(titles.length);
      const newest = written.reduce((a, b) => (a.stored.version > b.stored.version ? a : b));
      const [found] = await store.getMany([note('x')], call);
      expect(found).toMatchObject(newest.stored);
      return String(found?.row?.[2]);
    };
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, seed) => run(seed)));
    expect(new Set(outcomes).size).toBeGreaterThan(1);
    expect(await run(3)).toBe(outcomes[3]);
  });
});

describe('cells in memory', () => {
  const copy = (title: string | null, version: bigint): Copy => ({
    key: note('a'),
    row: rowOf(note('a'), title),
    version,
  });

  it('of a copy ahead of the clock keep out a write that is answered "written"', async () => {
    const { clock, store, read, write, call } = open();
    const ahead = clock.wallMicros() + 60_000_000n;
    await store.apply([copy('ahead', ahead)], call());
    expect(await write(upsert(note('a'), 'mine'))).toMatchObject({
      outcome: 'written',
      stored: { row: rowOf(note('a'), 'mine'), version: ahead + 1n },
    });
    expect(await read(note('a'))).toMatchObject({ row: rowOf(note('a'), 'ahead'), version: ahead });
    await clock.pass(60_001);
    await write(upsert(note('a'), 'later'));
    expect((await read(note('a'))).row).toEqual(rowOf(note('a'), 'later'));
  });

  it('mix where two copies have one version: what the floor is raised for', async () => {
    const { store, read, call } = open();
    const one: Copy = { ...copy('a', 5n), row: rowOf(note('a'), 'a', 9) };
    const other: Copy = { ...copy('b', 5n), row: rowOf(note('a'), 'b', 1) };
    for (const copies of [
      [one, other],
      [other, one],
    ]) {
      await store.apply(copies, call());
      expect((await read(note('a'))).row).toEqual(rowOf(note('a'), 'b', 9));
    }
    await store.apply([copy(null, 5n)], call());
    expect((await read(note('a'))).row).toEqual(rowOf(note('a'), null, 9));
  });

  it('keep a marker from an older copy, also the marker of a fence', async () => {
    const { store, read, write, call } = open();
    const fenced = await write(touch(note('a')));
    await store.apply([copy('late', fenced.stored.version - 1n)], call());
    expect(await read(note('a'))).toMatchObject({ row: null, version: fenced.stored.version });
  });
});

describe('an update in memory whose answer is lost', () => {
  it('is written if the record carries its write id', async () => {
    const { write, read } = openFated('lose_answer');
    const written = await write(upsert(note('a'), 'mine'));
    expect(written).toMatchObject({ outcome: 'written', stored: { row: rowOf(note('a'), 'mine') } });
    expect((await read(note('a'))).version).toBe(written.stored.version);
  });

  it('is unknown while the record is as it was, and stays away if it was dropped', async () => {
    const { clock, write, read } = openFated('drop');
    await expect(write(upsert(note('a'), 'never'))).rejects.toMatchObject(UNKNOWN);
    await clock.pass(60_000);
    expect(await read(note('a'))).toMatchObject({ row: null, version: 0n });
  });

  it('arrives late, unless a fence was quicker', async () => {
    for (const isFenced of [false, true]) {
      const { clock, write, read } = openFated({ delayMs: 500 });
      await expect(write(upsert(note('a'), 'zombie'))).rejects.toMatchObject(UNKNOWN);
      expect((await read(note('a'))).row).toBeNull();
      if (isFenced) await write(touch(note('a')));
      await clock.pass(501);
      expect((await read(note('a'))).row).toEqual(isFenced ? null : rowOf(note('a'), 'zombie'));
    }
  });

  it('is unknown when another write came over it', async () => {
    const fates: UpdateFate[] = ['lose_answer'];
    let overtake = async (): Promise<void> => {};
    let ways = 0;
    const { store, read, call, write } = open({
      onUpdate: () => fates.shift() ?? 'apply',
      onWay: async () => {
        if (++ways === 4) await overtake();
      },
    });
    overtake = async () => {
      await store.write(upsert(note('a'), 'other'), GUARD, call());
    };
    await expect(write(upsert(note('a'), 'mine'))).rejects.toMatchObject(UNKNOWN);
    expect((await read(note('a'))).row).toEqual(rowOf(note('a'), 'other'));
  });

  it('is repeated if it was a fence, and unknown if the lease ends meanwhile', async () => {
    const { write, fates } = openFated('lose_answer', 'drop');
    expect(await write(touch(note('a')))).toMatchObject({ outcome: 'written', stored: { row: null } });
    expect(fates).toEqual([]);
    fates.push('drop');
    let asked = 0;
    const ready = async (): Promise<boolean> => ++asked <= 2;
    await expect(write(touch(note('a')), { ...GUARD, ready })).rejects.toMatchObject(UNKNOWN);
  });
});

describe('an outside write to the target in memory', () => {
  it('leaves no version, and is taken over by the first write', async () => {
    const { store, read, write } = open();
    store.outsideWrite(note('a'), rowOf(note('a'), 'native'));
    expect(await read(note('a'))).toMatchObject({ row: rowOf(note('a'), 'native'), version: 0n });
    expect(await write({ ...upsert(note('a'), 'x'), kind: 'create' })).toMatchObject({ outcome: 'already_exists' });
    expect((await read(note('a'))).version).toBeGreaterThan(0n);
  });
});
