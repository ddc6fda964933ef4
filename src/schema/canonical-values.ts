import { invalidField } from '../domain/errors.ts';
import { canonicalJson } from '../domain/json-text.ts';
import type { ColumnType } from '../domain/resource.ts';

/** Checks of what callers send against a column's type. All of them throw INVALID_ARGUMENT that names `path`. */

type TypeOf<K extends ColumnType['kind']> = Extract<ColumnType, { kind: K }>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DECIMAL = /^(-?)0*(\d+)(?:\.(?=\d)(\d*?)0*)?$/;
/** A decimal of more characters is refused without looking: MySQL's have at most 65 digits. */
const MAX_DECIMAL_TEXT = 200;
const MAX_FLOAT = 3.4028234663852886e38;
const MICROS_PER_SECOND = 1_000_000n;
/** 0001-01-01T00:00:00 and 9999-12-31T23:59:59.999999. */
const MIN_DATETIME_MICROS = -62_135_596_800_000_000n;
const MAX_DATETIME_MICROS = 253_402_300_799_999_999n;
/** 1970-01-01T00:00:01Z and 2038-01-19T03:14:07.999999Z; MySQL takes 0 for "no date". */
const MIN_TIMESTAMP_MICROS = MICROS_PER_SECOND;
const MAX_TIMESTAMP_MICROS = 2n ** 31n * MICROS_PER_SECOND - 1n;
const FIRST_YEAR = 1901;
const LAST_YEAR = 2155;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is these
const NOT_ASCII = /[^\u0000-\u007f]/;
/** MySQL's latin1 is Windows-1252. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it holds these as well
const NOT_LATIN1 = /[^\u0000-\u007f\u00a0-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]/u;
/** Levels of a document that MariaDB's JSON_VALID takes. */
const MARIADB_JSON_DEPTH = 31;
const BEYOND_BMP = /[\u{10000}-\u{10ffff}]/u;

/** The least and the greatest value of an integer column. */
export function intRange(type: TypeOf<'int'>): { readonly min: bigint; readonly max: bigint } {
  const bits = BigInt(type.bits);
  if (type.unsigned) return { min: 0n, max: 2n ** BigInt(type.bit ?? bits) - 1n };
  return { min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n };
}

/** Compiles the check of integers; its answer is canonical. */
export function integerCheck(type: TypeOf<'int'>): (value: number | bigint, path: string) => number | bigint {
  const { min, max } = intRange(type);
  const wide = type.bits === 64;
  return (value, path) => {
    if (value < min || value > max) throw invalidField(path, `not from ${min} to ${max}`);
    const number = Number(value);
    if (type.year && number !== 0 && (number < FIRST_YEAR || number > LAST_YEAR)) {
      throw invalidField(path, `neither 0 nor from ${FIRST_YEAR} to ${LAST_YEAR}`);
    }
    return wide ? BigInt(value) : number;
  };
}

/** A finite number that the column holds exactly. */
export function checkFloat(type: TypeOf<'float' | 'double'>, value: number, path: string): number {
  if (!Number.isFinite(value)) throw invalidField(path, 'not a finite number');
  if (type.unsigned && value < 0) throw invalidField(path, 'below 0, and the column is unsigned');
  if (type.kind === 'double') return value;
  if (Math.abs(value) > MAX_FLOAT) throw invalidField(path, 'beyond the range of a float');
  return Math.fround(value);
}

/** A decimal, padded to the column's scale. Digits are never rounded away. */
export function checkDecimal(type: TypeOf<'decimal'>, text: string, path: string): string {
  const [, sign, whole, fraction = ''] = (text.length <= MAX_DECIMAL_TEXT && DECIMAL.exec(text)) || [];
  if (whole === undefined) throw invalidField(path, 'not a decimal number such as -12.50');
  if (fraction.length > type.scale) throw invalidField(path, `more than ${type.scale} digits after the point`);
  const most = type.precision - type.scale;
  if (whole !== '0' && whole.length > most) throw invalidField(path, `more than ${most} digits before the point`);
  const digits = type.scale === 0 ? whole : `${whole}.${fraction.padEnd(type.scale, '0')}`;
  if (sign === '' || !/[1-9]/.test(digits)) return digits;
  if (type.unsigned) throw invalidField(path, 'below 0, and the column is unsigned');
  return `-${digits}`;
}

/** A text that the column holds as it is. */
export function checkString(type: TypeOf<'string'>, text: string, path: string): string {
  if (!text.isWellFormed()) throw invalidField(path, 'half of a surrogate pair');
  if (text.length > type.maxChars && countCodePoints(text) > type.maxChars) {
    throw invalidField(path, `more than ${type.maxChars} characters`);
  }
  if (text.length * 3 > type.maxBytes && bytesOf(type, text) > type.maxBytes) {
    throw invalidField(path, `more than ${type.maxBytes} bytes`);
  }
  if (type.trimsSpaces && text.endsWith(' ')) throw invalidField(path, 'ends in a space, which the column would drop');
  checkCharset(type, text, path);
  if (type.json) canonicalJson(text, path, MARIADB_JSON_DEPTH);
  return text;
}

/** A time, in microseconds since 1970, that the column's type has. */
export function checkRange({ kind }: TypeOf<'datetime' | 'timestamp'>, micros: bigint, path: string): bigint {
  if (kind === 'datetime' && (micros < MIN_DATETIME_MICROS || micros > MAX_DATETIME_MICROS)) {
    throw invalidField(path, 'not of a year from 1 to 9999');
  }
  if (kind === 'timestamp' && (micros < MIN_TIMESTAMP_MICROS || micros > MAX_TIMESTAMP_MICROS)) {
    throw invalidField(path, 'not from 1970-01-01T00:00:01Z to 2038-01-19T03:14:07.999999Z');
  }
  return micros;
}

/** Bytes that the column holds as they are. */
export function checkBytes(type: TypeOf<'bytes'>, bytes: Uint8Array, path: string): Uint8Array {
  if (type.fixed && bytes.length !== type.maxBytes) throw invalidField(path, `not exactly ${type.maxBytes} bytes`);
  if (bytes.length > type.maxBytes) throw invalidField(path, `more than ${type.maxBytes} bytes`);
  return bytes;
}

/** A UUID in its one canonical form. */
export function checkUuid(text: string, path: string): string {
  if (!UUID.test(text)) throw invalidField(path, 'not a UUID of 36 characters in lower case');
  return text;
}

/** A SET column's members, joined in the column's order. */
export function checkSet(type: TypeOf<'set'>, members: readonly string[], path: string): string {
  for (const [index, member] of members.entries()) {
    if (!type.values.includes(member)) throw invalidField(path, 'a member that the column does not have');
    if (members.indexOf(member) !== index) throw invalidField(path, 'a member twice');
  }
  return type.values.filter((value) => members.includes(value)).join(',');
}

function checkCharset(type: TypeOf<'string'>, text: string, path: string): void {
  switch (type.charset) {
    case undefined:
      return;
    case 'ascii':
      if (NOT_ASCII.test(text))
        throw invalidField(path, 'a character that is not ASCII, the character set of the column');
      return;
    case 'latin1':
      if (NOT_LATIN1.test(text))
        throw invalidField(path, 'a character that latin1, the character set of the column, lacks');
      return;
    case 'utf8mb3':
      if (BEYOND_BMP.test(text)) throw invalidField(path, 'a character beyond U+FFFF, which utf8mb3 lacks');
  }
}

function bytesOf(type: TypeOf<'string'>, text: string): number {
  return type.charset === 'latin1' || type.charset === 'ascii' ? text.length : Buffer.byteLength(text);
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
