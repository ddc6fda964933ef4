import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../domain/clock.ts';
import { DomainError, type ErrorReason } from '../domain/errors.ts';
import type { Identity } from './roles.ts';
import { KEYS_MAX_AGE_MS, type TokenKeys } from './token-keys.ts';

/** What a token must say, and who may have signed it. */
export interface TokenRules {
  readonly issuer: string;
  /** One of them is enough. */
  readonly audience: readonly string[];
  /** By how much the issuer's clock and ours may differ. */
  readonly clockToleranceSeconds: number;
  readonly algorithms: readonly string[];
}

/** Checks tokens (JWT, RFC 7519). */
export interface TokenVerifier<Caller> {
  /**
   * Whose token it is; at once where it is known already.
   *
   * @throws `unauthenticated`/CREDENTIALS_EXPIRED or CREDENTIALS_INVALID, `unavailable`/TOKEN_KEYS_UNAVAILABLE; rejects with them.
   */
  verify(token: string): Caller | Promise<Caller>;
}

/** What {@link createTokenVerifier} needs. */
export interface TokenVerifierOptions<Caller> {
  readonly keys: Pick<TokenKeys, 'find' | 'onChange'>;
  readonly rules: TokenRules;
  readonly clock: Clock;
  /** Called once for each token that is good; what it returns is remembered with the token. */
  readonly callerOf: (identity: Identity) => Caller;
}

interface Remembered<Caller> {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** Tokens that are remembered; the one that came first is forgotten first. Some 2 KiB each. */
const MAX_REMEMBERED = 10_000;
/** Longer tokens are not looked at. */
const MAX_TOKEN_CHARS = 8_192;
/** As for every name in a request's metadata. */
const MAX_SUBJECT_CHARS = 256;

/**
 * A token is checked once and remembered until it expires, for {@link KEYS_MAX_AGE_MS} at most: checking a signature costs as
 * much as a small request. All are forgotten when the keys change.
 */
export function createTokenVerifier<Caller>(options: TokenVerifierOptions<Caller>): TokenVerifier<Caller> {
  const { keys, rules, clock, callerOf } = options;
  const known = new Map<string, Remembered<Caller>>();
  const underWay = new Map<string, Promise<Caller>>();
  let keysChanged = 0;
  keys.onChange(() => {
    keysChanged++;
    known.clear();
  });

  const check = async (token: string): Promise<Caller> => {
    const changedBefore = keysChanged;
    const nowMs = Number(clock.wallMicros() / 1000n);
    const payload = await checkToken(token, keys, rules, nowMs);
    const caller = callerOf({ names: [payload.sub], claims: payload });
    const expiresMs = (payload.exp + rules.clockToleranceSeconds) * 1000;
    if (keysChanged === changedBefore) {
      remember(known, token, { caller, untilMs: Math.min(expiresMs, nowMs + KEYS_MAX_AGE_MS) });
    }
    return caller;
  };

  return {
    verify: (token) => {
      const found = known.get(token);
      if (found !== undefined && Number(clock.wallMicros() / 1000n) < found.untilMs) return found.caller;
      if (token.length > MAX_TOKEN_CHARS || !isCanonical(token)) throw refused('CREDENTIALS_INVALID');
      const pending = underWay.get(token) ?? check(token).finally(() => underWay.delete(token));
      underWay.set(token, pending);
      return pending;
    },
  };
}

/**
 * Whether the signature is written in the one way that RFC 7515 knows. Decoders take padding, the other alphabet and idle bits
 * too: whoever holds one good token could write thousands, and have those of everybody else forgotten.
 */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function remember<Caller>(known: Map<string, Remembered<Caller>>, token: string, entry: Remembered<Caller>): void {
  known.delete(token);
  if (known.size >= MAX_REMEMBERED) {
    const [oldest] = known.keys();
    if (oldest !== undefined) known.delete(oldest);
  }
  known.set(token, entry);
}

async function checkToken(
  token: string,
  keys: Pick<TokenKeys, 'find'>,
  rules: TokenRules,
  nowMs: number,
): Promise<JWTPayload & { readonly sub: string; readonly exp: number }> {
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      issuer: rules.issuer,
      audience: [...rules.audience],
      algorithms: [...rules.algorithms],
      clockTolerance: rules.clockToleranceSeconds,
      // A token that never expires could never be taken back.
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(nowMs),
    });
    const { sub = '', exp = 0 } = payload;
    if (sub === '' || sub.length > MAX_SUBJECT_CHARS) throw refused('CREDENTIALS_INVALID');
    return { ...payload, sub, exp };
  } catch (error) {
    throw error instanceof DomainError ? error : translate(error);
  }
}

/** These say something of the token. Whatever else went wrong says something of the keys' source. */
const faultsOfToken: ReadonlySet<string> = new Set([
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWTInvalid.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
]);

function translate(error: unknown): DomainError {
  if (error instanceof errors.JWTExpired) return refused('CREDENTIALS_EXPIRED');
  if (error instanceof errors.JOSEError && faultsOfToken.has(error.code)) return refused('CREDENTIALS_INVALID', error);
  return new DomainError({
    kind: 'unavailable',
    reason: 'TOKEN_KEYS_UNAVAILABLE',
    message: 'the keys that tokens are checked with cannot be had at the moment',
    cause: error,
  });
}

const texts = {
  CREDENTIALS_EXPIRED: 'the token has expired; get a new one',
  // Which part of it is wrong would help nobody but a forger.
  CREDENTIALS_INVALID: 'the token is not one that this service takes',
} as const satisfies Partial<Record<ErrorReason, string>>;

function refused(reason: keyof typeof texts, cause?: unknown): DomainError {
  return new DomainError({ kind: 'unauthenticated', reason, message: texts[reason], cause });
}
