/** The documents as a reader sees them: their blocks of code, headings and links. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../stack/command.ts';

/** The repository's folder. */

/** A fenced block of code. */
export interface Block {
  /** The page's path in the repository. */
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  /** The first word after the fence; empty: none. */
  readonly language: string;
  readonly text: string;
}

/** A link to another place, as written. */
export interface Link {
  readonly line: number;
  readonly target: string;
}

/** What stands in backticks within a sentence. */
export interface InlineCode {
  readonly line: number;
  readonly text: string;
}

/** One document. */
export interface Page {
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  readonly inline: readonly InlineCode[];
  /** The `#…` under which its headings are found, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
}

/** Every Markdown file of the repository, also those that are not committed yet. */
export function readPages(): readonly Page[] {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.md'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return names
    .split('\0')
    .filter((name) => name !== '')
    .map((path) => parsePage(path, readFileSync(join(ROOT, path), 'utf8')));
}

const FENCE = /^\s*```(\S*)/;

/** Reads one page; an open fence at its end is an error. */
export function parsePage(path: string, source: string): Page {
  const blocks: Block[] = [];
  const links: Link[] = [];
  const inline: InlineCode[] = [];
  const anchors = new Set<string>();
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, text] of source.split('\n').entries()) {
    const line = index + 1;
    const fence = FENCE.exec(text);
    if (open !== undefined) {
      if (fence === null) open.lines.push(text);
      else {
        blocks.push({ page: path, line: open.line, language: open.language, text: open.lines.join('\n') });
        open = undefined;
      }
    } else if (fence !== null) open = { line, language: fence[1] ?? '', lines: [] };
    else {
      const heading = /^#{1,6} +(.*)$/.exec(text);
      if (heading !== null) anchors.add(freeAnchor(anchors, anchorOf(heading[1] ?? '')));
      for (const [, code = ''] of text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) inline.push({ line, text: code });
      const prose = text.replaceAll(/`[^`]*`/g, 'code');
      for (const [, target = ''] of prose.matchAll(/\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)*)\)/g))
        links.push({ line, target });
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a fence that nothing ends`);
  return { path, blocks, links, inline, anchors };
}

/** As GitHub makes them: lower case, punctuation gone, spaces as dashes. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

function freeAnchor(taken: ReadonlySet<string>, anchor: string): string {
  if (!taken.has(anchor)) return anchor;
  let n = 1;
  while (taken.has(`${anchor}-${n}`)) n += 1;
  return `${anchor}-${n}`;
}
