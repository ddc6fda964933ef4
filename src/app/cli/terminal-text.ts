import { stripVTControlCharacters, styleText } from 'node:util';

/** Styles that a picture uses. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Puts a style around a text, or not where there is no colour. */
export type Paint = (style: Style, text: string) => string;

/** Paints, or leaves every text as it is. */
export function createPaint(color: boolean): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** A text from elsewhere without what would steer the terminal: names of records can hold any character. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, '\ufffd');
}

/** The same of a text of several lines, which may be indented by tabs. */
export function plainLines(text: string): string {
  return text.replaceAll(/[^\n\t]+/g, plain);
}

/** As many columns as a text takes, give or take characters that are wider than others. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Fills a text with spaces up to this width. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** The same, with the spaces in front. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

const RESET = '\u001b[0m';

/** Cuts a line to this width; styles in it end with it. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  let shown = '';
  let columns = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a style's own sequence, which takes no column.
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b[')) {
      shown += part;
      continue;
    }
    for (const character of part) {
      if (columns === width - 1) return `${shown}…${line.includes('\u001b[') ? RESET : ''}`;
      shown += character;
      columns += 1;
    }
  }
  return shown;
}

/** A part of a whole as a bar of this width. */
export function bar(part: number, width: number): string {
  const full = Math.round(Math.min(Math.max(part, 0), 1) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
