import type { DescField } from '@bufbuild/protobuf';
import type { ColumnType, Value } from '../domain/resource.ts';
import { enumNumbers } from './field-shape.ts';
import { type Comparator, type FilterLiteral, invalidFilter } from './filter-syntax.ts';
import { isDate, parseDatetime, parseTime } from './temporal-text.ts';

/** Whether a stored value, which is not null, satisfies one comparison. */
export type ValueTest = (value: Exclude<Value, null>) => boolean;

/** A comparison of a filter, all of it but its field. */
export interface ComparedWith {
  readonly comparator: Comparator;
  readonly literal: FilterLiteral;
}

/** Orders a stored value and the literal: below 0, 0 or above. */
type Order = (value: Exclude<Value, null>) => number;

const INTEGER = /^-?\d{1,20}$/;
const NUMBER = /^-?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?$/;
const DECIMAL = /^(-?)(\d{1,70})(?:\.(\d{1,40}))?$/;
/** A time of RFC 3339; its fraction may be as fine as that of `google.protobuf.Timestamp`. */
const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const SECONDS = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
const NANOS_PER_MINUTE = 60_000_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MICRO = 1_000n;

/**
 * The test of one comparison against a column: the literal is read as the field's type has it, once.
 *
 * @throws DomainError INVALID_FILTER for a literal of another type, or a comparison that the type has not.
 */
export function valueTestOf(field: DescField, type: ColumnType, { comparator, literal }: ComparedWith): ValueTest {
  if (comparator === ':') return hasTest(field, type, literal);
  switch (type.kind) {
    case 'bool':
      return equalityTest(comparator, oneOf(literal, ['true', 'false'], 'true or false') === 'true', literal);
    case 'enum':
      return equalityTest(comparator, labelOf(field, type.values, literal), literal);
    case 'bytes':
    case 'json':
    case 'set':
      throw invalidFilter(`${field.name} can be looked at with ":" only`, literal.position);
    default:
      return orderTest(comparator, orderOf(field, type, literal));
  }
}

function hasTest(field: DescField, type: ColumnType, literal: FilterLiteral): ValueTest {
  // What is null is never asked.
  if (!literal.quoted && literal.text === '*') return () => true;
  if (type.kind !== 'set') {
    throw invalidFilter(`":" asks whether ${field.name} is set: ${field.name}:*`, literal.position);
  }
  const member = oneOf(literal, type.values, 'a member that the column can have');
  return (value) => (value as string).split(',').includes(member);
}

function equalityTest(comparator: Comparator, wanted: Value | undefined, { position }: FilterLiteral): ValueTest {
  if (comparator === '=') return (value) => value === wanted;
  if (comparator === '!=') return (value) => value !== wanted;
  throw invalidFilter('only = and != compare such a field', position);
}

function orderTest(comparator: Exclude<Comparator, ':'>, order: Order): ValueTest {
  switch (comparator) {
    case '=':
      return (value) => order(value) === 0;
    case '!=':
      return (value) => order(value) !== 0;
    case '<':
      return (value) => order(value) < 0;
    case '<=':
      return (value) => order(value) <= 0;
    case '>':
      return (value) => order(value) > 0;
    case '>=':
      return (value) => order(value) >= 0;
  }
}

type Ordered = Exclude<ColumnType, { kind: 'bool' | 'enum' | 'bytes' | 'json' | 'set' }>;

function orderOf(field: DescField, type: Ordered, literal: FilterLiteral): Order {
  const isMessage = field.fieldKind === 'message';
  switch (type.kind) {
    case 'int':
      return numericOrder(BigInt(matching(literal, INTEGER, 'an integer')));
    case 'float':
      return numericOrder(Math.fround(finite(literal)));
    case 'double':
      return numericOrder(finite(literal));
    case 'decimal':
      return decimalOrder(type.scale, literal);
    case 'string':
    case 'uuid':
    case 'date_text':
      return textOrder(literal.text);
    case 'date':
      if (!isDate(literal.text)) throw unlike(literal, 'a day, YYYY-MM-DD');
      return textOrder(literal.text);
    case 'time':
      return isMessage ? nanosOrder(durationOf(literal)) : numericOrder(timeOf(literal));
    case 'datetime':
      return isMessage ? nanosOrder(instantOf(literal)) : numericOrder(datetimeOf(literal));
    case 'timestamp':
      return nanosOrder(instantOf(literal));
  }
}

