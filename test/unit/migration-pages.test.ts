import { describe, expect, it } from 'vitest';
import { isDomainError } from '../../src/domain/errors.ts';
import { createPages, type PageRequest } from '../../src/rpc/migration-pages.ts';

const pages = createPages(Buffer.from('a secret of the test'));
const bounds = { default: 2, most: 3 };
const first: PageRequest = { list: ['jobs', 'medications'], pageToken: '', pageSize: 0 };
const token = pages(first, bounds).cut(['a', 'b', 'c'], (id) => id).nextPageToken;

function outcome(request: Partial<PageRequest>, open = pages): string {
  try {
    return open({ ...first, ...request }, bounds).after;
  } catch (error) {
    return isDomainError(error, 'invalid_argument') ? error.reason : 'another error';
  }
}

describe('a page token of the migration API', () => {
  it('goes on after the last element that was shown, at every instance with the same secret', () => {
    expect(outcome({ pageToken: token })).toBe('b');
    expect(outcome({ pageToken: token }, createPages(Buffer.from('a secret of the test')))).toBe('b');
  });

  it('is refused for another list, another resource and another secret', () => {
    for (const list of [
      ['transitions', 'medications'],
      ['jobs', 'encounters'],
      ['jobs', 'medications', 'true'],
    ])
      expect(outcome({ list, pageToken: token })).toBe('INVALID_PAGE_TOKEN');
    expect(outcome({ pageToken: token }, createPages(Buffer.from('x')))).toBe('INVALID_PAGE_TOKEN');
  });

  it('is refused when any bit of it was changed, when it is written otherwise, and when it was made up', () => {
    const bytes = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(outcome({ pageToken: changed.toString('base64url') })).toBe('INVALID_PAGE_TOKEN');
    }
    for (const pageToken of [`${token}=`, ` ${token}`, Buffer.from('b').toString('base64url'), 'A'.repeat(300), 'x'])
      expect(outcome({ pageToken })).toBe('INVALID_PAGE_TOKEN');
  });
});

it('a page is as large as was asked for, within its bounds', () => {
  const sizeOf = (pageSize: number) => pages({ ...first, pageSize }, bounds).size;
  expect([sizeOf(0), sizeOf(1), sizeOf(99)]).toEqual([2, 1, 3]);
  expect(() => sizeOf(-1)).toThrow('page_size');
});
