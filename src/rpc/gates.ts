// Access control for what is served beside the method table.

import type { IncomingMessage } from 'node:http';
import { DomainError } from '../domain/errors.ts';
import type { AccessControl } from './access.ts';
import type { Inbound } from './call-context.ts';
import { type HttpRoute, peerOf } from './connect-server.ts';
import { type RpcFailure, toGrpcStatus } from './errors.ts';
import type { GrpcServer } from './grpc-server.ts';
import type { ReflectionOptions } from './reflection.ts';

/** What a failure is answered as; see `createFailureMapper`. */
type ToFailure = (error: unknown, method: string) => RpcFailure;

/** Lets those see the descriptors who may read some resource. Null without access control. */
export function createReflectionGate(
  access: AccessControl | null,
  grpc: Pick<GrpcServer, 'inboundOf'>,
  toFailure: ToFailure,
): ReflectionOptions['admit'] {
  if (access === null) return null;
  return async (path, call) => {
    try {
      await access.admitTo(path, 'read', grpc.inboundOf(call));
    } catch (error) {
      throw toGrpcStatus(toFailure(error, path));
    }
  };
}

const UNAUTHORIZED = 401;
const UNAVAILABLE = 503;

/** A route for whoever has proven who it is. The route itself without access control. */
export function guardRoute(path: string, route: HttpRoute, access: AccessControl | null): HttpRoute {
  if (access === null) return route;
  return (request, response) => {
    access.admitTo(path, null, new RouteInbound(request)).then(
      () => route(request, response),
      (error: unknown) => {
        const isRefused = error instanceof DomainError && error.kind === 'unauthenticated';
        response.writeHead(isRefused ? UNAUTHORIZED : UNAVAILABLE, {
          'content-type': 'text/plain; charset=utf-8',
          ...(isRefused && { 'www-authenticate': 'Bearer' }),
        });
        response.end(error instanceof DomainError ? `${error.message}\n` : 'not available\n');
      },
    );
  };
}

/** A request of HTTP that is none of an RPC. */
class RouteInbound implements Inbound {
  readonly rpcSystem = 'connectrpc';
  readonly timeoutMs = undefined;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  onCancel(): void {}

  peer(): ReturnType<Inbound['peer']> {
    return peerOf(this.#request.socket);
  }
}
