/**
 * Escapes in resource names: what a segment can't hold is percent-encoded, and nothing else, so that each text has exactly one
 * spelling. That is `/`, `%`, control characters, and a parent of just `-`, which AIP-159 has as a wildcard. The empty text
 * is a lone `%`.
 */

/** The segment that stands for the empty text. */
export const EMPTY_SEGMENT = '%';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const UNFIT = /[/%\u0000-\u001f\u007f]/g;
const ESCAPE = /%([0-9A-F]{2})/g;
const WILDCARD = '-';
const ESCAPED_WILDCARD = '%2D';

/** A key's text as a segment of a name. */
export function escapeSegment(text: string, isParent: boolean): string {
  if (text === '') return EMPTY_SEGMENT;
  if (isParent && text === WILDCARD) return ESCAPED_WILDCARD;
  return text.replace(UNFIT, (unfit) => `%${unfit.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** The text of a segment; undefined: it is not spelled as {@link escapeSegment} does. */
export function unescapeSegment(segment: string, isParent: boolean): string | undefined {
  if (segment === EMPTY_SEGMENT) return '';
  const text = segment.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return text !== '' && escapeSegment(text, isParent) === segment ? text : undefined;
}
