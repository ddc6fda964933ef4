/** An issuer of tokens for tests. */
import { type CryptoKey, exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose';

/** One key of an issuer. */
export interface TokenKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export const ISSUER = 'https://issuer.test/';
export const AUDIENCE = 'crossfade';

/** A token's claims that a test changes; the others are good. */
export interface TokenOptions extends JWTPayload {
  /** In seconds from now. Default: 600. */
  readonly expiresIn?: number;
}

export async function createTokenKey(kid: string): Promise<TokenKey> {
  return { kid, ...(await generateKeyPair('ES256', { extractable: true })) };
}

/** The public halves, as an issuer publishes them. */
export async function jwksOf(...keys: readonly TokenKey[]): Promise<JSONWebKeySet> {
  const published = keys.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' }));
  return { keys: await Promise.all(published) };
}

/** A token of this key. */
export function signToken(key: TokenKey, { expiresIn = 600, ...claims }: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'clinic', iat: now, exp: now + expiresIn, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .sign(key.privateKey);
}
