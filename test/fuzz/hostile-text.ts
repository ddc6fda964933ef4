import type { Dice } from './dice.ts';

/**
 * A mark in values that callers send. It must come back in no line of the log, no span, no metric and no error.
 * Made of letters, so that it fits into names and texts alike.
 */
export const CANARY = 'zqcanaryqz';

const LONG = 20_000;
const ODD = [
  '',
  ' ',
  '/',
  '//',
  '-',
  '.',
  '..',
  '../../etc/passwd',
  '%',
  '%2F',
  '%00',
  '%25%32%46',
  '*',
  'null',
  '__proto__',
  'constructor',
  "' OR '1'='1",
  '"; DROP TABLE medications; --',
  '\u0024{jndi:ldap://x}',
  '\u0000',
  'a\u0000b',
  '\r\nx-injected: 1',
  '\u202e',
  '\ufeff',
  '\u{1f600}',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  'e\u0301',
  'ſ',
  'İ',
  '\uffff',
  '\u{10ffff}',
  '1e309',
  '-0',
  'NaN',
  '9223372036854775808',
  '0x10',
  '1970-02-30',
  '<script>',
];

/** A text that nobody means well with; mostly with the canary in it. */
export function hostileText(dice: Dice): string {
  const odd = dice.pick(ODD);
  switch (dice.int(6)) {
    case 0:
      return odd;
    case 1:
      return odd.repeat(1 + dice.int(40)) + CANARY;
    case 2:
      return CANARY + 'x'.repeat(dice.int(LONG));
    case 3:
      return dice.bytes(1 + dice.int(40)).toString('utf8') + CANARY;
    case 4:
      return `${odd}${CANARY}${dice.pick(ODD)}`;
    default:
      return CANARY;
  }
}

/** A name that is almost one: a good one, bent. */
export function hostileName(good: string, dice: Dice): string {
  const parts = good.split('/');
  const at = dice.int(parts.length);
  switch (dice.int(7)) {
    case 0:
      return hostileText(dice);
    case 1:
      return parts.with(at, hostileText(dice)).join('/');
    case 2:
      return parts.toSpliced(at, 1).join('/');
    case 3:
      return parts.toSpliced(at, 0, dice.pick(ODD)).join('/');
    case 4:
      return `${good}${dice.pick(ODD)}`;
    case 5:
      return parts.map((part) => encodeURIComponent(part).toUpperCase()).join(dice.pick(['/', '%2F', '\\']));
    default:
      return `/${good}/`.repeat(1 + dice.int(50));
  }
}
