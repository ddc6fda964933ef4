import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { DomainError } from '../domain/errors.ts';
import type { ColumnType, Value } from '../domain/resource.ts';
import { enumNumbers, hasPresence } from './field-shape.ts';
import { floorDiv, printDatetime, printTime } from './temporal-text.ts';
import { tagOf, WIRE, type WireWriter } from './wire-writer.ts';

/** Writes a column's value, never null, as a field of the wire format: tag and value, or nothing for a hidden zero. */
export type FieldEncoder = (writer: WireWriter, value: Exclude<Value, null>) => void;

const MICROS_PER_SECOND = 1_000_000n;
const NANOS_PER_MICRO = 1000;
/** 0001-01-01T00:00:00Z: the first that google.protobuf.Timestamp holds. */
const MIN_TIMESTAMP_MICROS = -62_135_596_800_000_000n;

/** The encoder of one field, compiled once. Writes what protobuf-es would write for the field of a message. */
export function fieldEncoderOf(field: DescField, type: ColumnType): FieldEncoder {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarEncoder(field, field.scalar, type);
    case 'enum':
      return enumEncoder(field, type);
    case 'message':
      return field.message.typeName === 'google.protobuf.Timestamp' ? timestampEncoder(field) : durationEncoder(field);
    case 'list':
      return setEncoder(field);
    case 'map':
      throw new TypeError('no column is a map');
  }
}

function scalarEncoder(field: DescField, scalar: ScalarType, type: ColumnType): FieldEncoder {
  switch (scalar) {
    case ScalarType.STRING:
      return textEncoder(field, printerOf(type));
    case ScalarType.BYTES:
      return bytesEncoder(field);
    case ScalarType.BOOL:
      return boolEncoder(field);
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return floatEncoder(field, scalar);
    default:
      return integerEncoder(field, scalar);
  }
}

/** How a column's value becomes a string field's text; undefined where it is that text. */
function printerOf(type: ColumnType): ((value: Value) => string) | undefined {
  if (type.kind === 'time') return (value) => printTime(value as bigint, type.fsp);
  if (type.kind === 'datetime') return (value) => printDatetime(value as bigint, type.fsp);
  return undefined;
}

function textEncoder(field: DescField, print: ((value: Value) => string) | undefined): FieldEncoder {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  const hidesEmpty = !hasPresence(field);
  if (print === undefined) {
    return (writer, value) => {
      if (hidesEmpty && value === '') return;
      writer.uint32(tag);
      writer.string(value as string);
    };
  }
  return (writer, value) => {
    writer.uint32(tag);
    writer.string(print(value));
  };
}

function bytesEncoder(field: DescField): FieldEncoder {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  const hidesEmpty = !hasPresence(field);
  return (writer, value) => {
    const bytes = value as Uint8Array;
    if (hidesEmpty && bytes.length === 0) return;
    writer.uint32(tag);
    writer.bytes(bytes);
  };
}

function boolEncoder(field: DescField): FieldEncoder {
  const tag = tagOf(field.number, WIRE.varint);
  const hidesFalse = !hasPresence(field);
  return (writer, value) => {
    if (hidesFalse && value === false) return;
    writer.uint32(tag);
    writer.uint32(value === true ? 1 : 0);
  };
}

function floatEncoder(field: DescField, scalar: ScalarType): FieldEncoder {
  const single = scalar === ScalarType.FLOAT;
  const tag = tagOf(field.number, single ? WIRE.fixed32 : WIRE.fixed64);
  const hidesZero = !hasPresence(field);
  return (writer, value) => {
    // Only +0 is hidden: -0 is another value.
    if (hidesZero && Object.is(value, 0)) return;
    writer.uint32(tag);
    if (single) writer.float(value as number);
    else writer.double(value as number);
  };
}

function integerEncoder(field: DescField, scalar: ScalarType): FieldEncoder {
  const tag = tagOf(field.number, INTEGER_WIRE[scalar] ?? WIRE.varint);
  const hidesZero = !hasPresence(field);
  const write = integerWriter(scalar);
  return (writer, value) => {
    if (hidesZero && (value === 0 || value === 0n)) return;
    writer.uint32(tag);
    write(writer, value as number | bigint);
  };
}

