/** A consumer of a change log that keeps what it gets. */
import type { ChangeLog, LogEvent } from '../../src/stores/change-log.ts';

/** Long enough for a loaded machine. */
const PATIENCE_MS = 20_000;

/** A stream under way. */
export interface LogTail {
  /** Every event so far. */
  readonly events: readonly LogEvent[];
  /** Resolves when an event is like this; rejects when the stream ends without one, or after 20 seconds. */
  until(matches: (event: LogEvent) => boolean): Promise<LogEvent>;
  /** Resolves with the error that ended the stream, or null. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** Follows a change log from a position on. */
export function tailLog(log: ChangeLog, position: string): LogTail {
  const controller = new AbortController();
  const events: LogEvent[] = [];
  let look: () => void = () => {};
  let over = false;
  const follow = async (): Promise<unknown> => {
    try {
      for await (const batch of log.stream(position, controller.signal)) {
        events.push(...batch);
        look();
      }
      return null;
    } catch (error) {
      return error;
    } finally {
      over = true;
      look();
    }
  };
  const ended = follow();
  return {
    events,
    ended,
    async until(matches) {
      const deadline = performance.now() + PATIENCE_MS;
      for (let seen = 0; ; ) {
        for (; seen < events.length; seen++) {
          const event = events[seen] as LogEvent;
          if (matches(event)) return event;
        }
        if (over) throw new Error('the stream ended', { cause: await ended });
        const left = deadline - performance.now();
        if (left <= 0) throw new Error(`no such event among ${events.length}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          look = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async stop() {
      controller.abort();
      await ended;
    },
  };
}

/** Everything between a position and a barrier requested now, without the ends of transactions. */
export async function eventsUpToNow(
  log: ChangeLog,
  position: string,
  requestBarrier: () => Promise<string>,
): Promise<readonly LogEvent[]> {
  const id = await requestBarrier();
  const tail = tailLog(log, position);
  try {
    const barrier = await tail.until((event) => event.type === 'barrier' && event.id === id);
    const upTo = tail.events.slice(0, tail.events.indexOf(barrier));
    return upTo.filter((event) => event.type !== 'commit');
  } finally {
    await tail.stop();
  }
}
