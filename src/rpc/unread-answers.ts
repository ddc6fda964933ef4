import type { Clock } from '../domain/clock.ts';
import type { MemoryWatch } from './memory-watch.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Answers on their way to their callers, on both ports together, streams not among them. A request is over for the pipeline
 * when its answer is handed to the transport; a caller that does not read would hold the answer in memory for as long as
 * its connection lives, and as many of them as it likes to ask for.
 */
export interface UnreadAnswers {
  /**
   * An answer begins to go out. Returns what to call when it has gone, or its caller is.
   *
   * @param cut gives the answer up: it took too long, or memory is short. Called once at most.
   */
  enter(cut: () => void): () => void;
  /** How many are on their way. */
  count(): number;
}

/** What {@link createUnreadAnswers} needs. */
export interface UnreadAnswersOptions {
  /** How long an answer may take from its head to its end. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Null: memory is not looked at. */
  readonly memory: Pick<MemoryWatch, 'isShort'> | null;
}

/** How long an answer may take: as long as the longest request may, so whoever reads for longer has no deadline that holds. */
export const ANSWER_TIMEOUT_MS = 60_000;
/** Answers that may wait for their readers while memory is short: as many as requests are taken then. */
const ANSWERS_WHEN_SHORT = 16;
/** A caller that reads has its answer by then, on most networks; while memory is short the others give way. */
const STALE_MS = 500;

/**
 * Creates the count of unread answers. There is no bound of their number: the next one may be the answer to a write that is
 * done, and memory is what they use up.
 */
export function createUnreadAnswers({ timeoutMs, clock, memory }: UnreadAnswersOptions): UnreadAnswers {
  const line = new WaitingLine<() => void>({
    clock,
    giveUp: ({ sinceMs, cut }, count) => {
      const ageMs = clock.monotonicMs() - sinceMs;
      const isInTheWay = memory?.isShort === true && count > ANSWERS_WHEN_SHORT && ageMs >= STALE_MS;
      return ageMs >= timeoutMs || isInTheWay ? cut : null;
    },
  });
  return { enter: (cut) => line.enter(cut), count: () => line.count };
}
