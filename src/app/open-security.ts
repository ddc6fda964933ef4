import { systemClock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type AccessControl, createAccessControl } from '../rpc/access.ts';
import { type Caller, callerFrom, createAuthenticator } from '../security/authenticator.ts';
import { createRoles } from '../security/roles.ts';
import { openServerTls, type ServerTls } from '../security/server-tls.ts';
import { openTokenKeys, type TokenKeys } from '../security/token-keys.ts';
import { createTokenVerifier } from '../security/token-verifier.ts';
import type { Config } from './config.ts';
import { isAuthenticated, isLoopback } from './security-mistakes.ts';
import { StartError } from './start-error.ts';

/** What protects the ports of an instance. */
export interface Security {
  /** Null: plain text. */
  readonly tls: ServerTls | null;
  /** Null: whoever reaches a port may do everything. */
  readonly access: AccessControl | null;
  /** Stops watching the files. */
  close(): void;
}

type SecurityConfig = Config['security'];

/** Reads certificates and keys. Throws a StartError that names every file that can't be used. */
export async function openSecurity(config: Config, log: Log): Promise<Security> {
  const { tls, jwt } = config.security;
  const [certificate, keys] = await Promise.allSettled([tls && openServerTls(tls, log), jwt && openKeys(jwt, log)]);
  const close = (): void => {
    for (const opened of [certificate, keys]) if (opened.status === 'fulfilled') opened.value?.close();
  };
  const mistakes = [
    ...(certificate.status === 'rejected' ? [`security.tls: ${describe(certificate.reason)}`] : []),
    ...(keys.status === 'rejected' ? [`security.jwt.jwksFile: ${describe(keys.reason)}`] : []),
  ];
  if (certificate.status === 'rejected' || keys.status === 'rejected') {
    close();
    throw new StartError(mistakes);
  }
  const access = isAuthenticated(config.security) ? openAccess(config.security, keys.value, log) : null;
  return { tls: certificate.value ?? null, access, close };
}

function openKeys(jwt: NonNullable<SecurityConfig['jwt']>, log: Log): Promise<TokenKeys> {
  const { jwksFile, jwksUrl } = jwt;
  return openTokenKeys(jwksFile === undefined ? { jwksUrl: jwksUrl ?? '' } : { jwksFile }, log);
}

function openAccess({ jwt, roles }: SecurityConfig, keys: TokenKeys | undefined, log: Log): AccessControl {
  const grantsOf = createRoles(roles);
  const tokens =
    jwt === undefined || keys === undefined
      ? null
      : createTokenVerifier<Caller>({
          keys,
          rules: { ...jwt, audience: [jwt.audience].flat() },
          clock: systemClock,
          callerOf: (identity) => callerFrom(identity, grantsOf),
        });
  return createAccessControl({ authenticator: createAuthenticator({ tokens, grantsOf }), log });
}

/** A file's fault without what is in the file: OpenSSL and JSON's parser quote their input. */
function describe(error: unknown): string {
  const { code, path } = error as { readonly code?: unknown; readonly path?: unknown };
  if (typeof path === 'string') return `${path} cannot be read (${String(code)})`;
  if (error instanceof SyntaxError) return 'the file is no JSON';
  return `the file cannot be used (${typeof code === 'string' ? code : (error as Error).name})`;
}

/** Says loudly what is open. `resources`: the ids that are served. */
export function warnOfOpenDoors(config: Config, resources: readonly string[], log: Log): void {
  const { security, grpc, http } = config;
  if (!isAuthenticated(security)) {
    const hosts = [grpc.host, http.host].join(' ');
    log.warn('AUTHENTICATION IS OFF: whoever reaches a port may read and write everything', { hosts });
    return;
  }
  const isOpen = [grpc, http].some(({ host }) => !isLoopback(host));
  if (security.jwt !== undefined && security.tls === undefined && isOpen) {
    log.warn('there is no TLS: tokens and records can be read on their way', { grpc: grpc.host, http: http.host });
  }
  const unknown = security.roles
    .flatMap((role) => role.resources)
    .filter((id) => id !== '*' && !resources.includes(id));
  if (unknown.length > 0) {
    log.warn('roles name resources that are not served', { unknown: unknown.join(' '), served: resources.join(' ') });
  }
}
