import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import type { Row, Value } from '../../src/domain/resource.ts';
import { MAX_FILTER_CHARS, MAX_FILTER_DEPTH, MAX_FILTER_TERMS, parseFilter } from '../../src/schema/filter-syntax.ts';
import { createOrderReader } from '../../src/schema/list-order.ts';
import { createFilterCompiler } from '../../src/schema/record-filter.ts';
import { allTypesDefinition, allTypesResource } from '../support/all-types.ts';

const compile = createFilterCompiler(allTypesDefinition, allTypesResource);
const { columns } = allTypesResource;

function rowOf(values: Readonly<Record<string, Value>>): Row {
  for (const name of Object.keys(values)) {
    if (!columns.some(({ field }) => field === name)) throw new Error(`there is no field ${name}`);
  }
  return columns.map(({ field }) => values[field ?? ''] ?? null);
}

function matches(filter: string, values: Readonly<Record<string, Value>>): boolean {
  return compile(filter)?.(rowOf(values)) ?? true;
}

function refusal(filter: string): DomainError {
  try {
    compile(filter);
  } catch (error) {
    if (isDomainError(error)) return error;
    throw error;
  }
  throw new Error(`not refused: ${filter}`);
}

describe('a filter', () => {
  it.each([
    ['normal', -3, ['normal = -3', 'normal < 0', 'normal >= -3', 'normal != 4'], ['normal > -3', 'normal = 3']],
    ['normal_unsigned', 4_000_000_000, ['normal_unsigned > 3999999999'], ['normal_unsigned < 0']],
    ['big_unsigned', 2n ** 64n - 1n, ['big_unsigned = 18446744073709551615'], ['big_unsigned <= 9223372036854775807']],
    ['flag', true, ['flag = true', 'flag != false'], ['flag = false']],
    ['amount', '-12.50', ['amount = -12.5', 'amount < "-12.49"', 'amount > -12.501'], ['amount = -12.501']],
    ['ratio', Math.fround(0.1), ['ratio = 0.1', 'ratio < 1e2'], ['ratio > 0.1']],
    ['measure', 0.1, ['measure = 0.1', 'measure >= 0.1'], ['measure = 0.2']],
    ['title', 'b😀', ['title = "b😀"', 'title > "b\uff5e"', 'title > a', "title != 'b'"], ['title < "b\uff5e"']],
    ['external_id', '0a0b0c0d-0000-4000-8000-000000000001', ['external_id = 0a0b0c0d-0000-4000-8000-000000000001'], []],
    ['birth_date', '2024-02-29', ['birth_date > 2024-02-28', 'birth_date = "2024-02-29"'], ['birth_date < 2024-02-29']],
    ['elapsed', -1_500_000n, ['elapsed = -1.5s', 'elapsed < 0s', 'elapsed > -1.500000001s'], ['elapsed > -1s']],
    ['alarm', 3_661_000_000n, ['alarm = 01:01:01', 'alarm > -01:00:00'], ['alarm > 01:01:01']],
    ['occur_time', 1_000_000n, ['occur_time = 1970-01-01T00:00:01Z', 'occur_time = 1970-01-01T02:00:01+02:00'], []],
    [
      'occur_time',
      -500_000n,
      ['occur_time = 1969-12-31T23:59:59.500000000Z', 'occur_time < 1969-12-31T23:59:59.500000001Z'],
      ['occur_time = 1969-12-31T23:59:59.500000001Z', 'occur_time > 1969-12-31T23:59:59.500000001Z'],
    ],
    ['local_time', 0n, ['local_time = 1970-01-01T00:00:00'], ['local_time > "1970-01-01T00:00:00"']],
    [
      'state',
      'on-hold',
      ['state = SAMPLE_STATE_ON_HOLD', 'state != "SAMPLE_STATE_ACTIVE"'],
      ['state = SAMPLE_STATE_UNSPECIFIED'],
    ],
    ['payload', Buffer.from('x'), ['payload:*'], ['NOT payload:*', '-payload:*']],
  ] as const)('compares %s as what it is', (field, value, holding, failing) => {
    for (const filter of holding) expect(matches(filter, { [field]: value }), filter).toBe(true);
    for (const filter of failing) expect(matches(filter, { [field]: value }), filter).toBe(false);
  });

  it('finds the members of a set', () => {
    const tags = columns.find(({ field }) => field === 'tags')?.type;
    const [first = '', second = '', third = ''] = tags?.kind === 'set' ? tags.values : [];
    const stored = { tags: `${first},${second}` };
    expect(matches(`tags:"${first}" AND tags:"${second}"`, stored)).toBe(true);
    expect(matches(`tags:"${third}"`, stored)).toBe(false);
    expect(refusal('tags:"nonsense"').metadata).toEqual({ field: 'filter', position: '6' });
  });

  it('takes no comparison with a field that is not set for true, so that NOT finds those records', () => {
    for (const filter of ['maybe_title = x', 'maybe_title != x', 'maybe_title < x', 'maybe_title:*']) {
      expect(matches(filter, {}), filter).toBe(false);
      expect(matches(`NOT (${filter})`, {}), filter).toBe(true);
    }
    expect(matches('maybe_title = ""', { maybe_title: '' })).toBe(true);
  });

  it('binds OR tighter than AND, as AIP-160 has it', () => {
    const filter = 'normal = 1 AND tiny = 1 OR small = 1';
    expect(parseFilter(filter)).toMatchObject({ kind: 'and', operands: [{}, { kind: 'or' }] });
    expect(matches(filter, { normal: 0, tiny: 0, small: 1 })).toBe(false);
    expect(matches('(normal = 1 AND tiny = 1) OR small = 1', { normal: 0, tiny: 0, small: 1 })).toBe(true);
  });

  it('says where it goes wrong, and never what was written there', () => {
    const wrong: readonly (readonly [string, number])[] = [
      ['color', 6],
      ['color = ', 9],
      ['normal = 1 tiny = 1', 12],
      ['normal = 1 AND', 15],
      ['normal = 1 OR AND tiny = 1', 15],
      ['(normal = 1', 12],
      ['normal = 1)', 11],
      ['title = "secret', 9],
      ['no_such = secret', 1],
      ['name = secret', 1],
      ['normal = 1 AND a.b = secret', 16],
      ['normal = secret', 10],
      ['normal = 1.5', 10],
      ['flag = 1', 8],
      ['flag < true', 8],
      ['state = secret', 9],
      ['state > SAMPLE_STATE_ACTIVE', 9],
      ['birth_date = 2023-02-29', 14],
      ['elapsed = 90', 11],
      ['occur_time = 2024-01-01', 14],
      ['payload = secret', 11],
      ['document = secret', 12],
      ['title:secret', 7],
      ['measure = 1e999', 11],
      ['', 0],
    ];
    for (const [filter, position] of wrong.filter(([text]) => text !== '')) {
      const error = refusal(filter);
      expect(error, filter).toMatchObject({ kind: 'invalid_argument', reason: 'INVALID_FILTER' });
      expect(error.metadata, filter).toEqual({ field: 'filter', position: String(position) });
      expect(error.message).not.toContain('secret');
    }
  });

  it('has bounds', () => {
    const terms = (count: number) => new Array<string>(count).fill('tiny=1').join(' AND ');
    expect(compile(terms(MAX_FILTER_TERMS))).not.toBeNull();
    expect(refusal(terms(MAX_FILTER_TERMS + 1)).message).toContain('comparisons');
    const nested = (depth: number) => `${'('.repeat(depth)}tiny=1${')'.repeat(depth)}`;
    expect(compile(nested(MAX_FILTER_DEPTH))).not.toBeNull();
    expect(refusal(nested(MAX_FILTER_DEPTH + 1)).message).toContain('deep');
    expect(refusal(`${'NOT '.repeat(100)}tiny=1`).message).toContain('deep');
    expect(refusal(`title = "${'x'.repeat(MAX_FILTER_CHARS)}"`).message).toContain('longer');
  });

  it('takes whatever is sent for a filter or refuses it as a DomainError, and never hangs', () => {
    const words = [
      'AND',
      'OR',
      'NOT',
      '-',
      '(',
      ')',
      'tiny',
      'title',
      '=',
      '!=',
      '<',
      ':',
      '*',
      '"a"',
      "'",
      '\\',
      '1',
      ' ',
    ];
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.constantFrom(...words)).map((all) => all.join(' ')),
    );
    fc.assert(
      fc.property(text, (filter) => {
        try {
          compile(filter)?.(rowOf({ tiny: 1 }));
        } catch (error) {
          expect(isDomainError(error, 'invalid_argument')).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('order_by', () => {
  const read = createOrderReader(allTypesDefinition, allTypesResource);

  it('takes the key in either direction, by name, variable or field', () => {
    const variable = allTypesDefinition.name.at(-1)?.variable ?? '';
    for (const name of ['', 'name', variable, `  ${variable}  `]) expect(read(name)).toEqual({ descending: false });
    for (const name of ['name desc', `${variable}   desc`]) expect(read(name)).toEqual({ descending: true });
  });

  it('refuses everything else, and says what there is', () => {
    for (const text of ['title', 'desc', 'name asc', 'name DESC', 'name desc desc', 'name, title', 'name desc, name']) {
      expect(() => read(text), text).toThrow('order_by: must be one of name, ');
    }
  });
});
