/** Rows for property tests: any row that a resource can hold. */
import * as fc from 'fast-check';
import { canonicalJson } from '../../src/domain/json-text.ts';
import type { ColumnType, Resource, Row, Value } from '../../src/domain/resource.ts';
import { checkString, intRange } from '../../src/schema/canonical-values.ts';
import { parseTime } from '../../src/schema/temporal-text.ts';

/** Levels of a document that MariaDB takes. */
const MARIADB_JSON_DEPTH = 31;

/**
 * Any row of a resource, in canonical values, with its edges. Key values are not empty and have no control characters.
 *
 * @param jsonDepth the most levels of a JSON document. Default: those that MariaDB takes.
 */
export function arbitraryRow(resource: Resource, jsonDepth = MARIADB_JSON_DEPTH): fc.Arbitrary<Row> {
  return fc.tuple(
    ...resource.columns.map((column, i) => {
      if (i < resource.keyLength) return arbitraryKeyValue(column.type);
      const value = arbitraryValue(column.type, jsonDepth);
      return column.nullable ? fc.option(value, { nil: null, freq: 20 }) : value;
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

/** Any value of a column type, never null: every second one is an edge. */
export function arbitraryValue(type: ColumnType, jsonDepth = MARIADB_JSON_DEPTH): fc.Arbitrary<NonNullable<Value>> {
  const edges = edgesOf(type, jsonDepth);
  const any = anyValue(type);
  return edges.length === 0 ? any : fc.oneof(any, fc.constantFrom(...edges));
}

function anyValue(type: ColumnType): fc.Arbitrary<NonNullable<Value>> {
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
      return type.json ? arbitraryJsonText() : arbitraryString(type);
    case 'bytes':
      return fc
        .uint8Array({ minLength: type.fixed ? type.maxBytes : 0, maxLength: Math.min(type.maxBytes, LONGEST) })
        .map((bytes) => Buffer.from(bytes));
    case 'uuid':
      return fc.uuid();
    case 'date':
      return arbitraryMicros('0001-01-01', '9999-12-31', 0).map((micros) => dayOf(micros));
    case 'time':
      return scaled(-838n * 3_600_000_000n - 3_599_000_000n, 838n * 3_600_000_000n + 3_599_000_000n, type.fsp);
    case 'datetime':
      return arbitraryMicros('0001-01-01', '9999-12-31T23:59:59', type.fsp);
    case 'timestamp':
      return arbitraryMicros('1970-01-01T00:00:01', '2038-01-19T03:14:07', type.fsp);
    case 'date_text':
      return arbitraryDateText(type.fsp);
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'set':
      return fc.subarray([...type.values]).map((members) => members.join(','));
    case 'json':
      return arbitraryJson().map((text) => canonicalJson(text));
  }
}

/** Values of columns that could be megabytes long stay short. */
const LONGEST = 300;

/** Where each type's values end, and what is known to be lost on the way. */
function edgesOf(type: ColumnType, jsonDepth: number): readonly NonNullable<Value>[] {
  switch (type.kind) {
    case 'int':
      return intEdges(type);
    case 'decimal': {
      const { precision, scale, unsigned } = type;
      const max = 10n ** BigInt(precision) - 1n;
      const signed = unsigned ? [] : [-max, -1n];
      return [0n, 1n, max, 10n ** BigInt(scale), ...signed]
        .filter((unscaled) => unscaled <= max)
        .map((unscaled) => decimalText(unscaled, scale));
    }
    case 'float':
      return floatEdges([2 ** -149, 2 ** -126, 3.4028234663852886e38, Math.fround(0.1), 16_777_217 - 1], type.unsigned);
    case 'double':
      return floatEdges(
        [5e-324, 2 ** -1022, Number.MAX_VALUE, 0.1, 2 ** 53, 1.7976931348623155e308, 1e23],
        type.unsigned,
      );
    case 'string':
      return type.json ? [] : stringEdges(type);
    case 'bytes':
      return bytesEdges(type);
    case 'uuid':
      return ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
    case 'date':
      return [
        '0001-01-01',
        '1000-01-01',
        '1582-10-10',
        '1900-02-28',
        '2000-02-29',
        '9999-12-31',
        '1970-01-01',
        '0099-12-31',
      ];
    case 'date_text':
      return type.fsp === null ? NO_DAYS : NO_DAYS.map((day) => `${day}T00:00:00${zeros(type.fsp ?? 0)}`);
    case 'time':
      return timeEdges(['-838:59:59', '-01:00:00', '-00:00:01', '00:00:00', '838:59:59', '24:00:00'], type.fsp);
    case 'datetime':
      return secondEdges(
        ['0001-01-01', '1000-01-01', '1969-12-31T23:59:59', '1970-01-01', '9999-12-31T23:59:59'],
        type.fsp,
      );
    case 'timestamp':
      return secondEdges(TIMESTAMP_EDGES, type.fsp);
    case 'set':
      return ['', type.values.join(',')];
    case 'json':
      return jsonEdges(jsonDepth).map((text) => canonicalJson(text));
    case 'bool':
    case 'enum':
      return [];
  }
}

/** The first and last second, and those around which clocks of Berlin and New York are put forward and back. */
const TIMESTAMP_EDGES = [
  '1970-01-01T00:00:01',
  '2038-01-19T03:14:07',
  '2021-03-28T00:59:59',
  '2021-03-28T01:00:00',
  '2021-10-31T00:30:00',
  '2021-10-31T01:30:00',
  '2021-11-07T05:30:00',
  '2021-11-07T06:30:00',
];

/** Dates that MySQL holds and no calendar has. */
const NO_DAYS = [
  '0000-00-00',
  '2024-00-00',
  '2024-02-00',
  '2024-00-15',
  '2023-02-29',
  '2024-02-30',
  '2024-04-31',
  '2024-06-01',
];

function zeros(fsp: number): string {
  return fsp === 0 ? '' : `.${'0'.repeat(fsp)}`;
}

function intEdges(type: ColumnType & { readonly kind: 'int' }): readonly (number | bigint)[] {
  if (type.year) return [0, 1901, 2155, 2000];
  const { min, max } = intRange(type);
  const edges = [min, max, 0n, 1n, max - 1n, max / 2n + 1n];
  return type.bits === 64 ? edges : edges.map(Number);
}

function floatEdges(magnitudes: readonly number[], unsigned: true | undefined): readonly number[] {
  return unsigned ? [0, ...magnitudes] : [0, -0, ...magnitudes, ...magnitudes.map((one) => -one)];
}

/** Each second's first and last moment that `fsp` digits can say. */
function secondEdges(seconds: readonly string[], fsp: number): readonly bigint[] {
  const last = fsp === 0 ? 0n : 1_000_000n - 10n ** BigInt(6 - fsp);
  return seconds.map(microsOf).flatMap((micros) => [micros, micros + last]);
}

/** Each time, and the one before it on the way to zero: beyond the ends there is none. */
function timeEdges(times: readonly string[], fsp: number): readonly bigint[] {
  const step = fsp === 0 ? 0n : 10n ** BigInt(6 - fsp);
  return times
    .map((text) => parseTime(text) ?? 0n)
    .flatMap((micros) => [micros, micros < 0n ? micros + step : micros > 0n ? micros - step : -step]);
}

/** Spaces and control characters at either end, NUL, what collations take for equal, combining marks, and four bytes. */
const TEXTS = [
  '',
  ' ',
  '  ',
  'a',
  'A',
  'a ',
  ' a',
  'a\t',
  'a\n',
  'a\r\n',
  '\u0000',
  'a\u0000',
  '\u0000a',
  'a\u0000 ',
  'ä',
  'a\u0308',
  'ss',
  'ß',
  'ı',
  'İ',
  '\ufeff',
  '\ufeffa',
  '\u200b',
  '\u00a0',
  '\uffff',
  '\ufffd',
  '💊',
  '\u{10ffff}',
  'a💊b',
  '👩‍👩‍👧',
  "'",
  '"',
  '\\',
  '\\\\',
  '`',
  '%_',
  '\u001a',
  '\u007f',
  '€',
  'NULL',
  '0x00',
  '日本語',
  '\u202e',
];

function stringEdges(type: ColumnType & { readonly kind: 'string' }): readonly string[] {
  const unit = type.charset === undefined ? '\u{1f48a}' : type.charset === 'ascii' ? 'z' : 'ÿ';
  const longest = unit.repeat(Math.min(type.maxChars, LONGEST, Math.floor(type.maxBytes / Buffer.byteLength(unit))));
  return [...TEXTS, longest].filter((text) => {
    try {
      return checkString(type, text, '') === text;
    } catch {
      return false;
    }
  });
}

function bytesEdges({ maxBytes, fixed }: ColumnType & { readonly kind: 'bytes' }): readonly Buffer[] {
  const most = fixed ? maxBytes : Math.min(maxBytes, LONGEST);
  const full = [Buffer.alloc(most), Buffer.alloc(most, 0xff), Buffer.alloc(most, 0x20)];
  const ends = Buffer.alloc(most);
  ends[0] = 1;
  const short = [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0x20, 0])];
  return fixed ? [...full, ends] : [...full, ends, ...short].filter(({ length }) => length <= most);
}

function arbitraryInt(type: ColumnType & { readonly kind: 'int' }): fc.Arbitrary<number | bigint> {
  if (type.year) return fc.integer({ min: 1901, max: 2155 });
  const { min, max } = intRange(type);
  return type.bits === 64 ? fc.bigInt({ min, max }) : fc.integer({ min: Number(min), max: Number(max) });
}

function arbitraryDecimal(type: ColumnType & { readonly kind: 'decimal' }): fc.Arbitrary<string> {
  const max = 10n ** BigInt(type.precision) - 1n;
  return fc.bigInt({ min: type.unsigned ? 0n : -max, max }).map((unscaled) => decimalText(unscaled, type.scale));
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return unscaled < 0n ? `-${text}` : text;
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
  // A TINYTEXT's limit is one of bytes.
  const most = Math.min(type.maxChars, LONGEST_TEXT, Math.floor(type.maxBytes / 4) || 1);
  return fc
    .array(unit, { maxLength: most })
    .map((characters) => characters.join(''))
    .map((text) => (type.trimsSpaces ? text.replace(/ +$/, '') : text));
}

/** Characters of a text that is not at its column's edge. */
const LONGEST_TEXT = 60;

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

function arbitraryDateText(fsp: number | null): fc.Arbitrary<string> {
  const part = (max: number, digits: number): fc.Arbitrary<string> =>
    fc.integer({ min: 0, max }).map((value) => String(value).padStart(digits, '0'));
  const day = fc.tuple(fc.integer({ min: 1, max: 9999 }), part(12, 2), part(31, 2));
  const date = day.map(([year, month, date]) => `${String(year).padStart(4, '0')}-${month}-${date}`);
  if (fsp === null) return date;
  const clock = fc.tuple(part(23, 2), part(59, 2), part(59, 2)).map((parts) => parts.join(':'));
  const fraction = part(10 ** fsp - 1, fsp).map((digits) => (fsp === 0 ? '' : `.${digits}`));
  return fc.tuple(date, clock, fraction).map(([day, time, rest]) => `${day}T${time}${rest}`);
}

/** Integers beyond 2^53, the ends of doubles, deep nesting, names and texts that need care. */
function jsonEdges(depth: number): readonly string[] {
  return [
    '9007199254740993',
    '18446744073709551615',
    '-9223372036854775808',
    '18446744073709551616',
    '-9223372036854775809',
    '1e30',
    '-0',
    '0.0',
    '5e-324',
    '1.7976931348623157e308',
    '[1.0,1,1e0]',
    '"\\u0000"',
    '"a\\u0000b"',
    '"💊\\ud83d\\ude00"',
    '{"":{"":[]}}',
    '{"b":1,"a":2,"aa":3,"__proto__":4}',
    '{"a":1,"a":2}',
    '" "',
    '"\\/\\b\\f\\n\\r\\t"',
    `${'['.repeat(depth)}${']'.repeat(depth)}`,
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  ];
}

/** Documents as texts that keep what canonical JSON does not: spaces, the order of names, the digits of numbers. */
function arbitraryJsonText(): fc.Arbitrary<string> {
  const loose = [
    '{"b": 1, "a" : 2}',
    ' [ 1.50 , 1E5 ] ',
    '0.1000000000000000055511151231257827',
    '{"a":1,"a":2}',
    '\n"x"\t',
  ];
  return fc.oneof(fc.constantFrom(...jsonEdges(MARIADB_JSON_DEPTH), ...loose), arbitraryJson());
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
  return value;
}
