import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdReasons } from '../../../src/migration/phase.ts';
import { ROOT } from '../../../stack/command.ts';

const PARTS = ['Means', 'Look first', 'Cause and cure', 'Over'];

const runbooks = new Map(
  readFileSync(join(ROOT, 'docs/holds.md'), 'utf8')
    .split(/^#{2,3} /m)
    .flatMap((part) => {
      const [, reason = '', text = ''] = /^`(\w+)`\n([\s\S]*)$/.exec(part) ?? [];
      return reason === '' ? [] : [[reason, text] as const];
    }),
);

describe('the runbooks of docs/holds.md', () => {
  it('are there for every reason to hold, and for no other', () => {
    expect([...runbooks.keys()].sort()).toEqual([...holdReasons].sort());
  });

  it.each([...runbooks])('%s: say what it means, where to look, the cure, and when it is over', (_, text) => {
    const parts = [...text.matchAll(/^- \*\*([^*]+)\*\*/gm)].map(([, part]) => part);
    expect(parts).toEqual(PARTS);
  });
});
