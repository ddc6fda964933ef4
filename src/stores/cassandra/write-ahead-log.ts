import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import { internalCall } from '../call.ts';
import { lastMinute, OwnEntries, oldestTrusted } from '../own-entries.ts';
import type { LogEntry, OpenEntriesPage, OpenEntriesQuery, OpenEntry, WriteAheadLog } from '../write-ahead-log.ts';
import type { Bound, CassandraClient } from './client.ts';
import { unavailable } from './errors.ts';
import { createGatheredStatements } from './gathered-statements.ts';
import {
  DEFAULT_CONTROL_KEYSPACE,
  DEFAULT_LOG_TTL_SECONDS,
  LOG_BATCH,
  LOG_MINUTES_AT_ONCE,
  LOG_MINUTES_OF_A_PAGE,
  LOG_RETRY_TIMEOUT_MS,
  LOG_SENDS,
  MAX_LEFT_TO_CLOSE,
  MAX_LOG_PAGE,
} from './limits.ts';
import { type DriverRow, quote } from './statements.ts';

/** What a write-ahead log in Cassandra is made of. */
export interface WriteAheadLogOptions {
  readonly client: CassandraClient;
  /** The keyspace of Crossfade's own tables, which `setUpKeyspace` has made. Default: `crossfade`. */
  readonly keyspace?: string;
  /** How long entries are kept, in seconds. Default: 10 days. */
  readonly ttlSeconds?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}

/**
 * Creates the write-ahead log on Cassandra: one partition for each minute of each incarnation. An entry is appended at the
 * timestamp 1 and closed at 2, so it stays closed however late its append arrives. Both are written, and read, at QUORUM.
 */
export function createCassandraWriteAheadLog(options: WriteAheadLogOptions): WriteAheadLog {
  const { client, clock = systemClock, random = systemRandom, ttlSeconds = DEFAULT_LOG_TTL_SECONDS } = options;
  const statements = compile(`${quote(options.keyspace ?? DEFAULT_CONTROL_KEYSPACE)}.crossfade_log`, ttlSeconds);
  const bounds = { role: ROLE, clock, maxSends: LOG_SENDS, maxStatements: LOG_BATCH } as const;
  const runAppend = createGatheredStatements(client, bounds);
  const runClose = createGatheredStatements(client, bounds);
  const own = new OwnEntries(clock, random);
  const left = new LeftToClose(async (entry) => {
    await runClose(partitionOf(entry), statements.close(entry), internalCall(clock, LOG_RETRY_TIMEOUT_MS));
    own.end(entry);
  });
  return {
    ttlSeconds,
    append: async ({ incarnation, resource, keys, onBegun }, call) => {
      if (left.isFull) throw unavailable(ROLE, 'too many entries of the write-ahead log could not be closed');
      const entry = own.begin(incarnation);
      onBegun?.(entry);
      const open = { ...entry, resource, keys: keys.map((key) => key.bytes) };
      try {
        await runAppend(partitionOf(entry), statements.append(open), call);
        return entry;
      } catch (error) {
        left.add(entry);
        throw error;
      }
    },
    close: async (entry, call) => {
      try {
        await runClose(partitionOf(entry), statements.close(entry), call);
        own.end(entry);
      } catch (error) {
        left.add(entry);
        throw error;
      }
    },
    leave: (entry) => own.leave(entry),
    carried: (all) => {
      for (const one of all) own.carried(one);
    },
    openEntries: (query, call) =>
      client.within(ROLE, call, async () => {
        const read = (bound: Bound) => client.run(bound, call.deadlineMs, { fetchSize: MAX_LOG_PAGE });
        const last = lastMinute(clock, query.closedUpTo);
        return await readPage(statements, query, { read, last, trusted: oldestTrusted(clock, ttlSeconds) });
      }),
    closedUpTo: (incarnation) => {
      left.repeat();
      return own.closedUpTo(incarnation);
    },
  };
}

const ROLE = 'authority';

type Statements = ReturnType<typeof compile>;

