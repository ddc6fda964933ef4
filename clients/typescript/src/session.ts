import type { Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { createLeanGrpcTransport } from './grpc-transport.ts';
import { beginSession, type Session, type SessionSettings } from './session-transport.ts';

export { isOutcomeUnknown, reasonOf } from './retry.ts';
export { asking, type Consistency, type Session, type SessionSettings } from './session-transport.ts';

/** How to reach the service from Node, and what to tell it of the caller. */
export interface SessionOptions extends SessionSettings {
  /** Default: `grpc`, on the service's gRPC port; the others are for its HTTP port. */
  readonly protocol?: 'grpc' | 'grpc-web' | 'connect';
  /** For `https:` addresses, PEM: whose certificates are good (default: those that Node knows), and the caller's own, if any. */
  readonly tls?: ClientTls;
}

/** Trust and identity for TLS, in PEM. */
export interface ClientTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/**
 * Begins a session. Sessions are cheap, and share nothing but the addresses. Throws a RangeError without an address, and where a token
 * would go without TLS unasked.
 */
export function createSession(options: SessionOptions): Session {
  return beginSession(options, (baseUrl) => createTransport(baseUrl, options));
}

function createTransport(baseUrl: string, options: SessionOptions): Transport {
  const { tls = {} } = options;
  switch (options.protocol ?? 'grpc') {
    case 'grpc':
      return createLeanGrpcTransport(baseUrl, tls);
    case 'grpc-web':
      return createGrpcWebTransport({ baseUrl, httpVersion: '1.1', nodeOptions: tls });
    case 'connect':
      return createConnectTransport({ baseUrl, httpVersion: '1.1', nodeOptions: tls });
  }
}
