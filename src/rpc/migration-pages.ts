import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError, invalidField } from '../domain/errors.ts';

/** A page that is asked for. */
export interface PageRequest {
  /** Which list it is of: the method, and whatever else decides what is listed. */
  readonly list: readonly string[];
  readonly pageToken: string;
  readonly pageSize: number;
}

/** How many elements a page has. */
export interface PageBounds {
  readonly default: number;
  readonly most: number;
}

/** Of SHA-256's 32 bytes, as in the tokens of records. */
const MAC_BYTES = 16;
/** Longer tokens are not even decoded. */
const MAX_TOKEN_CHARS = 256;
/** Sets these tokens apart from those of records, which one secret protects as well. */
const PURPOSE = 'pages of the migration API';

/** Opens pages. A token is base64url of a truncated HMAC-SHA256 over the list and the last element, and that element. */
export function createPages(secret: Uint8Array): (request: PageRequest, bounds: PageBounds) => Page {
  return (request, bounds) => new Page(secret, request, bounds);
}

/** A page of something small, continued after the last one shown. */
export class Page {
  /** Continue after this; empty: from the start. */
  readonly after: string;
  readonly size: number;
  readonly #secret: Uint8Array;
  readonly #list: readonly string[];

  /** Throws `invalid_argument` for a size below 0, or a token that this service did not give for this list. */
  constructor(secret: Uint8Array, { list, pageToken, pageSize }: PageRequest, bounds: PageBounds) {
    if (pageSize < 0) throw invalidField('page_size', 'must not be negative');
    this.size = pageSize === 0 ? bounds.default : Math.min(pageSize, bounds.most);
    this.#secret = secret;
    this.#list = list;
    this.after = pageToken === '' ? '' : this.#open(pageToken);
  }

  /** `after` as a number; null: from the start. */
  get afterNumber(): number | null {
    return this.after === '' ? null : Number(this.after);
  }

  /** Cuts what was found, one more than the page's size, to the page. `idOf` names the element to continue after. */
  cut<T>(found: readonly T[], idOf: (element: T) => string): { shown: readonly T[]; nextPageToken: string } {
    const shown = found.slice(0, this.size);
    const last = shown.at(-1);
    const more = found.length > this.size && last !== undefined;
    return { shown, nextPageToken: more ? this.#seal(idOf(last)) : '' };
  }

  #seal(id: string): string {
    return Buffer.concat([this.#mac(id), Buffer.from(id)]).toString('base64url');
  }

  #open(token: string): string {
    if (token.length > MAX_TOKEN_CHARS) throw invalidToken();
    const bytes = Buffer.from(token, 'base64url');
    // Node reads past what is no base64url; one token has one text.
    if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== token) throw invalidToken();
    const id = bytes.toString('utf8', MAC_BYTES);
    if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(id))) throw invalidToken();
    return id;
  }

  #mac(id: string): Buffer {
    const covered = JSON.stringify([PURPOSE, ...this.#list, id]);
    return createHmac('sha256', this.#secret).update(covered).digest().subarray(0, MAC_BYTES);
  }
}

function invalidToken(): DomainError {
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'INVALID_PAGE_TOKEN',
    message: 'page_token: not a token of this list; begin again without one',
    metadata: { field: 'page_token' },
  });
}
