/*
 * The request's own span and its children, made by hand at the handler. What each request pays for is one object with
 * its start time; a span of OpenTelemetry exists only for the requests that the sampler or `keep()` chose. Times come
 * from the monotonic clock, and all spans of a request share one offset to the wall clock, so that children lie within
 * their parents to the microsecond.
 */
import {
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import { attributes } from './names.ts';
import { type AttributeValue, noTrace, type TraceScope } from './trace-scope.ts';

/** Where the trace of a request that comes in is looked for: metadata by lower-case name. */
export interface Carrier {
  get(name: string): string | undefined;
  /** The protocol, for `rpc.system.name`. Default: `grpc`. */
  readonly rpcSystem?: 'grpc' | 'connectrpc';
}

/** What {@link createStartRequest} needs. */
export interface StartRequestOptions {
  /** Records every span that it is asked for: which ones is decided here. */
  readonly tracer: Tracer;
  /** The part of requests that is recorded where the caller does not say, 0 to 1. */
  readonly sampleRatio: number;
  /** From 0 up to, but not including, 1. Default: the machine's. */
  readonly uniform?: () => number;
}

/** W3C Trace Context's headers. */
const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';

/**
 * Creates what starts a request's span: `method` is its path. A caller's `traceparent` becomes its parent and decides
 * whether it is recorded; without one the ratio decides. A malformed one counts as none.
 */
export function createStartRequest(options: StartRequestOptions): (method: string, carrier: Carrier) => TraceScope {
  const { tracer, sampleRatio } = options;
  const uniform = options.uniform ?? Math.random;
  return (method, carrier) => {
    const header = carrier.get(TRACEPARENT);
    const parent = header === undefined ? null : parseTraceParent(header);
    const sampled = parent === null ? uniform() < sampleRatio : (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
    const request = new RequestTrace(tracer, method, carrier, parent);
    if (sampled) request.keep();
    return request;
  };
}

/**
 * The headers that hand a trace on to another service, by name; none where there is no trace to hand on. A request that
 * is not recorded hands on what it was given.
 */
export function traceHeaders(scope: TraceScope): Readonly<Record<string, string>> {
  if (!(scope instanceof RequestTrace || scope instanceof SpanTrace)) return {};
  const context = scope.spanContext;
  if (context === null) return {};
  const flags = context.traceFlags.toString(16).padStart(2, '0');
  const state = context.traceState?.serialize();
  return {
    [TRACEPARENT]: `00-${context.traceId}-${context.spanId}-${flags}`,
    ...(state && { [TRACESTATE]: state }),
  };
}

/** A request: nothing but its start time until it is recorded. */
class RequestTrace implements TraceScope {
  readonly #tracer: Tracer;
  readonly #method: string;
  readonly #carrier: Carrier;
  readonly #parent: SpanContext | null;
  readonly #startMs = performance.now();
  /** What was set before it was recorded; names come from one catalogue, so there are few. */
  #early: Record<string, AttributeValue> | null = null;
  #span: SpanTrace | null = null;

  constructor(tracer: Tracer, method: string, carrier: Carrier, parent: SpanContext | null) {
    this.#tracer = tracer;
    this.#method = method;
    this.#carrier = carrier;
    this.#parent = parent;
  }

  get recording(): boolean {
    return this.#span !== null;
  }

  get traceId(): string {
    return this.spanContext?.traceId ?? '';
  }

  /** The span's, or the caller's where there is none; null: there is no trace. */
  get spanContext(): SpanContext | null {
    if (this.#span !== null) return this.#span.spanContext;
    return this.#parent === null ? null : this.#withTraceState(this.#parent);
  }

  set(name: string, value: AttributeValue): void {
    if (this.#span !== null) {
      this.#span.set(name, value);
    } else {
      this.#early ??= {};
      this.#early[name] = value;
    }
  }

  child(name: string, kind?: 'internal' | 'client'): TraceScope {
    return this.#span === null ? noTrace : this.#span.child(name, kind);
  }

  keep(): void {
    if (this.#span !== null) return;
    const offsetMs = Date.now() - performance.now();
    const parent = this.#parent;
    const context =
      parent === null
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { ...this.#withTraceState(parent), isRemote: true });
    const method = this.#method.startsWith('/') ? this.#method.slice(1) : this.#method;
    const span = this.#tracer.startSpan(
      method,
      {
        kind: SpanKind.SERVER,
        startTime: toHrTime(offsetMs + this.#startMs),
        attributes: {
          ...this.#early,
          [attributes.rpcSystem]: this.#carrier.rpcSystem ?? 'grpc',
          [attributes.rpcMethod]: method,
        },
      },
      context,
    );
    this.#span = new SpanTrace(this.#tracer, span, offsetMs);
  }

  fail(reason: string): void {
    this.#span?.fail(reason);
  }

  end(): void {
    this.#span?.end();
  }

  #withTraceState(parent: SpanContext): SpanContext {
    const state = this.#carrier.get(TRACESTATE);
    return state === undefined || state === '' ? parent : { ...parent, traceState: new TraceState(state) };
  }
}

/** A span that is recorded. */
class SpanTrace implements TraceScope {
  readonly recording = true;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #offsetMs: number;
  #context: Context | null = null;

  /** `offsetMs` is what the monotonic clock needs to become milliseconds since 1970. */
  constructor(tracer: Tracer, span: Span, offsetMs: number) {
    this.#tracer = tracer;
    this.#span = span;
    this.#offsetMs = offsetMs;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get spanContext(): SpanContext {
    return this.#span.spanContext();
  }

  set(name: string, value: AttributeValue): void {
    this.#span.setAttribute(name, value);
  }

  child(name: string, kind?: 'internal' | 'client'): TraceScope {
    this.#context ??= trace.setSpan(ROOT_CONTEXT, this.#span);
    const spanKind = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const span = this.#tracer.startSpan(name, { kind: spanKind, startTime: this.#now() }, this.#context);
    return new SpanTrace(this.#tracer, span, this.#offsetMs);
  }

  keep(): void {}

  fail(reason: string): void {
    this.#span.setAttribute(attributes.errorReason, reason);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
  }

  end(): void {
    this.#span.end(this.#now());
  }

  #now(): HrTime {
    return toHrTime(this.#offsetMs + performance.now());
  }
}

/** OpenTelemetry's seconds and nanoseconds. */
function toHrTime(epochMs: number): HrTime {
  const seconds = Math.trunc(epochMs / 1_000);
  return [seconds, Math.trunc((epochMs - seconds * 1_000) * 1e6)];
}
