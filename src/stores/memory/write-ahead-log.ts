import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import { type Call, internalCall } from '../call.ts';
import { lastMinute, minuteOf, OwnEntries, oldestTrusted } from '../own-entries.ts';
import type { LogEntry, OpenEntry, WriteAheadLog } from '../write-ahead-log.ts';
import { checkCall } from './database.ts';
import type { Way } from './target-store.ts';

/** An entry as the log keeps it; only closed, if its close came first. */
export interface KeptEntry {
  readonly entry: LogEntry;
  content: Pick<OpenEntry, 'resource' | 'keys'> | null;
  closed: boolean;
}

/**
 * The write-ahead log in memory, with the semantics of Cassandra's: a close counts also if it comes before its append, what
 * could not be closed is closed again, and entries are gone after their time. One object serves all instances, or one each
 * over the same `entries`.
 */
export function createMemoryWriteAheadLog(options: {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
  /** How long entries are kept, in seconds. Default: 10 days. */
  readonly ttlSeconds?: number;
  /** What is in the log, by id. Default: nothing. */
  readonly entries?: Map<string, KeptEntry>;
  /** Waited for on each way of an append, a close or a read, there and back; an error is the link's. Default: no time. */
  readonly onWay?: (way: Way, call: Call) => Promise<void>;
}): WriteAheadLog {
  const { clock = systemClock, random = systemRandom, ttlSeconds = DEFAULT_TTL_SECONDS } = options;
  const { entries = new Map<string, KeptEntry>(), onWay = async () => {} } = options;
  const own = new OwnEntries(clock, random);
  /** What may be open and belongs to nobody. */
  const left = new Map<string, LogEntry>();
  const keep = (entry: LogEntry): KeptEntry => {
    const kept = entries.get(entry.id) ?? { entry, content: null, closed: false };
    entries.set(entry.id, kept);
    return kept;
  };
  const close = async (entry: LogEntry, call: Call): Promise<void> => {
    try {
      checkCall(clock, call);
      await onWay('there', call);
      keep(entry).closed = true;
      await onWay('back', call);
    } catch (error) {
      left.set(entry.id, entry);
      throw error;
    }
    left.delete(entry.id);
    own.end(entry);
  };
  return {
    ttlSeconds,
    append: async ({ incarnation, resource, keys, onBegun }, call) => {
      checkCall(clock, call);
      const entry = own.begin(incarnation);
      onBegun?.(entry);
      try {
        await onWay('there', call);
        keep(entry).content = { resource, keys: keys.map((key) => key.bytes) };
        await onWay('back', call);
      } catch (error) {
        left.set(entry.id, entry);
        throw error;
      }
      return entry;
    },
    close,
    leave: (entry) => own.leave(entry),
    carried: (all) => {
      for (const one of all) own.carried(one);
    },
    openEntries: async ({ incarnation, closedUpTo, after, limit }, call) => {
      checkCall(clock, call);
      await onWay('there', call);
      const last = lastMinute(clock, closedUpTo);
      const trusted = oldestTrusted(clock, ttlSeconds);
      const oldest = minuteOf(clock) - Math.ceil(ttlSeconds / 60);
      for (const [id, { entry }] of entries) if (entry.minute < oldest) entries.delete(id);
      const open = [...entries.values()].flatMap(({ entry, content, closed }): OpenEntry[] => {
        const isWanted = entry.incarnation === incarnation && entry.minute > closedUpTo && entry.minute <= last;
        if (!isWanted || closed || content === null || (after !== null && placeOf(entry) <= after)) return [];
        return [{ ...entry, ...content, tooOld: entry.minute < trusted }];
      });
      open.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
      const page = open.slice(0, limit);
      const end = page.at(-1);
      const next = open.length > limit && end !== undefined ? placeOf(end) : null;
      await onWay('back', call);
      return { entries: page, next, tooOld: closedUpTo + 1 < trusted };
    },
    closedUpTo: (incarnation) => {
      for (const entry of left.values()) void close(entry, internalCall(clock, CLOSE_MS)).catch(() => {});
      return own.closedUpTo(incarnation);
    },
  };
}

const DEFAULT_TTL_SECONDS = 10 * 86_400;
/** How long closing once more may take. */
const CLOSE_MS = 2_000;

/** Texts in the order of the log. */
function placeOf({ minute, id }: LogEntry): string {
  return `${String(minute).padStart(12, '0')}/${id}`;
}
