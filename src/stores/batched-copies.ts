/*
 * Copies of writes that are under way together share a batch on their way to the follower (see `gatherer.ts`). The order
 * of copies does not matter, each is "newer wins" by itself, so nothing but the cost changes: a statement of its own
 * costs the follower and its driver about twice what a row of a batch does.
 */
import type { Clock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import { combineCalls, deadlinePassed, type Gathered, Gatherer } from './gatherer.ts';
import type { Copy, FollowerStore } from './record-store.ts';

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
  readonly resolve: () => void;
}

/** Puts batches in front of a follower's `apply`. Errors: as the follower's; a copy that it refuses for ever fails alone. */
export function createBatchedCopies(follower: CopyTarget, options: BatchedCopiesOptions): CopyTarget {
  const gatherer = new Gatherer<Applied>({
    clock: options.clock,
    maxStatements: options.maxStatements ?? DEFAULT_MAX_STATEMENTS,
    maxSize: MAX_COPIES,
    send: (calls) => send(follower, calls),
  });
  return {
    apply: (copies, call) =>
      new Promise((resolve, reject) => {
        const expire = (): void => reject(deadlinePassed());
        const { deadlineMs } = call;
        gatherer.add({ copies, size: copies.length, call, deadlineMs, resolve, reject, expire });
      }),
  };
}

async function send(follower: CopyTarget, calls: readonly Applied[]): Promise<void> {
  if (calls.length === 1) return sendAlone(follower, calls[0] as Applied);
  const copies = calls.flatMap((call) => call.copies);
  try {
    await follower.apply(copies, combineCalls(calls));
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

function sendAlone(follower: CopyTarget, { copies, call, resolve, reject }: Applied): Promise<void> {
  return follower.apply(copies, call).then(resolve, reject);
}
