/**
 * Sessions for browsers, by Connect or gRPC-Web on the service's HTTP port: the rules of {@link beginSession}, and nothing of Node.
 * Where the page comes from another origin than the service, the service has to name that origin (`http.corsOrigins`).
 */
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { beginSession, type Session, type SessionSettings } from './session-transport.ts';

export { isOutcomeUnknown, reasonOf } from './retry.ts';
export { asking, type Consistency, type Session, type SessionSettings } from './session-transport.ts';

/** How to reach the service from a browser, and what to tell it of the caller. */
export interface BrowserSessionOptions extends SessionSettings {
  /** Default: `connect`, whose requests a person can read in the browser's tools. */
  readonly protocol?: 'connect' | 'grpc-web';
}

/**
 * Begins a session on the HTTP ports of instances. Sessions are cheap, and share nothing but the addresses. Throws a RangeError without
 * an address, and where a token would go without TLS unasked.
 */
export function createBrowserSession(options: BrowserSessionOptions): Session {
  const createTransport = options.protocol === 'grpc-web' ? createGrpcWebTransport : createConnectTransport;
  return beginSession(options, (baseUrl) => withLinkErrors(createTransport({ baseUrl })));
}

/**
 * A browser says of a link that broke, or was never made, only that fetch failed: a TypeError, which Connect calls UNKNOWN. It is
 * UNAVAILABLE here, as from any other transport; whether the request was sent can't be told, so a plain write is not sent again.
 */
function withLinkErrors(transport: Transport): Transport {
  return {
    unary: async (...call) => {
      try {
        return await transport.unary(...call);
      } catch (error) {
        throw isLinkError(error)
          ? new ConnectError(error.rawMessage, Code.Unavailable, error.metadata, undefined, error.cause)
          : error;
      }
    },
    stream: (...call) => transport.stream(...call),
  };
}

function isLinkError(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.cause instanceof TypeError && error.details.length === 0;
}
