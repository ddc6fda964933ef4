/** Unique values with the target as the authority: rival writers in virtual time, from seeds. */
import { describe, expect, it } from 'vitest';
import { isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index, Row } from '../../src/domain/resource.ts';
import { createMemoryTargetStore, type UpdateFate } from '../../src/stores/memory/target-store.ts';
import type { Change, Guard, RecordStore } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { peopleResource } from '../support/resources.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

const GUARD = { epoch: 2, attach: 1, state: 'in_sync', floor: 0n, generation: 7 } as const;
const TAKEN = { kind: 'already_exists', reason: 'UNIQUE_KEY_TAKEN', metadata: { unique_index: 'email' } };
const EMAIL = 2;
const MAILS = ['x', 'y'] as const;
const byEmail = peopleResource.indexes?.find(({ name }) => name === 'email') as Index;
const keys = createKeyCodec(peopleResource);

const person = (id: string): Key => keys.fromValues([1, id]);

function set(key: Key, email: string | null, kind: Change['kind'] = 'upsert'): Change {
  const row: Row = [...key.values, email, null, null, null, null, null];
  return { key, kind, row, columns: [EMAIL] };
}

/** A store whose clients are as slow as they are told, and who has which email at every moment of it. */
function open(seed: number) {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const call = () => testCall({ deadlineMs: clock.monotonicMs() + 60_000 });
  const store = createMemoryTargetStore({ clock, random, resource: peopleResource });
  const shared: string[] = [];
  const look = async (): Promise<void> => {
    for (const email of MAILS) {
      const found = await store.lookup({ index: byEmail, values: [email], after: null, limit: 10 }, call());
      if (found.length > 1) shared.push(`${email}: ${found.map(({ key }) => key.values[1]).join(' and ')}`);
    }
  };
  const client = (slowness: number, onUpdate: () => UpdateFate = () => 'apply'): RecordStore =>
    store.through({
      onUpdate,
      onWay: async (way) => {
        await clock.sleep(random.uniform() < 0.1 ? slowness * random.uniform() : 3 * random.uniform());
        if (way === 'back') await look();
      },
    });
  const have = async (email: string) => {
    const found = await store.lookup({ index: byEmail, values: [email], after: null, limit: 10 }, call());
    return found.map(({ key }) => key.values[1]);
  };
  return { clock, random, store, client, call, have, shared };
}

/** A link that holds its nth request to the store back until it is told to go. */
function pausing(nth: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  return {
    go: resolve,
    link: {
      onWay: async (way: 'there' | 'back') => {
        if (way === 'there' && ++sent === nth) await promise;
      },
    },
  };
}

function pick<Item>(items: readonly Item[], uniform: number): Item {
  return items[Math.floor(uniform * items.length)] as Item;
}

