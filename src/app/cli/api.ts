import { readFileSync } from 'node:fs';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Dashboard } from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { type Job, JobSchema, Migrations } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { type Operation, Operations } from '../../gen/google/longrunning/operations_pb.ts';
import { type Environment, environment } from '../config.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The migration API of a running service. */
export type MigrationsClient = Client<typeof Migrations>;

/** The migration API, the operations that it starts, and the dashboard. */
export interface ApiClients {
  readonly client: MigrationsClient;
  readonly operations: Client<typeof Operations>;
  readonly dashboard: Client<typeof Dashboard>;
}

/** The service's HTTP address if none is given. */
export const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/** How long one call of a command may take, in milliseconds; streams and repairs bring their own. */
const CALL_TIMEOUT_MS = 10_000;

/** Where the service is, and how a command proves who runs it. */
export interface ApiOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly server: string;
  /** Files, PEM: the authorities for the service's certificate, and the caller's own certificate and key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The environment variable that holds a token. */
  readonly tokenEnv?: string;
}

/** Clients of the migration API. Throws a CommandError for a file that can't be read or a variable that is not set. */
export function createApiClients(options: ApiOptions, env: Environment = environment): ApiClients {
  const token = options.tokenEnv === undefined ? undefined : readToken(options.tokenEnv, env);
  const interceptors: Interceptor[] = [];
  if (token !== undefined) {
    interceptors.push((next) => (request) => {
      request.header.set('authorization', `Bearer ${token}`);
      return next(request);
    });
  }
  const transport = createConnectTransport({
    baseUrl: options.server,
    httpVersion: '1.1',
    defaultTimeoutMs: CALL_TIMEOUT_MS,
    nodeOptions: { ca: readPem(options.ca), cert: readPem(options.cert), key: readPem(options.key) },
    interceptors,
  });
  return {
    client: createClient(Migrations, transport),
    operations: createClient(Operations, transport),
    dashboard: createClient(Dashboard, transport),
  };
}

/** The job of an operation: its metadata. */
export function jobOf({ name, metadata }: Operation): Job {
  const job = metadata && anyUnpack(metadata, JobSchema);
  if (job === undefined) throw new CommandError(`the service says nothing of the progress of ${name}`);
  return job;
}

/** By a variable's name: a token on the command line is seen by every user of the machine. */
function readToken(name: string, env: Environment): string {
  const token = env[name];
  if (token !== undefined && token !== '') return token;
  throw new CommandError(`set the environment variable ${name} to a token of the service`, exitCodes.usage);
}

function readPem(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CommandError(`${file} cannot be read (${code})`, exitCodes.usage);
  }
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
  if (failure.code === Code.Unauthenticated) {
    return new CommandError(
      `${failure.rawMessage}; name a variable that holds one with --token-env, or a certificate with --cert and --key`,
    );
  }
  return new CommandError(failure.rawMessage);
}
