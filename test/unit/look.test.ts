import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/domain/clock.ts';
import type { Row } from '../../src/domain/resource.ts';
import { isSuspect, lookAgain } from '../../src/migration/look.ts';
import { createMemoryTargetStore } from '../../src/stores/memory/target-store.ts';
import type { FollowerStore, Stored } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { noteKey, noteRow, resource } from '../support/memory-migration.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const key = noteKey('o', 'a');
const FLOOR = 100n;
const clock = new VirtualClock();

type Answer = readonly [title: string | null, version: bigint];

/** A store that gives one answer after another to reads of the one key, the last one for ever. */
function scripted(...answers: Answer[]): FollowerStore {
  const store = createMemoryTargetStore({ clock, random: systemRandom, resource });
  let next = 0;
  return {
    ...store,
    getMany: async () => {
      const [title, version] = answers[Math.min(next++, answers.length - 1)] as Answer;
      return [{ key, row: title === null ? null : noteRow(key, title), version }];
    },
  };
}

async function look(authority: FollowerStore, follower: FollowerStore) {
  const options = { resource, authority, follower, barriers: { pass: async () => {} }, clock };
  return await lookAgain(options, [key], FLOOR, testCall({ deadlineMs: clock.monotonicMs() + 1000 }));
}

describe('looking again', () => {
  it('takes an old state of the follower past a barrier for a difference', async () => {
    const found = await look(scripted(['new', 300n]), scripted(['old', 200n]));
    expect(found.differences).toEqual([{ key, kind: 'different', fieldPaths: ['title'] }]);
  });

  it('takes other content at the same version for a difference', async () => {
    const found = await look(scripted(['a', 300n]), scripted(['b', 300n]));
    expect(found.differences).toHaveLength(1);
  });

  it('counts a version below the floor as the floor', async () => {
    expect((await look(scripted(['a', 0n]), scripted(['a', FLOOR]))).equal).toEqual([key]);
    expect((await look(scripted(['a', 0n]), scripted(['b', FLOOR]))).differences).toHaveLength(1);
  });

  it('tells what is missing from what is extra', async () => {
    const missing = await look(scripted(['a', 300n]), scripted([null, 0n]));
    expect(missing.differences).toMatchObject([{ kind: 'missing_in_follower' }]);
    const extra = await look(scripted([null, 300n]), scripted(['a', 200n]));
    expect(extra.differences).toMatchObject([{ kind: 'extra_in_follower' }]);
  });

  it('lets a record that is written at every look race', async () => {
    const versions = Array.from({ length: 20 }, (_, i): Answer => [`v${i}`, 300n + BigInt(i)]);
    const found = await look(scripted(...versions), scripted(...versions.slice(1).filter((_, i) => i % 2 === 0)));
    expect(found).toMatchObject({ differences: [], equal: [], raced: [key] });
  });

  it('does not blame a stranger while the authority does not show yet what its log has', async () => {
    // First look: the follower has 300 already, the authority shows it only after the next barrier.
    const found = await look(scripted(['a', 200n], ['a', 200n], ['b', 300n]), scripted(['b', 300n]));
    expect(found).toMatchObject({ differences: [], equal: [key] });
  });

  it('blames a stranger for a version that the authority never shows', async () => {
    const found = await look(scripted(['a', 200n]), scripted(['b', 300n]));
    expect(found.differences).toMatchObject([{ kind: 'different', fieldPaths: ['title'] }]);
    const same = await look(scripted(['a', 200n]), scripted(['a', 300n]));
    expect(same.differences).toMatchObject([{ kind: 'different', fieldPaths: [] }]);
  });

  it('never blames a store for differing from itself', async () => {
    const answers = Array.from({ length: 20 }, (_, i): Answer => [`v${i}`, 300n]);
    const store = scripted(...answers);
    expect((await look(store, store)).differences).toEqual([]);
  });
});

describe('a suspect', () => {
  const stored = (row: Row | null, version: bigint): Stored => ({ key, row, version });

  it('is a pair of other content, or a follower above the version', () => {
    const row = noteRow(key, 'a');
    expect(isSuspect(resource, stored(row, 200n), stored(row, 200n), FLOOR)).toBe(false);
    expect(isSuspect(resource, stored(row, 0n), stored(row, FLOOR), FLOOR)).toBe(false);
    expect(isSuspect(resource, stored(row, 200n), stored(row, 201n), FLOOR)).toBe(true);
    expect(isSuspect(resource, stored(row, 200n), stored(null, 200n), FLOOR)).toBe(true);
    expect(isSuspect(resource, stored(null, 0n), stored(null, 0n), FLOOR)).toBe(false);
  });
});
