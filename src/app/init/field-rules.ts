import type { ColumnType } from '../../domain/resource.ts';
import type { FieldShape } from '../../schema/field-shape.ts';
import type { FieldPlan } from './plan.ts';
import type { FieldRules, RuleEntry } from './proto-model.ts';

/** A field as far as its rules depend on it. */
export interface RuledField {
  readonly type: ColumnType;
  readonly shape: FieldShape;
  readonly behavior: FieldPlan['behavior'];
  readonly optional: boolean;
}

/** Lengths beyond are beyond every message as well: MEDIUMTEXT and longer. */
const LONGEST_RULED = 16_777_214;
const UNSIGNED: Readonly<Record<string, boolean>> = { uint32: true, uint64: true };
const BITS: Readonly<Record<string, number>> = { int32: 32, uint32: 32, int64: 64, uint64: 64 };

/**
 * The rules (`buf.validate`) that a field's column implies: what the service refuses anyway, said in the proto, so that clients know
 * it before they ask. Never stricter than the column. Undefined: there are none.
 */
export function rulesOf(field: RuledField): FieldRules | undefined {
  const { behavior, optional, shape } = field;
  if (behavior === 'OUTPUT_ONLY') return undefined;
  const of = typeRules(field);
  const required = behavior === 'REQUIRED';
  if (of === undefined) return required ? { required: true } : undefined;
  // Where an empty text counts as not set, there is nothing to hold against a pattern.
  const mayBeUnset = !required && !optional && (shape === 'string' || shape === 'bytes') && refusesEmpty(of.entries);
  return { ...(required && { required: true }), ...(mayBeUnset && { ignoreZero: true }), of };
}

function refusesEmpty(entries: readonly RuleEntry[]): boolean {
  return entries.some(({ name }) => name === 'pattern' || name === 'uuid' || name === 'len');
}

function typeRules(field: RuledField): FieldRules['of'] {
  const { type, shape } = field;
  switch (type.kind) {
    case 'int':
      return intRules(type, shape);
    case 'float':
    case 'double':
      return { type: type.kind, entries: [...(type.unsigned ? [entry('gte', 0)] : []), entry('finite', true)] };
    case 'decimal':
      return { type: 'string', entries: [entry('pattern', decimalPattern(type))] };
    case 'string':
      return stringRules(type);
    case 'bytes':
      if (type.maxBytes > LONGEST_RULED) return undefined;
      return { type: 'bytes', entries: [entry(type.fixed ? 'len' : 'max_len', type.maxBytes)] };
    case 'uuid':
      return { type: 'string', entries: [entry('uuid', true)] };
    case 'date':
      return { type: 'string', entries: [entry('pattern', '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')] };
    case 'enum':
      return shape === 'enum' ? { type: 'enum', entries: [entry('defined_only', true)] } : undefined;
    case 'set':
      if (shape !== 'strings') return undefined;
      return { type: 'repeated', entries: [entry('max_items', type.values.length), entry('unique', true)] };
    default:
      return undefined;
  }
}

/** Only where the field's type holds more than the column. */
function intRules(type: ColumnType & { kind: 'int' }, shape: FieldShape): FieldRules['of'] {
  const bits = BITS[shape];
  if (bits === undefined) return undefined;
  const field = rangeOf(bits, UNSIGNED[shape] === true);
  const column = type.year ? { min: 0n, max: 2155n } : rangeOf(type.bits, type.unsigned);
  const entries = [
    ...(column.min > field.min ? [entry('gte', column.min)] : []),
    ...(column.max < field.max ? [entry('lte', column.max)] : []),
  ];
  return entries.length === 0 ? undefined : { type: shape, entries };
}

function rangeOf(bits: number, unsigned: boolean): { readonly min: bigint; readonly max: bigint } {
  const whole = 2n ** BigInt(bits);
  return unsigned ? { min: 0n, max: whole - 1n } : { min: -whole / 2n, max: whole / 2n - 1n };
}

/** A TEXT column counts bytes of its character set, which are those of UTF-8 but in latin1. */
function stringRules(type: ColumnType & { kind: 'string' }): FieldRules['of'] {
  const { maxChars, maxBytes, charset } = type;
  const countsBytes = maxChars === maxBytes && charset === undefined;
  const most = countsBytes ? maxBytes : maxChars;
  return most > LONGEST_RULED
    ? undefined
    : { type: 'string', entries: [entry(countsBytes ? 'max_bytes' : 'max_len', most)] };
}

/** Zeros in front, and behind what the column has, change nothing and are taken. */
function decimalPattern({ precision, scale, unsigned }: ColumnType & { kind: 'decimal' }): string {
  const whole = precision - scale;
  const sign = unsigned ? '' : '-?';
  const digits = whole === 0 ? '0+' : `0*[0-9]{1,${whole}}`;
  const fraction = scale === 0 ? '([.]0+)?' : `([.][0-9]{1,${scale}}0*)?`;
  return `^${sign}${digits}${fraction}$`;
}

function entry(name: string, value: RuleEntry['value']): RuleEntry {
  return { name, value };
}