describe('a unique value with conditional updates', () => {
  it('has one record at every moment, whatever writers, lost answers and pauses do', async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= 150; seed++) {
      const { clock, random, client, call, shared } = open(seed);
      const fates = (): UpdateFate => {
        const chance = random.uniform();
        if (chance < 0.03) return 'lose_answer';
        return chance < 0.06 ? { delayMs: 400 * random.uniform() } : 'apply';
      };
      const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const writer = async (slowness: number): Promise<void> => {
        const store = client(slowness, fates);
        for (let n = 0; n < 8; n++) {
          const change = (id: string): Change => {
            const key = person(id);
            const email = pick([...MAILS, null], random.uniform());
            return random.uniform() < 0.15 ? { key, kind: 'delete', row: null, columns: [] } : set(key, email);
          };
          const first = pick(['a', 'b', 'c'], random.uniform());
          // Every third write is of all records but one.
          const ids = random.uniform() < 0.33 ? ['a', 'b', 'c'].filter((id) => id !== first) : [first];
          try {
            const written = await store.writeMany(ids.map(change), GUARD, call());
            for (const { outcome } of written) note(outcome);
          } catch (error) {
            if (!isDomainError(error, 'already_exists', 'unknown', 'unavailable')) throw error;
            note(error.reason);
          }
        }
      };
      await clock.until(Promise.all([writer(400), writer(800), writer(20)]));
      expect({ seed, shared }).toEqual({ seed, shared: [] });
    }
    expect(outcomes.get('written')).toBeGreaterThan(1_000);
    expect(outcomes.get('UNIQUE_KEY_TAKEN')).toBeGreaterThan(100);
  }, 60_000);

  it('is refused to a record of a batch while another of it has the value, though it gives it up', async () => {
    const { clock, client, call, have } = open(1);
    const store = client(3);
    await clock.until(store.write(set(person('a'), 'x'), GUARD, call()));
    for (const freeing of [
      set(person('a'), 'y'),
      { ...set(person('a'), null), kind: 'delete', row: null, columns: [] },
    ]) {
      const attempt = store.writeMany([freeing as Change, set(person('b'), 'x')], GUARD, call());
      const settled = (await clock.until(Promise.allSettled([attempt])))[0];
      expect(settled).toMatchObject({ status: 'rejected', reason: { ...TAKEN, metadata: { index: '1' } } });
    }
    expect(await have('x')).toEqual(['a']);
    expect(await have('y')).toEqual([]);
  });

  it('goes to exactly one of those who want it at once', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { clock, client, call, have } = open(seed);
      const wanting = ['a', 'b', 'c', 'd'].map((id) => client(30).write(set(person(id), 'x', 'create'), GUARD, call()));
      const settled = await clock.until(Promise.allSettled(wanting));
      const won = settled.filter(({ status }) => status === 'fulfilled');
      expect({ seed, won: won.length }).toEqual({ seed, won: 1 });
      for (const one of settled) if (one.status === 'rejected') expect(one.reason).toMatchObject(TAKEN);
      expect(await have('x')).toHaveLength(1);
    }
  });

  it('is refused while another record has it, from a copy or a write, and free once that gives it up', async () => {
    const { clock, store, call, have } = open(1);
    const write = (change: Change, guard: Guard = GUARD) => clock.until(store.write(change, guard, call()));
    const row = set(person('a'), 'x').row;
    await store.apply([{ key: person('a'), row, version: 5n }], call());
    await expect(write(set(person('b'), 'x'))).rejects.toMatchObject(TAKEN);
    await write(set(person('a'), null));
    await write(set(person('b'), 'x'));
    await expect(write(set(person('a'), 'x'))).rejects.toMatchObject(TAKEN);
    await write({ key: person('b'), kind: 'delete', row: null, columns: [] });
    await write(set(person('a'), 'x'));
    expect(await have('x')).toEqual(['a']);
  });

  it('may be written again by the record that has it, and is swapped by way of a third value', async () => {
    const { clock, store, call, have } = open(1);
    const write = (change: Change) => clock.until(store.write(change, GUARD, call()));
    await write(set(person('a'), 'x'));
    await write(set(person('b'), 'y'));
    await write(set(person('a'), 'x'));
    await write(set(person('a'), 'z'));
    await write(set(person('b'), 'x'));
    await write(set(person('a'), 'y'));
    expect([await have('x'), await have('y')]).toEqual([['b'], ['a']]);
  });

  it('is not taken on a reservation that its holder has renewed since it was read', async () => {
    const { clock, store, call, have } = open(1);
    const first = pausing(5); // see, reservation, who has it, take, update
    const slow = store.through(first.link).write(set(person('a'), 'x'), GUARD, call());
    await clock.pass(1_000);
    const second = pausing(7); // see, reservation, who has it, see the holder, see and fence it, take
    const rival = store.through(second.link).write(set(person('b'), 'x'), GUARD, call());
    rival.catch(() => {});
    await clock.pass(1_000);
    // The update meets the fence, so the write begins again, and takes the reservation anew.
    first.go();
    expect(await clock.until(slow)).toMatchObject({ outcome: 'written' });
    second.go();
    await expect(clock.until(rival)).rejects.toMatchObject(TAKEN);
    expect(await have('x')).toEqual(['a']);
  });

  it('is taken over from a writer that died between its reservation and its update', async () => {
    const { clock, store, call, have } = open(1);
    const dying = store.through({ onUpdate: () => 'drop' });
    const announced: string[] = [];
    const entry = { carried: () => announced.push('carried'), left: () => announced.push('left') };
    const guard: Guard = {
      ...GUARD,
      announce: (others) => {
        announced.push(...others.map(({ values }) => String(values[1])));
        return { guard: GUARD, entry };
      },
    };
    await expect(clock.until(dying.write(set(person('a'), 'x'), GUARD, call()))).rejects.toMatchObject({
      reason: 'OUTCOME_UNKNOWN',
    });
    await clock.until(store.write(set(person('b'), 'x'), guard, call()));
    expect(await have('x')).toEqual(['b']);
    expect(announced).toEqual(['a', 'carried']);
  });

  it('is not had by two where a batch that changes its old holder dies on the way', async () => {
    const { clock, store, call, have } = open(1);
    const first = pausing(5); // see, reservation, who has it, take, update
    const slow = store.through(first.link).write(set(person('a'), 'x'), GUARD, call());
    slow.catch(() => {});
    await clock.pass(1_000);
    // Whatever the batch has done by then: were it to count on its own update as the fence, it would have taken the value.
    const batch = store
      .through(pausing(5).link)
      .writeMany([set(person('a'), null), set(person('b'), 'x')], GUARD, call());
    batch.catch(() => {});
    await clock.pass(1_000);
    await clock.until(store.write(set(person('b'), 'x'), GUARD, call()));
    first.go();
    await clock.until(Promise.allSettled([slow]));
    expect(await have('x')).toEqual(['b']);
  });
});
