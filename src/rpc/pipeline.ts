import { DeadlineWatch } from '../domain/deadline-watch.ts';
import { DomainError } from '../domain/errors.ts';
import type { AccessControl } from './access.ts';
import type { CallContext, Inbound } from './call-context.ts';
import type { DelayWatch } from './delay-watch.ts';
import type { RpcFailure } from './errors.ts';
import { createGuard } from './guard.ts';
import type { MemoryWatch } from './memory-watch.ts';
import type { Reply, StreamingMethod, UnaryMethod } from './method-table.ts';
import { type Answer, type RequestOptions, RequestScope, UnaryRequest } from './request.ts';

/** What every request goes through between a transport and its handler; one for both servers. */
export interface Pipeline {
  /** Handles one request. `decode` returns the request's message or throws what is wrong with it. Never throws. */
  unary(method: UnaryMethod, decode: () => unknown, inbound: Inbound, answer: Answer): void;
  /** Handles a request with many answers. Throws what `toError` makes of a failure. */
  stream(
    method: StreamingMethod,
    decode: () => unknown,
    inbound: Inbound,
    toError: (failure: RpcFailure) => unknown,
  ): AsyncIterable<Uint8Array>;
  /** How many requests are under way, streams not among them. */
  running(): number;
  /** Resolves when no request is under way, streams not among them. */
  idle(): Promise<void>;
  /** Ends every stream, now and later, with SHUTTING_DOWN: its caller finds another instance. */
  endStreams(): void;
}

/** Requests under way at once while memory is short: the instance goes on, and what it holds gets less. */
const REQUESTS_WHEN_SHORT = 16;
/** The same while the instance is behind: enough to keep it busy, and few enough to be answered in time. */
const REQUESTS_WHEN_BEHIND = 64;

/** What a pipeline needs. */
export interface PipelineOptions extends RequestOptions {
  /** Null: whoever reaches a port may do everything. */
  readonly access: AccessControl | null;
  /** Null: memory is not looked at. */
  readonly memory: Pick<MemoryWatch, 'isShort'> | null;
  /** Null: how far behind the instance is is not looked at. */
  readonly delay: Pick<DelayWatch, 'isBehind'> | null;
}

/** Creates the pipeline: the bounds, the metadata, the caller, the message, the handler, the answer, in this order. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { maxConcurrentRequests, maxConcurrentStreams, maxRequestsOfCaller } = options.limits;
  const { memory, delay } = options;
  const guard = createGuard({ access: options.access, maxRequestsOfCaller, clock: options.clock });
  const deadlines = new DeadlineWatch(options.clock);
  const streams = new Set<CallContext>();
  const waiting: (() => void)[] = [];
  let running = 0;
  let ending = false;

  const leave = (context: CallContext | null): void => {
    if (guard !== null && context !== null) guard.leave(context);
  };
  const done = (request: UnaryRequest): void => {
    deadlines.remove(request);
    leave(request.scope.context);
    running--;
    if (running > 0) return;
    for (const wake of waiting.splice(0)) wake();
  };

  const unary: Pipeline['unary'] = (method, decode, inbound, answer) => {
    const scope = new RequestScope(method.path, options);
    const request = new UnaryRequest(scope, answer, done);
    running++;
    try {
      if (running > maxConcurrentRequests) throw tooManyRequests();
      if (memory?.isShort && running > REQUESTS_WHEN_SHORT) throw shortOfMemory();
      if (delay?.isBehind && running > REQUESTS_WHEN_BEHIND) throw behind();
      const context = scope.open(inbound, false);
      deadlines.add(request);
      const reply =
        guard === null
          ? method.handle(decode(), context)
          : guard.enter(method, decode, inbound, context).then((message) => method.handle(message, context));
      reply.then(request.succeed, request.fail);
    } catch (error) {
      request.fail(error);
    }
  };

  const stream: Pipeline['stream'] = async function* (method, decode, inbound, toError) {
    const scope = new RequestScope(method.path, options);
    let context: CallContext | null = null;
    try {
      if (ending) throw shuttingDown();
      if (streams.size >= maxConcurrentStreams) throw tooManyRequests();
      // Whoever watches can do so later: new streams are the first to go.
      if (memory?.isShort) throw shortOfMemory();
      if (delay?.isBehind) throw behind();
      context = scope.open(inbound, true);
      streams.add(context);
      deadlines.add(scope);
      const message = guard === null ? decode() : await guard.enter(method, decode, inbound, context);
      for await (const reply of untilAborted(method.handle(message, context), context.signal)) yield reply();
    } catch (error) {
      throw toError(scope.failed(error));
    } finally {
      deadlines.remove(scope);
      if (context !== null) streams.delete(context);
      leave(context);
      scope.end();
    }
  };

  return {
    unary,
    stream,
    running: () => running,
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    endStreams: () => {
      ending = true;
      for (const context of streams) context.abort(shuttingDown());
    },
  };
}

/** What the handler yields, until the signal aborts: then it throws the signal's reason, whatever the handler waits for. */
async function* untilAborted(replies: AsyncIterable<Reply>, signal: AbortSignal): AsyncGenerator<Reply> {
  const iterator = replies[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await nextUnlessAborted(iterator, signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a handler that still waits for something would hold the answer back.
    iterator.return?.().catch(() => {});
  }
}

function nextUnlessAborted(iterator: AsyncIterator<Reply>, signal: AbortSignal): Promise<IteratorResult<Reply>> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The error of a request that is one too many. */
export function tooManyRequests(): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS',
    message: 'as many requests are under way as this instance takes; retry after a pause',
  });
}

function shortOfMemory(): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS',
    message: 'this instance is short of memory; retry after a pause',
  });
}

function behind(): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS',
    message: 'this instance is behind with its work; retry after a pause',
  });
}

function shuttingDown(): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: 'SHUTTING_DOWN',
    message: 'this instance is about to stop; go on with another one',
  });
}
