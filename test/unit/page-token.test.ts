import { describe, expect, it } from 'vitest';
import { isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import { notesResource, signedResource } from '../support/resources.ts';

const secret = Buffer.from('a secret of the test');
const tokens = createPageTokens({ resource: notesResource, secret });
const keys = createKeyCodec(notesResource);
const key = keys.fromValues(['ann', 'first']);
const binding = { parent: ['ann'] };

function refusal(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    return isDomainError(error, 'invalid_argument') ? error.reason : 'another error';
  }
  return 'accepted';
}

describe('a page token', () => {
  it('gives back the key that it was made of', () => {
    expect(tokens.open(tokens.seal(key, binding), binding)).toEqual(key);
  });

  it('is good at every instance that has the same secret', () => {
    const elsewhere = createPageTokens({ resource: notesResource, secret: Buffer.from(secret) });
    expect(elsewhere.open(tokens.seal(key, binding), binding).id).toBe(key.id);
  });

  it('says nothing of a store', () => {
    const placed = createPageTokens({ resource: { ...notesResource, mysql: { schema: 'a', table: 'b' } }, secret });
    expect(placed.seal(key, binding)).toBe(tokens.seal(key, binding));
  });

  it('keeps keys with bytes of every kind', () => {
    const odd = keys.fromValues(['a\u0000b', '💊/ \u00ff']);
    expect(tokens.open(tokens.seal(odd, { parent: ['a\u0000b'] }), { parent: ['a\u0000b'] }).values).toEqual(
      odd.values,
    );
  });

  it('is refused for another parent, another request, another resource and another secret', () => {
    const token = tokens.seal(key, binding);
    const others = {
      parent: () => tokens.open(token, { parent: ['bob'] }),
      request: () => tokens.open(token, { parent: ['ann'], request: 'only drafts' }),
      resource: () => createPageTokens({ resource: { ...notesResource, id: 'memos' }, secret }).open(token, binding),
      secret: () => createPageTokens({ resource: notesResource, secret: Buffer.from('x') }).open(token, binding),
    };
    for (const [what, open] of Object.entries(others))
      expect([what, refusal(open)]).toEqual([what, 'INVALID_PAGE_TOKEN']);
  });

  it('is refused when any bit of it was changed', () => {
    const bytes = Buffer.from(tokens.seal(key, binding), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(refusal(() => tokens.open(changed.toString('base64url'), binding))).toBe('INVALID_PAGE_TOKEN');
    }
  });

  it('has one text', () => {
    const token = tokens.seal(key, binding);
    for (const other of [`${token}=`, ` ${token}`, `${token}\u0000`, token.replace(/.$/, (last) => `${last}!`)])
      expect(refusal(() => tokens.open(other, binding))).toBe('INVALID_PAGE_TOKEN');
  });

  it.each(['', 'x', '====', 'AQ', 'ä', 'A'.repeat(20_000)])('is refused when it is nonsense: %#', (token) => {
    expect(refusal(() => tokens.open(token, binding))).toBe('INVALID_PAGE_TOKEN');
  });

  it('is refused when its key is not one of the resource, whoever signed it', () => {
    const signed = createPageTokens({ resource: { ...signedResource, id: notesResource.id }, secret });
    const foreign = createKeyCodec(signedResource).fromValues([1, 2n]);
    const open = () => tokens.open(signed.seal(foreign, { parent: [1] }), binding);
    expect(refusal(open)).toBe('INVALID_PAGE_TOKEN');
  });
});
