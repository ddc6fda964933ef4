import type { DescField } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import { canonicalJson } from '../domain/json-text.ts';
import type { ColumnType, Value } from '../domain/resource.ts';
import {
  checkBytes,
  checkDecimal,
  checkFloat,
  checkRange,
  checkSet,
  checkString,
  checkUuid,
  integerCheck,
} from './canonical-values.ts';
import { enumNumbers } from './field-shape.ts';
import { isDate, parseDateText, parseDatetime, parseTime } from './temporal-text.ts';

/**
 * Turns a field's value, as protobuf-es has it in a message, into the column's canonical value.
 *
 * @throws DomainError INVALID_ARGUMENT that names `path`, for everything that the column could not hold as it is: nothing
 *   is ever rounded, cut or trimmed.
 */
export type FieldReader = (value: unknown, path: string) => Exclude<Value, null>;

const MICROS_PER_SECOND = 1_000_000n;
const NANOS_PER_MICRO = 1000;
const MAX_NANOS = 999_999_999;
/** 838:59:59, the longest TIME. */
const MAX_TIME_MICROS = BigInt(838 * 3600 + 59 * 60 + 59) * MICROS_PER_SECOND;

/** What Timestamp and Duration have in common. */
interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The reader of one field, compiled once. */
export function fieldReaderOf(field: DescField, type: ColumnType): FieldReader {
  switch (type.kind) {
    case 'int':
      return integerReader(type);
    case 'bool':
      return (value) => value as boolean;
    case 'decimal':
      return (value, path) => checkDecimal(type, value as string, path);
    case 'float':
    case 'double':
      return (value, path) => checkFloat(type, value as number, path);
    case 'string':
      return (value, path) => checkString(type, value as string, path);
    case 'bytes':
      return (value, path) => checkBytes(type, value as Uint8Array, path);
    case 'uuid':
      return (value, path) => checkUuid(value as string, path);
    case 'date':
      return readDate;
    case 'date_text':
      return dateTextReader(type.fsp);
    case 'time':
      return timeReader(field, type.fsp);
    case 'datetime':
      return datetimeReader(field, type.fsp);
    case 'timestamp':
      return timestampReader(type.fsp);
    case 'enum':
      return field.fieldKind === 'enum' ? enumReader(field, type.values) : labelReader(type.values);
    case 'set':
      return setReader(field, type);
    case 'json':
      return (value, path) => canonicalJson(value as string, path);
  }
}

function integerReader(type: ColumnType & { kind: 'int' }): FieldReader {
  const check = integerCheck(type);
  // A field with jstype = JS_STRING holds its 64 bits as text.
  return (value, path) => check(typeof value === 'string' ? BigInt(value) : (value as number | bigint), path);
}

function readDate(value: unknown, path: string): string {
  if (!isDate(value as string)) throw invalidField(path, 'not a day of the calendar, written as YYYY-MM-DD');
  return value as string;
}

function dateTextReader(fsp: number | null): FieldReader {
  const looks = fsp === null ? 'YYYY-MM-DD' : `YYYY-MM-DDTHH:MM:SS with at most ${fsp} digits behind it`;
  return (value, path) => {
    const text = parseDateText(value as string, fsp);
    if (text === undefined) throw invalidField(path, `not a date as the column can hold it, written as ${looks}`);
    return text;
  };
}

function timeReader(field: DescField, fsp: number): FieldReader {
  const read = field.fieldKind === 'message' ? readDuration : readTimeText;
  return (value, path) => {
    const micros = checkFraction(read(value, path), fsp, path);
    if (micros < -MAX_TIME_MICROS || micros > MAX_TIME_MICROS) {
      throw invalidField(path, 'not from -838:59:59 to 838:59:59');
    }
    return micros;
  };
}

function readTimeText(value: unknown, path: string): bigint {
  const micros = parseTime(value as string);
  if (micros === undefined) throw invalidField(path, 'not a time, written as [-]HH:MM:SS[.ffffff]');
  return micros;
}

function datetimeReader(field: DescField, fsp: number): FieldReader {
  const read = field.fieldKind === 'message' ? readTimestamp : readDatetimeText;
  return (value, path) => checkRange({ kind: 'datetime', fsp }, checkFraction(read(value, path), fsp, path), path);
}

function readDatetimeText(value: unknown, path: string): bigint {
  const micros = parseDatetime(value as string);
  if (micros === undefined) throw invalidField(path, 'not a date and time, written as YYYY-MM-DDTHH:MM:SS[.ffffff]');
  return micros;
}

function timestampReader(fsp: number): FieldReader {
  return (value, path) =>
    checkRange({ kind: 'timestamp', fsp }, checkFraction(readTimestamp(value, path), fsp, path), path);
}

function readTimestamp(value: unknown, path: string): bigint {
  const { seconds, nanos } = value as SecondsAndNanos;
  if (nanos < 0 || nanos > MAX_NANOS) throw invalidField(path, 'its nanos are not from 0 to 999,999,999');
  return toMicros(seconds, nanos, path);
}

function readDuration(value: unknown, path: string): bigint {
  const { seconds, nanos } = value as SecondsAndNanos;
  const oneSign = seconds === 0n || nanos === 0 || seconds > 0n === nanos > 0;
  if (!oneSign || Math.abs(nanos) > MAX_NANOS) {
    throw invalidField(path, 'its nanos have another sign than its seconds, or are not below 1,000,000,000');
  }
  return toMicros(seconds, nanos, path);
}

function toMicros(seconds: bigint, nanos: number, path: string): bigint {
  const micros = nanos / NANOS_PER_MICRO;
  if (!Number.isInteger(micros)) throw invalidField(path, 'finer than a microsecond');
  return seconds * MICROS_PER_SECOND + BigInt(micros);
}

function checkFraction(micros: bigint, fsp: number, path: string): bigint {
  if (fsp < 6 && micros % 10n ** BigInt(6 - fsp) !== 0n) {
    throw invalidField(path, `finer than the column, which has ${fsp} digits after the second`);
  }
  return micros;
}

function labelReader(labels: readonly string[]): FieldReader {
  return (value, path) => {
    if (!labels.includes(value as string)) throw invalidField(path, 'not a value that the column has');
    return value as string;
  };
}

function enumReader(field: DescField & { fieldKind: 'enum' }, labels: readonly string[]): FieldReader {
  const { numbers } = enumNumbers(labels, field.enum);
  const byNumber = new Map([...numbers].map(([label, number]) => [number, label]));
  return (value, path) => {
    const label = byNumber.get(value as number);
    if (label === undefined) throw invalidField(path, `not a value of ${field.enum.name} that the column has`);
    return label;
  };
}

function setReader(field: DescField, type: ColumnType & { kind: 'set' }): FieldReader {
  if (field.fieldKind === 'list') return (value, path) => checkSet(type, value as readonly string[], path);
  return (value, path) => checkSet(type, value === '' ? [] : (value as string).split(','), path);
}
