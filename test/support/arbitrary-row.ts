/** Rows for property tests: any row that a resource can hold. */
import * as fc from 'fast-check';
import { canonicalJson } from '../../src/domain/json-text.ts';
import type { ColumnType, Resource, Row, Value } from '../../src/domain/resource.ts';

/** Any row of a resource, in canonical values, with its edges. Key values are not empty and have no control characters. */
export function arbitraryRow(resource: Resource): fc.Arbitrary<Row> {
  return fc.tuple(
    ...resource.columns.map((column, i) => {
      if (i < resource.keyLength) return arbitraryKeyValue(column.type);
      const value = arbitraryValue(column.type);
      return column.nullable ? fc.option(value, { nil: null, freq: 5 }) : value;
    }),
  );
}

/** Any value of a key column. MySQL takes spaces at the end, and control characters, for something else in a key. */
export function arbitraryKeyValue(type: ColumnType): fc.Arbitrary<NonNullable<Value>> {
  const value = arbitraryValue(type);
  if (type.kind === 'string') {
    return (value as fc.Arbitrary<string>)
      .map((text) => text.replace(/[\p{Cc}\s]+/gu, ''))
      .filter((text) => text.length > 0);
  }
  return type.kind === 'bytes' ? value.filter((bytes) => (bytes as Buffer).length > 0) : value;
}

/** Any value of a column type, never null. */
export function arbitraryValue(type: ColumnType): fc.Arbitrary<NonNullable<Value>> {
  switch (type.kind) {
    case 'int':
      return arbitraryInt(type);
    case 'bool':
      return fc.boolean();
    case 'decimal':
      return arbitraryDecimal(type);
    case 'float':
      return fc.float({ noNaN: true, noDefaultInfinity: true, ...(type.unsigned && { min: 0 }) });
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true, ...(type.unsigned && { min: 0 }) });
    case 'string':
      return arbitraryString(type);
    case 'bytes':
      return fc
        .uint8Array({ minLength: type.fixed ? type.maxBytes : 0, maxLength: type.maxBytes })
        .map((bytes) => Buffer.from(bytes));
    case 'uuid':
      return fc.uuid();
    case 'date':
      return arbitraryMicros('1000-01-01', '9999-12-31', 0).map((micros) => dayOf(micros));
    case 'time':
      return scaled(-838n * 3_600_000_000n - 3_599_000_000n, 838n * 3_600_000_000n + 3_599_000_000n, type.fsp);
    case 'datetime':
      return arbitraryMicros('1000-01-01', '9999-12-31T23:59:59', type.fsp);
    case 'timestamp':
      return arbitraryMicros('1970-01-01T00:00:01', '2038-01-19T03:14:07', type.fsp);
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'set':
      return fc.subarray([...type.values]).map((members) => members.join(','));
    case 'json':
      return arbitraryJson();
  }
}

function arbitraryInt(type: ColumnType & { readonly kind: 'int' }): fc.Arbitrary<number | bigint> {
  if (type.year) return fc.oneof(fc.constant(0), fc.integer({ min: 1901, max: 2155 }));
  const size = 2n ** BigInt(type.bits);
  const min = type.unsigned ? 0n : -size / 2n;
  const max = min + size - 1n;
  return type.bits === 64 ? fc.bigInt({ min, max }) : fc.integer({ min: Number(min), max: Number(max) });
}

function arbitraryDecimal(type: ColumnType & { readonly kind: 'decimal' }): fc.Arbitrary<string> {
  const max = 10n ** BigInt(type.precision) - 1n;
  return fc.bigInt({ min: type.unsigned ? 0n : -max, max }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(type.scale + 1, '0');
    const point = digits.length - type.scale;
    const text = type.scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
    return unscaled < 0n ? `-${text}` : text;
  });
}

/** Characters of each set; windows-1252, which MySQL calls latin1, has no C1 controls but these. */
const UNITS = {
  ascii: fc.integer({ min: 0, max: 0x7f }),
  latin1: fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0xa0, max: 0xff }), fc.constant(0x20ac)),
  utf8mb3: fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0xffff })),
  utf8mb4: fc.oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  ),
};

function arbitraryString(type: ColumnType & { readonly kind: 'string' }): fc.Arbitrary<string> {
  const unit = UNITS[type.charset ?? 'utf8mb4'].map((point) => String.fromCodePoint(point));
  return fc
    .array(unit, { maxLength: type.maxChars })
    .map((characters) => characters.join(''))
    .map((text) => (type.trimsSpaces ? text.replace(/ +$/, '') : text));
}

function arbitraryMicros(first: string, last: string, fsp: number): fc.Arbitrary<bigint> {
  return scaled(microsOf(first), microsOf(last), fsp);
}

function microsOf(text: string): bigint {
  return BigInt(Date.parse(text.includes('T') ? `${text}Z` : text)) * 1_000n;
}

/** Whole multiples of the smallest fraction of a second that `fsp` digits show. */
function scaled(min: bigint, max: bigint, fsp: number): fc.Arbitrary<bigint> {
  const step = 10n ** BigInt(6 - fsp);
  return fc.bigInt({ min: min / step, max: max / step }).map((steps) => steps * step);
}

function dayOf(micros: bigint): string {
  return new Date(Number(micros / 1_000n)).toISOString().slice(0, 10);
}

/** Documents with what JavaScript's own JSON would lose: integers beyond 2^53. */
function arbitraryJson(): fc.Arbitrary<string> {
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false', '""', '{}', '[]', '0.5', '-1.25e100'),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => JSON.stringify(text)),
      fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 3 }).map(
        (members) =>
          `{${Object.entries(members)
            .map(([name, item]) => `${JSON.stringify(name)}:${item}`)
            .join(',')}}`,
      ),
    ),
  }));
  return value.map((text) => canonicalJson(text));
}
