import { describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row, Value } from '../../src/domain/resource.ts';
import { settlingRivals } from '../../src/migration/rival-copies.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import { createMemoryTargetStore } from '../../src/stores/memory/target-store.ts';
import type { Copy, FollowerStore, RecordStore } from '../../src/stores/record-store.ts';
import { uniqueKeyTaken } from '../../src/stores/unique-key-taken.ts';
import { testCall } from '../support/calls.ts';
import { peopleResource } from '../support/resources.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

const EMAIL = 2;
const keys = createKeyCodec(peopleResource);
const email = peopleResource.indexes?.[0];
const control = { epoch: 2, attach: 1, state: 'syncing', floor: 0n, generation: 7 } as ControlRecord;

const person = (n: number): Key => keys.fromValues([1, `p${n}`]);
const row = (key: Key, value: string): Row => [...(key.values as Value[]), value, null, null, null, null, null];

/** A follower that refuses, as MySQL does, what another of its records has when the transaction is over. */
function uniqueFollower(initial: ReadonlyMap<string, string>) {
  const emails = new Map(initial);
  const rivalsOf = (copies: readonly Copy[], among: ReadonlyMap<string, string>): string[] =>
    copies.flatMap(({ key, row: of }) =>
      [...among].filter(([id, has]) => id !== key.id && has === of?.[EMAIL]).map(([id]) => id),
    );
  return {
    emails,
    rivals: async (copies: readonly Copy[]) =>
      rivalsOf(copies, emails).map((id) => keys.fromBytes(Buffer.from(id, 'latin1'))),
    apply: async (copies: readonly Copy[]) => {
      const after = new Map(emails);
      for (const { key, row: of } of copies) after.set(key.id, String(of?.[EMAIL]));
      if (email !== undefined && rivalsOf(copies, after).length > 0) throw uniqueKeyTaken(email);
      for (const [id, has] of after) emails.set(id, has);
    },
  };
}

/** `count` records that have each the value of the one before, where the follower still has the values of their own. */
async function turned(count: number) {
  const clock = new VirtualClock();
  const authority: RecordStore = createMemoryTargetStore({ clock, random: seededRandom(1), resource: peopleResource });
  const people = Array.from({ length: count }, (_, n) => person(n));
  const copies = people.map((key, n) => ({ key, row: row(key, `mail ${(n + 1) % count}`), version: 5n }));
  await authority.apply(copies, testCall({ deadlineMs: 1e9 }));
  const follower = uniqueFollower(new Map(people.map((key, n) => [key.id, `mail ${n}`])));
  const target: Pick<FollowerStore, 'apply'> = follower;
  const settling = settlingRivals(target, { rivals: follower.rivals, authority, control });
  const apply = (some: readonly Copy[]) => clock.until(settling.apply(some, testCall({ deadlineMs: 1e9 })));
  return { copies, follower, apply };
}

describe('copies that are in each other’s way', () => {
  it('are applied together, all of them, though only one came', async () => {
    const { copies, follower, apply } = await turned(4);
    await apply(copies.slice(0, 1));
    expect([...follower.emails.values()]).toEqual(['mail 1', 'mail 2', 'mail 3', 'mail 0']);
  });

  it('do not hold up a large batch that they are a part of', async () => {
    const { copies, follower, apply } = await turned(3);
    const others = Array.from({ length: 300 }, (_, n) => {
      const key = person(1000 + n);
      return { key, row: row(key, `other ${n}`), version: 5n };
    });
    await apply([...others.slice(0, 200), ...copies, ...others.slice(200)]);
    expect(follower.emails.size).toBe(303);
    expect([...follower.emails.values()].slice(0, 3)).toEqual(['mail 1', 'mail 2', 'mail 0']);
  });

  it('are refused where there are too many, and nothing is half done', async () => {
    const { copies, follower, apply } = await turned(150);
    await expect(apply(copies.slice(0, 1))).rejects.toMatchObject({ reason: 'UNIQUE_KEY_TAKEN' });
    expect([...follower.emails.values()].slice(0, 2)).toEqual(['mail 0', 'mail 1']);
  });

  it('leave every other failure as it is', async () => {
    const { copies, follower } = await turned(2);
    const failing: Pick<FollowerStore, 'apply'> = { apply: () => Promise.reject(new Error('away')) };
    const options = { rivals: follower.rivals, authority: {} as RecordStore, control };
    await expect(settlingRivals(failing, options).apply(copies, testCall())).rejects.toThrow('away');
  });
});
