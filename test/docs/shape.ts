/** Compares what a command prints with what a document says that it prints. */

/** What differs from run to run, and by what it is matched: names of instances, ids, numbers and times. */
const VARIES =
  /(?<instance>\b[a-z]\w*(?:-\d+)+\b)|(?<id>\b(?=\w*\d)[0-9a-f]{16,}\b)|(?<number>\d[\d.,:TZ-]*)|(?<gap>…)|(?<space>\s+)/gu;

/**
 * Whether the lines of `expected` stand in `actual`, one after the other and with nothing between them. A line `…` lets any
 * lines pass, `…` within a line any text. Numbers, times and ids may be others; spaces and blank lines don't count.
 */
export function hasShape(actual: string, expected: string): boolean {
  const lines = contentLines(actual);
  const wanted = contentLines(expected);
  return lines.some((_, start) => matchesFrom(lines, start, wanted, 0)) || wanted.every((line) => line === '…');
}

function contentLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function matchesFrom(lines: readonly string[], at: number, wanted: readonly string[], next: number): boolean {
  const line = wanted[next];
  if (line === undefined) return true;
  if (line === '…') {
    for (let i = at; i <= lines.length; i++) if (matchesFrom(lines, i, wanted, next + 1)) return true;
    return false;
  }
  const found = lines[at];
  return found !== undefined && patternOf(line).test(found) && matchesFrom(lines, at + 1, wanted, next + 1);
}

const patterns = new Map<string, RegExp>();

function patternOf(line: string): RegExp {
  const known = patterns.get(line);
  if (known !== undefined) return known;
  let source = '';
  let last = 0;
  for (const match of line.matchAll(VARIES)) {
    source += escaped(line.slice(last, match.index)) + matcherOf(match.groups ?? {});
    last = match.index + match[0].length;
  }
  const pattern = new RegExp(`^${source}${escaped(line.slice(last))}$`, 'u');
  patterns.set(line, pattern);
  return pattern;
}

function matcherOf({ instance, id, gap, space }: Record<string, string | undefined>): string {
  if (instance !== undefined) return '[\\w.-]+';
  if (id !== undefined) return '[0-9a-f]+';
  if (gap !== undefined) return '.*';
  if (space !== undefined) return '\\s+';
  return '[\\d.,:TZ-]+';
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
