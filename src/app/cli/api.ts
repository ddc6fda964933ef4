import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Migrations } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The migration API of a running service. */
export type MigrationsClient = Client<typeof Migrations>;

/** The service's HTTP address if none is given. */
export const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/** How long one call of a command may take, in milliseconds; streams and repairs bring their own. */
const CALL_TIMEOUT_MS = 10_000;

/** A client of the migration API at `http://host:port`. */
export function createMigrationsClient(server: string): MigrationsClient {
  return createClient(
    Migrations,
    createConnectTransport({ baseUrl: server, httpVersion: '1.1', defaultTimeoutMs: CALL_TIMEOUT_MS }),
  );
}

/** `medications` or `migrations/medications` as the migration's name. */
export function migrationName(resource: string): string {
  return resource.startsWith('migrations/') ? resource : `migrations/${resource}`;
}

/** Turns what a call threw into an error that names the cause and the cure. */
export function commandErrorOf(error: unknown, server: string): CommandError {
  if (error instanceof CommandError) return error;
  const failure = ConnectError.from(error);
  if (failure.code === Code.Unavailable && failure.metadata.get('content-type') === null) {
    return new CommandError(
      `no service answers at ${server}: start one with \`crossfade serve\`, or name its HTTP address with --server`,
      exitCodes.unavailable,
    );
  }
  return new CommandError(failure.rawMessage);
}
