import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { MemoryWatch } from './memory-watch.ts';
import { tooManyRequests } from './pipeline.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Requests whose messages are still coming in, on both ports together. The pipeline sees a request when its message is
 * whole; until then a caller that sends slowly, or not at all, would hold as much memory as it likes, for as long.
 */
export interface Arrivals {
  /**
   * A request's head is there. Returns what to call when its message is, or when it is gone.
   *
   * @param cut ends the request with this error: its message took too long, or memory is short. Called once at most.
   * @throws `resource_exhausted`: as many are arriving as may, and none of them has been for long.
   */
  enter(cut: (error: DomainError) => void): () => void;
  /** How many messages are on their way. */
  count(): number;
}

/** What {@link createArrivals} needs. */
export interface ArrivalsOptions {
  /** The most at once. */
  readonly most: number;
  /** How long a message may take from its head to its end. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Null: memory is not looked at. */
  readonly memory: Pick<MemoryWatch, 'isShort'> | null;
}

/** How long a message may take: as long as the longest request may, so that no deadline that a caller may set is cut by it. */
export const ARRIVAL_TIMEOUT_MS = 60_000;
/** Messages on their way while memory is short: what else has come of messages is let go. */
const ARRIVALS_WHEN_SHORT = 16;
/** A message that is still on its way after this long gives way where there is no room. */
const STALE_MS = 500;

/** Creates the count of arrivals. */
export function createArrivals({ most, timeoutMs, clock, memory }: ArrivalsOptions): Arrivals {
  const line = new WaitingLine<(error: DomainError) => void>({
    clock,
    giveUp: ({ sinceMs, cut }, count) => {
      if (sinceMs <= clock.monotonicMs() - timeoutMs) return () => cut(tooSlow());
      return memory?.isShort && count > ARRIVALS_WHEN_SHORT ? () => cut(tooManyRequests()) : null;
    },
  });

  /** The oldest gives way, unless it is as young as messages of good callers are: then there are too many of those. */
  const makeRoom = (): void => {
    const { oldest } = line;
    if (oldest === undefined || oldest.sinceMs > clock.monotonicMs() - STALE_MS) throw tooManyRequests();
    line.leave(oldest);
    oldest.cut(tooManyRequests());
  };

  return {
    enter: (cut) => {
      if (line.count >= (memory?.isShort ? ARRIVALS_WHEN_SHORT : most)) makeRoom();
      return line.enter(cut);
    },
    count: () => line.count,
  };
}

function tooSlow(): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'the message of the request did not come in time',
  });
}