const INTEGER_WIRE: Readonly<Partial<Record<ScalarType, number>>> = {
  [ScalarType.FIXED32]: WIRE.fixed32,
  [ScalarType.SFIXED32]: WIRE.fixed32,
  [ScalarType.FIXED64]: WIRE.fixed64,
  [ScalarType.SFIXED64]: WIRE.fixed64,
};

/** A column of up to 32 bits comes as a number, also in a field of 64. */
function integerWriter(scalar: ScalarType): (writer: WireWriter, value: number | bigint) => void {
  switch (scalar) {
    case ScalarType.INT32:
      return (writer, value) => writer.int32(value as number);
    case ScalarType.UINT32:
      return (writer, value) => writer.uint32(value as number);
    case ScalarType.SINT32:
      return (writer, value) => writer.uint32((((value as number) << 1) ^ ((value as number) >> 31)) >>> 0);
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return (writer, value) => writer.fixed32(value as number);
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return (writer, value) => writer.fixed64(BigInt(value));
    case ScalarType.SINT64:
      return (writer, value) => writer.int64(zigzag64(BigInt(value)));
    default:
      return (writer, value) => {
        if (typeof value === 'number') writer.safeInteger(value);
        else writer.int64(value);
      };
  }
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

function enumEncoder(field: DescField & { fieldKind: 'enum' }, type: ColumnType): FieldEncoder {
  const tag = tagOf(field.number, WIRE.varint);
  const { numbers } = enumNumbers(type.kind === 'enum' ? type.values : [], field.enum);
  const hidden = hasPresence(field) ? undefined : field.enum.values[0]?.number;
  return (writer, value) => {
    const number = numbers.get(value as string);
    if (number === undefined) throw unrepresentable(field, 'a label of the column');
    if (number === hidden) return;
    writer.uint32(tag);
    writer.int32(number);
  };
}

function setEncoder(field: DescField): FieldEncoder {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  return (writer, value) => {
    if (value === '') return;
    for (const member of (value as string).split(',')) {
      writer.uint32(tag);
      writer.string(member);
    }
  };
}

function timestampEncoder(field: DescField): FieldEncoder {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  return (writer, value) => {
    const micros = value as bigint;
    if (micros < MIN_TIMESTAMP_MICROS) throw unrepresentable(field, 'of a year from 1 to 9999');
    const number = Number(micros);
    writer.uint32(tag);
    if (Number.isSafeInteger(number)) {
      // The years 1684 to 2255, without the cost of bigints.
      const seconds = Math.floor(number / 1e6);
      secondsAndNanos(writer, seconds, (number - seconds * 1e6) * NANOS_PER_MICRO);
      return;
    }
    const seconds = floorDiv(micros, MICROS_PER_SECOND);
    secondsAndNanos(writer, Number(seconds), Number(micros - seconds * MICROS_PER_SECOND) * NANOS_PER_MICRO);
  };
}

function durationEncoder(field: DescField): FieldEncoder {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  return (writer, value) => {
    // A TIME is far below 2^53 microseconds. Both parts of a duration have its sign: the division rounds towards zero.
    const micros = Number(value as bigint);
    const seconds = Math.trunc(micros / 1e6);
    writer.uint32(tag);
    secondsAndNanos(writer, seconds, (micros - seconds * 1e6) * NANOS_PER_MICRO);
  };
}

const SECONDS_TAG = 0x08;
const NANOS_TAG = 0x10;

/** The messages Timestamp and Duration: their length first, which is below 128. */
function secondsAndNanos(writer: WireWriter, seconds: number, nanos: number): void {
  const start = writer.openShort();
  if (seconds !== 0) {
    writer.uint32(SECONDS_TAG);
    writer.safeInteger(seconds);
  }
  if (nanos !== 0) {
    writer.uint32(NANOS_TAG);
    writer.int32(nanos);
  }
  writer.closeShort(start);
}

function unrepresentable(field: DescField, what: string): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `The stored value of ${field.name} is not ${what}.`,
    metadata: { field: field.name },
  });
}