function compile(table: string, ttlSeconds: number) {
  const append = `INSERT INTO ${table} (incarnation, minute, id, resource, keys, closed) VALUES (?, ?, ?, ?, ?, false)
    USING TIMESTAMP 1 AND TTL ?`;
  // Not a DELETE: a minute's worth of tombstones would make the server refuse to read the minute.
  const close = `UPDATE ${table} USING TIMESTAMP 2 AND TTL ? SET closed = true
    WHERE incarnation = ? AND minute = ? AND id = ?`;
  const open = `SELECT id, resource, keys FROM ${table}
    WHERE incarnation = ? AND minute = ? AND id > ? AND closed = false LIMIT ? ALLOW FILTERING`;
  return {
    append: ({ incarnation, minute, id, resource, keys }: Omit<OpenEntry, 'tooOld'>): Bound => ({
      query: append,
      params: [incarnation, BigInt(minute), id, resource, keys, ttlSeconds],
    }),
    close: ({ incarnation, minute, id }: LogEntry): Bound => ({
      query: close,
      params: [ttlSeconds, incarnation, BigInt(minute), id],
    }),
    open: (incarnation: string, minute: number, after: string, limit: number): Bound => ({
      query: open,
      params: [incarnation, BigInt(minute), after, limit],
    }),
  };
}

function partitionOf({ incarnation, minute }: LogEntry): string {
  return `${incarnation}/${minute}`;
}

/** Reads minutes, several at once, until the page is full, the range ends, or the call has done its share. */
async function readPage(
  statements: Statements,
  query: OpenEntriesQuery,
  how: {
    readonly read: (bound: Bound) => Promise<{ readonly rows: readonly unknown[] }>;
    /** The last minute to read. */
    readonly last: number;
    /** The first minute that is not too old. */
    readonly trusted: number;
  },
): Promise<OpenEntriesPage> {
  const { incarnation } = query;
  const limit = Math.min(query.limit, MAX_LOG_PAGE);
  const tooOld = query.closedUpTo + 1 < how.trusted;
  const start = query.after === null ? { minute: query.closedUpTo + 1, id: '' } : parsePlace(query.after);
  const end = Math.min(how.last, start.minute + LOG_MINUTES_OF_A_PAGE - 1);
  const entries: OpenEntry[] = [];
  for (let at = start.minute; at <= end; at += LOG_MINUTES_AT_ONCE) {
    const minutes = range(at, Math.min(end, at + LOG_MINUTES_AT_ONCE - 1));
    const found = await Promise.all(
      minutes.map(async (minute) => {
        const after = minute === start.minute ? start.id : '';
        const { rows } = await how.read(statements.open(incarnation, minute, after, limit));
        return rows.map((row) => toOpenEntry({ incarnation, minute, tooOld: minute < how.trusted }, row as DriverRow));
      }),
    );
    entries.push(...found.flat());
    if (entries.length >= limit) {
      const page = entries.slice(0, limit);
      return { entries: page, next: placeOf(page.at(-1) as OpenEntry), tooOld };
    }
  }
  return { entries, next: end < how.last ? placeOf({ minute: end + 1, id: '' }) : null, tooOld };
}

function toOpenEntry(of: Pick<OpenEntry, 'incarnation' | 'minute' | 'tooOld'>, row: DriverRow): OpenEntry {
  return { ...of, id: row.id as string, resource: row.resource as string, keys: row.keys as readonly Buffer[] };
}

function placeOf({ minute, id }: Pick<LogEntry, 'minute' | 'id'>): string {
  return `${minute}/${id}`;
}

/** Throws a RangeError if it is none. */
function parsePlace(text: string): Pick<LogEntry, 'minute' | 'id'> {
  const match = /^(\d+)\/([0-9a-f]*)$/.exec(text);
  if (match === null) throw new RangeError('this is no place in a write-ahead log');
  return { minute: Number(match[1]), id: match[2] ?? '' };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Entries whose closing has failed, or that may have been appended for nothing; closed again until it succeeds. */
class LeftToClose {
  readonly #close: (entry: LogEntry) => Promise<void>;
  readonly #entries = new Map<string, LogEntry>();
  #repeating = false;

  constructor(close: (entry: LogEntry) => Promise<void>) {
    this.#close = close;
  }

  get isFull(): boolean {
    return this.#entries.size >= MAX_LEFT_TO_CLOSE;
  }

  add(entry: LogEntry): void {
    this.#entries.set(entry.id, entry);
  }

  /** Closes all of them, at once, in the background; what fails is left for the next time. */
  repeat(): void {
    if (this.#repeating || this.#entries.size === 0) return;
    this.#repeating = true;
    const all = [...this.#entries.values()].map((entry) =>
      this.#close(entry).then(
        () => this.#entries.delete(entry.id),
        () => false,
      ),
    );
    void Promise.all(all).then(() => {
      this.#repeating = false;
    });
  }
}
