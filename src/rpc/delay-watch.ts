import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Log } from '../domain/log.ts';

/** Whether the instance is behind: work waits for the processor longer than callers would. */
export interface DelayWatch {
  readonly isBehind: boolean;
  close(): void;
}

/** What {@link createDelayWatch} needs. */
export interface DelayWatchOptions {
  /** The mean delay of the event loop over {@link LOOK_MS}, in milliseconds, from which on it is behind. 0: it never is. */
  readonly maxMs: number;
  readonly log: Log;
  /** The mean delay since the last look, in milliseconds. Default: as Node measures it. */
  readonly meanDelayMs?: () => number;
  /** Default {@link LOOK_MS}. */
  readonly lookMs?: number;
}

/** A mean over so long is no pause of the collector, and no single large answer. */
const LOOK_MS = 1_000;
/** How often Node looks at its loop; a delay is counted from there. */
const RESOLUTION_MS = 20;
const NANOSECONDS = 1e6;
/** The part of the bound below which the delay must fall before the instance has caught up. */
const RELIEF = 0.5;

/** Looks at the delay every {@link LOOK_MS}. */
export function createDelayWatch(options: DelayWatchOptions): DelayWatch {
  const { maxMs, log, lookMs = LOOK_MS } = options;
  if (maxMs === 0) return { isBehind: false, close: () => {} };
  const measure = options.meanDelayMs === undefined ? measureLoop() : { meanMs: options.meanDelayMs, end: () => {} };
  let isBehind = false;
  const look = (): void => {
    const delayMs = measure.meanMs();
    const next = delayMs > (isBehind ? maxMs * RELIEF : maxMs);
    if (next !== isBehind) {
      const message = next ? 'the instance is behind: many requests are refused' : 'the instance has caught up';
      log.warn(message, { delayMs: Math.round(delayMs) });
    }
    isBehind = next;
  };
  const timer = setInterval(look, lookMs).unref();
  return {
    get isBehind() {
      return isBehind;
    },
    close: () => {
      clearInterval(timer);
      measure.end();
    },
  };
}

function measureLoop(): { meanMs(): number; end(): void } {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    meanMs: () => {
      const { mean } = histogram;
      histogram.reset();
      // Nothing was measured at all: the loop stood still until now.
      return Number.isNaN(mean) ? Number.POSITIVE_INFINITY : Math.max(0, mean / NANOSECONDS - RESOLUTION_MS);
    },
    end: () => void histogram.disable(),
  };
}
