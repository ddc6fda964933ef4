import type { ColumnType, NoDay, Value } from '../../domain/resource.ts';
import { COLUMN_TYPE, type LogCursor, type LoggedColumn, lengthBytes } from './binlog-columns.ts';
import { decimalBytes, readDecimal } from './binlog-decimal.ts';
import { binaryJsonText } from './binlog-json.ts';
import {
  fractionBytes,
  readDate,
  readDateText,
  readDatetime,
  readDatetimeText,
  readTime,
  readTimestamp,
} from './binlog-temporal.ts';
import { charsetDecoder } from './charsets.ts';

/** Reads one value that is not null and leaves the cursor behind it. */
export type ReadLogged = (cursor: LogCursor) => Value;
/** Leaves the cursor behind one value that is not null. */
export type SkipLogged = (cursor: LogCursor) => void;

/**
 * Compiles the reader of a column: its values are those that reads of the same column give. Throws a RangeError that names
 * the column if it is none that holds this type.
 */
export function compileRead(column: LoggedColumn, type: ColumnType): ReadLogged {
  const read = readerOf(column, type);
  if (read === null) throw new RangeError(`the column ${column.name} is in the log with another type`);
  return read;
}

/** Compiles the skipper of a column. Throws a RangeError that names the column if its type is not known. */
export function compileSkip(column: LoggedColumn): SkipLogged {
  const size = fixedBytes(column);
  if (size !== null) {
    return (cursor) => {
      cursor.at += size;
    };
  }
  const prefix = prefixBytes(column);
  if (prefix === null) throw new RangeError(`the column ${column.name} is in the log with an unknown type`);
  return (cursor) => {
    cursor.at += prefix + cursor.bytes.readUIntLE(cursor.at, prefix);
  };
}

function readerOf(column: LoggedColumn, type: ColumnType): ReadLogged | null {
  switch (type.kind) {
    case 'int':
      return intReader(column, type);
    case 'bool':
      return boolReader(column);
    case 'decimal':
      return decimalReader(column, type);
    case 'float':
      return column.type === COLUMN_TYPE.float ? fixed(4, (bytes, at) => bytes.readFloatLE(at)) : null;
    case 'double':
      return column.type === COLUMN_TYPE.double ? fixed(8, (bytes, at) => bytes.readDoubleLE(at)) : null;
    case 'string':
      return stringReader(column);
    case 'bytes':
      return bytesReader(column, type.fixed ? type.maxBytes : null);
    case 'uuid':
      return uuidReader(column);
    case 'date':
      return column.type === COLUMN_TYPE.date ? shown(column, type, fixed(3, readDate)) : null;
    case 'date_text':
      return dateTextReader(column, type.fsp);
    case 'time':
    case 'datetime':
    case 'timestamp':
      return temporalReader(column, type);
    case 'enum':
    case 'set':
      return memberReader(column, type);
    case 'json':
      return jsonReader(column);
  }
}

function fixed(size: number, read: (bytes: Buffer, at: number) => Value): ReadLogged {
  return (cursor) => {
    const { at } = cursor;
    cursor.at = at + size;
    return read(cursor.bytes, at);
  };
}

/** A null from a value that is not null is one that can't be shown. */
function checked(column: LoggedColumn, read: ReadLogged): ReadLogged {
  return (cursor) => {
    const value = read(cursor);
    if (value === null) cursor.unrepresentable = column.name;
    return value;
  };
}

/** A value that is no day of the calendar is null where the field may be absent for it. */
function shown(column: LoggedColumn, { noDay }: { readonly noDay?: NoDay }, read: ReadLogged): ReadLogged {
  return noDay === undefined ? checked(column, read) : read;
}

function dateTextReader(column: LoggedColumn, fsp: number | null): ReadLogged | null {
  if (fsp === null) return column.type === COLUMN_TYPE.date ? fixed(3, readDateText) : null;
  if (column.type !== COLUMN_TYPE.datetime || column.scale !== fsp) return null;
  return fixed(5 + fractionBytes(fsp), (bytes, at) => readDatetimeText(bytes, at, fsp));
}

type IntType = Extract<ColumnType, { kind: 'int' }>;

