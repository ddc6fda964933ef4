import type { Clock } from '../domain/clock.ts';
import { DomainError, invalidField } from '../domain/errors.ts';
import type { Grants } from '../security/roles.ts';
import type { Call, CallNote, Consistency } from '../stores/call.ts';
import type { TraceScope } from '../telemetry/trace-scope.ts';
import { metadataNames, type RpcLimits } from './settings.ts';

/** Where a request's metadata is looked up, by lower-case name; the first value counts. */
export interface MetadataReader {
  get(name: string): string | undefined;
}

/** What a transport knows of a request besides its message. */
export interface Inbound extends MetadataReader {
  /** The protocol, as traces name it. */
  readonly rpcSystem: 'grpc' | 'connectrpc';
  /** How long the caller is going to wait from now on; undefined: it did not say. */
  readonly timeoutMs: number | undefined;
  /** Calls back when the caller has gone away. It may do so after the answer too. */
  onCancel(listener: () => void): void;
  /** Who is at the other end of the connection. */
  peer(): Peer;
}

/** The other end of a connection. */
export interface Peer {
  /** For the log. */
  readonly address: string;
  /** Of its client certificate; empty: it has none that counts. The same array as long as the connection lives. */
  readonly names: readonly string[];
}

/** Starts the trace of a request, as a child of the caller's `traceparent` where there is one. */
export type StartRequest = (method: string, carrier: Pick<Inbound, 'get' | 'rpcSystem'>) => TraceScope;

/** What a handler learns of its request, handed down to the stores as it is, and the place for what it answers besides. */
export class CallContext implements Call {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly atLeast: bigint;
  readonly consistency: Consistency;
  /** What the caller calls itself; once callers must prove who they are, what it has proven. */
  caller: string;
  readonly user: string;
  readonly trace: TraceScope;
  /** What the caller may do; null: everything, as nobody needs to prove anything. */
  grants: Grants | null = null;
  /** The version that the answer carries in `crossfade-version`; 0: none. Handlers set it. */
  answerVersion = 0n;
  /** Told by the two-store decorator; goes into `crossfade-served-by`. */
  readonly note: CallNote = { servedBy: '' };
  readonly #abort = new AbortController();

  constructor(init: Omit<Call, 'signal'>) {
    this.deadlineMs = init.deadlineMs;
    this.atLeast = init.atLeast;
    this.consistency = init.consistency;
    this.caller = init.caller;
    this.user = init.user;
    this.trace = init.trace;
    // An own property and no getter: callers copy a call by spreading it.
    this.signal = this.#abort.signal;
  }

  /** Tells the handler, by the signal, that nobody waits any more. */
  abort(reason: DomainError): void {
    this.#abort.abort(reason);
  }
}

/** Longer names are refused: they reach flags, spans and logs. */
const MAX_NAME_CHARS = 256;
/** Digits of the greatest 64-bit version. */
const VERSION_PATTERN = /^[0-9]{1,19}$/;
const MAX_VERSION = 2n ** 63n - 1n;
const CONSISTENCIES: ReadonlySet<string> = new Set<Consistency>(['latency', 'at-least', 'authority']);

/**
 * Reads a request's metadata.
 *
 * @throws `invalid_argument`/INVALID_FIELD that names the metadata, `deadline_exceeded` for a deadline that has passed.
 */
export function readCall(
  inbound: Inbound,
  trace: TraceScope,
  options: { readonly clock: Clock; readonly limits: RpcLimits; readonly lasting: boolean },
): CallContext {
  return new CallContext({
    deadlineMs: options.clock.monotonicMs() + readTimeoutMs(inbound.timeoutMs, options),
    atLeast: readVersion(inbound.get(metadataNames.version)),
    consistency: readConsistency(inbound.get(metadataNames.consistency)),
    caller: readName(inbound, metadataNames.caller),
    user: readName(inbound, metadataNames.user),
    trace,
  });
}

function readTimeoutMs(
  timeoutMs: number | undefined,
  options: { readonly limits: RpcLimits; readonly lasting: boolean },
): number {
  const { limits, lasting } = options;
  if (timeoutMs === undefined) return lasting ? Number.POSITIVE_INFINITY : limits.defaultTimeoutMs;
  if (timeoutMs <= 0) throw deadlineExceeded();
  return lasting ? timeoutMs : Math.min(timeoutMs, limits.maxTimeoutMs);
}

function readVersion(text: string | undefined): bigint {
  if (text === undefined || text === '') return 0n;
  const version = VERSION_PATTERN.test(text) ? BigInt(text) : MAX_VERSION + 1n;
  if (version <= MAX_VERSION) return version;
  throw invalidField(metadataNames.version, 'must be a version from an earlier answer, in decimal digits');
}

function readConsistency(text: string | undefined): Consistency {
  if (text === undefined || text === '') return 'latency';
  if (CONSISTENCIES.has(text)) return text as Consistency;
  throw invalidField(metadataNames.consistency, `must be one of ${[...CONSISTENCIES].join(', ')}`);
}

function readName(inbound: Inbound, name: string): string {
  const text = inbound.get(name) ?? '';
  if (text.length <= MAX_NAME_CHARS) return text;
  throw invalidField(name, `must not be longer than ${MAX_NAME_CHARS} characters`);
}

/** The error of a request whose deadline has passed. */
export function deadlineExceeded(): DomainError {
  return new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the deadline passed' });
}
