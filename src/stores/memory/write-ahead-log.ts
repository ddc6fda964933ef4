import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import { lastMinute, minuteOf, OwnEntries, oldestTrusted } from '../own-entries.ts';
import type { LogEntry, OpenEntry, WriteAheadLog } from '../write-ahead-log.ts';
import { checkCall } from './database.ts';

/** An entry as the log keeps it; only closed, if its close came first. */
interface Kept {
  readonly entry: LogEntry;
  content: Pick<OpenEntry, 'resource' | 'keys'> | null;
  closed: boolean;
}

/**
 * The write-ahead log in memory, with the semantics of Cassandra's: a close counts also if it comes before its append, and
 * entries are gone after their time. One object serves all instances.
 */
export function createMemoryWriteAheadLog(options: {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
  /** How long entries are kept, in seconds. Default: 10 days. */
  readonly ttlSeconds?: number;
}): WriteAheadLog {
  const { clock = systemClock, random = systemRandom, ttlSeconds = DEFAULT_TTL_SECONDS } = options;
  const own = new OwnEntries(clock, random);
  const entries = new Map<string, Kept>();
  const keep = (entry: LogEntry): Kept => {
    const kept = entries.get(entry.id) ?? { entry, content: null, closed: false };
    entries.set(entry.id, kept);
    return kept;
  };
  return {
    ttlSeconds,
    append: async ({ incarnation, resource, keys, onBegun }, call) => {
      checkCall(clock, call);
      const entry = own.begin(incarnation);
      onBegun?.(entry);
      keep(entry).content = { resource, keys: keys.map((key) => key.bytes) };
      return entry;
    },
    close: async (entry, call) => {
      checkCall(clock, call);
      keep(entry).closed = true;
      own.end(entry);
    },
    openEntries: async ({ incarnation, closedUpTo, after, limit }, call) => {
      checkCall(clock, call);
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
      return { entries: page, next, tooOld: closedUpTo + 1 < trusted };
    },
    closedUpTo: (incarnation) => own.closedUpTo(incarnation),
  };
}

const DEFAULT_TTL_SECONDS = 10 * 86_400;

/** Texts in the order of the log. */
function placeOf({ minute, id }: LogEntry): string {
  return `${String(minute).padStart(12, '0')}/${id}`;
}
