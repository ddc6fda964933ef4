import type { IdSequence } from '../id-sequence.ts';
import { checkCall, type MemoryDatabase } from './database.ts';

/**
 * A sequence in memory. `least`: what the table beside it asks for, as MySQL's own counter does; it is asked at each take. Default:
 * there is none, and the sequence begins when it is raised.
 */
export function createMemoryIdSequence(
  { clock, control }: MemoryDatabase,
  resource: string,
  least?: () => bigint,
): IdSequence {
  let known: bigint | null = null;
  const next = (): bigint | null => {
    const asked = least?.() ?? null;
    if (asked === null || known === null) return known ?? asked;
    return asked > known ? asked : known;
  };
  return {
    take: async (count, call) => {
      checkCall(clock, call);
      const state = control.get(resource)?.state;
      const first = next();
      if (state === 'handing_over' || state === 'moved' || first === null) return null;
      known = first + BigInt(count);
      return first;
    },
    next: async (call) => {
      checkCall(clock, call);
      return next();
    },
    raiseTo: async (to, call) => {
      checkCall(clock, call);
      if (known === null || to > known) known = to;
    },
  };
}
