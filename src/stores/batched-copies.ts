/*
 * Copies of writes that are under way together share a batch on their way to the follower (see `gatherer.ts`). The order
 * of copies does not matter, each is "newer wins" by itself, so nothing but the cost changes: a statement of its own
 * costs the follower and its driver about twice what a row of a batch does. Copies that are meant for different attaches
 * go apart: the follower refuses those of another one than it is in.
 */
import type { Clock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import { combineCalls, deadlinePassed, type Gathered, Gatherer } from './gatherer.ts';
import type { Copy, FollowerGuard, FollowerStore } from './record-store.ts';

/** The part of a follower that takes copies. */
export type CopyTarget = Pick<FollowerStore, 'apply'>;

/** Settings of {@link createBatchedCopies}. */
export interface BatchedCopiesOptions {
  readonly clock: Clock;
  /** The most calls of the follower under way at once; copies beyond it wait and go together. Default: 2. */
  readonly maxStatements?: number;
}

/** One is under way while the next gathers, and a second rides out a slow one. */
const DEFAULT_MAX_STATEMENTS = 2;
/** The most copies of one call: a few batches of the engine. */
const MAX_COPIES = 50;

/** One call of `apply` that waits. */
interface Applied extends Gathered {
  readonly copies: readonly Copy[];
  readonly guard: FollowerGuard | undefined;
  readonly resolve: () => void;
}

/** Puts batches in front of a follower's `apply`. Errors: as the follower's; a copy that it refuses for ever fails alone. */
export function createBatchedCopies(follower: CopyTarget, options: BatchedCopiesOptions): CopyTarget {
  const gatherer = new Gatherer<Applied>({
    clock: options.clock,
    maxStatements: options.maxStatements ?? DEFAULT_MAX_STATEMENTS,
    maxSize: MAX_COPIES,
    send: async (calls) => {
      await Promise.all(byGuard(calls).map((group) => send(follower, group)));
    },
  });
  return {
    apply: (copies, call, guard) =>
      new Promise((resolve, reject) => {
        const expire = (): void => reject(deadlinePassed());
        const { deadlineMs } = call;
        gatherer.add({ copies, guard, size: copies.length, call, deadlineMs, resolve, reject, expire });
      }),
  };
}

/** One group, except around a new attach. */
function byGuard(calls: readonly Applied[]): readonly (readonly Applied[])[] {
  const groups = new Map<string, Applied[]>();
  for (const call of calls) {
    const { guard } = call;
    const id = guard === undefined ? '' : `${guard.epoch}/${guard.attach}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [call]);
    else group.push(call);
  }
  return [...groups.values()];
}

/** Sends calls of one guard. */
async function send(follower: CopyTarget, calls: readonly Applied[]): Promise<void> {
  const [first] = calls as readonly [Applied];
  if (calls.length === 1) return sendAlone(follower, first);
  const copies = calls.flatMap((call) => call.copies);
  try {
    await follower.apply(copies, combineCalls(calls), first.guard);
    for (const { resolve } of calls) resolve();
  } catch (error) {
    if (isDomainError(error, 'failed_precondition', 'invalid_argument')) {
      // One of them can never be applied; the others must not suffer for it.
      await Promise.all(calls.map((call) => sendAlone(follower, call)));
      return;
    }
    for (const { reject } of calls) reject(error);
  }
}

function sendAlone(follower: CopyTarget, { copies, call, guard, resolve, reject }: Applied): Promise<void> {
  return follower.apply(copies, call, guard).then(resolve, reject);
}
