/** The named bounds of reading the binary log. */

/** How often an idle server sends a sign of life, in milliseconds. */
export const HEARTBEAT_MS = 1_000;

/** A server that was silent for more beats than this counts as gone: a few seconds. */
export const MAX_SILENT_BEATS = 4;

/**
 * `net_write_timeout` of the server's side, in seconds: how long a consumer may hold the log before the server hangs up.
 * The server's default of a minute is less than a follower may be down.
 */
export const WRITE_TIMEOUT_SECONDS = 600;

/** Events read ahead of the consumer. Enough to keep both busy. What one row event holds comes on top. */
export const MAX_READ_AHEAD_EVENTS = 4_096;

/** Bytes of the log that the events read ahead may stand for. What one row event holds comes on top. */
export const MAX_READ_AHEAD_BYTES = 8 * 1024 * 1024;

/** How long the end of transactions that do not concern the resource may wait to be told, in milliseconds. */
export const FOREIGN_COMMIT_DELAY_MS = 100;

/** How long the look at the server before a stream may take, in milliseconds. */
export const PREFLIGHT_TIMEOUT_MS = 5_000;

/** How much of a statement's text is looked at: what it does, and to which tables, stands at its beginning. */
export const MAX_STATEMENT_BYTES = 256 * 1024;

/** Barriers marked in one statement. */
export const MAX_BARRIERS = 1_024;

/** Barriers older than this are removed, in seconds: nobody waits for one this long. */
export const BARRIER_KEPT_SECONDS = 3_600;

/** How often an instance looks for old barriers, in milliseconds, and how many it removes at once. */
export const BARRIER_CLEANUP_MS = 60_000;
export const MAX_REMOVED_BARRIERS = 1_000;

/** Keys of one page of the records that a foreign key's action has reached. */
export const MAX_CASCADED_PAGE = 200;
