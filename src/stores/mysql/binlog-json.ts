import { readDecimal } from './binlog-decimal.ts';
import { packedDate, packedDatetime, packedTime } from './binlog-temporal.ts';

/** The type bytes of MySQL's binary JSON (sql/json_binary.cc). */
const JSON_TYPE = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

const LITERALS = ['null', 'true', 'false'];

/** The column types that an opaque value can have and that MySQL prints as more than their bytes. */
const OPAQUE = { timestamp: 7, date: 10, time: 11, datetime: 12, decimal: 246 } as const;

/** The most bytes of a length: 5 groups of 7 bits make 35. */
const MAX_LENGTH_BYTES = 5;

/**
 * The canonical text (`domain/json-text.ts`) of a document in MySQL's binary JSON, from `start` up to `end`. The stored
 * order of members is the canonical one. Throws a RangeError for bytes that are none.
 */
export function binaryJsonText(bytes: Buffer, start: number, end: number): string {
  if (start === end) return 'null';
  return valueText(bytes.subarray(start, end), bytes[start] ?? 0, 1);
}

/** The value of a type that stands at `at`. Offsets within a container count from the container's own beginning. */
function valueText(bytes: Buffer, type: number, at: number): string {
  switch (type) {
    case JSON_TYPE.smallObject:
    case JSON_TYPE.largeObject:
      return objectText(bytes, at, type === JSON_TYPE.largeObject);
    case JSON_TYPE.smallArray:
    case JSON_TYPE.largeArray:
      return arrayText(bytes, at, type === JSON_TYPE.largeArray);
    case JSON_TYPE.literal:
      return LITERALS[bytes[at] ?? 0] ?? 'null';
    case JSON_TYPE.int16:
      return String(bytes.readInt16LE(at));
    case JSON_TYPE.uint16:
      return String(bytes.readUInt16LE(at));
    case JSON_TYPE.int32:
      return String(bytes.readInt32LE(at));
    case JSON_TYPE.uint32:
      return String(bytes.readUInt32LE(at));
    case JSON_TYPE.int64:
      return String(bytes.readBigInt64LE(at));
    case JSON_TYPE.uint64:
      return String(bytes.readBigUInt64LE(at));
    case JSON_TYPE.double:
      return String(bytes.readDoubleLE(at));
    case JSON_TYPE.string: {
      const { length, next } = readLength(bytes, at);
      return JSON.stringify(bytes.toString('utf8', next, next + length));
    }
    case JSON_TYPE.opaque:
      return opaqueText(bytes, at);
    default:
      throw new RangeError(`binary JSON of an unknown type ${type}`);
  }
}

function objectText(bytes: Buffer, at: number, large: boolean): string {
  const width = large ? 4 : 2;
  const count = readOffset(bytes, at, large);
  const keys = at + 2 * width;
  const values = keys + count * (width + 2);
  let text = '{';
  for (let i = 0; i < count; i++) {
    const entry = keys + i * (width + 2);
    const name = at + readOffset(bytes, entry, large);
    const length = bytes.readUInt16LE(entry + width);
    if (i > 0) text += ',';
    text += `${JSON.stringify(bytes.toString('utf8', name, name + length))}:`;
    text += entryText(bytes, at, values + i * (width + 1), large);
  }
  return `${text}}`;
}

function arrayText(bytes: Buffer, at: number, large: boolean): string {
  const width = large ? 4 : 2;
  const count = readOffset(bytes, at, large);
  const values = at + 2 * width;
  let text = '[';
  for (let i = 0; i < count; i++) {
    if (i > 0) text += ',';
    text += entryText(bytes, at, values + i * (width + 1), large);
  }
  return `${text}]`;
}

/** A value entry: its type and, if it fits, the value itself, otherwise where it stands in its container. */
function entryText(bytes: Buffer, container: number, entry: number, large: boolean): string {
  const type = bytes[entry] ?? 0;
  const isInline =
    type === JSON_TYPE.literal ||
    type === JSON_TYPE.int16 ||
    type === JSON_TYPE.uint16 ||
    (large && (type === JSON_TYPE.int32 || type === JSON_TYPE.uint32));
  return valueText(bytes, type, isInline ? entry + 1 : container + readOffset(bytes, entry + 1, large));
}

function opaqueText(bytes: Buffer, at: number): string {
  const type = bytes[at] ?? 0;
  const { length, next } = readLength(bytes, at + 1);
  switch (type) {
    case OPAQUE.decimal: {
      const precision = bytes[next] ?? 0;
      const scale = bytes[next + 1] ?? 0;
      return decimalNumber(readDecimal(bytes, next + 2, precision, scale));
    }
    case OPAQUE.date:
      return `"${packedDate(bytes.readBigInt64LE(next))}"`;
    case OPAQUE.time:
      return `"${packedTime(bytes.readBigInt64LE(next))}"`;
    case OPAQUE.datetime:
    case OPAQUE.timestamp:
      return `"${packedDatetime(bytes.readBigInt64LE(next))}"`;
    default:
      return `"base64:type${type}:${wrapped(bytes.toString('base64', next, next + length))}"`;
  }
}

/** MySQL breaks base64 into lines. */
function wrapped(base64: string): string {
  return base64.replace(BASE64_LINE, '$&\\n');
}

/** As many characters as a line has, where another line follows. */
const BASE64_LINE = /.{76}(?=.)/g;

/** A decimal as the canonical text has it: the digits of an integer within 64 bits, otherwise the double. */
function decimalNumber(text: string): string {
  if (text.includes('.')) return String(Number(text));
  const value = BigInt(text);
  return value >= -(2n ** 63n) && value < 2n ** 64n ? String(value) : String(Number(text));
}

function readOffset(bytes: Buffer, at: number, large: boolean): number {
  return large ? bytes.readUInt32LE(at) : bytes.readUInt16LE(at);
}

/** A length in groups of 7 bits, the lowest first; the top bit says that another one follows. */
function readLength(bytes: Buffer, at: number): { length: number; next: number } {
  let length = 0;
  for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
    const byte = bytes[at + i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, next: at + i + 1 };
  }
  throw new RangeError('binary JSON with a length without an end');
}
