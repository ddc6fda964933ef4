import { DomainError } from '../../domain/errors.ts';
import type { ColumnType, Value } from '../../domain/resource.ts';

/** Turns a canonical value, never null, into what the driver binds: a Buffer goes onto the wire as it is. */
export type Bind = (value: Exclude<Value, null>) => unknown;

/** Turns what the driver read, never null, into a canonical value. */
export type Read = (value: unknown) => Value;

/**
 * How the values of a column type are bound, for the CQL types that `schema/cql-types.ts` names. Types that the driver
 * would carry in objects of its own are encoded here: faster, and exact over the whole range.
 */
export function bindOf(type: ColumnType): Bind {
  switch (type.kind) {
    case 'int':
      if (type.bits === 64) return type.unsigned ? (value) => varintBytes(value as bigint) : bigintBytes;
      return type.bits === 32 && type.unsigned ? bigintBytes : asIs;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return bigintBytes;
    case 'decimal':
      return (value) => decimalBytes(value as string);
    case 'date':
      return (value) => dateBytes(value as string);
    case 'bytes':
      return (value) => asBuffer(value as Uint8Array);
    case 'bool':
    case 'float':
    case 'double':
    case 'string':
    case 'uuid':
    case 'enum':
    case 'set':
    case 'json':
    case 'date_text':
      return asIs;
  }
}

/**
 * What a SELECT asks for to read a column: the column, or its bytes where the driver's own objects cost ten times what
 * reading the bytes does. `column`: its name, quoted.
 */
export function selectOf(type: ColumnType, column: string): string {
  const cql = readAsBytes(type);
  return cql === null ? column : `${cql}asblob(${column}) AS ${column}`;
}

function readAsBytes(type: ColumnType): 'decimal' | 'date' | 'varint' | null {
  if (type.kind === 'decimal' || type.kind === 'date') return type.kind;
  return type.kind === 'int' && type.bits === 64 && type.unsigned ? 'varint' : null;
}

/** How the values of a column type are read, as {@link selectOf} asked for them. */
export function readOf(type: ColumnType): Read {
  switch (type.kind) {
    case 'int':
      if (type.bits === 64) return type.unsigned ? (value) => varintAt(value as Buffer, 0) : asRead;
      return type.bits === 32 && type.unsigned ? (value) => Number(value as bigint) : asRead;
    case 'decimal':
      return (value) => decimalText(value as Buffer, type.scale);
    case 'date':
      return (value) => dateText(value as Buffer);
    case 'time':
    case 'datetime':
    case 'timestamp':
    case 'bytes':
    case 'bool':
    case 'float':
    case 'double':
    case 'string':
    case 'uuid':
    case 'enum':
    case 'set':
    case 'json':
    case 'date_text':
      return asRead;
  }
}

/** A column type whose values have no fixed size, so that a batch must look at each value to know its bytes. */
export function hasVariableSize(type: ColumnType): boolean {
  return type.kind === 'string' || type.kind === 'bytes' || type.kind === 'json' || type.kind === 'set';
}

/** A 64-bit integer as CQL's bigint. */
export function bigintBytes(value: Exclude<Value, null>): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value as bigint | number));
  return bytes;
}

const asIs: Bind = (value) => value;
const asRead: Read = (value) => value as Value;

function asBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
}

/** Integers of at most this many bytes fit a number, and Buffer's own methods. */
const SMALL_BYTES = 6;
const SMALL_LIMIT = 2 ** 47;

/** The shortest two's complement, which CQL's varint needs to be one and the same for equal keys. */
function varintBytes(value: bigint, before = 0): Buffer {
  if (value > -SMALL_LIMIT && value < SMALL_LIMIT) return smallVarintBytes(Number(value), before);
  let bits = 8 * SMALL_BYTES;
  while (BigInt.asIntN(bits, value) !== value) bits += 8;
  const hex = BigInt.asUintN(bits, value)
    .toString(16)
    .padStart(bits / 4, '0');
  const bytes = Buffer.alloc(before + bits / 8);
  bytes.write(hex, before, 'hex');
  return bytes;
}

function smallVarintBytes(value: number, before: number): Buffer {
  let length = 1;
  for (let limit = 128; value < -limit || value >= limit; limit *= 256) length += 1;
  const bytes = Buffer.allocUnsafe(before + length);
  bytes.writeIntBE(value, before, length);
  return bytes;
}

function varintAt(bytes: Buffer, offset: number): bigint {
  const length = bytes.length - offset;
  if (length <= SMALL_BYTES) return BigInt(bytes.readIntBE(offset, length));
  return BigInt.asIntN(length * 8, BigInt(`0x${bytes.toString('hex', offset)}`));
}

/** Digits that fit a number of {@link SMALL_BYTES}. */
const SMALL_DIGITS = 14;

/** CQL's decimal: the scale in four bytes, then the digits without the point as a varint. */
function decimalBytes(text: string): Buffer {
  const point = text.indexOf('.');
  const scale = point < 0 ? 0 : text.length - 1 - point;
  const digits = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  const bytes = digits.length <= SMALL_DIGITS ? smallVarintBytes(Number(digits), 4) : varintBytes(BigInt(digits), 4);
  bytes.writeInt32BE(scale);
  return bytes;
}

/** Pads what somebody else wrote with fewer digits; more digits than the column has can't be carried. */
function decimalText(bytes: Buffer, scale: number): string {
  const has = bytes.readInt32BE(0);
  if (has < 0 || has > scale) throw unrepresentable('a decimal has not as many digits after the point as its column');
  const small = bytes.length - 4 <= SMALL_BYTES;
  const unscaled = small ? String(bytes.readIntBE(4, bytes.length - 4)) : varintAt(bytes, 4).toString();
  const negative = unscaled.startsWith('-');
  const digits = (negative ? unscaled.slice(1) : unscaled).padStart(has + 1, '0') + '0'.repeat(scale - has);
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${text}` : text;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_MS = 86_400_000;
/** CQL's date counts days from 2^31 days before 1970. */
const DATE_ZERO = 2 ** 31;

function dateBytes(text: string): Buffer {
  const [, year, month, day] = DATE.exec(text) ?? [];
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const days = date.getTime() / DAY_MS;
  if (!Number.isInteger(days) || date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) {
    throw unrepresentable('a date is none of the calendar');
  }
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(days + DATE_ZERO);
  return bytes;
}

function dateText(bytes: Buffer): string {
  const date = new Date((bytes.readUInt32BE(0) - DATE_ZERO) * DAY_MS);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw unrepresentable('a date is outside the years 0 to 9999');
  return date.toISOString().slice(0, 10);
}

function unrepresentable(why: string): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `A value can't be carried between the stores: ${why}.`,
  });
}
