import { DomainError, invalidField } from '../domain/errors.ts';

/** A page of something small, continued after the last one shown. The token is opaque to callers, and worth nothing to forge. */
export class PageTokenOf {
  /** Continue after this; empty: from the start. */
  readonly after: string;
  readonly size: number;

  /** Throws `invalid_argument` for a size below 0 or a token of another making. */
  constructor(token: string, size: number, bounds: { readonly default: number; readonly most: number }) {
    if (size < 0) throw invalidField('page_size', 'must not be negative');
    this.size = size === 0 ? bounds.default : Math.min(size, bounds.most);
    this.after = token === '' ? '' : Buffer.from(token, 'base64url').toString('utf8');
    if (token !== '' && !/^[a-z0-9_]{1,64}$/.test(this.after)) throw invalidToken();
  }

  /** `after` as a number; null: from the start. */
  get afterNumber(): number | null {
    if (this.after === '') return null;
    const number = Number(this.after);
    if (!Number.isSafeInteger(number)) throw invalidToken();
    return number;
  }

  /** Cuts what was found, one more than the page's size, to the page. `idOf` names the element to continue after. */
  cut<T>(found: readonly T[], idOf: (element: T) => string): { shown: readonly T[]; nextPageToken: string } {
    const shown = found.slice(0, this.size);
    const last = shown.at(-1);
    const more = found.length > this.size && last !== undefined;
    return { shown, nextPageToken: more ? Buffer.from(idOf(last), 'utf8').toString('base64url') : '' };
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
