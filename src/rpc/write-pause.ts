import type { Transition } from '../stores/control-store.ts';

/**
 * How many transitions on either side of a page are looked at: an attempt is begun and ended by neighbours, but may be taken up
 * by other instances in between.
 */
export const PAUSE_NEIGHBOURS = 8;

/**
 * How long writes paused, in milliseconds, by the generation of the change that ended the attempt. A pause begins with
 * `handing_over`. An attempt that was given up ends it itself; one that moved the authority ends it with the first later change that
 * lets writes go on, which is the other store's. Not there: the change ends no attempt, writes still wait, or the other end is not
 * among the transitions. The times may be two stores' own, so a pause below zero counts as none.
 *
 * @param transitions of one resource, newest first and without holes.
 */
export function writePauses(transitions: readonly Transition[]): ReadonlyMap<number, number> {
  const pauses = new Map<number, number>();
  let pausedAt: bigint | null = null;
  let movedBy: number | null = null;
  for (const { generation, toState, atMicros } of transitions.toReversed()) {
    if (toState === 'handing_over') {
      pausedAt ??= atMicros;
    } else if (toState === 'moved') {
      movedBy ??= generation;
    } else {
      if (pausedAt !== null) pauses.set(movedBy ?? generation, Math.max(0, Number(atMicros - pausedAt) / 1000));
      pausedAt = null;
      movedBy = null;
    }
  }
  return pauses;
}
