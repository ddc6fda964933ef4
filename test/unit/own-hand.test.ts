import { describe, expect, it } from 'vitest';
import { OwnHand } from '../../src/migration/logged-store.ts';

const entry = (id: string) => ({ incarnation: 'one', minute: 1, id });

describe('the entries of one process', () => {
  it('that are left while others are carried are not carried with them', () => {
    const hand = new OwnHand();
    hand.take('a');
    hand.leave(entry('a'));
    const carried = hand.left;
    hand.take('b');
    hand.leave(entry('b'));
    expect(carried).toEqual([{ incarnation: 'one', minute: 1, count: 1 }]);
    hand.carried(carried);
    expect(hand.left).toEqual([{ incarnation: 'one', minute: 1, count: 1 }]);
    expect(hand.isIdle).toBe(false);
    hand.carried(hand.left);
    expect(hand.isIdle).toBe(true);
  });
});