/** Numbers and bigints compare by value in JavaScript, also with each other. */
function numericOrder(wanted: number | bigint): Order {
  return (value) => {
    const stored = value as number | bigint;
    if (stored < wanted) return -1;
    return stored > wanted ? 1 : 0;
  };
}

/** Of stored microseconds: what is finer in the literal is between two of them, and equal to none. */
function nanosOrder(wanted: bigint): Order {
  const order = numericOrder(wanted);
  return (value) => order((value as bigint) * NANOS_PER_MICRO);
}

/** By code points, which is the order of UTF-8: JavaScript's own is by UTF-16 and differs beyond U+FFFF. */
function textOrder(wanted: string): Order {
  const bytes = Buffer.from(wanted);
  return (value) => (value === wanted ? 0 : Buffer.compare(Buffer.from(value as string), bytes));
}

function decimalOrder(scale: number, literal: FilterLiteral): Order {
  const [, , , fraction = ''] = DECIMAL.exec(matching(literal, DECIMAL, 'a decimal number')) ?? [];
  const digits = Math.max(scale, fraction.length);
  const order = numericOrder(scaled(literal.text, digits));
  return (value) => order(scaled(value as string, digits));
}

/** A decimal's value times ten to the power of `digits`. */
function scaled(text: string, digits: number): bigint {
  const [, sign, whole = '0', fraction = ''] = DECIMAL.exec(text) ?? [];
  const value = BigInt(whole + fraction.padEnd(digits, '0'));
  return sign === '-' ? -value : value;
}

/** Nanoseconds since 1970. */
function instantOf(literal: FilterLiteral): bigint {
  const [, local, fraction, sign, hours, minutes] = INSTANT.exec(literal.text) ?? [];
  const micros = local === undefined ? undefined : parseDatetime(local);
  if (micros === undefined) throw unlike(literal, 'a time such as 2026-01-31T12:00:00Z');
  const nanos = micros * NANOS_PER_MICRO + fractionNanos(fraction);
  const offset = (BigInt(hours ?? 0) * 60n + BigInt(minutes ?? 0)) * NANOS_PER_MINUTE;
  return sign === '+' ? nanos - offset : nanos + offset;
}

function datetimeOf(literal: FilterLiteral): bigint {
  const micros = parseDatetime(literal.text);
  if (micros === undefined) throw unlike(literal, 'a date and time, YYYY-MM-DDTHH:MM:SS');
  return micros;
}

function timeOf(literal: FilterLiteral): bigint {
  const micros = parseTime(literal.text);
  if (micros === undefined) throw unlike(literal, 'a time, [-]HH:MM:SS');
  return micros;
}

/** Nanoseconds. */
function durationOf(literal: FilterLiteral): bigint {
  const [, sign, seconds, fraction] = SECONDS.exec(literal.text) ?? [];
  if (seconds === undefined) throw unlike(literal, 'a duration in seconds such as 1.5s');
  const nanos = BigInt(seconds) * NANOS_PER_SECOND + fractionNanos(fraction);
  return sign === '-' ? -nanos : nanos;
}

function fractionNanos(fraction = ''): bigint {
  return BigInt(fraction.padEnd(9, '0'));
}

function finite(literal: FilterLiteral): number {
  const number = Number(matching(literal, NUMBER, 'a number'));
  if (!Number.isFinite(number)) throw unlike(literal, 'a number');
  return number;
}

/** The label that an enum's value stands for; undefined for the zero value where it is no label: no record has it. */
function labelOf(field: DescField, labels: readonly string[], literal: FilterLiteral): string | undefined {
  if (field.fieldKind !== 'enum') return oneOf(literal, labels, 'a value that the column can have');
  const value = field.enum.values.find(({ name }) => name === literal.text);
  if (value === undefined) throw unlike(literal, `the name of a value of ${field.enum.name}`);
  const { numbers } = enumNumbers(labels, field.enum);
  return [...numbers].find(([, number]) => number === value.number)?.[0];
}

function oneOf(literal: FilterLiteral, allowed: readonly string[], what: string): string {
  if (!allowed.includes(literal.text)) throw unlike(literal, what);
  return literal.text;
}

function matching(literal: FilterLiteral, pattern: RegExp, what: string): string {
  if (!pattern.test(literal.text)) throw unlike(literal, what);
  return literal.text;
}

function unlike({ position }: FilterLiteral, what: string) {
  return invalidFilter(`${what} was expected`, position);
}
