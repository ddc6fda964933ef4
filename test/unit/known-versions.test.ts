import { describe, expect, it } from 'vitest';
import { KnownVersions } from '../../clients/typescript/src/known-versions.ts';

describe('the versions that a session knows', () => {
  it('never go back', () => {
    const versions = new KnownVersions(10);
    versions.raise('a/1', 7n, 0);
    versions.raise('a/1', 5n, 0);
    expect(versions.of('a/1')).toBe(7n);
    expect(versions.of('a/*')).toBe(7n);
    expect(versions.of('b/1')).toBe(0n);
  });

  it('are bounded: what was not heard of for the longest is forgotten first', () => {
    const versions = new KnownVersions(3);
    for (const id of [1, 2, 1, 3]) versions.raise(`a/${id}`, 1n, 0);
    expect([1, 2, 3].map((id) => versions.of(`a/${id}`))).toEqual([1n, 0n, 1n]);
    for (let id = 0; id < 1_000; id++) versions.raise(`b${id}/1`, 1n, 0);
    expect([1, 2, 3].map((id) => versions.of(`a/${id}`))).toEqual([0n, 0n, 0n]);
    expect(versions.of('b999/1')).toBe(1n);
  });

  it('of a record are worth nothing after a list, until a request that was sent later was answered', () => {
    const versions = new KnownVersions(10);
    versions.raise('a/1', 1n, versions.moment);
    expect(versions.isShownByList('a/1')).toBe(false);
    const before = versions.moment;
    versions.raise('a/*', 0n, before);
    expect(versions.isShownByList('a/1')).toBe(true);
    expect(versions.isShownByList('a/2')).toBe(true);
    expect(versions.isShownByList('b/1')).toBe(false);
    versions.raise('a/1', 2n, before);
    expect(versions.isShownByList('a/1')).toBe(true);
    versions.raise('a/1', 2n, versions.moment);
    expect(versions.isShownByList('a/1')).toBe(false);
  });
});
