import { describe, expect, it } from 'vitest';
import { writePauses } from '../../src/rpc/write-pause.ts';
import type { FollowerState, Transition } from '../../src/stores/control-store.ts';

/** Transitions as a history gives them, newest first, of `[generation, state, milliseconds]`. */
function history(...changes: readonly (readonly [number, FollowerState, number])[]): Transition[] {
  const found = changes.map(
    ([generation, toState, ms], i): Transition => ({
      resource: 'notes',
      generation,
      atMicros: BigInt(ms) * 1000n,
      fromState: changes[i - 1]?.[1] ?? 'in_sync',
      toState,
      epoch: 1,
      authority: 'source',
      instance: 'one',
      reason: 'a test',
    }),
  );
  return found.toReversed();
}

describe('the pause of writes', () => {
  it('lasts until the other store lets writes go on, and is told of the change that moved the authority', () => {
    const changes = history([5, 'handing_over', 1_000], [6, 'moved', 1_200], [7, 'in_sync', 1_250]);
    expect([...writePauses(changes)]).toEqual([[6, 250]]);
  });

  it.each(['in_sync', 'leaving'] as const)('ends at once where an attempt is given up: %s', (state) => {
    expect([...writePauses(history([5, 'handing_over', 1_000], [6, state, 6_000]))]).toEqual([[6, 5_000]]);
  });

  it('begins with the first change of an attempt that other instances took up', () => {
    const changes = history(
      [5, 'handing_over', 1_000],
      [6, 'handing_over', 1_100],
      [7, 'moved', 1_300],
      [8, 'moved', 1_350],
      [9, 'syncing', 1_400],
    );
    expect([...writePauses(changes)]).toEqual([[7, 400]]);
  });

  it('is not known while writes still wait', () => {
    expect(writePauses(history([5, 'handing_over', 1_000])).size).toBe(0);
    expect(writePauses(history([5, 'handing_over', 1_000], [6, 'moved', 1_200])).size).toBe(0);
  });

  it('is not known where its beginning is not among the changes', () => {
    expect(writePauses(history([6, 'moved', 1_200], [7, 'in_sync', 1_250], [8, 'leaving', 2_000])).size).toBe(0);
  });

  it('is told for each of several attempts', () => {
    const changes = history(
      [5, 'handing_over', 0],
      [6, 'in_sync', 100],
      [7, 'handing_over', 500],
      [8, 'moved', 600],
      [12, 'in_sync', 700],
    );
    expect([...writePauses(changes)]).toEqual([
      [6, 100],
      [8, 200],
    ]);
  });

  it("is never below zero, though two stores' clocks differ", () => {
    const changes = history([5, 'handing_over', 1_000], [6, 'moved', 1_010], [7, 'in_sync', 990]);
    expect([...writePauses(changes)]).toEqual([[6, 0]]);
  });
});
