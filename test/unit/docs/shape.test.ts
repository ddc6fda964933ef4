import { describe, expect, it } from 'vitest';
import { hasShape } from '../../docs/shape.ts';

describe('the shape of what is printed', () => {
  it('takes other numbers, times and ids', () => {
    expect(
      hasShape(
        'epoch 12, lag 3 ms, ended 2031-05-04T09:12:44.518Z',
        'epoch 2, lag 17 ms, ended 2026-11-26T15:22:36.661Z',
      ),
    ).toBe(true);
    expect(hasShape('by vm-2: ok', 'by shop-1-4711: ok')).toBe(true);
  });

  it('takes no other words, and no other order', () => {
    expect(hasShape('follower syncing', 'follower in-sync')).toBe(false);
    expect(hasShape('b\na', 'a\nb')).toBe(false);
    expect(hasShape('', 'a')).toBe(false);
  });

  it('lets lines pass only where the document leaves them out', () => {
    expect(hasShape('a\nx\ny\nb', 'a\n…\nb')).toBe(true);
    expect(hasShape('a\nx\nb', 'a\nb')).toBe(false);
    expect(hasShape('before\na\nb\nafter', 'a\nb')).toBe(true);
  });
});
