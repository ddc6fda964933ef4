/** Digits in four bytes of a packed decimal, and the bytes that fewer digits take (strings/decimal.cc). */
const DIGITS_PER_WORD = 9;
const BYTES_OF_DIGITS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

/** How many bytes a DECIMAL of this shape takes. */
export function decimalBytes(precision: number, scale: number): number {
  return partBytes(precision - scale) + partBytes(scale);
}

/**
 * A packed DECIMAL as text: optional `-`, digits without leading zeros, exactly `scale` digits after the point, never
 * `-0`. Big-endian words of nine digits, the incomplete ones at the outer ends; a negative one has all bits flipped, and the
 * first bit is the sign's.
 */
export function readDecimal(bytes: Buffer, start: number, precision: number, scale: number): string {
  const isNegative = ((bytes[start] ?? 0) & 0x80) === 0;
  const mask = isNegative ? 0xff : 0;
  const integerDigits = precision - scale;
  let at = start;
  let first = 0x80;
  const word = (size: number): number => {
    let value = 0;
    for (const end = at + size; at < end; at++) {
      value = value * 256 + ((bytes[at] ?? 0) ^ mask ^ first);
      first = 0;
    }
    return value;
  };
  let integer = '';
  const head = integerDigits % DIGITS_PER_WORD;
  if (head > 0) integer = String(word(BYTES_OF_DIGITS[head] ?? 0));
  for (let i = Math.floor(integerDigits / DIGITS_PER_WORD); i > 0; i--) {
    integer = appendWord(integer, word(4));
  }
  let fraction = '';
  for (let i = Math.floor(scale / DIGITS_PER_WORD); i > 0; i--) {
    fraction += String(word(4)).padStart(DIGITS_PER_WORD, '0');
  }
  const tail = scale % DIGITS_PER_WORD;
  if (tail > 0) fraction += String(word(BYTES_OF_DIGITS[tail] ?? 0)).padStart(tail, '0');
  const text = scale === 0 ? integer || '0' : `${integer || '0'}.${fraction}`;
  return isNegative && /[1-9]/.test(text) ? `-${text}` : text;
}

/** Nine more digits after those there are, which are empty or without leading zeros. */
function appendWord(digits: string, word: number): string {
  return digits === '' || digits === '0' ? String(word) : digits + String(word).padStart(DIGITS_PER_WORD, '0');
}

function partBytes(digits: number): number {
  return Math.floor(digits / DIGITS_PER_WORD) * 4 + (BYTES_OF_DIGITS[digits % DIGITS_PER_WORD] ?? 0);
}
