import { getHeapStatistics } from 'node:v8';
import type { Log } from '../domain/log.ts';

/** Whether there is memory for more requests. */
export interface MemoryWatch {
  readonly isShort: boolean;
  close(): void;
}

/** What {@link createMemoryWatch} needs. */
export interface MemoryWatchOptions {
  /** The part of the most memory that V8 allows itself from which on it is short. 1: it never is. */
  readonly maxShare: number;
  readonly log: Log;
  /** The part that is in use. Default: of objects and buffers together, as V8 knows them. */
  readonly shareInUse?: () => number;
  /** Default {@link LOOK_MS}. */
  readonly lookMs?: number;
}

/** Often enough: at full load some hundred requests come in between. */
const LOOK_MS = 100;
/** How far below the bound use must fall before memory counts as enough again. */
const RELIEF = 0.05;

/** Looks at the memory in use every {@link LOOK_MS}. */
export function createMemoryWatch(options: MemoryWatchOptions): MemoryWatch {
  const { maxShare, log, shareInUse = shareOfHeap, lookMs = LOOK_MS } = options;
  let isShort = false;
  const look = (): void => {
    const share = shareInUse();
    const next = share > (isShort ? maxShare - RELIEF : maxShare);
    if (next !== isShort) {
      const message = next ? 'memory is short: most requests are refused' : 'there is memory for all requests again';
      log.warn(message, { share: Math.round(share * 100) / 100 });
    }
    isShort = next;
  };
  const timer = maxShare < 1 ? setInterval(look, lookMs).unref() : null;
  return {
    get isShort() {
      return isShort;
    },
    close: () => {
      if (timer !== null) clearInterval(timer);
    },
  };
}

/** Buffers count as well: requests and answers are made of them, and V8's own limit does not see them. */
function shareOfHeap(): number {
  const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics();
  return (used_heap_size + external_memory) / heap_size_limit;
}
