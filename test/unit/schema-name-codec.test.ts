import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import { createKeyCodec, type KeyValue } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { createNameCodec } from '../../src/schema/name-codec.ts';
import { allTypesResource } from '../support/all-types.ts';
import { arbitraryKeyValue } from '../support/arbitrary-row.ts';
import {
  bytesResource,
  datesResource,
  intType,
  latinResource,
  looseResource,
  momentsResource,
  pricesResource,
  sharesResource,
  signedResource,
  stringType,
  testResource,
  unsignedResource,
} from '../support/resources.ts';

const topLevel = testResource('plain', { thing: stringType(20) }, { title: stringType(20) });
const exact = testResource('exact', { owner: { kind: 'bytes', maxBytes: 4, fixed: true }, rank: intType(8) }, {});
const moreKeys = [datesResource, momentsResource, pricesResource, sharesResource, looseResource, latinResource];
const noPad = testResource('no_pad', { owner: { ...stringType(20), padSpace: false }, rank: intType(16, true) }, {});

function refusal(work: () => unknown): DomainError {
  try {
    work();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function keyValues(resource: Resource): fc.Arbitrary<KeyValue[]> {
  const values = resource.columns
    .slice(0, resource.keyLength)
    .map(({ type }) => arbitraryKeyValue(type) as fc.Arbitrary<KeyValue>);
  return fc.tuple(...values);
}

describe('a resource name', () => {
  it.each([allTypesResource, signedResource, unsignedResource, bytesResource, topLevel, exact, noPad, ...moreKeys])(
    'says each key of $id in one way, and back',
    (resource) => {
      const names = createNameCodec(resource);
      const keys = createKeyCodec(resource);
      fc.assert(
        fc.property(keyValues(resource), (values) => {
          const key = keys.fromValues(values);
          const name = names.nameOf(key);
          expect(names.keyOf(name).id).toBe(key.id);
          expect(names.keyOf(name).values).toEqual(key.values);
          const cut = name.lastIndexOf('/');
          const parent = names.parentOf(name.slice(0, Math.max(0, name.lastIndexOf('/', cut - 1))));
          expect(parent).toEqual(values.slice(0, resource.parentLength));
          expect(names.keyWithId(parent, name.slice(cut + 1), 'thing_id').id).toBe(key.id);
        }),
      );
    },
  );

  it('is written as the pattern says', () => {
    const name = 'owners/Ä b/boxes/01234567-89ab-cdef-0123-456789abcdef/samples/18446744073709551615';
    const names = createNameCodec(allTypesResource);
    expect(names.keyOf(name).values).toEqual(['Ä b', '01234567-89ab-cdef-0123-456789abcdef', 2n ** 64n - 1n]);
    expect(names.nameOf(names.keyOf(name))).toBe(name);
    expect(createNameCodec(exact).keyOf('owners/00ff10a0/ranks/-128').values).toEqual([
      Buffer.from('00ff10a0', 'hex'),
      -128,
    ]);
  });

  it.each<[Resource, string]>([
    [signedResource, ''],
    [signedResource, 'owners/1'],
    [signedResource, 'owners/1/ranks/2/'],
    [signedResource, '/owners/1/ranks/2'],
    [signedResource, '//crossfade.dev/owners/1/ranks/2'],
    [signedResource, 'ranks/1/owners/2'],
    [signedResource, 'Owners/1/ranks/2'],
    [signedResource, 'owners//ranks/2'],
    [signedResource, 'owners/01/ranks/2'],
    [signedResource, 'owners/+1/ranks/2'],
    [signedResource, 'owners/-0/ranks/2'],
    [signedResource, 'owners/1.0/ranks/2'],
    [signedResource, 'owners/1e3/ranks/2'],
    [signedResource, 'owners/0x1/ranks/2'],
    [signedResource, 'owners/ 1/ranks/2'],
    [signedResource, 'owners/2147483648/ranks/2'],
    [signedResource, 'owners/1/ranks/9223372036854775808'],
    [unsignedResource, 'owners/-1/ranks/2'],
    [unsignedResource, `owners/1/ranks/${'9'.repeat(30)}`],
    [exact, 'owners/00FF10A0/ranks/1'],
    [exact, 'owners/00ff10/ranks/1'],
    [exact, 'owners/00ff10a/ranks/1'],
    [exact, 'owners/00ff10a0b0/ranks/1'],
    [bytesResource, 'tenants/01234567-89AB-cdef-0123-456789abcdef/owners/00/digests/00'],
    [bytesResource, 'tenants/0123456789abcdef0123456789abcdef/owners/00/digests/00'],
    [bytesResource, 'tenants/01234567-89ab-cdef-0123-456789abcdef/owners//digests/00'],
    [topLevel, 'things/'],
    [topLevel, 'things/a '],
    [topLevel, 'things/a\u0001'],
    [topLevel, 'things/\u0000'],
    [topLevel, 'things/a\ud800'],
    [topLevel, `things/${'a'.repeat(21)}`],
    [topLevel, 'things/a/b'],
    [topLevel, `things/${'a'.repeat(1_000_000)}`],
    [topLevel, 'things/a%'],
    [topLevel, 'things/a%2f'],
    [topLevel, 'things/%61'],
    [topLevel, 'things/-%2D'],
    [topLevel, 'things/%2D'],
    [topLevel, 'things/%00'],
    [noPad, 'owners/-/ranks/1'],
    [noPad, 'owners/%/ranks/1'],
    [noPad, 'owners/a\tb/ranks/1'],
    [datesResource, 'prices/1.5/noteds/1970-01-01T00:00:01.000Z/mades/2024/days/2024-01-01'],
    [datesResource, 'prices/01.50/noteds/1970-01-01T00:00:01.000Z/mades/2024/days/2024-01-01'],
    [datesResource, 'prices/1.50/noteds/1970-01-01T00:00:01Z/mades/2024/days/2024-01-01'],
    [datesResource, 'prices/1.50/noteds/1970-01-01T00:00:01.000/mades/2024/days/2024-01-01'],
    [datesResource, 'prices/1.50/noteds/1970-01-01T00:00:00.000Z/mades/2024/days/2024-01-01'],
    [datesResource, 'prices/1.50/noteds/1970-01-01T00:00:01.000Z/mades/1900/days/2024-01-01'],
    [datesResource, 'prices/1.50/noteds/1970-01-01T00:00:01.000Z/mades/2024/days/2023-02-29'],
    [momentsResource, 'days/2024-01-01/moments/2024-01-01 00:00:00.000000'],
    [momentsResource, 'days/2024-01-01/moments/2024-01-01T24:00:00.000000'],
  ])('is refused in any other spelling (%#)', (resource, name) => {
    const error = refusal(() => createNameCodec(resource).keyOf(name));
    expect(error).toMatchObject({ kind: 'invalid_argument', reason: 'INVALID_FIELD', metadata: { field: 'name' } });
  });

  it('is refused under the name that the request gives the field', () => {
    const names = createNameCodec(signedResource);
    expect(refusal(() => names.keyOf('x', 'rank.name')).metadata).toEqual({ field: 'rank.name' });
    expect(refusal(() => names.parentOf('x')).metadata).toEqual({ field: 'parent' });
    expect(refusal(() => names.keyWithId([1], 'x', 'rank_id')).metadata).toEqual({ field: 'rank_id' });
  });

  it('may end in a space only where the column tells spaces apart', () => {
    expect(createNameCodec(noPad).keyOf('owners/a /ranks/1').values).toEqual(['a ', 1]);
  });

  it('has no wildcard for the parent, though a record may be called so', () => {
    expect(createNameCodec(noPad).keyOf('owners/%2D/ranks/1').values).toEqual(['-', 1]);
    expect(createNameCodec(noPad).parentOf('owners/%2D')).toEqual(['-']);
    const error = refusal(() => createNameCodec(noPad).parentOf('owners/-'));
    expect(error.message).toMatch(/wildcard/);
    expect(createNameCodec(topLevel).parentOf('')).toEqual([]);
    expect(refusal(() => createNameCodec(topLevel).parentOf('owners/1')).kind).toBe('invalid_argument');
  });

  it.each([
    ['', '%'],
    ['-', '-'],
    ['a/b', 'a%2Fb'],
    ['100%', '100%25'],
    ['%2F', '%252F'],
    ['a\t\u007f', 'a%09%7F'],
    ['\0', '%00'],
    ['Ä 😀+?#&', 'Ä 😀+?#&'],
  ])('escapes what a segment can’t hold: %j', (text, segment) => {
    const [resource] = [testResource('free', { thing: { ...stringType(20), padSpace: false } }, {})];
    const [names, keys] = [createNameCodec(resource), createKeyCodec(resource)];
    expect(names.nameOf(keys.fromValues([text]))).toBe(`things/${segment}`);
    expect(names.keyOf(`things/${segment}`).values).toEqual([text]);
  });

  it('says dates, times and decimals as they are', () => {
    const name = 'prices/-0.50/noteds/1970-01-01T00:20:34.567Z/mades/0/days/0001-01-01';
    const values = createNameCodec(datesResource).keyOf(name).values;
    expect(values).toEqual(['-0.50', 1_234_567_000n, 0, '0001-01-01']);
    expect(createNameCodec(datesResource).nameOf(createKeyCodec(datesResource).fromValues(values))).toBe(name);
  });

  it.each(['a ', 'a\tb'])('does not exist for the stored key %j', (stored) => {
    const key = createKeyCodec(topLevel).fromValues([stored]);
    const error = refusal(() => createNameCodec(topLevel).nameOf(key));
    expect(error).toMatchObject({ kind: 'internal', reason: 'UNREPRESENTABLE_VALUE', metadata: { field: 'name' } });
  });
});
