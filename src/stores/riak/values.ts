import { DomainError } from '../../domain/errors.ts';
import type { ColumnType, Value } from '../../domain/resource.ts';

/** What JSON can hold without losing anything, and every reader of JSON reads alike. */
export type JsonValue = string | number | boolean;

/** Between a column's canonical values, never null, and JSON. */
export interface JsonCodec {
  encode(value: Exclude<Value, null>): JsonValue;
  /** Throws `internal`/UNREPRESENTABLE_VALUE for what the column can't have. */
  decode(value: unknown): Exclude<Value, null>;
}

/**
 * How the values of a column type are written in a record's JSON (docs/riak.md has the table): integers of up to 32 bits and floats as
 * numbers, which every reader takes for a double; what a double can't hold (64 bits, times in microseconds, decimals) as
 * a string of digits; bytes in base64; everything else as its own text.
 */
export function jsonCodecOf(type: ColumnType): JsonCodec {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? digits : number;
    case 'float':
    case 'double':
      return float;
    case 'bool':
      return boolean;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return digits;
    case 'bytes':
      return base64;
    case 'decimal':
    case 'date':
    case 'string':
    case 'uuid':
    case 'enum':
    case 'set':
    case 'json':
    case 'date_text':
      return text;
  }
}

const number: JsonCodec = {
  encode: (value) => value as number,
  decode: (value) => (Number.isInteger(value) ? (value as number) : refuse('an integer')),
};

/** JSON.stringify writes -0 as 0. */
const NEGATIVE_ZERO = '-0';

const float: JsonCodec = {
  encode: (value) => (Object.is(value, -0) ? NEGATIVE_ZERO : (value as number)),
  decode: (value) => {
    if (value === NEGATIVE_ZERO) return -0;
    return typeof value === 'number' ? value : refuse('a number');
  },
};

const boolean: JsonCodec = {
  encode: (value) => value as boolean,
  decode: (value) => (typeof value === 'boolean' ? value : refuse('true or false')),
};

const DIGITS = /^-?\d{1,20}$/;

const digits: JsonCodec = {
  encode: (value) => String(value),
  decode: (value) => (typeof value === 'string' && DIGITS.test(value) ? BigInt(value) : refuse('digits')),
};

const text: JsonCodec = {
  encode: (value) => value as string,
  decode: (value) => (typeof value === 'string' ? value : refuse('a string')),
};

const base64: JsonCodec = {
  encode: (value) => {
    const bytes = value as Uint8Array;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  },
  decode: (value) => (typeof value === 'string' ? Buffer.from(value, 'base64') : refuse('base64')),
};

function refuse(wanted: string): never {
  throw new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `A value in Riak can't be carried: its column needs ${wanted}.`,
  });
}
