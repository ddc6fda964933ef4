import { systemClock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { StartError } from './start-error.ts';

/** How often a server that was down at the start is looked at again. */
const LATER_MS = 5_000;

/** A look at a target's server, at the start. */
export interface TargetCheck {
  /** For people: `Cassandra`. */
  readonly server: string;
  /** Resolves if it can be the target. Throws `unavailable` or `deadline_exceeded` where it can't be asked, and whatever is wrong with it. */
  check(): Promise<void>;
}

/**
 * Checks a target now, or, where it can't be asked, again and again until it was, or the signal aborts: a target that is down stops
 * nothing. Throws what is wrong with it if that shows now; what shows later is logged.
 */
export async function checkNowOrLater(target: TargetCheck, log: Log, signal: AbortSignal): Promise<void> {
  try {
    await target.check();
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    log.warn(`${target.server} cannot be reached: the source is served, and nothing moves until it is back`, { error });
    void checkLater(target, log, signal);
  }
}

async function checkLater({ server, check }: TargetCheck, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(LATER_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      await check();
      log.info(`${server} is back, and is as it must be`);
      return;
    } catch (error) {
      if (isUnreachable(error)) continue;
      log.error(`${server} is back, but cannot be the target as it is; mend it and start the service again`, {
        error,
        ...(error instanceof StartError && { mistakes: error.mistakes }),
      });
      return;
    }
  }
}

function isUnreachable(error: unknown): boolean {
  return isDomainError(error, 'unavailable', 'deadline_exceeded');
}
