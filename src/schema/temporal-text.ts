/** The texts in which string fields show dates and times, and back. Undefined: the text is none. */

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_MS = 1000n;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_ALONE = /^(\d{4}-\d{2}-\d{2})$/;
const DATETIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/;
const TIME = /^(-?)(\d{2,3}):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/;

/** Whether a text is a day of the calendar from 0001-01-01 to 9999-12-31. */
export function isDate(text: string): boolean {
  return daysMs(text) !== undefined;
}

/** `YYYY-MM-DDTHH:MM:SS[.ffffff]` as microseconds since 1970-01-01T00:00:00. */
export function parseDatetime(text: string): bigint | undefined {
  const [, date, hours, minutes, seconds, fraction] = DATETIME.exec(text) ?? [];
  const midnight = date === undefined ? undefined : daysMs(date);
  if (midnight === undefined) return undefined;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  if (h > 23 || m > 59 || s > 59) return undefined;
  return BigInt(midnight + (h * 3600 + m * 60 + s) * 1000) * MICROS_PER_MS + fractionMicros(fraction);
}

/** Microseconds since 1970-01-01T00:00:00 as `YYYY-MM-DDTHH:MM:SS`, and `fsp` digits of a fraction. Years 0 to 9999. */
export function printDatetime(micros: bigint, fsp: number): string {
  const ms = floorDiv(micros, MICROS_PER_MS);
  const text = new Date(Number(ms)).toISOString().slice(0, -1);
  if (fsp === 0) return text.slice(0, 19);
  const whole = text + String(micros - ms * MICROS_PER_MS).padStart(3, '0');
  return whole.slice(0, 20 + fsp);
}

/**
 * What a DATE (`fsp`: null) or DATETIME can hold, with the digits that `fsp` says: also dates of no month or day, and days up
 * to 31 of any month. Undefined: it can't.
 */
export function parseDateText(text: string, fsp: number | null): string | undefined {
  const [, date, hours, minutes, seconds, fraction = ''] = (fsp === null ? DATE_ALONE : DATETIME).exec(text) ?? [];
  if (date === undefined || Number(date.slice(5, 7)) > 12 || Number(date.slice(8)) > 31) return undefined;
  if (fsp === null) return date;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  if (!/^0*$/.test(fraction.slice(fsp))) return undefined;
  const digits = fraction.slice(0, fsp).padEnd(fsp, '0');
  return `${date}T${hours}:${minutes}:${seconds}${fsp === 0 ? '' : `.${digits}`}`;
}

/** `[-]HH:MM:SS[.ffffff]`, with two or three digits of hours, as microseconds. */
export function parseTime(text: string): bigint | undefined {
  const [, sign, hours, minutes, seconds, fraction] = TIME.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  const micros = BigInt(total) * MICROS_PER_SECOND + fractionMicros(fraction);
  return sign === '-' ? -micros : micros;
}

/** Microseconds as `[-]HH:MM:SS`, and `fsp` digits of a fraction. */
export function printTime(micros: bigint, fsp: number): string {
  const absolute = micros < 0n ? -micros : micros;
  const seconds = Number(absolute / MICROS_PER_SECOND);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const whole = (micros < 0n ? '-' : '') + parts.map((part) => String(part).padStart(2, '0')).join(':');
  if (fsp === 0) return whole;
  const fraction = String(absolute % MICROS_PER_SECOND).padStart(6, '0');
  return `${whole}.${fraction.slice(0, fsp)}`;
}

/** Division that rounds towards minus infinity. */
export function floorDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient;
}

function daysMs(text: string): number | undefined {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined || year === '0000') return undefined;
  const date = new Date(0);
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.toISOString().startsWith(text) ? date.getTime() : undefined;
}

function fractionMicros(fraction: string | undefined): bigint {
  return fraction === undefined ? 0n : BigInt(fraction.padEnd(6, '0'));
}
