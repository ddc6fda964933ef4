import { create, fromBinary, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { differingColumns, type Row, type Value } from '../../src/domain/resource.ts';
import { createMessageCodec } from '../../src/schema/message-codec.ts';
import { allTypesDefinition, allTypesResource } from '../support/all-types.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';

const { message: desc, methods } = allTypesDefinition;
const { columns, keyLength } = allTypesResource;
const codec = createMessageCodec(allTypesDefinition, allTypesResource);
const keys = createKeyCodec(allTypesResource);
const fieldColumns = columns.flatMap((_, index) => (index < keyLength ? [] : [index]));
const isRequired = new Set(allTypesDefinition.fields.filter((each) => each.required).map((each) => each.field.name));
/** A REQUIRED field is never empty in a row that comes from a message. */
const rows: fc.Arbitrary<Row> = arbitraryRow(allTypesResource).map((row) =>
  row.map((value, index) => (isRequired.has(columns[index]?.field ?? '') ? value || 'x' : value)),
);
const NAME = 'owners/o/boxes/b/samples/1';

function indexOf(field: string): number {
  const index = columns.findIndex((column) => column.field === field);
  if (index < 0) throw new Error(`there is no field ${field}`);
  return index;
}

/** A message with these fields, by local name. */
function sample(fields: Record<string, unknown>): Message {
  return create(desc, fields as never);
}

/** What a field's value becomes in its column. */
function read(field: string, value: unknown): Value {
  const index = indexOf(field);
  const localName = desc.fields.find((each) => each.name === field)?.localName ?? '';
  return codec.rowFromMessage(sample({ [localName]: value }), { columns: [index] })[index] ?? null;
}

function refusal(work: () => unknown): DomainError {
  try {
    work();
  } catch (error) {
    if (isDomainError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** A row of the least values, with the given ones in it. */
function rowWith(values: Record<string, Value>): Row {
  const [row] = fc.sample(rows, { numRuns: 1, seed: 1 });
  return columns.map((column, index) => {
    if (column.field !== null && column.field in values) return values[column.field] ?? null;
    return column.nullable && !isRequired.has(column.field ?? '') ? null : ((row as Row)[index] ?? null);
  });
}

describe('a record on the wire', () => {
  it('is byte for byte what protobuf-es writes, and comes back as the same row', () => {
    fc.assert(
      fc.property(rows, fc.string({ unit: 'grapheme' }), (row, text) => {
        const wire = codec.toWire(`${NAME}${text}`, row, text);
        const message = fromBinary(desc, wire);
        expect(Buffer.compare(toBinary(desc, message), wire)).toBe(0);
        expect(message).toMatchObject({ name: `${NAME}${text}`, etag: text });
        expect(message.$unknown).toBeUndefined();
        const key = keys.fromRow(row).values;
        expect(differingColumns(codec.rowFromMessage(message, { columns: fieldColumns, key }), row)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is its own: the next record does not write over it', () => {
    const [first, second] = fc.sample(rows, 2) as [Row, Row];
    const wire = codec.toWire(NAME, first);
    const copy = Buffer.from(wire);
    codec.toWire(NAME, second);
    codec.etagOf(second);
    expect(Buffer.compare(copy, wire)).toBe(0);
  });

  it('may be larger than any before', () => {
    const row = rowWith({ body: 'ä'.repeat(30_000), attachment: Buffer.alloc(65_535, 7) });
    const message = fromBinary(desc, codec.toWire(NAME, row));
    expect(Buffer.compare(toBinary(desc, message), codec.toWire(NAME, row))).toBe(0);
  });

  it('tells a zero from its absence only where the field can', () => {
    const json = toJson(
      desc,
      fromBinary(desc, codec.toWire(NAME, rowWith({ normal: 0, maybe_normal: 0, maybe_title: '' }))),
    );
    expect(json).not.toHaveProperty('normal');
    expect(json).toMatchObject({ maybeNormal: 0, maybeTitle: '' });
  });

  it('names the field of a stored value that it has no form for', () => {
    const error = refusal(() => codec.toWire(NAME, rowWith({ state: 'unheard of' })));
    expect(error).toMatchObject({ kind: 'internal', reason: 'UNREPRESENTABLE_VALUE', metadata: { field: 'state' } });
    const year0 = refusal(() => codec.toWire(NAME, rowWith({ occur_time: -62_135_596_800_000_001n })));
    expect(year0.metadata).toEqual({ field: 'occur_time' });
  });

  it('shows times as texts with as many digits as the column has', () => {
    const row = rowWith({ alarm: -3_600_000_000n * 100n - 7_000n, local_time: 1_500_000n, local_micros: -1n });
    expect(toJson(desc, fromBinary(desc, codec.toWire(NAME, row)))).toMatchObject({
      alarm: '-100:00:00.007',
      localTime: '1970-01-01T00:00:01.500',
      localMicros: '1969-12-31T23:59:59.999999',
    });
  });
});

describe('a list response on the wire', () => {
  it('is byte for byte what protobuf-es writes', () => {
    const list = methods.list;
    if (list === undefined) throw new Error('no list');
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 3 }), fc.string(), (page, token) => {
        const wires = page.map((row) => codec.toWire(NAME, row));
        const expected = create(list.output, {
          samples: wires.map((wire) => fromBinary(desc, wire)),
          nextPageToken: token,
        } as never);
        expect(Buffer.compare(codec.encodeListResponse(wires, token), toBinary(list.output, expected))).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('an etag', () => {
  it('is a quoted text of the content, and the one that an answer holds', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        expect(codec.etagOf(a)).toMatch(/^"[\w-]{22}"$/);
        expect(codec.etagOf([...a])).toBe(codec.etagOf(a));
        expect(fromBinary(desc, codec.toWire(NAME, a))).toMatchObject({ etag: codec.etagOf(a) });
        const different = differingColumns(a, b).some((index) => columns[index]?.field !== null);
        expect(codec.etagOf(a) === codec.etagOf(b)).toBe(!different);
      }),
      { numRuns: 50 },
    );
  });

  it('changes with each column that a field shows', () => {
    const base = fc.sample(rows, { numRuns: 1, seed: 5 })[0] as Row;
    const others = fc.sample(rows, { numRuns: 60, seed: 6 });
    for (const index of fieldColumns) {
      const other = others.find((row) => differingColumns(row, base).includes(index));
      const changed = base.map((value, at) => (at === index ? ((other?.[at] ?? null) as Value) : value));
      expect([columns[index]?.field, codec.etagOf(changed) !== codec.etagOf(base)]).toEqual([
        columns[index]?.field,
        true,
      ]);
    }
  });
});

describe('a value that a caller sends', () => {
  it.each<[string, unknown, Value]>([
    ['normal_in_wide', 4_294_967_295n, 4_294_967_295],
    ['big_text', '-9223372036854775808', -(2n ** 63n)],
    ['big_unsigned', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['model_year', 0, 0],
    ['model_year', 2155, 2155],
    ['amount', '1', '1.0000'],
    ['amount', '-0', '0.0000'],
    ['amount', '-0.00', '0.0000'],
    ['amount', '007.50000', '7.5000'],
    ['amount', '-1234567890123456.7891', '-1234567890123456.7891'],
    ['amount_unsigned', '0', '0'],
    ['amount_unsigned', `${'9'.repeat(38)}.0`, '9'.repeat(38)],
    ['ratio', 0.1, Math.fround(0.1)],
    ['measure', -0, -0],
    ['code', 'a b', 'a b'],
    ['title', '😀'.repeat(100), '😀'.repeat(100)],
    ['title', 'a ', 'a '],
    ['legacy', '€ü', '€ü'],
    ['birth_date', '2000-02-29', '2000-02-29'],
    ['birth_date', '0001-01-01', '0001-01-01'],
    ['alarm', '08:30:00', 30_600_000_000n],
    ['alarm', '-838:59:59', -3_020_399_000_000n],
    ['local_time', '2020-01-02T03:04:05.5', 1_577_934_245_500_000n],
    ['elapsed', { seconds: -1n, nanos: -1_000 }, -1_000_001n],
    ['occur_time', { seconds: -1n, nanos: 999_999_000 }, -1n],
    ['sync_time', { seconds: 1n, nanos: 0 }, 1_000_000n],
    ['state', 2, 'on-hold'],
    ['color', "it's", "it's"],
    ['tags', ['billed', 'urgent'], 'urgent,billed'],
    ['tags', [], ''],
    ['marks', 'c,a', 'a,c'],
    ['document', ' {"b": 1.0, "a": 12345678901234567890}', '{"a":12345678901234567890,"b":1}'],
    ['maybe_state', undefined, null],
    ['maybe_occur_time', undefined, null],
    ['maybe_title', '', ''],
  ])('%s is taken (%#)', (field, value, canonical) => {
    expect(read(field, value)).toEqual(canonical);
  });

  it.each<[string, unknown, RegExp]>([
    ['tiny', 128, /from -128 to 127/],
    ['tiny', -129, /from -128/],
    ['tiny_unsigned', 256, /from 0 to 255/],
    ['small_unsigned', -1, /from 0 to 65535/],
    ['medium', 8_388_608, /8388607/],
    ['normal_in_wide', 4_294_967_296n, /4294967295/],
    ['normal_in_wide', -1n, /from 0/],
    ['model_year', 1900, /1901/],
    ['amount', '', /decimal/],
    ['amount', '1e3', /decimal/],
    ['amount', '+1', /decimal/],
    ['amount', '.5', /decimal/],
    ['amount', '1.', /decimal/],
    ['amount', ' 1', /decimal/],
    ['amount', '1.00001', /more than 4 digits after/],
    ['amount', '12345678901234567', /more than 16 digits before/],
    ['amount_unsigned', '-1', /unsigned/],
    ['amount_unsigned', '9'.repeat(5_000_000), /decimal/],
    ['ratio', 3.5e38, /float/],
    ['ratio', Number.NaN, /finite/],
    ['measure', Number.POSITIVE_INFINITY, /finite/],
    ['code', 'ü', /ASCII/],
    ['code', 'a ', /space/],
    ['code', '12345678901', /more than 10 characters/],
    ['title', 'a'.repeat(101), /more than 100 characters/],
    ['title', 'a\ud800', /surrogate/],
    ['nickname', '😀', /utf8mb3/],
    ['legacy', 'ł', /latin1/],
    ['legacy', '\u0081', /latin1/],
    ['body', 'ä'.repeat(32_768), /more than 65535 bytes/],
    ['digest', Buffer.alloc(3), /exactly 4/],
    ['digest', Buffer.alloc(5), /exactly 4/],
    ['payload', Buffer.alloc(301), /more than 300/],
    ['external_id', '0123', /UUID/],
    ['external_id', '01234567-89AB-cdef-0123-456789abcdef', /lower case/],
    ['birth_date', '2001-02-29', /calendar/],
    ['birth_date', '0000-00-00', /calendar/],
    ['birth_date', '2020-1-1', /calendar/],
    ['birth_date', '', /calendar/],
    ['alarm', '8:30', /time/],
    ['alarm', '08:60:00', /time/],
    ['alarm', '839:00:00', /838/],
    ['alarm', '00:00:00.0001', /3 digits/],
    ['elapsed', { seconds: 0n, nanos: 1 }, /microsecond/],
    ['elapsed', { seconds: 1n, nanos: -1_000 }, /sign/],
    ['elapsed', { seconds: 3_020_400n, nanos: 0 }, /838/],
    ['occur_time', { seconds: 0n, nanos: 1_001 }, /microsecond/],
    ['occur_time', { seconds: 0n, nanos: 1_000_000_000 }, /nanos/],
    ['occur_time', { seconds: 253_402_300_800n, nanos: 0 }, /9999/],
    ['occur_time', { seconds: -62_135_596_801n, nanos: 0 }, /year/],
    ['noted_time', { seconds: 0n, nanos: 1_000 }, /0 digits/],
    ['local_time', '2020-01-01T00:00:00.1234', /3 digits/],
    ['local_time', '2020-01-01 00:00:00', /T/],
    ['local_time', '2020-01-01T24:00:00', /written/],
    ['sync_time', { seconds: 0n, nanos: 0 }, /1970/],
    ['sync_time', { seconds: 2_147_483_648n, nanos: 0 }, /2038/],
    ['state', 0, /SampleState/],
    ['state', 17, /SampleState/],
    ['color', 'Red', /not a value/],
    ['color', '', /not a value/],
    ['tags', ['unknown'], /member/],
    ['tags', ['urgent', 'urgent'], /twice/],
    ['marks', 'a,,b', /member/],
    ['document', '{', /JSON/],
    ['document', '', /JSON/],
    ['occur_time', undefined, /must be set/],
    ['priority', undefined, /must be set/],
    ['label', '', /must be set/],
    ['maybe_label', undefined, /must be set/],
  ])('%s is refused and named (%#)', (field, value, message) => {
    const error = refusal(() => read(field, value));
    expect(error).toMatchObject({ kind: 'invalid_argument', reason: 'INVALID_FIELD' });
    expect(error.metadata).toEqual({ field: `sample.${field}` });
    expect(error.message).toMatch(message);
  });

  it('is never printed in an error', () => {
    const error = refusal(() => read('color', 'Secret diagnosis'));
    expect(JSON.stringify(error) + error.message).not.toContain('Secret');
  });

  it('is not taken from a message of another type', () => {
    expect(() => codec.rowFromMessage(create(EmptySchema), { columns: [] })).toThrow(TypeError);
  });
});

describe('the columns that a request sets', () => {
  const names = (indexes: readonly number[]): (string | null | undefined)[] =>
    indexes.map((index) => columns[index]?.field);

  it('are those of its mask, in order, without what an update can not set', () => {
    const others = ['name', 'etag', 'sample_id', 'origin', 'update_time', 'doubled'];
    expect(names(codec.columnsOfMask(['title', 'tiny', ...others, 'title']))).toEqual(['tiny', 'title']);
    expect(codec.columnsOfMask([])).toEqual([]);
  });

  it('are all that an update may set for the mask *', () => {
    const all = names(codec.columnsOfMask(['*']));
    expect(all).toContain('title');
    expect(all).toHaveLength(columns.length - keyLength - 3);
    for (const field of ['origin', 'doubled', 'update_time', 'sample_id']) expect(all).not.toContain(field);
  });

  it.each(['nothing', 'occur_time.seconds', 'Title', 'updated_at', ''])('can not be named by the path %j', (path) => {
    const error = refusal(() => codec.columnsOfMask(['title', path]));
    expect(error).toMatchObject({ kind: 'invalid_argument', metadata: { field: 'update_mask' } });
    expect(error.message).toContain(`"${path}"`);
  });

  it('are those of the populated fields without a mask', () => {
    const message = sample({ title: 'a', normal: 0, maybeNormal: 0, tags: [], origin: 'x', doubled: 4 });
    expect(names(codec.columnsPopulated(message))).toEqual(['title', 'maybe_normal']);
  });

  it('leave the immutable ones, which are held against the record if the request speaks of them', () => {
    const message = sample({ title: 'a', origin: 'x' });
    for (const mask of [[], ['*'], ['title', 'origin']])
      expect(names(codec.columnsFixed(message, mask))).toEqual(['origin']);
    expect(codec.columnsFixed(message, ['title'])).toEqual([]);
    for (const mask of [[], ['*']]) expect(codec.columnsFixed(sample({}), mask)).toEqual([]);
    expect(names(codec.columnsFixed(sample({}), ['origin']))).toEqual(['origin']);
  });

  it('are, in a create, all but those that are not set and have a default', () => {
    const [row] = fc.sample(rows, { numRuns: 1, seed: 3 }) as [Row];
    const message = fromBinary(
      desc,
      codec.toWire(NAME, rowWith({ priority: null, sync_time: null, origin: row[indexOf('origin')] ?? null })),
    );
    const set = names(codec.columnsToCreate(message));
    for (const field of ['origin', 'title', 'tags', 'normal', 'second_time']) expect(set).toContain(field);
    for (const field of ['priority', 'sync_time', 'maybe_title', 'doubled', 'update_time'])
      expect(set).not.toContain(field);
  });

  it.each([
    'amount',
    'birth_date',
    'elapsed',
    'alarm',
    'occur_time',
    'local_time',
    'state',
    'color',
    'document',
    'digest',
    'label',
    'maybe_label',
  ])('must be given in a create if they have no default or are REQUIRED: %s', (field) => {
    const local = desc.fields.find((each) => each.name === field)?.localName ?? '';
    const full = fromBinary(desc, codec.toWire(NAME, rowWith({}))) as unknown as Record<string, unknown>;
    const empty = create(desc) as unknown as Record<string, unknown>;
    full[local] = empty[local];
    const error = refusal(() => codec.columnsToCreate(full as unknown as Message));
    expect(error.message).toBe(`sample.${field}: must be set`);
  });

  it('have their fields as paths', () => {
    expect(codec.fieldPath(0)).toBe('name');
    expect(codec.fieldPath(2)).toBe('sample_id');
    expect(codec.fieldPath(indexOf('title'))).toBe('title');
  });
});
