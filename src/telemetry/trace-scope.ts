/** What a span attribute may hold. Never a field's value: records may be medical. */
export type AttributeValue = string | number | boolean;

/**
 * A span under way, and the place where its children hang. Passed explicitly instead of by async context: cheaper, and a
 * request that is not sampled costs next to nothing.
 */
export interface TraceScope {
  /** False where nothing is recorded: callers may skip work that only serves the span. */
  readonly recording: boolean;
  /** The trace's id as 32 hexadecimal digits; empty where there is none. */
  readonly traceId: string;
  /** Sets one attribute; names come from `telemetry/names.ts`. Kept for a request that is not recorded, as it may yet be. */
  set(name: string, value: AttributeValue): void;
  /** Starts a child span. `kind` says whether it covers a call to another server. Default: `internal`. */
  child(name: string, kind?: 'internal' | 'client'): TraceScope;
  /** Records this request whatever the sampler said, from its start; of its children only those that start later. */
  keep(): void;
  /** Marks the span as failed with an error's reason, for example a DomainError's. */
  fail(reason: string): void;
  /** Ends the span. No other call may follow. */
  end(): void;
}

/** The scope of a call that nobody traces. */
export const noTrace: TraceScope = {
  recording: false,
  traceId: '',
  set: () => {},
  child: () => noTrace,
  keep: () => {},
  fail: () => {},
  end: () => {},
};
