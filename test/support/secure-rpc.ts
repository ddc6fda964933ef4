/** Access control and callers over TLS, for tests. */
import type { SecureContextOptions } from 'node:tls';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { systemClock } from '../../src/domain/clock.ts';
import type { Log, LogFields } from '../../src/domain/log.ts';
import { type AccessControl, createAccessControl } from '../../src/rpc/access.ts';
import { callerFrom, createAuthenticator, type Caller as ProvenCaller } from '../../src/security/authenticator.ts';
import { createRoles, type Role } from '../../src/security/roles.ts';
import { tokenAlgorithms } from '../../src/security/token-algorithms.ts';
import { openTokenKeys, type TokenKeysConfig } from '../../src/security/token-keys.ts';
import { createTokenVerifier } from '../../src/security/token-verifier.ts';
import { type Caller, grpcCaller, transportCaller } from './rpc-clients.ts';
import { AUDIENCE, ISSUER } from './tokens.ts';

/** How often files are looked at in tests. */
export const LOOK_MS = 20;

/** A log that is kept. */
export interface KeptLog extends Log {
  readonly lines: (LogFields & { readonly message: string })[];
}

export function keepLog(): KeptLog {
  const lines: KeptLog['lines'] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    lines.push({ message, ...fields });
  };
  return { lines, info: keep, warn: keep, error: keep };
}

/** Access control with roles, and with tokens if there are keys. */
export async function openAccess(options: {
  readonly roles: readonly Role[];
  readonly keys: TokenKeysConfig | null;
  readonly log: Log;
}): Promise<{ readonly access: AccessControl; close(): void }> {
  const { roles, keys: where, log } = options;
  const grantsOf = createRoles(roles);
  const keys = where && (await openTokenKeys(where, log, LOOK_MS));
  const rules = { issuer: ISSUER, audience: [AUDIENCE], clockToleranceSeconds: 0, algorithms: tokenAlgorithms };
  const tokens =
    keys &&
    createTokenVerifier<ProvenCaller>({
      keys,
      rules,
      clock: systemClock,
      callerOf: (who) => callerFrom(who, grantsOf),
    });
  const access = createAccessControl({ authenticator: createAuthenticator({ tokens, grantsOf }), log });
  return { access, close: () => keys?.close() };
}

/** What a caller trusts, and its own certificate. */
export type CallerTls = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>;

/** Callers of both ports over TLS. */
export function secureCallers(
  ports: { readonly grpcPort: number; readonly httpPort: number },
  tls: CallerTls,
): readonly Caller[] {
  const web = {
    baseUrl: `https://127.0.0.1:${ports.httpPort}`,
    httpVersion: '1.1' as const,
    nodeOptions: { ...tls, agent: false },
  };
  return [
    grpcCaller(ports.grpcPort, tls),
    transportCaller('Connect over TLS', createConnectTransport(web)),
    transportCaller('gRPC-Web over TLS', createGrpcWebTransport(web)),
  ];
}
