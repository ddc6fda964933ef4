/** The named bounds of the Riak engine: how much of everything, and why that much. */

/** The most keys of one `getMany`: a few rounds of {@link REQUESTS_IN_FLIGHT}. */
export const MAX_KEYS = 1_000;

/** Requests that one call of the port has under way: each is a record, and Riak's nodes answer them side by side. */
export const REQUESTS_IN_FLIGHT = 64;

/** The most records of one page of a list or walk: each costs a request of its own. */
export const MAX_PAGE = 1_000;

/** Keys that a page of a list asks its index for beyond its own, for entries whose record is gone or has other values by now. */
export const LIST_SLACK = 4;

/** The most keys of one answer of an index, where the records are not read: an answer stays below a megabyte or two. */
export const MAX_INDEX_PAGE = 5_000;

/** The most ranges of a walk: as many as a job's table of chunks holds without a thought. The last one takes the rest. */
export const MAX_RANGES = 100_000;

/** Requests under way at once, of the whole client; more are refused, not queued: whoever asks has somewhere else to go. */
export const MAX_UNDER_WAY = 4_096;

/** Connections to each node unless the config says otherwise. */
export const DEFAULT_CONNECTIONS = 64;

/** Nodes that one request may be sent to: every request may be sent twice without harm. */
export const MAX_TRIES = 2;

/** A node that has failed is asked last for so long, in milliseconds: a restart is noticed within a second. */
export const AVOID_MS = 1_000;

/** The largest answer, in bytes: far above Riak's own limit for an object, so that nothing fills the memory. */
export const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Records whose siblings readers resolve at once, afterwards; beyond it the next reader does it. */
export const RESOLVING_AT_ONCE = 8;

/** How often one reader writes a record's newest sibling back, where others write meanwhile. */
export const RESOLVE_TRIES = 3;

/** How long one such try may take, in milliseconds: nobody waits for it. */
export const RESOLVE_TIMEOUT_MS = 2_000;

/** Expired markers that one page of a walk has taken away at once. */
export const REAPS_IN_FLIGHT = 8;

/** How long markers stay unless the config says otherwise, in seconds: 20 days, far longer than any retry. */
export const DEFAULT_MARKER_TTL_SECONDS = 20 * 86_400;

/** The longest text of an answer that an error's cause keeps: enough for a line of Riak's, which may hold more than that. */
export const MAX_CAUSE_CHARS = 200;
