import { longestKey, MAX_KEY_BYTES } from '../domain/key.ts';
import type { ColumnType } from '../domain/resource.ts';
import type { MysqlColumnDescription } from '../domain/table-description.ts';

/** Whose `_bin` collations sort as Unicode's code points do. Those of latin1 sort the C1 range otherwise. */
const UNICODE_ORDER = ['utf8mb4', 'utf8mb3', 'utf8', 'ascii'];
/** One digit more is needed to encode a decimal, and MySQL has 65. */
const MAX_KEY_DIGITS = 64;
const CARRIED = 'integers, YEAR, DECIMAL, DATE, DATETIME, TIMESTAMP, BINARY, VARBINARY, UUIDs, CHAR and VARCHAR';

/** Why a column can't be part of a key; undefined if it can. A key's values must be equal, and sort, in both stores alike. */
export function keyTypeMistake(column: MysqlColumnDescription, type: ColumnType): string | undefined {
  if (column.generated) return 'MySQL computes it from other columns, so no record could be created under a given name';
  switch (type.kind) {
    case 'int':
      if (type.bit === undefined) return undefined;
      return `${column.columnType} can't be part of a key: keys are ${CARRIED}`;
    case 'uuid':
    case 'date':
    case 'datetime':
    case 'timestamp':
      return undefined;
    case 'decimal':
      if (type.precision <= MAX_KEY_DIGITS) return undefined;
      return `${column.columnType} can't be part of a key: at most ${MAX_KEY_DIGITS} digits`;
    case 'enum':
      return `${column.columnType} can't be part of a key: MySQL sorts an ENUM by its labels' numbers, Cassandra by their text`;
    default:
      if (/^(var)?(char|binary)/i.test(column.columnType)) return undefined;
      return `${column.columnType} can't be part of a key: keys are ${CARRIED}`;
  }
}

/** Why the columns together can't be a key; undefined if they can. */
export function keyLengthMistake(
  columns: readonly { readonly name: string; readonly type: ColumnType }[],
): string | undefined {
  const bytes = longestKey(columns.map(({ type }) => type));
  if (bytes <= MAX_KEY_BYTES) return undefined;
  const [widest] = columns.toSorted((a, b) => longestKey([b.type]) - longestKey([a.type]));
  return `the key may take ${bytes} bytes where it is kept beside the versions, which hold ${MAX_KEY_BYTES}: shorten ${widest?.name}, the widest of its columns`;
}

/** The type of a column as a key's: whether MySQL compares and sorts it as Cassandra does, which compares bytes. */
export function keyType({ characterSet, collation }: MysqlColumnDescription, type: ColumnType): ColumnType {
  if (type.kind !== 'string' || isExactText(characterSet, collation)) return type;
  return { ...type, loose: true };
}

function isExactText(characterSet: string | null, collation: string | null): boolean {
  return (collation ?? '').endsWith('_bin') && UNICODE_ORDER.includes(characterSet ?? '');
}
