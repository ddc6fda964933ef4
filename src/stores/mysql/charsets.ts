/** Turns the bytes from `start` up to `end` into text. */
export type DecodeText = (bytes: Buffer, start: number, end: number) => string;

/**
 * MySQL's latin1 is Windows-1252 with the five bytes that this leaves undefined taken as the control characters of
 * ISO 8859-1. Only 0x80 to 0x9f differ from ISO 8859-1.
 */
const LATIN1_C1 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

const C1 = /[\u0080-\u009f]/g;

/** The decoder of a character set as column types can have it; null for any other. */
export function charsetDecoder(charset: string): DecodeText | null {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
      return (bytes, start, end) => bytes.toString('utf8', start, end);
    case 'ascii':
      return (bytes, start, end) => bytes.toString('latin1', start, end);
    case 'latin1':
      return (bytes, start, end) => decodeLatin1(bytes.toString('latin1', start, end));
    default:
      return null;
  }
}

function decodeLatin1(text: string): string {
  C1.lastIndex = 0;
  if (!C1.test(text)) return text;
  return text.replace(C1, (character) => LATIN1_C1[character.charCodeAt(0) - 0x80] ?? character);
}
