import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import { BLOCK_IDS, createAssignedIds, MAX_PROPOSALS } from '../../src/records/assigned-ids.ts';
import type { IdSource } from '../../src/stores/id-sequence.ts';
import { testCall } from '../support/calls.ts';

/** A source that counts from 1, and what was asked of it. */
function createSource(): IdSource & { next: bigint; readonly sizes: number[]; rises: number; fail?: Error } {
  return {
    next: 1n,
    sizes: [],
    rises: 0,
    async take(count) {
      this.sizes.push(count);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.fail !== undefined) throw this.fail;
      const first = this.next;
      this.next += BigInt(count);
      return first;
    },
    async rise() {
      this.rises += 1;
      this.next = 1_000n;
    },
  };
}

const idsOf = (source: IdSource, greatest = 2n ** 31n - 1n) => createAssignedIds({ source, column: 'no', greatest });
const keep = async (ids: readonly bigint[]): Promise<readonly bigint[]> => ids;

describe('ids of the service’s', () => {
  it('come one by one out of blocks, each once, whoever asks at the same time', async () => {
    const source = createSource();
    const ids = idsOf(source);
    const given = await Promise.all(Array.from({ length: 130 }, () => ids.propose(1, keep, testCall())));
    expect(new Set(given.flat()).size).toBe(130);
    expect(source.sizes).toEqual([BLOCK_IDS, BLOCK_IDS, BLOCK_IDS]);
  });

  it('of a batch are in a row, and a batch larger than a block has one of its own', async () => {
    const source = createSource();
    const ids = idsOf(source);
    expect(await ids.propose(1, keep, testCall())).toEqual([BigInt(BLOCK_IDS)]);
    const many = await ids.propose(BLOCK_IDS + 10, keep, testCall());
    expect(many).toEqual(Array.from({ length: BLOCK_IDS + 10 }, (_, i) => BigInt(BLOCK_IDS + 1 + i)));
    expect(await ids.propose(1, keep, testCall())).toEqual([BigInt(3 * BLOCK_IDS + 10)]);
  });

  it('begin with the greatest of a block, so that MySQL’s own counter goes on behind it', async () => {
    const ids = idsOf(createSource());
    const given = [];
    for (let i = 0; i < BLOCK_IDS + 2; i++) given.push(...(await ids.propose(1, keep, testCall())));
    const block = Array.from({ length: BLOCK_IDS - 1 }, (_, i) => BigInt(i + 1));
    expect(given).toEqual([BigInt(BLOCK_IDS), ...block, BigInt(2 * BLOCK_IDS), BigInt(BLOCK_IDS + 1)]);
  });

  it('that others have taken are passed over', async () => {
    const source = createSource();
    const taken = new Set([1n, 2n, 4n]);
    const create = async ([id]: readonly bigint[]) => (taken.has(id as bigint) ? undefined : id);
    const ids = idsOf(source);
    expect(await ids.propose(1, create, testCall())).toBe(BigInt(BLOCK_IDS));
    expect(await ids.propose(1, create, testCall())).toBe(3n);
    expect(await ids.propose(1, create, testCall())).toBe(5n);
    expect(source.rises).toBe(0);
  });

  it('rise above what is there after some that were taken, and fail with a cure when that does not help', async () => {
    const source = createSource();
    const ids = idsOf(source);
    expect(await ids.propose(1, async ([id]) => ((id as bigint) < 1_000n ? undefined : id), testCall())).toBe(
      999n + BigInt(BLOCK_IDS),
    );
    expect(source.rises).toBe(1);
    let tries = 0;
    const never = ids.propose(1, async () => void tries++, testCall());
    await expect(never).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'NO_FREE_ID',
      metadata: { column: 'no' },
    });
    expect(tries).toBe(2 * MAX_PROPOSALS);
  });

  it('end where the column ends, and are not asked for any more', async () => {
    const source = createSource();
    source.next = 126n;
    const ids = idsOf(source, 127n);
    expect(await ids.propose(2, keep, testCall())).toEqual([126n, 127n]);
    for (let i = 0; i < 3; i++) {
      await expect(ids.propose(1, keep, testCall())).rejects.toMatchObject({
        kind: 'failed_precondition',
        reason: 'IDS_EXHAUSTED',
        metadata: { column: 'no' },
      });
    }
    expect(source.sizes).toHaveLength(1);
  });

  it('fail those alone who asked the source: the others ask for themselves', async () => {
    const source = createSource();
    const ids = idsOf(source);
    source.fail = new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'away' });
    const first = ids.propose(1, keep, testCall());
    const second = ids.propose(1, keep, testCall());
    await expect(first).rejects.toMatchObject({ reason: 'AUTHORITY_UNAVAILABLE' });
    delete source.fail;
    expect(await second).toEqual([BigInt(BLOCK_IDS)]);
  });

  it('are lost with a create that fails otherwise', async () => {
    const ids = idsOf(createSource());
    const refused = ids.propose(1, () => Promise.reject(new Error('refused')), testCall());
    await expect(refused).rejects.toThrow('refused');
    expect(await ids.propose(1, keep, testCall())).toEqual([1n]);
  });
});
