import { seededRandom } from '../support/virtual-clock.ts';

/** What a seed decides. */
export interface Dice {
  /** From 0 up to, but not including, 1. */
  uniform(): number;
  /** A whole number from 0 up to, but not including, `below`. */
  int(below: number): number;
  chance(share: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  bytes(length: number): Buffer;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The dice of one input: the same for the same three, whatever came before. */
export function diceOf(seed: number, kind: string, index: number): Dice {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(`${seed}/${kind}/${index}`)) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  const { uniform } = seededRandom(hash);
  const int = (below: number): number => Math.floor(uniform() * below);
  return {
    uniform,
    int,
    chance: (share) => uniform() < share,
    pick: <T>(list: readonly T[]): T => list[int(list.length)] as T,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
  };
}
