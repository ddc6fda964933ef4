import type { types } from 'cassandra-driver';
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
      return asIs;
  }
}

/** How the values of a column type are read. */
export function readOf(type: ColumnType): Read {
  switch (type.kind) {
    case 'int':
      return type.bits === 32 && type.unsigned ? (value) => Number(value as bigint) : asRead;
    case 'decimal':
      return (value) => decimalText(value as types.BigDecimal, type.scale);
    case 'date':
      return (value) => dateText(value as types.LocalDate);
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

/** The shortest two's complement, which CQL's varint needs to be one and the same for equal keys. */
function varintBytes(value: bigint): Buffer {
  let bits = 8;
  while (BigInt.asIntN(bits, value) !== value) bits += 8;
  const hex = BigInt.asUintN(bits, value).toString(16);
  return Buffer.from(hex.padStart(bits / 4, '0'), 'hex');
}

/** CQL's decimal: the scale, then the digits without the point as a varint. */
function decimalBytes(text: string): Buffer {
  const point = text.indexOf('.');
  const scale = point < 0 ? 0 : text.length - 1 - point;
  const digits = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  const unscaled = varintBytes(BigInt(digits));
  const bytes = Buffer.allocUnsafe(4 + unscaled.length);
  bytes.writeInt32BE(scale);
  unscaled.copy(bytes, 4);
  return bytes;
}

/** Pads what somebody else wrote with fewer digits; more digits than the column has can't be carried. */
function decimalText(value: types.BigDecimal, scale: number): string {
  const text = value.toString();
  const point = text.indexOf('.');
  const has = point < 0 ? 0 : text.length - 1 - point;
  if (has === scale) return text;
  if (has > scale) throw unrepresentable('a decimal has more digits after the point than its column');
  return `${point < 0 ? `${text}.` : text}${'0'.repeat(scale - has)}`;
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
  if (!Number.isInteger(days) || date.getUTCDate() !== Number(day)) {
    throw unrepresentable('a date is none of the calendar');
  }
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(days + DATE_ZERO);
  return bytes;
}

function dateText(value: types.LocalDate): string {
  const { year, month, day } = value;
  if (!(year >= 0 && year <= 9999)) throw unrepresentable('a date is outside the years 0 to 9999');
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function unrepresentable(why: string): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `A value can't be carried between the stores: ${why}.`,
  });
}
