/** The named bounds of the Cassandra engine: how much of everything, and why that much. */

/** The most keys of one `getMany`: a few statements of {@link IN_KEYS}, or as many point reads as may be under way. */
export const MAX_KEYS = 1_000;

/** Statements that one call of the port has under way: enough for every core of a small cluster, few enough to stay fair. */
export const STATEMENTS_IN_FLIGHT = 64;

/** Keys of one partition that one SELECT … IN reads: the coordinator's work for a statement spread over many rows. */
export const IN_KEYS = 50;

/** Rows of one batch: measured best for rows of some 200 bytes; more only makes each answer later. */
export const BATCH_ROWS = 50;

/** Bytes of one batch, roughly: far below the server's largest mutation (half a commit log segment). */
export const BATCH_BYTES = 64 * 1024;

/** Partitions of a batch of several: the server warns of more (`unlogged_batch_across_partitions_warn_threshold`). */
export const MIXED_PARTITIONS = 10;

/** Bytes of such a batch, roughly: the server warns beyond 5 KiB and refuses beyond 50 (`batch_size_fail_threshold`). */
export const MIXED_BYTES = 4 * 1024;

/** The most records of one page of a list or walk. */
export const MAX_PAGE = 1_000;

/** Nulls count as tombstones, of which a server reads 100,000 at most at once: pages of wide records are smaller. */
export const TOMBSTONES_OF_A_PAGE = 50_000;

/** Rows that a page of a list asks for beyond its own, for the markers it may have to pass over. */
export const LIST_SLACK = 10;

/** The least rows of a page of a list that goes on behind markers, so that a run of them is passed quickly. */
export const MIN_LIST_PAGE = 100;

/** Rows that a list asks each bucket for at least: below it the statement costs more than its rows. */
export const MIN_BUCKET_PAGE = 4;

/** Pages of a bucket that the planner of a walk counts; a larger bucket counts as these. */
export const COUNTED_PAGES = 60;

/** Buckets of one list that are asked at once. */
export const BUCKETS_IN_FLIGHT = 32;

/** Places of the token ring at which the planner of a walk looks. */
export const SAMPLES = 8;

/** Rows that it reads at each: 1,600 in all cost less than one range of the walk. */
export const SAMPLE_ROWS = 200;

/** The most ranges of a walk: as many as a job's table of chunks holds without a thought. */
export const MAX_RANGES = 4_096;

/** How long a new connection may take, in milliseconds: more than a slow handshake, less than anybody's patience. */
export const CONNECT_TIMEOUT_MS = 1_000;

/**
 * How long the driver's own requests (preparing, reading the topology, a heartbeat) may take, in milliseconds. Calls of
 * the port end at their deadline whatever this says.
 */
export const DRIVER_REQUEST_TIMEOUT_MS = 5_000;

/** The pause between attempts to reach a node that is down, in milliseconds: a restart is noticed within a second. */
export const RECONNECT_MS = 400;

/** An idle connection is asked for a sign of life this often, in milliseconds. */
export const HEARTBEAT_MS = 5_000;

/**
 * A node that has answered nothing for so long while requests were under way is asked last, in milliseconds: less than a round and
 * margin of the lease, more than a pause of its garbage collector.
 */
export const SILENT_AFTER_MS = 300;

/** How often it is looked at what is under way to each node, in milliseconds. */
export const SILENCE_LOOK_MS = 50;

/** Requests on a connection that may go unanswered before it is given up. */
export const MAX_UNANSWERED = 32;

/** How long markers stay unless the config says otherwise, in seconds: 20 days, far longer than any retry. */
export const DEFAULT_MARKER_TTL_SECONDS = 20 * 86_400;

/** How often the check at the start reads each node's clock: the quickest answer says most. */
export const CLOCK_READINGS = 5;

/** Of a call's time, what a conditional update leaves for finding out what became of it, in milliseconds; at most half of it. */
export const OUTCOME_RESERVE_MS = 500;

/** Reads that look for the outcome of a conditional update, as far as the deadline allows: a link needs a second to come back. */
export const OUTCOME_READS = 8;

/** The pause between them, in milliseconds. */
export const OUTCOME_PAUSE_MS = 150;

/** Keys of one partition that are touched by one conditional batch: small, as all of it fails when one key has moved on. */
export const TOUCH_BATCH = 50;

/** Reads at SERIAL that a batch of changes has under way at once, where one statement can't name all its keys: rounds of one partition. */
export const READS_OF_A_BATCH = 4;

/** Partitions that one `touchMany` touches at once: lightweight transactions cost a node several times what a write does. */
export const TOUCHES_IN_FLIGHT = 16;

/** The keyspace of Crossfade's own tables unless the config says otherwise. */
export const DEFAULT_CONTROL_KEYSPACE = 'crossfade';

/** How long entries of the write-ahead log stay unless the config says otherwise, in seconds: 10 days. */
export const DEFAULT_LOG_TTL_SECONDS = 10 * 86_400;

/** Heartbeat rows stay this many times as long as the log after their last beat: they say what of it is closed. */
export const HEARTBEAT_LOG_TTLS = 2;

/** Heartbeat rows of one page: one for every life of an instance in weeks. */
export const HEARTBEAT_PAGE = 1_000;

/** Incarnations that one store remembers to have written for: one for every time that it was declared dead. */
export const MAX_REMEMBERED_INCARNATIONS = 1_000;

/** The most transitions of one page of the history: the migration API's largest page, and some around it. */
export const MAX_TRANSITIONS = 1_100;

/** Entries of the write-ahead log that share a statement: as many requests as one turn of the event loop brings. */
export const LOG_BATCH = 50;

/** Times that appends, or closes, are sent before one has returned; after that the next ones gather. */
export const LOG_SENDS = 4;

/** The most open entries of one page. */
export const MAX_LOG_PAGE = 1_000;

/** Minutes of the log that are read at once: each is a partition of its own. */
export const LOG_MINUTES_AT_ONCE = 32;

/** Minutes that one page looks at: nearly all are empty, and a caller wants an answer within its deadline. */
export const LOG_MINUTES_OF_A_PAGE = 1_440;

/** Entries that may wait to be closed; beyond it nothing is appended: the log's keeper is too far behind. */
export const MAX_LEFT_TO_CLOSE = 10_000;

/** How long one more try to close an entry may take, in milliseconds. */
export const LOG_RETRY_TIMEOUT_MS = 2_000;

/** How often a change of a sequence of ids is begun again: instances are few, and each takes a block seldom. */
export const MAX_SEQUENCE_TRIES = 20;

/** The longest pause before such a try, in milliseconds; the real one is random below it, so that rivals part. */
export const MAX_SEQUENCE_PAUSE_MS = 30;
