import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { MemoryWatch } from './memory-watch.ts';
import { tooManyRequests } from './pipeline.ts';

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
/** How often those that wait are looked at: as often as memory is. */
const LOOK_MS = 100;

interface Arrival {
  readonly sinceMs: number;
  readonly cut: (error: DomainError) => void;
}

/** Creates the count of arrivals. It looks after them only while there are any. */
export function createArrivals({ most, timeoutMs, clock, memory }: ArrivalsOptions): Arrivals {
  // In the order in which they came: a Set keeps it.
  const arriving = new Set<Arrival>();
  let watching = false;

  const cut = (arrival: Arrival, error: DomainError): void => {
    arriving.delete(arrival);
    arrival.cut(error);
  };
  const look = (): void => {
    const lateMs = clock.monotonicMs() - timeoutMs;
    for (const arrival of arriving) {
      const isLate = arrival.sinceMs <= lateMs;
      if (isLate) cut(arrival, tooSlow());
      else if (memory?.isShort && arriving.size > ARRIVALS_WHEN_SHORT) cut(arrival, tooManyRequests());
      else return;
    }
  };
  const watch = async (): Promise<void> => {
    watching = true;
    while (arriving.size > 0) {
      await clock.sleep(LOOK_MS);
      look();
    }
    watching = false;
  };

  /** The oldest gives way, unless it is as young as messages of good callers are: then there are too many of those. */
  const makeRoom = (): void => {
    const [oldest] = arriving;
    if (oldest === undefined || oldest.sinceMs > clock.monotonicMs() - STALE_MS) throw tooManyRequests();
    cut(oldest, tooManyRequests());
  };

  return {
    enter: (cutOff) => {
      if (arriving.size >= (memory?.isShort ? ARRIVALS_WHEN_SHORT : most)) makeRoom();
      const arrival: Arrival = { sinceMs: clock.monotonicMs(), cut: cutOff };
      arriving.add(arrival);
      if (!watching) void watch();
      return () => void arriving.delete(arrival);
    },
    count: () => arriving.size,
  };
}

function tooSlow(): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'the message of the request did not come in time',
  });
}
