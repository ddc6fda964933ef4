import { DomainError } from '../domain/errors.ts';
import type { Grants, Identity } from './roles.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** A caller that has proven who it is. */
export interface Caller {
  readonly name: string;
  readonly grants: Grants;
  /** When its token expires, in milliseconds since 1970; absent: never. */
  readonly expiresAtMs?: number;
}

/** What a request brings to prove who sends it. */
export interface Credentials {
  /** The metadata or header `authorization`. */
  readonly authorization: string | undefined;
  /** Of its connection's client certificate; the same array for each request of a connection. */
  readonly certificateNames: readonly string[];
}

/** Finds out who sends a request. */
export interface Authenticator {
  /**
   * The caller; at once where its token is known already. A token counts more than the connection's certificate: a proxy
   * hands on its callers' tokens over a connection of its own.
   *
   * @throws `unauthenticated` with one of the reasons CREDENTIALS_…, `unavailable`/TOKEN_KEYS_UNAVAILABLE; rejects with them.
   */
  identify(credentials: Credentials): Caller | Promise<Caller>;
}

/** What {@link createAuthenticator} needs. */
export interface AuthenticatorOptions {
  /** Null: tokens are not taken. */
  readonly tokens: TokenVerifier<Caller> | null;
  readonly grantsOf: (identity: Identity) => Grants;
}

/** RFC 6750, section 2.1; the scheme in any case. */
const BEARER = /^bearer +([A-Za-z0-9._~+/=-]+)$/i;

/** Creates the authenticator. */
export function createAuthenticator({ tokens, grantsOf }: AuthenticatorOptions): Authenticator {
  const ofConnections = new WeakMap<readonly string[], Caller>();
  const callerOfConnection = (names: readonly string[]): Caller => {
    const known = ofConnections.get(names);
    if (known !== undefined) return known;
    const caller = callerFrom({ names, claims: {} }, grantsOf);
    ofConnections.set(names, caller);
    return caller;
  };
  return {
    identify: ({ authorization, certificateNames }) => {
      if (tokens !== null && authorization !== undefined) {
        const token = BEARER.exec(authorization)?.[1];
        if (token === undefined)
          throw unauthenticated('CREDENTIALS_INVALID', 'authorization: must be "Bearer", a token');
        return tokens.verify(token);
      }
      if (certificateNames.length > 0) return callerOfConnection(certificateNames);
      const wanted = tokens === null ? 'a client certificate' : 'a token, as "authorization: Bearer …"';
      throw unauthenticated('CREDENTIALS_MISSING', `callers must prove who they are: with ${wanted}`);
    },
  };
}

/** A caller under the first of its names. */
export function callerFrom(identity: Identity, grantsOf: (identity: Identity) => Grants): Caller {
  const { exp } = identity.claims;
  const expiry = typeof exp === 'number' && { expiresAtMs: exp * 1000 };
  return { name: identity.names[0] ?? '', grants: grantsOf(identity), ...expiry };
}

function unauthenticated(reason: 'CREDENTIALS_INVALID' | 'CREDENTIALS_MISSING', message: string): DomainError {
  return new DomainError({ kind: 'unauthenticated', reason, message });
}
