import { DomainError } from '../../domain/errors.ts';
import { canonicalJson } from '../../domain/json-text.ts';
import type { Column, ColumnType, NoDay, Resource, Row, Value } from '../../domain/resource.ts';
import { exactDecimal, exactInteger, type MysqlParameter, type MysqlValue } from './link.ts';
import {
  dateTextOf,
  datetimeOfMicros,
  isCalendarDate,
  microsOfDatetime,
  microsOfTime,
  timeOfMicros,
} from './temporal-text.ts';

const ZERO = 0x30;
const NINE = 0x39;

/** Turns a canonical value into a statement's parameter. */
export type Bind = (value: Value) => MysqlParameter;

/** Turns a value of the binary protocol into a canonical one. */
export type Read = (value: MysqlValue) => Value;

/** Turns the values of a resource's columns, from `offset` on, into a row. */
export type RowReader = (values: readonly MysqlValue[], offset?: number) => Row;

/** Parameters for one column, compiled once. Takes canonical values, which fit by definition. */
export function createBind(type: ColumnType): Bind {
  const bind = bindPresent(type);
  const bound = bindNull(type);
  return (value) => (value === null ? bound : bind(value));
}

/** A column that is NOT NULL, and whose field may be absent, has the zero date for that. */
function bindNull(type: ColumnType): MysqlParameter {
  if (!('noDay' in type) || type.noDay !== 'zero') return null;
  return type.kind === 'date' ? '0000-00-00' : '0000-00-00 00:00:00';
}

function bindPresent(type: ColumnType): Bind {
  switch (type.kind) {
    case 'int':
      // Digits would be taken for a BIT's bytes.
      if (type.bit !== undefined) return (value) => exactInteger(value as bigint, true);
      return (value) => value as MysqlParameter;
    case 'decimal':
    case 'float':
    case 'double':
    case 'string':
    case 'date':
    case 'enum':
    case 'set':
    case 'json':
      // A number travels as a double, exact for every 32-bit integer; a bigint as its digits.
      return (value) => value as MysqlParameter;
    case 'date_text':
      return (value) => (value as string).replace('T', ' ');
    case 'bool':
      return (value) => (value === true ? 1 : 0);
    case 'bytes':
      return (value) => asBuffer(value as Uint8Array);
    case 'uuid':
      return (value) => Buffer.from((value as string).replaceAll('-', ''), 'hex');
    case 'time':
      return (value) => timeOfMicros(value as bigint, type.fsp);
    case 'datetime':
    case 'timestamp':
      return (value) => datetimeOfMicros(value as bigint, type.fsp);
  }
}

/** As {@link createBind}, for a column that statements compare: a key's. */
export function createKeyBind(type: ColumnType): Bind {
  if (type.kind === 'decimal') return (value) => (value === null ? null : exactDecimal(value as string));
  if (type.kind !== 'int' || type.bits !== 64) return createBind(type);
  return (value) => (value === null ? null : exactInteger(value as bigint, type.unsigned));
}

/**
 * Canonical values of one column, compiled once. Reads what mysql2 gives for a prepared statement with
 * `supportBigNumbers`, `dateStrings` and `jsonStrings`; `bigNumberStrings` may be on or off.
 *
 * @throws DomainError `internal`/UNREPRESENTABLE_VALUE for what MySQL can hold and the definition can't show: a date
 *   that is none, an ENUM's error value.
 */
export function createRead(column: Column): Read {
  const read = readPresent(column);
  return (value) => (value === null ? null : read(value));
}

function readPresent(column: Column): Read {
  const { type } = column;
  switch (type.kind) {
    case 'int':
      if (type.bit !== undefined) return (value) => bitsOf(value as Buffer | number | string);
      // MariaDB may send digits: it takes a union of INT UNSIGNED and NULL for a DECIMAL.
      return type.bits === 64 ? (value) => BigInt(value as number | string) : (value) => Number(value);
    case 'bool':
      return (value) => (Buffer.isBuffer(value) ? value.some((byte) => byte !== 0) : Number(value) !== 0);
    case 'decimal':
      return (value) => canonicalDecimal(value as string, type.scale);
    case 'float':
    case 'double':
    case 'string':
    case 'bytes':
    case 'set':
      return (value) => value;
    case 'uuid':
      return (value) => uuidText(value as Buffer);
    case 'date':
      return (value) => (isCalendarDate(value as string) ? (value as string) : noDay(column, type.noDay));
    case 'date_text':
      return (value) => dateTextOf(value as string, type.fsp);
    case 'time':
      return (value) => microsOfTime(value as string);
    case 'datetime':
    case 'timestamp':
      return (value) => microsOfDatetime(value as string) ?? noDay(column, type.noDay);
    case 'enum':
      return (value) => (value === '' && !type.values.includes('') ? fail(column, 'a member') : value);
    case 'json':
      return (value) => readJson(column, value as string);
  }
}

/** The reader of a resource's rows: one closure a column, compiled once. */
export function createRowReader(resource: Pick<Resource, 'columns'>): RowReader {
  const reads = resource.columns.map((column) => createRead(column));
  const { length } = reads;
  return (values, offset = 0) => {
    const row: Value[] = new Array(length);
    for (let i = 0; i < length; i++) row[i] = (reads[i] as Read)(values[offset + i] ?? null);
    return row;
  };
}

/** The binds of a resource's columns, in row order. */
export function createRowBinds(resource: Pick<Resource, 'columns'>): readonly Bind[] {
  return resource.columns.map((column) => createBind(column.type));
}

/** A stored value that the resource's definition can't show. `what` completes "… holds what is not …". */
export function unrepresentable(column: Column, what: string): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `The column ${column.mysqlName} holds what is not ${what}. Correct the row in MySQL.`,
    metadata: { field: column.field ?? column.mysqlName },
  });
}

function noDay(column: Column, policy: NoDay | undefined): null {
  return policy === undefined ? fail(column, 'a date') : null;
}

/** A BIT comes as its bytes, the highest first; out of an expression as a number. */
function bitsOf(value: Buffer | number | string): bigint {
  return Buffer.isBuffer(value) ? BigInt(`0x${value.toString('hex')}`) : BigInt(value);
}

function fail(column: Column, what: string): never {
  throw unrepresentable(column, what);
}

function readJson(column: Column, text: string): string {
  try {
    return canonicalJson(text);
  } catch {
    return fail(column, 'JSON as MySQL writes it');
  }
}

/** MySQL prints the scale's digits; zeros before the number come from ZEROFILL, `-0.00` from arithmetic. */
function canonicalDecimal(text: string, scale: number): string {
  const first = text.charCodeAt(0);
  // By far the most decimals: they begin with 1 to 9.
  if (first > ZERO && first <= NINE) return text;
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const magnitude = scale === 0 ? digits : `${digits}.${fraction.padEnd(scale, '0')}`;
  return negative && /[1-9]/.test(magnitude) ? `-${magnitude}` : magnitude;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
