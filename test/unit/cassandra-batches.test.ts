import { describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { compilePartitionOf, groupIntoBatches, mixSmallBatches } from '../../src/stores/cassandra/apply.ts';
import { BATCH_BYTES, BATCH_ROWS, MIXED_BYTES, MIXED_PARTITIONS } from '../../src/stores/cassandra/limits.ts';
import { compileStatements } from '../../src/stores/cassandra/statements.ts';
import { splitRing } from '../../src/stores/cassandra/walk.ts';
import { forEachBounded } from '../../src/stores/for-each-bounded.ts';
import type { Copy } from '../../src/stores/record-store.ts';
import { collect, testCall } from '../support/calls.ts';
import { bytesResource, notesResource, unsignedResource } from '../support/resources.ts';

const notes = createKeyCodec(notesResource);

function copy(owner: string, id: string, title: string | null = null): Copy {
  const key = notes.fromValues([owner, id]);
  return { key, row: [owner, id, title, null, null], version: 1n };
}

function group(copies: readonly Copy[]) {
  const { sizeOf } = compileStatements(notesResource, { keyspace: 'k', table: 't' }, 1);
  return groupIntoBatches(copies, { partitionOf: compilePartitionOf(notesResource), sizeOf });
}

describe('copies on their way into batches', () => {
  it('are put with those of their parent, wherever they stand, each in one batch', () => {
    const copies = Array.from({ length: 90 }, (_, i) => copy(`owner ${i % 4}`, `note ${i}`));
    const batches = group(copies);
    expect(batches.flat().toSorted((a, b) => copies.indexOf(a) - copies.indexOf(b))).toEqual(copies);
    expect(batches).toHaveLength(4);
    for (const batch of batches) expect(new Set(batch.map(({ key }) => key.values[0])).size).toBe(1);
  });

  it('fill no batch beyond its rows or its bytes, but where one row alone does', () => {
    const many = group(Array.from({ length: 2 * BATCH_ROWS + 1 }, (_, i) => copy('ann', `${i}`)));
    expect(many.map((batch) => batch.length)).toEqual([BATCH_ROWS, BATCH_ROWS, 1]);
    const long = 'x'.repeat(BATCH_BYTES / 2);
    const large = group([
      copy('ann', 'a', long),
      copy('ann', 'b', long),
      copy('ann', 'c', long.repeat(3)),
      copy('ann', 'd'),
    ]);
    expect(large.map((batch) => batch.length)).toEqual([1, 1, 1, 1]);
  });

  it('share batches of few partitions and bytes where every node has them all, but for what fills one alone', () => {
    const { sizeOf } = compileStatements(notesResource, { keyspace: 'k', table: 't' }, 1);
    const small = Array.from({ length: 2 * MIXED_PARTITIONS + 1 }, (_, i) => copy(`owner ${i}`, 'note'));
    const large = Array.from({ length: BATCH_ROWS }, (_, i) => copy('ann', `${i}`, 'x'.repeat(MIXED_BYTES / 10)));
    const mixed = mixSmallBatches(group([...large, ...small]), sizeOf);
    expect(mixed.map((batch) => batch.length)).toEqual([BATCH_ROWS, MIXED_PARTITIONS, MIXED_PARTITIONS, 1]);
    const wide = Array.from({ length: 9 }, (_, i) => copy(`owner ${i}`, 'note', 'x'.repeat(MIXED_BYTES / 4)));
    for (const batch of mixSmallBatches(group(wide), sizeOf)) {
      expect(batch.reduce((bytes, one) => bytes + sizeOf(one), 0)).toBeLessThanOrEqual(MIXED_BYTES);
    }
    expect(mixSmallBatches(group(wide), sizeOf).flat()).toEqual(wide);
  });

  it.each([
    [
      'strings',
      notesResource,
      [
        ['a', 'b'],
        ['ab', ''],
        ['a\0', 'b'],
        ['a\0\0', 'b'],
        ['', 'ab'],
      ],
    ],
    [
      'integers',
      unsignedResource,
      [
        [1n, 2n],
        [2n, 1n],
        [258n, 0n],
      ],
    ],
    [
      'uuids and bytes with zeros',
      bytesResource,
      [
        ['u', [0], [1]],
        ['u', [0, 0], [1]],
        ['u', [], [0, 1]],
        ['uu', [0], [1]],
      ],
    ],
  ] as const)('tell parents of %s apart', (_, resource: Resource, keys) => {
    const codec = createKeyCodec(resource);
    const partitionOf = compilePartitionOf(resource);
    const partitions = keys.map((values) => {
      const plain = values.map((value) => (typeof value === 'object' ? Buffer.from(value) : value));
      const parent = plain.slice(0, resource.parentLength);
      const sibling = { key: codec.fromValues([...parent, plain.at(-1) ?? '']) };
      const partition = partitionOf({ key: codec.fromValues(plain) });
      expect(partitionOf(sibling)).toBe(partition);
      return partition;
    });
    expect(new Set(partitions).size).toBe(keys.length);
  });

  it('are under way no more than so many at once, and no more after one failed', async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    const items = Array.from({ length: 50 }, (_, i) => i);
    const work = async (item: number): Promise<void> => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      if (item === 20) throw new Error('the twentieth');
      done.push(item);
    };
    await expect(forEachBounded(items, 4, work)).rejects.toThrow('the twentieth');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(most).toBe(4);
    expect(done.length).toBeLessThan(25);
  });
});

describe('the plan of a walk', () => {
  const RING_START = -(2n ** 63n);
  const RING_END = 2n ** 63n - 1n;

  async function plan(tokens: readonly bigint[], chunkRows: number) {
    const read = async (from: bigint, limit: number) => tokens.filter((token) => token >= from).slice(0, limit);
    const ranges = await collect(splitRing(chunkRows, read, testCall()));
    const edges = ranges.map(({ range }) => range.split(':').map(BigInt));
    expect(edges[0]?.[0]).toBe(RING_START);
    expect(edges.at(-1)?.[1]).toBe(RING_END);
    for (const [i, [from]] of edges.entries()) if (i > 0) expect(from).toBe(edges[i - 1]?.[1]);
    return { count: ranges.length, rows: ranges.reduce((sum, { expectedRows }) => sum + expectedRows, 0) };
  }

  it('covers the whole ring once, in ranges of about as many rows as it was asked for', async () => {
    const step = 2n ** 64n / 40_000n;
    const tokens = Array.from({ length: 40_000 }, (_, i) => RING_START + step * BigInt(i) + 1n);
    const { count, rows } = await plan(tokens, 500);
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(100);
    expect(rows).toBeGreaterThan(32_000);
    expect(rows).toBeLessThan(48_000);
  });

  it('is one range for a few rows, for none, and for one large partition', async () => {
    expect(await plan([], 100)).toEqual({ count: 1, rows: 0 });
    expect(await plan([5n, 6n], 100)).toEqual({ count: 1, rows: 2 });
    expect(
      (
        await plan(
          Array.from({ length: 5_000 }, () => 12n),
          1_000,
        )
      ).count,
    ).toBeLessThan(3);
  });

  it('is of a bounded number of ranges, however dense the rows', async () => {
    const dense = async (from: bigint, limit: number) => Array.from({ length: limit }, (_, i) => from + BigInt(i));
    expect(await collect(splitRing(1, dense, testCall()))).toHaveLength(4_096);
  });
});
