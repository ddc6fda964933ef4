import type { ColumnType } from '../../domain/resource.ts';
import type { MysqlColumnDescription } from '../../domain/table-description.ts';
import type { ColumnFormat, ZeroDates } from '../../schema/definition.ts';
import type { FieldShape } from '../../schema/field-shape.ts';
import { columnTypeOf, fittingShapes } from '../../schema/types.ts';

/** What is known of a column beside its own description. */
export interface ColumnHints {
  /** The column's comment; empty: none. */
  readonly comment: string;
  /** Whether a TINYINT(1) holds other numbers than 0 and 1. */
  readonly notBoolean: boolean;
  /** Whether it holds dates that are no day of the calendar. */
  readonly hasNoDays: boolean;
  /** What the field was in an earlier run. */
  readonly lockedShape?: string;
  /** What an earlier run decided about its zero dates. */
  readonly lockedZeroDates?: 'null' | 'text';
}

/** The type of a column's field, and why, where there was a choice. */
export interface ChosenType {
  readonly shape: FieldShape;
  readonly format: ColumnFormat;
  readonly zeroDates: ZeroDates;
  readonly type: ColumnType;
  readonly why?: string;
}

/** A choice, or why the column can't be carried. */
export type TypeChoice = ChosenType | { readonly mistake: string };

/** Chooses how a column is shown, by docs/types.md. An earlier run's choice stays as long as it holds every value. */
export function chooseType(column: MysqlColumnDescription, hints: ColumnHints): TypeChoice {
  const format = formatOf(column, hints);
  const zeroDates = zeroDatesOf(column, hints);
  const locked = hints.lockedShape as FieldShape | undefined;
  if (locked !== undefined) {
    const kept = columnTypeOf(column, locked, format, zeroDates);
    if ('type' in kept && fits(kept.type, locked, column)) return { shape: locked, format, zeroDates, type: kept.type };
  }
  const isFlag = /^(?:tinyint|bit)\(1\)$/i.test(column.columnType) && !hints.notBoolean;
  const typed = columnTypeOf(column, isFlag ? 'bool' : null, format, zeroDates);
  if ('mistake' in typed) return typed;
  return { format, zeroDates, type: typed.type, ...shapeFor(typed.type, column, hints) };
}

function fits(type: ColumnType, shape: FieldShape, column: MysqlColumnDescription): boolean {
  return fittingShapes(type).includes(shape) && !(shape === 'strings' && column.nullable);
}

function formatOf(column: MysqlColumnDescription, { comment, lockedShape }: ColumnHints): ColumnFormat {
  if (!/^binary\(16\)$/i.test(column.columnType)) return 'plain';
  if (lockedShape !== undefined) return lockedShape === 'string' ? 'uuid' : 'plain';
  return /uuid|guid/i.test(`${column.name} ${comment}`) ? 'uuid' : 'plain';
}

/** Text loses nothing; a TIMESTAMP, shown as such, has but one value that is no time. A decision that was made stays. */
function zeroDatesOf(
  { columnType }: MysqlColumnDescription,
  { hasNoDays, lockedShape, lockedZeroDates }: ColumnHints,
): ZeroDates {
  if (!/^(date|datetime|timestamp)\b/i.test(columnType)) return 'refuse';
  if (lockedZeroDates !== undefined) return lockedZeroDates;
  if (!hasNoDays || lockedShape !== undefined) return 'refuse';
  return /^timestamp/i.test(columnType) ? 'null' : 'text';
}

type ShapeAndReason = Pick<ChosenType, 'shape' | 'why'>;

function shapeFor(type: ColumnType, column: MysqlColumnDescription, hints: ColumnHints): ShapeAndReason {
  switch (type.kind) {
    case 'int':
      return intShape(type, column, hints);
    case 'bool':
      if (/^bit/i.test(column.columnType)) return { shape: 'bool', why: 'BIT(1) is one bit' };
      return { shape: 'bool', why: 'TINYINT(1) is MySQL’s BOOLEAN: everything but 0 reads as true' };
    case 'timestamp':
      return { shape: 'timestamp' };
    case 'datetime':
      return datetimeShape(column, hints);
    case 'set':
      return setShape(column);
    case 'enum':
      return { shape: 'enum' };
    case 'uuid':
      return { shape: 'string', why: 'its name or comment says that the 16 bytes are a UUID' };
    case 'decimal':
    case 'date':
    case 'date_text':
    case 'time':
    case 'json':
      return { shape: 'string' };
    case 'float':
    case 'double':
    case 'string':
      return { shape: type.kind };
    case 'bytes':
      if (!/^binary\(16\)$/i.test(column.columnType)) return { shape: 'bytes' };
      return { shape: 'bytes', why: 'nothing says that the 16 bytes are a UUID: write so in its comment if they are' };
  }
}

function intShape(
  type: ColumnType & { kind: 'int' },
  column: MysqlColumnDescription,
  hints: ColumnHints,
): ShapeAndReason {
  if (hints.notBoolean && column.columnType.toLowerCase() === 'tinyint(1)') {
    return { shape: 'int32', why: 'TINYINT(1), but there are rows with other numbers than 0 and 1' };
  }
  if (!type.unsigned) return { shape: type.bits === 64 ? 'int64' : 'int32' };
  if (type.bits === 64) return { shape: 'uint64' };
  return { shape: type.bits === 32 ? 'uint32' : 'int32' };
}

function datetimeShape(column: MysqlColumnDescription, { comment }: ColumnHints): ShapeAndReason {
  if (/\butc\b/i.test(`${comment} ${column.name.replaceAll('_', ' ')}`)) {
    return { shape: 'timestamp', why: 'a DATETIME whose name or comment says UTC' };
  }
  return {
    shape: 'string',
    why: 'a DATETIME has no zone, and nothing says that this one is UTC: shown as text, which takes it for nothing else',
  };
}

function setShape(column: MysqlColumnDescription): ShapeAndReason {
  if (!column.nullable && !column.hasDefault) return { shape: 'strings' };
  const why = column.nullable ? 'is nullable' : 'has a default';
  return { shape: 'string', why: `the SET ${why}, and a repeated field can’t be left unset: members joined by commas` };
}
