import { describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/domain/bucket.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { intType, stringType, testResource } from '../support/resources.ts';

const numbers = createKeyCodec(testResource('numbers', { number: intType(32) }, {}));
const texts = createKeyCodec(testResource('texts', { text: stringType(20) }, {}));

describe('the bucket of a key', () => {
  // Rows stand under these in targets that are there: another answer would lose them.
  it.each([
    [numbers.fromValues([0]), 256, 117],
    [numbers.fromValues([1]), 256, 180],
    [numbers.fromValues([-1]), 256, 215],
    [numbers.fromValues([2_147_483_647]), 7, 5],
    [texts.fromValues(['']), 256, 189],
    [texts.fromValues(['a']), 256, 226],
    [texts.fromValues(['Zoë']), 256, 156],
  ])('is what it always was (%#)', (key, buckets, bucket) => {
    expect(bucketOf(key, buckets)).toBe(bucket);
  });

  it.each([1, 2, 10, 256])('is spread evenly over keys in steps of %d', (step) => {
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const bucket = bucketOf(numbers.fromValues([i * step]), 16);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1_100);
  });
});
