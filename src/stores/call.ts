import type { Clock } from '../domain/clock.ts';
import { noTrace, type TraceScope } from '../telemetry/trace-scope.ts';

/** How fresh a read must be: an intent, never a store's name. */
export type Consistency =
  /** The store that the flags choose; acknowledged writes are always seen. */
  | 'latency'
  /** A state no older than the version that the caller names is enough, also when the authority can't be reached. */
  | 'at-least'
  /** The authority answers, whatever the flags say. */
  | 'authority';

/** What a request brings along, handed down to the stores. */
export interface Call {
  /** When the request must be answered, on the monotonic clock of `domain/clock.ts`. */
  readonly deadlineMs: number;
  /** Aborts when the caller cancels. Absent where nothing can cancel. */
  readonly signal?: AbortSignal;
  /** The version that the caller was last given for this record or parent; 0 if none. */
  readonly atLeast: bigint;
  readonly consistency: Consistency;
  /** The calling service's name, empty if not said. For flags. */
  readonly caller: string;
  /** The user on whose behalf the call is made, empty if not said. For flags. */
  readonly user: string;
  /** Where the two-store decorator tells what it did. Absent where nobody asks. */
  readonly note?: CallNote;
  /** Where spans of this request hang. */
  readonly trace: TraceScope;
}

/** What a request's caller may be told of how it was served. */
export interface CallNote {
  /** `source; reason=flag`: which store answered a read, and why. Empty: not said. */
  servedBy: string;
}

/** A call that the service makes for itself, with this long to be answered. */
export function internalCall(clock: Clock, timeoutMs: number, signal?: AbortSignal): Call {
  return {
    deadlineMs: clock.monotonicMs() + timeoutMs,
    atLeast: 0n,
    consistency: 'authority',
    caller: '',
    user: '',
    trace: noTrace,
    ...(signal && { signal }),
  };
}
