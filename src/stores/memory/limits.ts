/** The most keys of one `getMany`: as in the engines, so that callers meet the same bound. */
export const MAX_KEYS = 1000;

/** The most events that a stream hands over at once. */
export const MAX_EVENTS = 1000;

/** Heartbeat rows that were not written for this long are not shown. */
export const HEARTBEATS_SHOWN_MICROS = 600_000_000n;
