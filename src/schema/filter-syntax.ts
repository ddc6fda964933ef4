import { DomainError } from '../domain/errors.ts';

/** A comparison's operator; `:` asks whether a field has a value, or a list an element. */
export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':';

/** What a field is compared with, as it was written. */
export interface FilterLiteral {
  readonly text: string;
  /** In quotes: a text, never a keyword. */
  readonly quoted: boolean;
  /** Where it begins, in characters, counted from 1. */
  readonly position: number;
}

/** A filter as a tree. */
export type FilterNode =
  | { readonly kind: 'and' | 'or'; readonly operands: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly operand: FilterNode }
  | {
      readonly kind: 'comparison';
      readonly field: string;
      /** Where the field's name begins, in characters, counted from 1. */
      readonly position: number;
      readonly comparator: Comparator;
      readonly literal: FilterLiteral;
    };

/** More than a person writes; a filter is looked at once for each row of a page. */
export const MAX_FILTER_CHARS = 2_048;
/** The most comparisons of one filter. */
export const MAX_FILTER_TERMS = 50;
/** The deepest nesting of parentheses and NOTs: the parser and the predicate recurse. */
export const MAX_FILTER_DEPTH = 16;

const SPACE = /[ \t\r\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_.]*/y;
const COMPARATOR = /!=|<=|>=|=|<|>|:/y;
/** Up to what ends an argument: dates, durations and numbers need no quotes. */
const BARE = /[^ \t\r\n()"'=<>!,]+/y;
const KEYWORDS = new Set(['AND', 'OR', 'NOT']);

/**
 * Reads a filter of AIP-160's grammar, as far as docs/api.md offers it: comparisons of one field with one value, AND, OR (which
 * binds tighter than AND there), NOT and `-`, parentheses.
 *
 * @throws DomainError INVALID_ARGUMENT/INVALID_FILTER that names the position; never a value.
 */
export function parseFilter(text: string): FilterNode {
  if (text.length > MAX_FILTER_CHARS) throw invalidFilter(`is longer than ${MAX_FILTER_CHARS} characters`, 1);
  return new FilterParser(text).parse();
}

/** The error of a filter, with the character at which it goes wrong, counted from 1. */
export function invalidFilter(message: string, position: number): DomainError {
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'INVALID_FILTER',
    message: `filter: at character ${position}: ${message}`,
    metadata: { field: 'filter', position: String(position) },
  });
}

class FilterParser {
  readonly #text: string;
  #at = 0;
  #terms = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): FilterNode {
    const node = this.#expression(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('AND, OR or the end was expected');
    return node;
  }

  #expression(depth: number): FilterNode {
    return this.#chain('and', 'AND', () => this.#chain('or', 'OR', () => this.#term(depth)));
  }

  #chain(kind: 'and' | 'or', keyword: string, operand: () => FilterNode): FilterNode {
    const first = operand();
    const operands = [first];
    while (this.#takeKeyword(keyword)) operands.push(operand());
    return operands.length === 1 ? first : { kind, operands };
  }

  #term(depth: number): FilterNode {
    this.#skipSpace();
    if (depth > MAX_FILTER_DEPTH) throw this.#error(`nested more than ${MAX_FILTER_DEPTH} deep`);
    if (this.#takeKeyword('NOT') || this.#take('-')) return { kind: 'not', operand: this.#term(depth + 1) };
    if (!this.#take('(')) return this.#comparison();
    const inner = this.#expression(depth + 1);
    this.#skipSpace();
    if (!this.#take(')')) throw this.#error('")" was expected');
    return inner;
  }

  #comparison(): FilterNode {
    const at = this.#at;
    const field = this.#match(NAME);
    if (field === undefined || KEYWORDS.has(field)) {
      this.#at = at;
      throw this.#error("a field's name was expected");
    }
    this.#terms += 1;
    if (this.#terms > MAX_FILTER_TERMS) throw this.#error(`more than ${MAX_FILTER_TERMS} comparisons`);
    this.#skipSpace();
    const comparator = this.#match(COMPARATOR) as Comparator | undefined;
    if (comparator === undefined) throw this.#error('one of = != < <= > >= : was expected');
    this.#skipSpace();
    return { kind: 'comparison', field, position: at + 1, comparator, literal: this.#literal() };
  }

  #literal(): FilterLiteral {
    const position = this.#at + 1;
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return { text: this.#quoted(quote), quoted: true, position };
    const text = this.#match(BARE);
    if (text === undefined || KEYWORDS.has(text)) {
      this.#at = position - 1;
      throw this.#error('a value was expected: a number, true, a name, or a text in quotes');
    }
    return { text, quoted: false, position };
  }

  #quoted(quote: string): string {
    const opened = this.#at;
    let text = '';
    for (let at = opened + 1; at < this.#text.length; at++) {
      const character = this.#text[at] as string;
      if (character === quote) {
        this.#at = at + 1;
        return text;
      }
      if (character === '\\') at += 1;
      text += this.#text[at] ?? '';
    }
    throw invalidFilter('the quotation mark is never closed', opened + 1);
  }

  #takeKeyword(keyword: string): boolean {
    const at = this.#at;
    this.#skipSpace();
    if (this.#match(NAME) === keyword) return true;
    this.#at = at;
    return false;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #error(message: string): DomainError {
    return invalidFilter(message, this.#at + 1);
  }
}
