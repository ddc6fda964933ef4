/** Numbers, durations and times as people read them. Absent values are a dash. */

export const ABSENT = '–';

const wholeNumbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const clockTimes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayTimes = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

const MS_PER_SECOND = 1_000;
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3_600;
const SECONDS_PER_DAY = 86_400;

/** `12,345`. */
export function count(value: bigint | number): string {
  return wholeNumbers.format(value);
}

/** `118/s`, `0.4/s`; what is less than one in ten seconds counts as none. */
export function rate(perSecond: number): string {
  return `${perSecond >= 10 ? wholeNumbers.format(perSecond) : oneDigit.format(perSecond)}/s`;
}

/** `25 %`. Only a whole is 100 %, and only nothing is 0 %. */
export function percent(value: number): string {
  if (value > 0 && value < 1) return '< 1 %';
  if (value > 99 && value < 100) return '> 99 %';
  return `${Math.round(value)} %`;
}

/** `0.84 ms`, `12.3 ms`, `182 ms`, `1.4 s`. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ABSENT;
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 100) return `${value.toFixed(1)} ms`;
  if (value < MS_PER_SECOND) return `${Math.round(value)} ms`;
  return `${(value / MS_PER_SECOND).toFixed(value < 10 * MS_PER_SECOND ? 1 : 0)} s`;
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return ABSENT;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < SECONDS_PER_MINUTE) return `${whole} s`;
  if (whole < SECONDS_PER_HOUR) return pair(whole, SECONDS_PER_MINUTE, 'min', 1, 's');
  if (whole < SECONDS_PER_DAY) return pair(whole, SECONDS_PER_HOUR, 'h', SECONDS_PER_MINUTE, 'min');
  return pair(whole, SECONDS_PER_DAY, 'd', SECONDS_PER_HOUR, 'h');
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}

/** The time of day, with the day where it is another one than `now`'s. */
export function time(date: Date, now: Date): string {
  return date.toDateString() === now.toDateString() ? clockTimes.format(date) : dayTimes.format(date);
}