const INT_TYPES: Readonly<Record<IntType['bits'], number>> = {
  8: COLUMN_TYPE.tiny,
  16: COLUMN_TYPE.short,
  24: COLUMN_TYPE.int24,
  32: COLUMN_TYPE.long,
  64: COLUMN_TYPE.longlong,
};

/** YEAR is a byte: 0, or the years since 1900. */
const YEAR_BASE = 1900;

function intReader(column: LoggedColumn, type: IntType): ReadLogged | null {
  if (type.year) {
    if (column.type !== COLUMN_TYPE.year) return null;
    return fixed(1, (bytes, at) => (bytes[at] === 0 ? 0 : (bytes[at] ?? 0) + YEAR_BASE));
  }
  if (type.bit !== undefined) return bitReader(column, type.bit);
  if (column.type !== INT_TYPES[type.bits] || column.unsigned !== type.unsigned) return null;
  switch (type.bits) {
    case 8:
      return type.unsigned ? fixed(1, (bytes, at) => bytes[at] ?? 0) : fixed(1, (bytes, at) => bytes.readInt8(at));
    case 16:
      return fixed(2, type.unsigned ? (bytes, at) => bytes.readUInt16LE(at) : (bytes, at) => bytes.readInt16LE(at));
    case 24:
      return fixed(3, type.unsigned ? (bytes, at) => bytes.readUIntLE(at, 3) : (bytes, at) => bytes.readIntLE(at, 3));
    case 32:
      return fixed(4, type.unsigned ? (bytes, at) => bytes.readUInt32LE(at) : (bytes, at) => bytes.readInt32LE(at));
    case 64:
      return fixed(
        8,
        type.unsigned ? (bytes, at) => bytes.readBigUInt64LE(at) : (bytes, at) => bytes.readBigInt64LE(at),
      );
  }
}

/** A BIT's bytes, the highest first. */
function bitReader({ type, width }: LoggedColumn, bit: number): ReadLogged | null {
  if (type !== COLUMN_TYPE.bit || width !== (bit + 7) >> 3) return null;
  return fixed(width, (bytes, at) => BigInt(`0x${bytes.toString('hex', at, at + width)}`));
}

function boolReader(column: LoggedColumn): ReadLogged | null {
  if (column.type === COLUMN_TYPE.tiny) return fixed(1, (bytes, at) => bytes[at] !== 0);
  if (column.type === COLUMN_TYPE.bit && column.width === 1) return fixed(1, (bytes, at) => bytes[at] !== 0);
  return null;
}

function decimalReader(column: LoggedColumn, type: { precision: number; scale: number }): ReadLogged | null {
  const { precision, scale } = column;
  if (column.type !== COLUMN_TYPE.decimal || precision !== type.precision || scale !== type.scale) return null;
  return fixed(decimalBytes(precision, scale), (bytes, at) => readDecimal(bytes, at, precision, scale));
}

function temporalReader(
  column: LoggedColumn,
  type: ColumnType & { kind: 'time' | 'datetime' | 'timestamp' },
): ReadLogged | null {
  const { kind, fsp } = type;
  if (column.type !== COLUMN_TYPE[kind] || column.scale !== fsp) return null;
  const fraction = fractionBytes(fsp);
  switch (kind) {
    case 'time':
      return fixed(3 + fraction, (bytes, at) => readTime(bytes, at, fsp));
    case 'datetime':
      return shown(
        column,
        type,
        fixed(5 + fraction, (bytes, at) => readDatetime(bytes, at, fsp)),
      );
    case 'timestamp':
      return shown(
        column,
        type,
        fixed(4 + fraction, (bytes, at) => readTimestamp(bytes, at, fsp)),
      );
  }
}

function stringReader(column: LoggedColumn): ReadLogged | null {
  const prefix = prefixBytes(column);
  const decode = column.charset === null ? null : charsetDecoder(column.charset);
  if (prefix === null || decode === null || column.type === COLUMN_TYPE.json) return null;
  return prefixed(prefix, decode);
}

