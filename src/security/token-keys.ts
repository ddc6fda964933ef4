import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import type { Log } from '../domain/log.ts';
import { WatchedFiles } from './watched-files.ts';

/** Where the keys of tokens are: a JWKS (RFC 7517) in a file, or at a URL. */
export type TokenKeysConfig = { readonly jwksFile: string } | { readonly jwksUrl: string };

/** The keys that tokens are checked with, always the newest. */
export interface TokenKeys {
  readonly find: JWTVerifyGetKey;
  /** Who learns that keys have changed, so that some may be gone. From a URL nobody does; see {@link KEYS_MAX_AGE_MS}. */
  onChange(listener: () => void): void;
  close(): void;
}

/** How long keys from a URL are good without another look: a key that its issuer has withdrawn is trusted no longer. */
export const KEYS_MAX_AGE_MS = 600_000;
/** How long an answer may take: a request waits for it. */
const FETCH_TIMEOUT_MS = 3_000;
/** The least time between two looks for a key that is not known: made-up key ids must not become a flood for the issuer. */
const FETCH_COOLDOWN_MS = 30_000;
/** How long an issuer that failed is left alone: jose would ask it again for each request. */
const FETCH_REST_MS = 1_000;
/** The largest JWKS from a URL: some thousand keys. */
const MAX_JWKS_BYTES = 1024 * 1024;
/** How often the same trouble with the issuer is logged. */
const WARN_EVERY_MS = 30_000;

/**
 * Opens the keys. A file is read at once, and again when it changes; a URL is asked with the first token, when its keys are
 * older than {@link KEYS_MAX_AGE_MS}, and for a key that is not known. Rejects for a file that can't be used. `lookMs`: how
 * often a file is looked at, and a URL at most for a key that is not known.
 */
export async function openTokenKeys(config: TokenKeysConfig, log: Log, lookMs?: number): Promise<TokenKeys> {
  if ('jwksUrl' in config) {
    const find = createRemoteJWKSet(new URL(config.jwksUrl), {
      cacheMaxAge: KEYS_MAX_AGE_MS,
      cooldownDuration: lookMs ?? FETCH_COOLDOWN_MS,
      timeoutDuration: FETCH_TIMEOUT_MS,
      [customFetch]: createSparingFetch(),
    });
    return { find: reporting(find, config.jwksUrl, log), onChange: () => {}, close: () => {} };
  }
  const listeners: (() => void)[] = [];
  let keys: JWTVerifyGetKey | undefined;
  const files = await WatchedFiles.open({
    paths: [config.jwksFile],
    use: ([content]) => {
      keys = createLocalJWKSet(JSON.parse(String(content)) as JSONWebKeySet);
      for (const listener of listeners) listener();
    },
    log,
    ...(lookMs !== undefined && { lookMs }),
  });
  return {
    find: (header, token) => {
      if (keys === undefined) throw new RangeError('the file was not read');
      return keys(header, token);
    },
    onChange: (listener) => {
      listeners.push(listener);
    },
    close: () => files.close(),
  };
}

/** Fetches with a bound of the answer's size, and leaves a server that failed alone for a while: until then it fails by itself. */
function createSparingFetch(): FetchImplementation {
  let restsUntilMs = 0;
  let failure: unknown;
  return async (url, options) => {
    if (Date.now() < restsUntilMs) throw failure;
    try {
      return new Response(await readKeys(await fetch(url, options)));
    } catch (error) {
      failure = error;
      restsUntilMs = Date.now() + FETCH_REST_MS;
      throw error;
    }
  };
}

async function readKeys({ status, body }: Response): Promise<string> {
  if (status !== 200 || body === null) {
    await body?.cancel();
    throw new RangeError(`the server of the keys answered with ${status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_JWKS_BYTES) throw new RangeError(`the keys are larger than ${MAX_JWKS_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Tells the log of an issuer that is away, which its callers only learn as UNAVAILABLE. */
function reporting(find: JWTVerifyGetKey, url: string, log: Log): JWTVerifyGetKey {
  const { host } = new URL(url);
  let mutedUntilMs = 0;
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      const isTokens = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
      if (!isTokens && Date.now() >= mutedUntilMs) {
        mutedUntilMs = Date.now() + WARN_EVERY_MS;
        log.warn('the keys of tokens cannot be fetched', { host, error });
      }
      throw error;
    }
  };
}
