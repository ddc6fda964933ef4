import type { ColumnType } from '../../domain/resource.ts';
import type { MysqlColumnDescription } from '../../domain/table-description.ts';
import type { FieldShape } from '../../schema/field-shape.ts';
import type { FieldPlan } from './plan.ts';

/** Longer lists of labels are left out. */
const MAX_LISTED_LABELS = 300;

/** A field as far as its comment tells of it. */
interface Commented {
  readonly type: ColumnType;
  readonly shape: FieldShape;
  readonly behavior: FieldPlan['behavior'];
  readonly optional: boolean;
}

/** A field's comment: what the column's own comment says, then what a value looks like. */
export function commentOf(comment: string, column: MysqlColumnDescription, field: Commented): string[] {
  const { type, shape, behavior, optional } = field;
  const lines = linesOf(comment);
  const isLong = /^(tiny|medium|long)?text/i.test(column.columnType);
  const limit = type.kind === 'string' ? limitOf(type, isLong) : looksOf(field);
  const said = lines.length > 0 ? lines : [`The column ${column.name}.`];
  const hasOwnDefault = behavior === 'OPTIONAL' && !column.nullable && shape !== 'strings';
  return [
    ...said,
    ...(limit === undefined ? [] : [limit]),
    ...(hasOwnDefault ? ['A create that leaves it out takes the default of MySQL.'] : []),
    ...(optional && behavior === 'REQUIRED' && emptyCounts(type) ? ['Must be set; empty is a value too.'] : []),
  ];
}

/** A comment of MySQL as lines that can stand in a proto's comment. */
export function linesOf(comment: string): string[] {
  return comment
    .split(/[\r\n\u2028\u2029]+/)
    .map((line) => line.replace(/\p{Cc}+/gu, ' ').trim())
    .filter((line) => line !== '');
}

function emptyCounts(type: ColumnType): boolean {
  return type.kind === 'string' || type.kind === 'bytes';
}

function limitOf(type: ColumnType & { kind: 'string' }, isLong: boolean): string {
  const number = (isLong ? type.maxBytes : type.maxChars).toLocaleString('en');
  return isLong ? `At most ${number} bytes.` : `At most ${number} characters.`;
}

function looksOf({ type, shape }: Commented): string | undefined {
  switch (type.kind) {
    case 'int':
      return type.year ? 'A year: 0, or 1901 to 2155.' : undefined;
    case 'decimal':
      if (type.scale === 0) return `An integer of at most ${type.precision} digits.`;
      return `A decimal number with ${type.scale === 1 ? 'one digit' : `${type.scale} digits`} after the point.`;
    case 'bytes':
      return `${type.fixed ? 'Exactly' : 'At most'} ${type.maxBytes.toLocaleString('en')} bytes.`;
    case 'uuid':
      return 'A UUID in lower case.';
    case 'date':
      return '`YYYY-MM-DD`.';
    case 'date_text':
      return `\`YYYY-MM-DD${type.fsp === null ? '' : `THH:MM:SS${fraction(type.fsp)}`}\`, perhaps with a month or day of 00.`;
    case 'time':
      return `\`HH:MM:SS${fraction(type.fsp)}\`, perhaps with a minus.`;
    case 'datetime':
      return shape === 'string' ? `\`YYYY-MM-DDTHH:MM:SS${fraction(type.fsp)}\`, without a zone.` : undefined;
    case 'json':
      return 'A JSON document.';
    case 'enum':
      return shape === 'string' ? listed('One of', type.values) : undefined;
    case 'set':
      return listed(shape === 'string' ? 'Joined by commas' : 'Some of', type.values);
    default:
      return undefined;
  }
}

function fraction(fsp: number): string {
  return fsp === 0 ? '' : `.${'f'.repeat(fsp)}`;
}

function listed(what: string, labels: readonly string[]): string | undefined {
  const list = linesOf(labels.map((label) => JSON.stringify(label)).join(', ')).join(' ');
  return list.length > MAX_LISTED_LABELS ? undefined : `${what}: ${list}.`;
}
