import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { HttpRoute } from './connect-server.ts';

/** Whether the service should get requests, told to whoever asks: gRPC health v1, `/healthz` and `/readyz`. */
export interface Health {
  /** Adds `grpc.health.v1.Health`. */
  addTo(server: Server): void;
  /** `/healthz`: the process lives. `/readyz`: it should get requests. By path. */
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Says whether requests can be served. Before the first call they can't. */
  setServing(serving: boolean): void;
  /** From now on requests should go elsewhere, whatever {@link Health.setServing} says. */
  drain(): void;
}

/** The status of each of these services, and of the whole under the empty name. */
export function createHealth(services: readonly string[]): Health {
  const names = ['', ...services];
  const implementation = new HealthImplementation();
  let draining = false;
  let ready = false;
  const set = (serving: boolean): void => {
    ready = serving;
    for (const name of names) implementation.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  set(false);
  return {
    addTo: (server) => implementation.addToServer(server),
    routes: new Map<string, HttpRoute>([
      ['/healthz', (_request, response) => response.writeHead(200, TEXT).end('ok\n')],
      [
        '/readyz',
        (_request, response) => response.writeHead(ready ? 200 : 503, TEXT).end(ready ? 'ok\n' : 'not ready\n'),
      ],
    ]),
    setServing: (serving) => {
      if (!draining) set(serving);
    },
    drain: () => {
      draining = true;
      set(false);
    },
  };
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
