import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createKeyCodec, type KeyValue, longestKey } from '../../src/domain/key.ts';
import type { Column, ColumnType } from '../../src/domain/resource.ts';

const text = (maxChars: number, charset?: 'latin1'): ColumnType => ({
  kind: 'string',
  maxChars,
  maxBytes: charset === 'latin1' ? maxChars : 4 * maxChars,
  padSpace: false,
  ...(charset && { charset }),
});

const cases: readonly (readonly [ColumnType, fc.Arbitrary<KeyValue>])[] = [
  [text(5), fc.string({ unit: 'binary', maxLength: 5 })],
  [text(5, 'latin1'), fc.constantFrom('ééééé', 'abcde', '\0\0\0\0\0')],
  [{ kind: 'bytes', maxBytes: 4, fixed: false }, fc.constantFrom(Buffer.alloc(4), Buffer.from('abcd'))],
  [{ kind: 'uuid' }, fc.uuid()],
  [{ kind: 'date' }, fc.constant('2031-05-04')],
  [{ kind: 'int', bits: 64, unsigned: true }, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  [{ kind: 'datetime', fsp: 6 }, fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })],
  [{ kind: 'decimal', precision: 5, scale: 2, unsigned: false }, fc.constantFrom('-999.99', '999.99', '0.00')],
];

it.each(cases)('no key is longer than its type %j may be', (type, values) => {
  const codec = createKeyCodec({ columns: [{ type } as Column], keyLength: 1 });
  let longest = 0;
  fc.assert(
    fc.property(values, (value) => {
      const { length } = codec.fromValues([value]).bytes;
      longest = Math.max(longest, length);
      return length <= longestKey([type]);
    }),
  );
  expect(longest).toBeGreaterThan(0);
});
