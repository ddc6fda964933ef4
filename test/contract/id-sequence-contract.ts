/** The contract of the port of id sequences: what src/stores/id-sequence.ts promises of every engine. */
import { describe, expect, it } from 'vitest';
import type { IdSequence } from '../../src/stores/id-sequence.ts';
import { testCall } from '../support/calls.ts';

/** A sequence that was raised to 1, as two instances have it; another one at each call. */
export type OpenSequence = () => Promise<{ readonly one: IdSequence; readonly other: IdSequence }>;

const TAKES = 15;

/** Runs the contract against an engine. */
export function describeIdSequence(name: string, open: OpenSequence): void {
  describe(name, () => {
    it('gives no id twice, whoever asks at the same time', async () => {
      const { one, other } = await open();
      const given = new Set<bigint>();
      const take = async (from: IdSequence, count: number): Promise<void> => {
        const first = await from.take(count, testCall());
        if (first === null) throw new Error('nothing was given');
        for (let i = 0; i < count; i++) given.add(first + BigInt(i));
      };
      const counts = Array.from({ length: TAKES }, (_, i) => (i % 4) + 1);
      await Promise.all(
        [one, other].map(async (from) => {
          for (const count of counts) await take(from, count);
        }),
      );
      expect(given.size).toBe(2 * counts.reduce((sum, count) => sum + count, 0));
    });

    it('gives more than was given before, and tells what comes next', async () => {
      const { one, other } = await open();
      const first = (await one.take(50, testCall())) ?? 0n;
      const second = (await other.take(1, testCall())) ?? 0n;
      expect(second).toBeGreaterThanOrEqual(first + 50n);
      expect(await one.next(testCall())).toBe(second + 1n);
      expect(await one.take(1, testCall())).toBe(second + 1n);
    });

    it('is raised, again and by anyone, and never lowered', async () => {
      const { one, other } = await open();
      await one.raiseTo(7_000n, testCall());
      await other.raiseTo(6_000n, testCall());
      await other.raiseTo(7_000n, testCall());
      expect(await other.next(testCall())).toBe(7_000n);
      expect(await one.take(2, testCall())).toBe(7_000n);
      await one.raiseTo(7_001n, testCall());
      expect(await other.take(1, testCall())).toBe(7_002n);
    });

    it('goes beyond the greatest 64 bits', async () => {
      const { one } = await open();
      const last = 2n ** 64n - 1n;
      await one.raiseTo(last, testCall());
      expect(await one.take(50, testCall())).toBe(last);
      expect(await one.next(testCall())).toBe(last + 50n);
    });
  });
}
