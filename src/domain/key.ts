import type { ColumnType, Resource, Row } from './resource.ts';

/** A key column's canonical value. */
export type KeyValue = number | bigint | string | Uint8Array;

/**
 * A record's key. `bytes` identifies it in side tables, jobs and logs of positions: the order of `bytes` is the order of the key, as
 * `ORDER BY` of the key's columns gives it in both stores.
 */
export interface Key {
  /** One value for each key column, in key order. */
  readonly values: readonly KeyValue[];
  /** Order-preserving and reversible encoding of `values`. */
  readonly bytes: Buffer;
  /** `bytes` as a string of one character a byte: for maps and sets. */
  readonly id: string;
}

/** Turns key values into keys and back, compiled for one resource. */
export interface KeyCodec {
  /** The key with these values, one for each key column. */
  fromValues(values: readonly KeyValue[]): Key;
  /** The key of a row. */
  fromRow(row: Row): Key;
  /** The key with this encoding. Throws a RangeError if it is none of this resource. */
  fromBytes(bytes: Uint8Array): Key;
}

/** Bytes of an encoded integer: wide enough for every 64-bit integer, signed or not, in one order. */
const INT_BYTES = 9;
const INT_OFFSET = 1n << 64n;

/**
 * Integers and times: 9 bytes big-endian of `value + 2^64`. Decimals: the digits without the point of `value + 10^(digits before
 * the point)`, all as long as each other, so that negative ones sort first, then as everything else: the bytes with 0x00 written
 * as 0x00 0xff, then 0x00 0x00, so that a shorter value sorts before its own extensions.
 */
export function createKeyCodec(resource: Pick<Resource, 'columns' | 'keyLength'>): KeyCodec {
  const types = resource.columns.slice(0, resource.keyLength).map((column) => column.type);
  const encoders = types.map(encoderOf);
  const fromValues = (values: readonly KeyValue[]): Key => {
    let id = '';
    for (let i = 0; i < values.length; i++) id += (encoders[i] as Encode)(values[i] as KeyValue);
    return { values, bytes: Buffer.from(id, 'latin1'), id };
  };
  return {
    fromValues,
    fromRow: (row) => fromValues(row.slice(0, types.length) as KeyValue[]),
    fromBytes: (bytes) => {
      const values = decode(types, bytes);
      const id = latin1(bytes);
      return { values, bytes: Buffer.from(id, 'latin1'), id };
    },
  };
}

/** The longest encoding that the side tables take: what MySQL's longest index key (3,072 bytes) leaves beside a resource's id. */
export const MAX_KEY_BYTES = 2_900;

/** The most bytes that the encoding of a key of these types may take. */
export function longestKey(types: readonly ColumnType[]): number {
  return types.reduce((sum, type) => sum + longestValue(type), 0);
}

function longestValue(type: ColumnType): number {
  switch (type.kind) {
    case 'string':
      return Math.max(type.maxBytes, type.maxChars * (type.charset === 'latin1' ? 2 : 1)) + TERMINATOR.length;
    case 'bytes':
      // A value of nothing but zeros.
      return 2 * type.maxBytes + TERMINATOR.length;
    case 'decimal':
      return type.precision + 1 + TERMINATOR.length;
    default:
      return hasIntKey(type) ? INT_BYTES : LONGEST_OTHER;
  }
}

/** A UUID's 36 characters, or a date's fewer, and their end. */
const LONGEST_OTHER = 38;

/** Whether values of a type take {@link INT_BYTES}, and have no terminator. */
export function hasIntKey({ kind }: ColumnType): boolean {
  return kind === 'int' || kind === 'datetime' || kind === 'timestamp';
}

type Encode = (value: KeyValue) => string;

function encoderOf(type: ColumnType): Encode {
  return type.kind === 'decimal' ? (value) => encodeDecimal(value as string, type) : encodeValue;
}

