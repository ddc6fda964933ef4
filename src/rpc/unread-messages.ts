import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';

/*
 * A message that is answered before its end, for example one that is too large. Who stops iterating over a request
 * destroys it; Node then neither reads the rest of its message nor closes its connection, and the next request on that
 * connection waits behind the rest for ever. So no handler ends the iteration, and the rest is read here.
 */

/** Wraps a handler so that its request outlives the reading of it. */
export function sparingRequests(handler: UniversalHandler): UniversalHandler {
  return Object.assign(
    (request: UniversalServerRequest) => handler({ ...request, body: spared(request.body) }),
    handler,
  );
}

/** The same body, of which no consumer can end the iteration: its iterator has no `return`. */
function spared(body: UniversalServerRequest['body']): UniversalServerRequest['body'] {
  if (typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)) return body;
  const iterator = body[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

/** Reads what is left of a request's message when its answer has gone out, and keeps nothing of it. */
export function readRest(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const discard = (): void => {
      while (request.read() !== null);
    };
    // Not `resume()`: the iterator listens to `readable`, and Node lets nothing flow past such a listener.
    request.on('readable', discard);
    discard();
  });
}
