import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../../stack/command.ts';
import { anchorOf, parsePage, readPages } from '../../docs/pages.ts';

const pages = new Map(readPages().map((page) => [page.path, page]));

describe('the links of the documents', () => {
  it('lead to files that are there, and to headings that are in them', () => {
    const broken: string[] = [];
    let followed = 0;
    for (const page of pages.values()) {
      for (const { line, target } of page.links) {
        if (/^[a-z]+:/.test(target)) continue;
        followed += 1;
        const trouble = troubleOf(page.path, target);
        if (trouble !== undefined) broken.push(`${page.path}:${line} ${target}: ${trouble}`);
      }
    }
    expect(followed).toBeGreaterThan(80);
    expect(broken).toEqual([]);
  });

  it('reach every page of docs/ from its index', () => {
    const index = pages.get('docs/README.md');
    const linked = new Set(index?.links.map(({ target }) => normalize(join('docs', target.split('#')[0] ?? ''))));
    const pagesOfDocs = [...pages.keys()].filter((path) => path.startsWith('docs/') && path !== 'docs/README.md');
    expect(pagesOfDocs.filter((path) => !linked.has(path))).toEqual([]);
  });
});

describe('the reader of documents', () => {
  it('makes anchors as GitHub does', () => {
    expect(anchorOf('What is refused, and what stays in MySQL')).toBe('what-is-refused-and-what-stays-in-mysql');
    expect(anchorOf('`no_lease`')).toBe('no_lease');
    expect(anchorOf('1. Servers, and a table')).toBe('1-servers-and-a-table');
    expect([...parsePage('x.md', '# A\n# A\n').anchors]).toEqual(['a', 'a-1']);
  });

  it('takes links in code for no links, and finds those in sentences', () => {
    const page = parsePage('x.md', 'See [a](b.md#c) and `[d](e.md)`.\n```text\n[f](g.md)\n```\n');
    expect(page.links).toEqual([{ line: 1, target: 'b.md#c' }]);
    expect(page.blocks).toEqual([{ page: 'x.md', line: 2, language: 'text', text: '[f](g.md)' }]);
  });
});

function troubleOf(from: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), decodeURIComponent(path)));
  if (!existsSync(join(ROOT, file))) return 'there is no such file';
  if (anchor === undefined) return undefined;
  if (statSync(join(ROOT, file)).isDirectory()) return 'a folder has no headings';
  const page = pages.get(file);
  if (page === undefined) return 'only pages have headings';
  return page.anchors.has(anchor) ? undefined : 'there is no such heading';
}