/** `size`: of a BINARY, whose trailing zeros the log leaves out; null: the bytes are as many as there are. */
function bytesReader(column: LoggedColumn, size: number | null): ReadLogged | null {
  const prefix = prefixBytes(column);
  if (prefix === null || column.charset !== null || !isBytes(column)) return null;
  if ((column.type === COLUMN_TYPE.string) !== (size !== null) || (size !== null && size !== column.maxBytes))
    return null;
  // A copy: the event's bytes are a part of what came over the wire, which would be held as a whole.
  if (size === null) return prefixed(prefix, (bytes, start, end) => Buffer.from(bytes.subarray(start, end)));
  return prefixed(prefix, (bytes, start, end) => {
    const value = Buffer.alloc(size);
    bytes.copy(value, 0, start, end);
    return value;
  });
}

const UUID_BYTES = 16;

function uuidReader(column: LoggedColumn): ReadLogged | null {
  const read = bytesReader(column, UUID_BYTES);
  if (read === null) return null;
  return (cursor) => {
    const hex = (read(cursor) as Buffer).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}

function memberReader(
  column: LoggedColumn,
  { kind, values }: { kind: 'enum' | 'set'; values: readonly string[] },
): ReadLogged | null {
  const { width, members } = column;
  if (column.type !== COLUMN_TYPE[kind] || members.length !== values.length) return null;
  if (members.some((member, i) => member !== values[i])) return null;
  if (kind === 'enum') {
    // Index 0 is the empty string that MySQL stores for a member it does not know when it is not strict.
    const none = members.includes('') ? '' : null;
    return checked(
      column,
      fixed(width, (bytes, at) => members[bytes.readUIntLE(at, width) - 1] ?? none),
    );
  }
  return fixed(width, (bytes, at) => setText(members, bytes, at, width));
}

function setText(members: readonly string[], bytes: Buffer, at: number, width: number): string {
  let text = '';
  for (let i = 0; i < members.length; i++) {
    const byte = bytes[at + (i >> 3)] ?? 0;
    if (i >> 3 >= width || (byte & (1 << (i & 7))) === 0) continue;
    text += text === '' ? members[i] : `,${members[i]}`;
  }
  return text;
}

function jsonReader(column: LoggedColumn): ReadLogged | null {
  return column.type === COLUMN_TYPE.json ? prefixed(column.width, binaryJsonText) : null;
}

function prefixed(prefix: number, read: (bytes: Buffer, start: number, end: number) => Value): ReadLogged {
  return (cursor) => {
    const start = cursor.at + prefix;
    const end = start + cursor.bytes.readUIntLE(cursor.at, prefix);
    cursor.at = end;
    return read(cursor.bytes, start, end);
  };
}

function isBytes(column: LoggedColumn): boolean {
  return column.type === COLUMN_TYPE.varchar || column.type === COLUMN_TYPE.string || column.type === COLUMN_TYPE.blob;
}

/** Bytes of the length before each value; null: values have no such length. */
function prefixBytes(column: LoggedColumn): number | null {
  switch (column.type) {
    case COLUMN_TYPE.varchar:
    case COLUMN_TYPE.string:
      return lengthBytes(column);
    case COLUMN_TYPE.blob:
    case COLUMN_TYPE.json:
    case COLUMN_TYPE.geometry:
      return column.width;
    default:
      return null;
  }
}

/** Bytes of every value; null: they differ. */
function fixedBytes(column: LoggedColumn): number | null {
  switch (column.type) {
    case COLUMN_TYPE.tiny:
    case COLUMN_TYPE.year:
      return 1;
    case COLUMN_TYPE.short:
      return 2;
    case COLUMN_TYPE.int24:
    case COLUMN_TYPE.date:
      return 3;
    case COLUMN_TYPE.long:
    case COLUMN_TYPE.float:
      return 4;
    case COLUMN_TYPE.longlong:
    case COLUMN_TYPE.double:
      return 8;
    case COLUMN_TYPE.time:
      return 3 + fractionBytes(column.scale);
    case COLUMN_TYPE.timestamp:
      return 4 + fractionBytes(column.scale);
    case COLUMN_TYPE.datetime:
      return 5 + fractionBytes(column.scale);
    case COLUMN_TYPE.decimal:
      return decimalBytes(column.precision, column.scale);
    case COLUMN_TYPE.enum:
    case COLUMN_TYPE.set:
    case COLUMN_TYPE.bit:
      return column.width;
    default:
      return null;
  }
}
