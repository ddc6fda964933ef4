/** The named bounds of the MySQL engine: how much of everything, and why that much. */

/** Connections of a pool unless the config says otherwise: more than a two-core server has use for. */
export const DEFAULT_CONNECTIONS = 16;

/** The schema of Crossfade's own tables and procedures unless the config says otherwise. */
export const DEFAULT_CONTROL_SCHEMA = 'crossfade';

/** How long a new connection may take, in milliseconds: longer than a slow handshake, shorter than a request's patience. */
export const CONNECT_TIMEOUT_MS = 2_000;

/** How long a stop waits for the server to take leave of a connection, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 500;

/** Requests that may wait for a connection. One more is refused: it would wait in vain. */
export const MAX_WAITING = 10_000;

/** Prepared statements kept on one connection; the least recently prepared one is closed. The server's own limit is 16,382 in all. */
export const MAX_STATEMENTS_PER_CONNECTION = 256;

/** How often deadlines and cancellations of statements under way are looked at, in milliseconds. */
export const SWEEP_INTERVAL_MS = 5;

/**
 * `innodb_lock_wait_timeout` of the service's sessions, in seconds. The server's smallest: a write that waits for an
 * outside transaction holds its shared lock on the control record, and so a transition, and behind it every other
 * write.
 */
export const LOCK_WAIT_SECONDS = 1;

/** How often a transaction is begun again after a deadlock or a lock that was not given in time. */
export const MAX_TRANSACTION_RETRIES = 10;

/** The longest pause before such a retry, in milliseconds; the real one is random below it, so that rivals part. */
export const MAX_RETRY_PAUSE_MS = 20;

/** The most keys of one `getMany`: one statement has that many parameters times the key's columns. */
export const MAX_KEYS = 64;

/** Keys of one touch transaction: small, so that nobody waits long for its locks. */
export const TOUCH_BATCH = 200;

/** Copies of one apply transaction. */
export const APPLY_BATCH = 200;

/** Copies that replace records, one a transaction, which one call has under way: requests need connections too. */
export const REPLACING_AT_ONCE = 4;

/** Parameters of one statement: half of what the protocol can count. */
export const MAX_PARAMETERS = 32_000;

/** The most records of one page of a walk or a list. */
export const MAX_PAGE = 10_000;

/**
 * Columns that a write must leave out rather than set to what they are (a default that is an expression, ON UPDATE):
 * each doubles the statements of the write procedure.
 */
export const MAX_OPTIONAL_COLUMNS = 4;

/** Heartbeat rows older than this are not looked at, in seconds: far longer than any lease. */
export const HEARTBEAT_WINDOW_SECONDS = 300;

/** Rows that were declared dead are removed after this long, in seconds. */
export const DEAD_HEARTBEAT_SECONDS = 3_600;

/** The most dead heartbeat rows removed at once. */
export const MAX_REMOVED_HEARTBEATS = 100;

/** The most transitions of one page of the history: the migration API's largest page, and some around it. */
export const MAX_TRANSITIONS = 1_100;

/** How often a check reads the server's clock: the quickest answer says most. */
export const CLOCK_READINGS = 5;

/** Rows of a table that are counted before the server's estimate is believed: twice what one bucket of a target should hold. */
export const COUNTED_ROWS = 100_000;
