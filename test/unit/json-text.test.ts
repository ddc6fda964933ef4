import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDomainError } from '../../src/domain/errors.ts';
import { canonicalJson, MAX_JSON_DEPTH, MAX_JSON_KEY_BYTES } from '../../src/domain/json-text.ts';

describe('canonical JSON text', () => {
  it.each([
    [' { } ', '{}'],
    ['[ 1 , 2 ]', '[1,2]'],
    ['{"b": 1, "aa": 2, "a": 3}', '{"a":3,"b":1,"aa":2}'],
    // Four bytes sort after three, whatever their first byte.
    ['{"aaaa": 1, "€": 2}', '{"€":2,"aaaa":1}'],
    ['{"é": 1, "zz": 2, "zzz": 3, "a": 4}', '{"a":4,"zz":2,"é":1,"zzz":3}'],
    ['{"a": 1, "a": 2, "\\u0061": 3}', '{"a":3}'],
    ['{"2": 1, "10": 2, "1": 3}', '{"1":3,"2":1,"10":2}'],
    ['{"__proto__": {"a": 1}}', '{"__proto__":{"a":1}}'],
    ['"\\u00e9\\/\\u0009\\u007f\\u0001\\ud83d\\ude00"', '"é/\\t\u007f\\u0001😀"'],
    ['"\\u0000"', '"\\u0000"'],
    ['true', 'true'],
    ['null', 'null'],
  ])('%s becomes %s', (text, canonical) => {
    expect(canonicalJson(text)).toBe(canonical);
    expect(canonicalJson(canonical)).toBe(canonical);
  });

  it.each([
    ['9007199254740993', '9007199254740993'],
    ['9223372036854775808', '9223372036854775808'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '18446744073709552000'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['-9223372036854775809', '-9223372036854776000'],
    ['1.0', '1'],
    ['1.10', '1.1'],
    ['1e2', '100'],
    ['1E+2', '100'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['-0e5', '0'],
    ['1e-400', '0'],
    ['0.1', '0.1'],
    ['0.1000000000000000055511151231257827', '0.1'],
    ['5e-324', '5e-324'],
    ['1e20', '100000000000000000000'],
    ['1e21', '1e+21'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['9007199254740993.0', '9007199254740992'],
  ])('the number %s becomes %s', (text, canonical) => {
    expect(canonicalJson(text)).toBe(canonical);
    expect(canonicalJson(canonical)).toBe(canonical);
    expect(canonicalJson(`{"a": ${text}}`)).toBe(`{"a":${canonical}}`);
  });

  it.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "'a'",
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    'NaN',
    'Infinity',
    'tru',
    'nulll',
    '1 2',
    '"a',
    '"\\',
    '"\\"',
    '"\\x"',
    '"\t"',
    '"\\u12g4"',
    '"\\ud800"',
    '{"\\udc00": 1}',
    '"\ud800"',
    '1e400',
    '\ufeff1',
    '\u00a01',
    '[1 2]',
    '{"a" 1}',
  ])('%j is refused and names the field', (text) => {
    const attempt = (): string => canonicalJson(text, 'form.data');
    expect(attempt).toThrow(/^form\.data: /);
    try {
      attempt();
    } catch (error) {
      expect(isDomainError(error, 'invalid_argument')).toBe(true);
    }
  });

  it('takes long strings', () => {
    const long = `"${'ä\\n'.repeat(3_000_000)}"`;
    expect(canonicalJson(`[${long}]`)).toBe(`[${long}]`);
  });

  it('is bounded in depth and in the length of member names', () => {
    const nest = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(canonicalJson(nest(MAX_JSON_DEPTH))).toBe(nest(MAX_JSON_DEPTH));
    expect(() => canonicalJson(nest(MAX_JSON_DEPTH + 1))).toThrow(/levels/);
    const name = 'a'.repeat(MAX_JSON_KEY_BYTES);
    expect(canonicalJson(`{"${name}": 1}`)).toBe(`{"${name}":1}`);
    expect(() => canonicalJson(`{"${name}a": 1}`)).toThrow(/member name/);
  });

  it('keeps every document the same but for order and spelling, and is its own fixed point', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
        const wellFormed = JSON.parse(
          JSON.stringify(value)
            .toWellFormed()
            .replace(/\\ud[89a-f]../g, '?'),
        ) as unknown;
        const canonical = canonicalJson(JSON.stringify(wellFormed, null, 2));
        expect(canonicalJson(canonical)).toBe(canonical);
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(wellFormed)));
      }),
    );
  });

  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.integer()), { selector: ([k]) => k }),
        (members) => {
          const print = (list: readonly (readonly [string, number])[]): string =>
            `{${list.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(' , ')}}`;
          expect(canonicalJson(print(members))).toBe(canonicalJson(print(members.toReversed())));
        },
      ),
    );
  });
});
