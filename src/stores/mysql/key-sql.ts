import { hasIntKey } from '../../domain/key.ts';
import type { Column, ColumnType } from '../../domain/resource.ts';
import { identifier } from './names.ts';

/**
 * The SQL expression of a record's key as `domain/key.ts` encodes it, so that the side table can be joined by its
 * primary key.
 */
export function keyBytesExpression(keyColumns: readonly Column[], alias: string): string {
  const parts = keyColumns.map((column) => partExpression(column, `${alias}.${identifier(column.mysqlName)}`));
  return parts.length === 1 ? (parts[0] as string) : `CONCAT(${parts.join(', ')})`;
}

function partExpression({ type }: Column, name: string): string {
  if (hasIntKey(type)) {
    const value = integerExpression(type, name);
    // value + 2^64 in 9 bytes: the high byte says whether it is negative, the rest is two's complement.
    return `CONCAT(IF(${value} < 0, x'00', x'01'), UNHEX(LPAD(HEX(${value}), 16, '0')))`;
  }
  return `CONCAT(${rawExpression(type, name)}, x'0000')`;
}

function integerExpression(type: ColumnType, name: string): string {
  if (type.kind === 'int') return type.year ? `(${name} + 0)` : name;
  // Sessions are in UTC, so a TIMESTAMP's text is its time.
  return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${name})`;
}

function rawExpression(type: ColumnType, name: string): string {
  const { kind } = type;
  if (kind === 'decimal') {
    const shifted = `CAST(${name} + 1${'0'.repeat(type.precision - type.scale)} AS CHAR)`;
    return `CAST(LPAD(REPLACE(${shifted}, '.', ''), ${type.precision + 1}, '0') AS BINARY)`;
  }
  if (kind === 'uuid') {
    const dashed = [9, 14, 19, 24].reduce((text, at) => `INSERT(${text}, ${at}, 0, '-')`, `LOWER(HEX(${name}))`);
    return `CAST(${dashed} AS BINARY)`;
  }
  const bytes = kind === 'bytes' ? name : `CAST(CONVERT(${name} USING utf8mb4) AS BINARY)`;
  return `REPLACE(${bytes}, x'00', x'00ff')`;
}

/** A condition, and which of the compared values its parameters are, in order. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly number[];
}

/**
 * `(columns) > (values)` (or another comparison) in lexical order, written out: MySQL can use an index for the
 * written-out form, but not for a comparison of row constructors.
 */
export function compareRows(columns: readonly string[], operator: '>' | '<' | '<='): Condition {
  const strict = operator === '<=' ? '<' : operator;
  const alternatives: string[] = [];
  const values: number[] = [];
  columns.forEach((column, i) => {
    const equal = columns.slice(0, i).map((before) => `${before} = ?`);
    const isLast = i === columns.length - 1;
    alternatives.push(`(${[...equal, `${column} ${isLast ? operator : strict} ?`].join(' AND ')})`);
    for (let j = 0; j <= i; j++) values.push(j);
  });
  return { sql: `(${alternatives.join(' OR ')})`, values };
}

/**
 * A condition that holds for `count` tuples of values. Written out with OR: an IN list of tuples uses the same index, but
 * compares four times as slowly (measured with 200), and 64-bit integers given as digits inexactly.
 */
export function rowsIn(columns: readonly string[], count: number): string {
  if (columns.length === 1) return `${columns[0]} IN (${repeated('?', count)})`;
  const tuple = `(${columns.map((column) => `${column} = ?`).join(' AND ')})`;
  return `(${new Array<string>(count).fill(tuple).join(' OR ')})`;
}

/** `?, ?, …`, or whatever else is listed. */
export function repeated(item: string, count: number): string {
  return new Array<string>(count).fill(item).join(', ');
}
