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
const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:Z|([+-])(\d{2}):(\d{2}))$/;
const SECONDS = /^(-?)(\d{1,12})(?:\.(\d{1,6}))?s$/;
const MICROS_PER_MINUTE = 60_000_000n;
const MICROS_PER_SECOND = 1_000_000n;

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
      return numericOrder(isMessage ? durationOf(literal) : timeOf(literal));
    case 'datetime':
      return numericOrder(isMessage ? instantOf(literal) : datetimeOf(literal));
    case 'timestamp':
      return numericOrder(instantOf(literal));
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

function instantOf(literal: FilterLiteral): bigint {
  const [, local, sign, hours, minutes] = INSTANT.exec(literal.text) ?? [];
  const micros = local === undefined ? undefined : parseDatetime(local);
  if (micros === undefined) throw unlike(literal, 'a time such as 2026-01-31T12:00:00Z');
  if (sign === undefined) return micros;
  const offset = (BigInt(hours ?? 0) * 60n + BigInt(minutes ?? 0)) * MICROS_PER_MINUTE;
  return sign === '+' ? micros - offset : micros + offset;
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

function durationOf(literal: FilterLiteral): bigint {
  const [, sign, seconds, fraction = ''] = SECONDS.exec(literal.text) ?? [];
  if (seconds === undefined) throw unlike(literal, 'a duration in seconds such as 1.5s');
  const micros = BigInt(seconds) * MICROS_PER_SECOND + BigInt(fraction.padEnd(6, '0'));
  return sign === '-' ? -micros : micros;
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
