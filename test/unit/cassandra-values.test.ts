import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnType, Value } from '../../src/domain/resource.ts';
import { bindOf, readOf, selectOf } from '../../src/stores/cassandra/values.ts';
import { intType } from '../support/resources.ts';

const decimal = (precision: number, scale: number): ColumnType => ({
  kind: 'decimal',
  precision,
  scale,
  unsigned: false,
});

/** What comes back of what was bound, for the types that are read as they were bound: from their bytes. */
function roundTrip(type: ColumnType, value: NonNullable<Value>): Value {
  expect(selectOf(type, '"c"')).toMatch(/asblob\("c"\) AS "c"$/);
  return readOf(type)(bindOf(type)(value));
}

describe('values on their way to Cassandra', () => {
  it.each([
    [0n, '00'],
    [127n, '7f'],
    [128n, '0080'],
    [255n, '00ff'],
    [256n, '0100'],
    [2n ** 47n - 1n, '7fffffffffff'],
    [2n ** 47n, '00800000000000'],
    [2n ** 63n, '008000000000000000'],
    [2n ** 64n - 1n, '00ffffffffffffffff'],
  ])('write %s as the shortest varint, so that a key has one', (value, hex) => {
    const bytes = bindOf(intType(64, true))(value) as Buffer;
    expect(bytes.toString('hex')).toBe(hex);
    expect(roundTrip(intType(64, true), value)).toBe(value);
  });

  it.each(['0.00', '0.01', '-0.01', '12.50', '-12.50', '99999999999999.99', '-123456789012345678901234567890.12'])(
    'carry the decimal %s digit by digit',
    (text) => expect(roundTrip(decimal(32, 2), text)).toBe(text),
  );

  it('carry decimals of any size and scale', async () => {
    const digits = fc.tuple(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), fc.integer({ min: 0, max: 30 }));
    await fc.assert(
      fc.property(digits, ([unscaled, scale]) => {
        const plain = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
        const point = plain.length - scale;
        const magnitude = scale === 0 ? plain : `${plain.slice(0, point)}.${plain.slice(point)}`;
        const text = unscaled < 0n ? `-${magnitude}` : magnitude;
        expect(roundTrip(decimal(65, scale), text)).toBe(text);
      }),
    );
  });

  it('pad a decimal that somebody else wrote with fewer digits, and refuse one that has more than its column', () => {
    const written = bindOf(decimal(10, 1))('1.5');
    expect(readOf(decimal(10, 3))(written)).toBe('1.500');
    expect(() => readOf(decimal(10, 0))(written)).toThrow(expect.objectContaining({ reason: 'UNREPRESENTABLE_VALUE' }));
  });

  it.each([
    '0000-01-01',
    '0099-12-31',
    '1000-01-01',
    '1582-10-10',
    '1969-12-31',
    '1970-01-01',
    '2024-02-29',
    '9999-12-31',
  ])('carry the date %s', (text) => expect(roundTrip({ kind: 'date' }, text)).toBe(text));

  it.each(['0000-00-00', '2023-02-29', '2024-00-10', '2024-13-01', '20240101'])(
    'refuse %s, which is no date',
    (text) => {
      expect(() => bindOf({ kind: 'date' })(text)).toThrow(
        expect.objectContaining({ reason: 'UNREPRESENTABLE_VALUE' }),
      );
    },
  );
});
