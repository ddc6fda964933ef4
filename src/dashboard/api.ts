/** The services that the page calls, all of them on the address that it came from. */
import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { Dashboard } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { Migrations } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../gen/google/longrunning/operations_pb.ts';
import type { TokenKeeper } from './token.ts';

/** The clients. */
export interface Api {
  readonly dashboard: Client<typeof Dashboard>;
  readonly migrations: Client<typeof Migrations>;
  readonly operations: Client<typeof Operations>;
}

/** Clients that send the token, if there is one. */
export function createApi(tokens: TokenKeeper): Api {
  const authorize: Interceptor = (next) => (request) => {
    const token = tokens.current();
    if (token !== '') request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    interceptors: [authorize],
  });
  return {
    dashboard: createClient(Dashboard, transport),
    migrations: createClient(Migrations, transport),
    operations: createClient(Operations, transport),
  };
}
