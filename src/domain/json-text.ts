import { invalidField } from './errors.ts';

/** Nested arrays and objects that a document may have: MySQL's own limit. */
export const MAX_JSON_DEPTH = 100;
/** The longest document in UTF-16 units: MySQL's default `max_allowed_packet`. */
export const MAX_JSON_LENGTH = 64 * 1024 * 1024;
/** The longest member name in bytes: MySQL's own limit. */
export const MAX_JSON_KEY_BYTES = 65_535;

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
/** Up to so many digits an integer fits 64 bits without looking. */
const SAFE_DIGITS = 18;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the reader stands. */
interface Cursor {
  readonly text: string;
  readonly field: string;
  readonly maxDepth: number;
  at: number;
  depth: number;
}

/**
 * The canonical text of a JSON document: two documents that MySQL's JSON type stores alike have the same one.
 *
 * No insignificant white space; members in MySQL's order (by length of the name in bytes, then by its bytes), of
 * members with one name the last; strings with the fewest escapes; an integer within 64 bits as its digits, every
 * other number as the shortest text of the double that MySQL stores, `1.0` as `1`, `-0` as `0`.
 *
 * @param field how the error names the value.
 * @param maxDepth how many levels it may have.
 * @throws DomainError `invalid_argument` for what MySQL would refuse: malformed text, lone surrogates, numbers beyond a
 *   double, more than `maxDepth` levels, more than {@link MAX_JSON_LENGTH} units.
 */
export function canonicalJson(text: string, field = 'json', maxDepth = MAX_JSON_DEPTH): string {
  if (text.length > MAX_JSON_LENGTH) throw invalidField(field, `JSON of more than ${MAX_JSON_LENGTH} characters`);
  if (!text.isWellFormed()) throw invalidField(field, 'JSON with half of a surrogate pair');
  const cursor: Cursor = { text, field, maxDepth, at: 0, depth: 0 };
  skipSpace(cursor);
  const canonical = readValue(cursor);
  skipSpace(cursor);
  if (cursor.at !== text.length) throw malformed(cursor, 'more text after its end');
  return canonical;
}

function readValue(cursor: Cursor): string {
  const first = cursor.text[cursor.at];
  switch (first) {
    case '{':
      return nested(cursor, readObject);
    case '[':
      return nested(cursor, readArray);
    case '"':
      return readString(cursor);
    case 't':
    case 'f':
    case 'n':
      return take(cursor, LITERAL);
    default:
      return readNumber(cursor);
  }
}

function nested(cursor: Cursor, read: (cursor: Cursor) => string): string {
  cursor.depth++;
  if (cursor.depth > cursor.maxDepth) {
    throw invalidField(cursor.field, `JSON with more than ${cursor.maxDepth} levels`);
  }
  const text = read(cursor);
  cursor.depth--;
  return text;
}

function readArray(cursor: Cursor): string {
  const items: string[] = [];
  cursor.at++;
  skipSpace(cursor);
  if (skipIf(cursor, ']')) return '[]';
  for (;;) {
    items.push(readValue(cursor));
    skipSpace(cursor);
    if (skipIf(cursor, ']')) return `[${items.join(',')}]`;
    if (!skipIf(cursor, ',')) throw malformed(cursor, 'neither , nor ] after an element');
    skipSpace(cursor);
  }
}

function readObject(cursor: Cursor): string {
  const members = new Map<string, string>();
  cursor.at++;
  skipSpace(cursor);
  if (skipIf(cursor, '}')) return '{}';
  for (;;) {
    const name = readString(cursor);
    skipSpace(cursor);
    if (!skipIf(cursor, ':')) throw malformed(cursor, 'no : after a member name');
    skipSpace(cursor);
    members.set(name, readValue(cursor));
    skipSpace(cursor);
    if (skipIf(cursor, '}')) return printObject(cursor, members);
    if (!skipIf(cursor, ',')) throw malformed(cursor, 'neither , nor } after a member');
    skipSpace(cursor);
  }
}

function printObject(cursor: Cursor, members: ReadonlyMap<string, string>): string {
  const ordered = [...members].map(([name, value]) => ({ name, value, bytes: nameBytes(cursor, name) }));
  ordered.sort((a, b) => a.bytes.length - b.bytes.length || Buffer.compare(a.bytes, b.bytes));
  return `{${ordered.map((member) => `${member.name}:${member.value}`).join(',')}}`;
}

/** The bytes that MySQL stores for a name, given in canonical quotes. */
function nameBytes(cursor: Cursor, quoted: string): Buffer {
  const bytes = Buffer.from(quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1), 'utf8');
  if (bytes.length > MAX_JSON_KEY_BYTES) {
    throw invalidField(cursor.field, `JSON with a member name of more than ${MAX_JSON_KEY_BYTES} bytes`);
  }
  return bytes;
}

function readString(cursor: Cursor): string {
  const { text, at } = cursor;
  if (text.charCodeAt(at) !== QUOTE) throw malformed(cursor, 'no string');
  let escaped = false;
  let end = at + 1;
  for (; text.charCodeAt(end) !== QUOTE; end++) {
    // Past the end the code is NaN.
    if (!(text.charCodeAt(end) >= 0x20)) throw malformed(cursor, 'a control character in a string, or no end of it');
    if (text.charCodeAt(end) !== BACKSLASH) continue;
    escaped = true;
    end++;
  }
  const quoted = text.slice(at, end + 1);
  const canonical = escaped ? printEscaped(cursor, quoted) : quoted;
  cursor.at = end + 1;
  return canonical;
}

function printEscaped(cursor: Cursor, quoted: string): string {
  let value: string;
  try {
    value = JSON.parse(quoted) as string;
  } catch {
    throw malformed(cursor, 'an unknown escape in a string');
  }
  if (!value.isWellFormed()) throw invalidField(cursor.field, 'JSON with half of a surrogate pair');
  return JSON.stringify(value);
}

function readNumber(cursor: Cursor): string {
  const token = take(cursor, NUMBER);
  if (isInteger64(token)) return token === '-0' ? '0' : token;
  const value = Number(token);
  if (!Number.isFinite(value)) throw invalidField(cursor.field, 'JSON with a number beyond the range of a double');
  return String(value);
}

function isInteger64(token: string): boolean {
  for (let i = 1; i < token.length; i++) {
    const code = token.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  if (token.length <= SAFE_DIGITS) return true;
  const value = BigInt(token);
  return value >= INT64_MIN && value <= UINT64_MAX;
}

function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at;
  const token = pattern.exec(cursor.text)?.[0];
  if (token === undefined) throw malformed(cursor, 'no value');
  cursor.at += token.length;
  return token;
}

function skipSpace(cursor: Cursor): void {
  if (cursor.text.charCodeAt(cursor.at) > 0x20) return;
  SPACE.lastIndex = cursor.at;
  cursor.at += SPACE.exec(cursor.text)?.[0].length ?? 0;
}

function skipIf(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at++;
  return true;
}

function malformed(cursor: Cursor, what: string): Error {
  return invalidField(cursor.field, `not JSON: ${what} at character ${cursor.at}`);
}
