const UNITS = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

/** `64 KiB`, `1.5 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

const SPANS = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3_600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const;

/** `24 h`, `10 d`, `90 s`: in the largest unit that needs no fraction. */
export function secondsText(seconds: number): string {
  // A day is `24 h` to everybody who reads it beside the option.
  const span = SPANS.find((one) => seconds > one.seconds && seconds % one.seconds === 0);
  return span === undefined ? `${seconds} s` : `${seconds / span.seconds} ${span.name}`;
}

/** `1 row`, `1,234 rows`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
