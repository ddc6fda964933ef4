import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../domain/errors.ts';
import { createKeyCodec, type Key, type KeyValue } from '../domain/key.ts';
import type { Resource } from '../domain/resource.ts';

/** What a page token is good for: nothing but the next page of the same listing. */
export interface PageBinding {
  /** The values of the parent's key columns. */
  readonly parent: readonly KeyValue[];
  /** Whatever else decides which records are listed; a token of another request is refused. Default: nothing. */
  readonly request?: string;
}

/** Makes and reads page tokens of one resource. */
export interface PageTokens {
  /** The token of the page after `last`. */
  seal(last: Key, binding: PageBinding): string;
  /**
   * The key after which the page begins.
   *
   * @throws `invalid_argument`/INVALID_PAGE_TOKEN for a token that this service did not give for this listing.
   */
  open(token: string, binding: PageBinding): Key;
}

/** Grows when the layout changes, so that a token of another layout is refused and not misread. */
const LAYOUT = 1;
/** Of SHA-256's 32 bytes: enough against guessing, and the token stays short. */
const MAC_BYTES = 16;
const HEADER_BYTES = 1 + MAC_BYTES;
/** More than the longest key that a resource can have; longer tokens are not even decoded. */
const MAX_TOKEN_CHARS = 16_384;

/**
 * A token is base64url of: the layout, a truncated HMAC-SHA256, the last key's bytes. It names a place in the key's order
 * and nothing of a store, so it goes on working when the next page is read from the other one. The HMAC covers resource,
 * parent, request and key; every instance needs the same `secret`.
 */
export function createPageTokens(options: { readonly resource: Resource; readonly secret: Uint8Array }): PageTokens {
  const { resource, secret } = options;
  const keys = createKeyCodec(resource);
  const parents = createKeyCodec({ columns: resource.columns, keyLength: resource.parentLength });
  const mac = (key: Buffer, binding: PageBinding): Buffer => {
    const hmac = createHmac('sha256', secret);
    const parent = parents.fromValues(binding.parent).bytes;
    for (const part of [resource.id, parent, binding.request ?? '']) hmac.update(lengthOf(part)).update(part);
    return hmac.update(key).digest().subarray(0, MAC_BYTES);
  };
  return {
    seal: (last, binding) =>
      Buffer.concat([Buffer.of(LAYOUT), mac(last.bytes, binding), last.bytes]).toString('base64url'),
    open: (token, binding) => {
      if (token.length > MAX_TOKEN_CHARS) throw invalidToken();
      const bytes = Buffer.from(token, 'base64url');
      // Node reads past what is no base64url; one token has one text.
      if (bytes.toString('base64url') !== token) throw invalidToken();
      if (bytes.length <= HEADER_BYTES || bytes[0] !== LAYOUT) throw invalidToken();
      const key = bytes.subarray(HEADER_BYTES);
      if (!timingSafeEqual(bytes.subarray(1, HEADER_BYTES), mac(key, binding))) throw invalidToken();
      try {
        return keys.fromBytes(key);
      } catch (cause) {
        throw invalidToken(cause);
      }
    },
  };
}

/** Before each part, so that no two bindings are written alike. */
function lengthOf(part: string | Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(typeof part === 'string' ? Buffer.byteLength(part) : part.length);
  return length;
}

function invalidToken(cause?: unknown): DomainError {
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'INVALID_PAGE_TOKEN',
    message: 'page_token: not a token of this listing; begin again without one',
    metadata: { field: 'page_token' },
    cause,
  });
}