function encodeDecimal(text: string, { precision }: ColumnType & { kind: 'decimal' }): string {
  const shifted = BigInt(text.replace('.', '')) + 10n ** BigInt(precision);
  return shifted.toString().padStart(precision + 1, '0') + TERMINATOR;
}

function decodeDecimal(digits: string, { precision, scale }: ColumnType & { kind: 'decimal' }): string {
  const value = BigInt(digits) - 10n ** BigInt(precision);
  const absolute = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const point = absolute.length - scale;
  const magnitude = scale === 0 ? absolute : `${absolute.slice(0, point)}.${absolute.slice(point)}`;
  return value < 0n ? `-${magnitude}` : magnitude;
}

/** Encodings are put together as strings of one character a byte: several times quicker than as buffers. */
function encodeValue(value: KeyValue): string {
  if (typeof value === 'number' || typeof value === 'bigint') return encodeInt(value);
  const raw = typeof value === 'string' ? utf8(value) : latin1(value);
  return (raw.includes('\0') ? raw.replaceAll('\0', '\0\xff') : raw) + TERMINATOR;
}

const TERMINATOR = '\0\0';
const ASCII = /^[\0-\x7f]*$/;

function utf8(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function encodeInt(value: number | bigint): string {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    const shifted = BigInt(value) + INT_OFFSET;
    return Buffer.from(shifted.toString(16).padStart(INT_BYTES * 2, '0'), 'hex').toString('latin1');
  }
  const high = Math.floor(number / 2 ** 32);
  return String.fromCharCode(number < 0 ? 0 : 1, ...bytesOf(high), ...bytesOf(number));
}

function bytesOf(word: number): readonly [number, number, number, number] {
  return [(word >>> 24) & 0xff, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff];
}

function decode(types: readonly ColumnType[], bytes: Uint8Array): KeyValue[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: KeyValue[] = [];
  let at = 0;
  for (const type of types) {
    const isWide = type.kind !== 'int' || type.bits === 64;
    const part = hasIntKey(type) ? decodeInt(buffer, at, isWide) : decodeBytes(buffer, at, type);
    values.push(part.value);
    at = part.next;
  }
  if (at !== buffer.length) throw new RangeError('the key has more parts than the resource');
  return values;
}

function decodeInt(buffer: Buffer, at: number, wide: boolean): { value: KeyValue; next: number } {
  const high = buffer[at];
  if (high === undefined || at + INT_BYTES > buffer.length) throw new RangeError('the key ends within an integer');
  const low = buffer.readBigUInt64BE(at + 1);
  const value = high === 1 ? low : (BigInt(high) << 64n) + low - INT_OFFSET;
  return { value: wide ? value : Number(value), next: at + INT_BYTES };
}

function decodeBytes(buffer: Buffer, at: number, type: ColumnType): { value: KeyValue; next: number } {
  const zero = buffer.indexOf(0, at);
  // Nearly always the first zero ends the value; one within it is followed by 0xff.
  const part =
    buffer[zero + 1] === 0 && zero >= 0 ? { raw: buffer.subarray(at, zero), end: zero } : unescaped(buffer, at);
  return { value: toValue(part.raw, type), next: part.end + 2 };
}

function toValue(raw: Buffer, type: ColumnType): KeyValue {
  if (type.kind === 'bytes') return Buffer.from(raw);
  const text = raw.toString('utf8');
  if (type.kind !== 'decimal') return text;
  if (!/^\d+$/.test(text)) throw new RangeError('the key has no decimal where it should');
  return decodeDecimal(text, type);
}

/** The bytes from `at` up to the terminator at `end`, each zero without what follows it. */
function unescaped(buffer: Buffer, at: number): { raw: Buffer; end: number } {
  const raw: number[] = [];
  for (let i = at; i + 1 < buffer.length; i++) {
    const byte = buffer[i] as number;
    if (byte === 0) {
      if (buffer[i + 1] === 0) return { raw: Buffer.from(raw), end: i };
      i++;
    }
    raw.push(byte);
  }
  throw new RangeError('the key ends within a value');
}
