import type { ColumnType } from '../domain/resource.ts';
import type { MysqlColumnDescription } from '../domain/table-description.ts';
import type { ColumnFormat, ZeroDates } from './definition.ts';
import type { FieldShape } from './field-shape.ts';

/** A column's type, or why it has none, with the cure. */
export type TypeOrMistake = { readonly type: ColumnType } | { readonly mistake: string };

const INT_BITS = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 } as const;
const TEXTS = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'];
const BLOBS = ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'];
const CHARACTER_SETS = {
  utf8mb4: undefined,
  utf8mb3: 'utf8mb3',
  utf8: 'utf8mb3',
  latin1: 'latin1',
  ascii: 'ascii',
} as const;
const UUID_BYTES = 16;

/** `decimal(12,2) unsigned` in parts. */
interface ParsedType {
  readonly base: string;
  readonly args: readonly number[];
  readonly unsigned: boolean;
}

/**
 * The type of a column of MySQL or MariaDB.
 *
 * @param wanted the shape of the field that shows it: TINYINT is a boolean in a bool field. Null for a key column that no
 *   field shows.
 * @param format how a BINARY(16) is written.
 * @param zeroDates what becomes of dates that are no day of the calendar.
 */
export function columnTypeOf(
  column: MysqlColumnDescription,
  wanted: FieldShape | null,
  format: ColumnFormat,
  zeroDates: ZeroDates = 'refuse',
): TypeOrMistake {
  // In its log such a column is compressed, and no reader of the log but MariaDB's own knows how.
  if (/\bcompressed\b/i.test(column.columnType.replace(/'(?:[^'\\]|''|\\.)*'/gs, ''))) {
    return { mistake: `the type ${column.columnType} is not carried: take COMPRESSED away` };
  }
  const columnType = column.columnType.replace(/\/\*.*?\*\//g, '').trim();
  if (zeroDates !== 'refuse') return withZeroDates(column, parseType(columnType), zeroDates);
  const labels = /^(enum|set)\((.*)\)$/is.exec(columnType);
  if (labels?.[1] !== undefined && labels[2] !== undefined) {
    return { type: { kind: labels[1].toLowerCase() as 'enum' | 'set', values: parseLabels(labels[2]) } };
  }
  const parsed = parseType(columnType);
  if (format === 'uuid') {
    if (parsed.base === 'binary' && parsed.args[0] === UUID_BYTES) return { type: { kind: 'uuid' } };
    return { mistake: `KEY_FORMAT_UUID needs a BINARY(16) column, not ${columnType}` };
  }
  const { base } = parsed;
  if (Object.hasOwn(INT_BITS, base)) return { type: intType(parsed, wanted) };
  if (TEXTS.includes(base)) return textType(column, parsed);
  if (BLOBS.includes(base)) {
    return { type: { kind: 'bytes', maxBytes: column.octetLength ?? parsed.args[0] ?? 1, fixed: base === 'binary' } };
  }
  const type = base === 'bit' ? bitType(parsed, wanted) : otherType(parsed);
  if (type !== undefined) return { type };
  return { mistake: `the type ${columnType} is not carried (docs/types.md names those that are)` };
}

/**
 * Whether the numbers of a FLOAT or DOUBLE column are rounded to a given scale when they are stored. The type does not
 * say so.
 */
export function roundsToScale(column: MysqlColumnDescription): boolean {
  const { base, args } = parseType(column.columnType);
  return (base === 'float' || base === 'double') && args.length === 2;
}

/** A BIT(1) is a boolean in a bool field, any other an unsigned integer. */
function bitType({ args }: ParsedType, wanted: FieldShape | null): ColumnType {
  const bit = args[0] ?? 1;
  if (bit === 1 && wanted === 'bool') return { kind: 'bool' };
  return { kind: 'int', bits: 64, unsigned: true, bit };
}

function withZeroDates(
  column: MysqlColumnDescription,
  parsed: ParsedType,
  zeroDates: Exclude<ZeroDates, 'refuse'>,
): TypeOrMistake {
  const type = otherType(parsed);
  if (type?.kind !== 'date' && type?.kind !== 'datetime' && type?.kind !== 'timestamp') {
    return { mistake: `zero_dates is for DATE, DATETIME and TIMESTAMP, not ${column.columnType}` };
  }
  if (zeroDates === 'null') return { type: { ...type, noDay: column.nullable ? 'null' : 'zero' } };
  if (type.kind === 'timestamp') {
    return {
      mistake:
        'ZERO_DATES_TEXT is for DATE and DATETIME: all that a TIMESTAMP can be besides is zero, so use ZERO_DATES_NULL',
    };
  }
  return { type: { kind: 'date_text', fsp: type.kind === 'date' ? null : type.fsp } };
}

function otherType({ base, args, unsigned }: ParsedType): ColumnType | undefined {
  const [first] = args;
  switch (base) {
    case 'decimal':
      return { kind: 'decimal', precision: first ?? 10, scale: args[1] ?? 0, unsigned };
    case 'float':
    case 'double':
      return unsigned ? { kind: base, unsigned } : { kind: base };
    case 'year':
      return { kind: 'int', bits: 16, unsigned: true, year: true };
    case 'date':
    case 'json':
      return { kind: base };
    case 'time':
    case 'datetime':
    case 'timestamp':
      return { kind: base, fsp: first ?? 0 };
    default:
      return undefined;
  }
}

function intType({ base, unsigned }: ParsedType, wanted: FieldShape | null): ColumnType {
  if (base === 'tinyint' && wanted === 'bool') return { kind: 'bool' };
  return { kind: 'int', bits: INT_BITS[base as keyof typeof INT_BITS], unsigned };
}

function textType(column: MysqlColumnDescription, { base, args }: ParsedType): TypeOrMistake {
  const name = column.characterSet ?? '';
  if (!Object.hasOwn(CHARACTER_SETS, name)) {
    return { mistake: `the character set ${name} is not carried: only ${Object.keys(CHARACTER_SETS).join(', ')} are` };
  }
  const charset = CHARACTER_SETS[name as keyof typeof CHARACTER_SETS];
  const maxBytes = column.octetLength ?? args[0] ?? 1;
  return {
    type: {
      kind: 'string',
      maxChars: base.endsWith('text') ? maxBytes : (args[0] ?? 1),
      maxBytes,
      padSpace: !/_0900_|_nopad_/.test(column.collation ?? ''),
      ...(charset && { charset }),
      ...(base === 'char' && { trimsSpaces: true as const }),
      ...(column.jsonText && { json: true as const }),
    },
  };
}

function parseType(columnType: string): ParsedType {
  const [, base = '', args = '', rest = ''] = /^(\w+)(?:\(([\d, ]*)\))?(.*)$/s.exec(columnType.toLowerCase()) ?? [];
  return {
    base,
    args: args === '' ? [] : args.split(',').map(Number),
    unsigned: rest.includes('unsigned') || rest.includes('zerofill'),
  };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', '0': '\0' };

/** The labels of `'a','it''s'`, as information_schema quotes them. */
function parseLabels(list: string): string[] {
  const labels = list.match(/'(?:[^'\\]|''|\\.)*'/gs) ?? [];
  return labels.map((label) =>
    label.slice(1, -1).replace(/''|\\(.)/gs, (_, escaped: string | undefined) => {
      if (escaped === undefined) return "'";
      return ESCAPES[escaped] ?? escaped;
    }),
  );
}

/** The shapes of fields that hold every value of a type and nothing is lost on the way back. */
export function fittingShapes(type: ColumnType): readonly FieldShape[] {
  switch (type.kind) {
    case 'int':
      return intShapes(type.bits, type.unsigned);
    case 'bool':
    case 'float':
    case 'double':
    case 'bytes':
    case 'timestamp':
    case 'string':
      return [type.kind];
    case 'decimal':
    case 'uuid':
    case 'date':
    case 'date_text':
    case 'json':
      return ['string'];
    case 'time':
      return ['string', 'duration'];
    case 'datetime':
      return ['timestamp', 'string'];
    case 'enum':
      return ['string', 'enum'];
    case 'set':
      return ['strings', 'string'];
  }
}

function intShapes(bits: number, unsigned: boolean): readonly FieldShape[] {
  if (!unsigned) return bits === 64 ? ['int64'] : ['int32', 'int64'];
  if (bits === 64) return ['uint64'];
  return bits === 32 ? ['uint32', 'int64', 'uint64'] : ['int32', 'uint32', 'int64', 'uint64'];
}
