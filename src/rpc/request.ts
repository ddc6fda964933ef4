import type { Clock } from '../domain/clock.ts';
import type { Expiring } from '../domain/deadline-watch.ts';
import { DomainError } from '../domain/errors.ts';
import { attributes, statusName } from '../telemetry/names.ts';
import { noTrace, type TraceScope } from '../telemetry/trace-scope.ts';
import { type CallContext, deadlineExceeded, type Inbound, readCall, type StartRequest } from './call-context.ts';
import type { RpcFailure } from './errors.ts';
import type { Reply } from './method-table.ts';
import type { RpcLimits } from './settings.ts';

/**
 * Where the answer to a unary request goes: one of the two, once. `message` is to be copied at once; `version` goes into
 * `crossfade-version` unless it is 0.
 */
export interface Answer {
  /** `servedBy`: see CallNote; empty: not said. */
  succeed(message: Uint8Array, version: bigint, servedBy: string): void;
  fail(failure: RpcFailure, servedBy: string): void;
}

/** Called when a request is over, for metrics. `code` is gRPC's, 0 for success; `reason` that of its error, empty for success. */
export type ObserveRequest = (method: string, code: number, durationMs: number, reason: string) => void;

/** What a request needs of its surroundings; the same for all. */
export interface RequestOptions {
  readonly limits: RpcLimits;
  readonly clock: Clock;
  readonly startRequest: StartRequest;
  readonly toFailure: (error: unknown, method: string) => RpcFailure;
  readonly observe?: ObserveRequest;
}

/** How long after a request's deadline it is answered here, if the stores, which watch the deadline too, have not. */
const DEADLINE_GRACE_MS = 50;
const OK = 0;

/** One request under way: its trace, its context, its failure, its end. */
export class RequestScope implements Expiring {
  readonly #method: string;
  readonly #options: RequestOptions;
  readonly #startMs: number;
  #trace: TraceScope = noTrace;
  #code = OK;
  #reason = '';
  #over = false;
  /** Null until {@link open}. */
  context: CallContext | null = null;

  constructor(method: string, options: RequestOptions) {
    this.#method = method;
    this.#options = options;
    this.#startMs = options.clock.monotonicMs();
  }

  /** Starts the trace and reads the metadata. Throws what {@link readCall} throws. */
  open(inbound: Inbound, lasting: boolean): CallContext {
    const { clock, limits, startRequest } = this.#options;
    this.#trace = startRequest(this.#method, inbound);
    const context = readCall(inbound, this.#trace, { clock, limits, lasting });
    this.context = context;
    inbound.onCancel(this.#cancel);
    return context;
  }

  get deadlineMs(): number {
    return (this.context?.deadlineMs ?? Number.POSITIVE_INFINITY) + DEADLINE_GRACE_MS;
  }

  expire(): void {
    this.context?.abort(deadlineExceeded());
  }

  /** What an error is answered as. */
  failed(error: unknown): RpcFailure {
    const failure = this.#options.toFailure(error, this.#method);
    this.#code = failure.code;
    this.#reason = failure.reason;
    this.#trace.fail(failure.reason);
    return failure;
  }

  /** The request is over; nothing may follow but a transport's late news that its caller is gone. */
  end(): void {
    this.#over = true;
    const trace = this.#trace;
    if (trace.recording) trace.set(attributes.rpcStatus, statusName(this.#code));
    trace.end();
    const durationMs = this.#options.clock.monotonicMs() - this.#startMs;
    this.#options.observe?.(this.#method, this.#code, durationMs, this.#reason);
  }

  /** A transport that watches the deadline too takes the request away with it. */
  readonly #cancel = (): void => {
    const context = this.context;
    if (context === null || this.#over) return;
    const late = this.#options.clock.monotonicMs() >= context.deadlineMs;
    context.abort(late ? deadlineExceeded() : cancelled());
  };
}

/**
 * A request with one answer. It is answered once, at its deadline at the latest, and over when its handler has ended: a
 * handler that nobody waits for any more still counts as work under way.
 */
export class UnaryRequest implements Expiring {
  readonly scope: RequestScope;
  readonly #answer: Answer;
  readonly #done: (request: UnaryRequest) => void;
  #answered = false;

  /** `done` is called when the handler has ended. */
  constructor(scope: RequestScope, answer: Answer, done: (request: UnaryRequest) => void) {
    this.scope = scope;
    this.#answer = answer;
    this.#done = done;
  }

  get deadlineMs(): number {
    return this.scope.deadlineMs;
  }

  expire(): void {
    this.scope.expire();
    if (!this.#answered) this.#refuse(deadlineExceeded());
  }

  readonly succeed = (reply: Reply): void => {
    if (!this.#answered) this.#write(reply);
    this.#end();
  };

  readonly fail = (error: unknown): void => {
    if (!this.#answered) this.#refuse(error);
    this.#end();
  };

  #write(reply: Reply): void {
    let message: Uint8Array;
    try {
      message = reply();
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#answered = true;
    const { context } = this.scope;
    this.#answer.succeed(message, context?.answerVersion ?? 0n, context?.note.servedBy ?? '');
  }

  #refuse(error: unknown): void {
    this.#answered = true;
    this.#answer.fail(this.scope.failed(error), this.scope.context?.note.servedBy ?? '');
  }

  #end(): void {
    this.#done(this);
    this.scope.end();
  }
}

function cancelled(): DomainError {
  return new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'the caller cancelled' });
}
