/** The bounds of both servers; the config's `limits`. */
export interface RpcLimits {
  /** The largest request and the largest answer, in bytes. Default: 4 MiB, as in every gRPC implementation. */
  readonly maxMessageBytes: number;
  /** Requests under way at once, on both ports together; more are refused with TOO_MANY_REQUESTS. */
  readonly maxConcurrentRequests: number;
  /** Streams such as WatchMigration under way at once; they last, so they are counted apart. */
  readonly maxConcurrentStreams: number;
  /** Requests under way at once on one HTTP/2 connection; more wait at the client. */
  readonly maxRequestsPerConnection: number;
  /** The deadline of a request that names none. */
  readonly defaultTimeoutMs: number;
  /** The longest deadline: a longer one is cut to it. Not for streams. */
  readonly maxTimeoutMs: number;
  /** Requests under way at once of one caller, streams among them; 0: no limit but the others. */
  readonly maxRequestsOfCaller: number;
  /** The largest head of a request: all names and values of its metadata, in bytes. */
  readonly maxHeaderBytes: number;
  /** Connections open at once on one port; more are closed at once. */
  readonly maxConnections: number;
  /** The largest page of a List: a request for more gets this. */
  readonly maxPageSize: number;
}

/** What holds where the config says nothing. */
export const defaultRpcLimits: RpcLimits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxConcurrentRequests: 2000,
  maxConcurrentStreams: 100,
  maxRequestsPerConnection: 1000,
  defaultTimeoutMs: 5000,
  maxTimeoutMs: 60_000,
  maxRequestsOfCaller: 0,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 2000,
  maxPageSize: 1000,
};

/** Names of the metadata that Crossfade reads and writes; HTTP headers on the Connect port. */
export const metadataNames = {
  /** The record's (or parent's) version: last given in a request, as of now in an answer. */
  version: 'crossfade-version',
  /** `latency`, `at-least` or `authority`. */
  consistency: 'crossfade-consistency',
  /** The calling service's name. */
  caller: 'crossfade-caller',
  /** On whose behalf the call is made. */
  user: 'crossfade-user',
  /** `Bearer` and a token. */
  authorization: 'authorization',
  /** In an answer: which store served a read, and why, for people who look into one request. */
  servedBy: 'crossfade-served-by',
} as const;
