import { daysSinceEpoch, isCalendarDate, isDay } from './temporal-text.ts';

/** Seconds and microseconds, apart because together they do not fit a double. */
const MICROS_PER_SECOND = 1_000_000n;
const SECONDS_PER_DAY = 86_400;
/** What is added to DATETIME's and TIME's packed integers so that they sort as unsigned ones (sql-common/my_time.cc). */
const DATETIME_OFFSET = 0x80_0000_0000;
const TIME_OFFSET = 0x80_0000;
/** Bits of a packed integer below the seconds: the microseconds of a 64-bit one. */
const FRACTION = 2 ** 24;
/** Bits of a packed date and time below the day. */
const TIME_OF_DAY = 2 ** 17;

/** How many bytes the fraction of a TIME, DATETIME or TIMESTAMP with `fsp` digits takes. */
export function fractionBytes(fsp: number): number {
  return (fsp + 1) >> 1;
}

/** A DATE's three bytes as `YYYY-MM-DD`; null if it is no day of the calendar, as `0000-00-00` is not. */
export function readDate(bytes: Buffer, at: number): string | null {
  const text = readDateText(bytes, at);
  return isCalendarDate(text) ? text : null;
}

/** A DATE's three bytes as `YYYY-MM-DD`, whatever day it is. */
export function readDateText(bytes: Buffer, at: number): string {
  const packed = bytes.readUIntLE(at, 3);
  return dateText(packed >> 9, (packed >> 5) & 15, packed & 31);
}

/** A DATETIME2 as microseconds since 1970 in its own zone; null if it is no day of the calendar. */
export function readDatetime(bytes: Buffer, at: number, fsp: number): bigint | null {
  const { year, month, day, time } = unpackWhole(bytes.readUIntBE(at, 5) - DATETIME_OFFSET);
  if (!isDay(year, month, day)) return null;
  const seconds = daysSinceEpoch(year, month, day) * SECONDS_PER_DAY + secondsOfDay(time);
  return BigInt(seconds) * MICROS_PER_SECOND + BigInt(readFraction(bytes, at + 5, fsp));
}

/** A DATETIME2 as `YYYY-MM-DDTHH:MM:SS` with `fsp` digits of a fraction, whatever day it is. */
export function readDatetimeText(bytes: Buffer, at: number, fsp: number): string {
  const { year, month, day, time } = unpackWhole(bytes.readUIntBE(at, 5) - DATETIME_OFFSET);
  const text = `${dateText(year, month, day)}T${timeText(time >> 12, time)}`;
  return fsp === 0 ? text : `${text}.${pad(readFraction(bytes, at + 5, fsp), 6).slice(0, fsp)}`;
}

/** A TIMESTAMP2 as microseconds since 1970; null for `0000-00-00 00:00:00`, which is stored as 0. */
export function readTimestamp(bytes: Buffer, at: number, fsp: number): bigint | null {
  const seconds = bytes.readUInt32BE(at);
  const micros = readFraction(bytes, at + 4, fsp);
  if (seconds === 0 && micros === 0) return null;
  return BigInt(seconds) * MICROS_PER_SECOND + BigInt(micros);
}

/** A TIME2 as microseconds. Of a negative one the whole packed number, fraction included, is negated. */
export function readTime(bytes: Buffer, at: number, fsp: number): bigint {
  const size = fractionBytes(fsp);
  const whole = bytes.readUIntBE(at, 3) - TIME_OFFSET;
  const unit = 256 ** size;
  const packed = whole * unit + (size === 0 ? 0 : bytes.readUIntBE(at + 3, size));
  const magnitude = Math.abs(packed);
  const seconds = hoursMinutesSeconds(Math.floor(magnitude / unit));
  const micros = (magnitude % unit) * microsPerUnit(size);
  const total = BigInt(seconds) * MICROS_PER_SECOND + BigInt(micros);
  return packed < 0 ? -total : total;
}

/** The text that MySQL prints for a packed 64-bit DATE within JSON. */
export function packedDate(packed: bigint): string {
  const { year, month, day } = unpack(packed);
  return dateText(year, month, day);
}

/** The text that MySQL prints for a packed 64-bit DATETIME or TIMESTAMP within JSON. */
export function packedDatetime(packed: bigint): string {
  const { year, month, day, time, micros } = unpack(packed);
  return `${dateText(year, month, day)} ${timeText(time >> 12, time)}.${pad(micros, 6)}`;
}

/** The text that MySQL prints for a packed 64-bit TIME within JSON. */
export function packedTime(packed: bigint): string {
  const { whole, micros } = split(packed < 0n ? -packed : packed);
  return `${packed < 0n ? '-' : ''}${timeText((whole >> 12) & 1023, whole)}.${pad(micros, 6)}`;
}

function unpack(packed: bigint): { year: number; month: number; day: number; time: number; micros: number } {
  const { whole, micros } = split(packed);
  return { ...unpackWhole(whole), micros };
}

/** The parts of a packed date and time without its fraction. */
function unpackWhole(whole: number): { year: number; month: number; day: number; time: number } {
  const yearMonthDay = Math.floor(whole / TIME_OF_DAY);
  const yearMonth = yearMonthDay >> 5;
  return {
    year: Math.floor(yearMonth / 13),
    month: yearMonth % 13,
    day: yearMonthDay & 31,
    time: whole % TIME_OF_DAY,
  };
}

function split(packed: bigint): { whole: number; micros: number } {
  return { whole: Number(packed / BigInt(FRACTION)), micros: Number(packed % BigInt(FRACTION)) };
}

function readFraction(bytes: Buffer, at: number, fsp: number): number {
  const size = fractionBytes(fsp);
  return size === 0 ? 0 : bytes.readUIntBE(at, size) * microsPerUnit(size);
}

/** Fractions are stored in steps of 1/100, 1/10,000 and 1/1,000,000 of a second. */
function microsPerUnit(size: number): number {
  return size === 1 ? 10_000 : size === 2 ? 100 : 1;
}

function secondsOfDay(time: number): number {
  return (time >> 12) * 3600 + ((time >> 6) & 63) * 60 + (time & 63);
}

function hoursMinutesSeconds(whole: number): number {
  return ((whole >> 12) & 1023) * 3600 + ((whole >> 6) & 63) * 60 + (whole & 63);
}

function dateText(year: number, month: number, day: number): string {
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function timeText(hours: number, whole: number): string {
  return `${pad(hours, 2)}:${pad((whole >> 6) & 63, 2)}:${pad(whole & 63, 2)}`;
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
