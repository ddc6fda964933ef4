import type { ColumnType } from '../domain/resource.ts';
import type { MysqlColumnDescription } from '../domain/table-description.ts';

const KEY_CHARACTER_SETS = ['utf8mb4', 'utf8mb3', 'utf8', 'ascii'];
const CARRIED = 'integers, BINARY, VARBINARY, UUIDs, and CHAR and VARCHAR with a _bin collation';

/**
 * Why a column can't be part of a key; undefined if it can. A key's values must be equal, and sort, in both stores
 * alike: Cassandra compares bytes.
 */
export function keyTypeMistake(column: MysqlColumnDescription, type: ColumnType): string | undefined {
  if (type.kind === 'int' && type.year === undefined && type.bit === undefined) return undefined;
  if (type.kind === 'uuid') return undefined;
  if (type.kind === 'bytes' && /^(var)?binary/i.test(column.columnType)) return undefined;
  if (type.kind !== 'string' || !/^(var)?char/i.test(column.columnType)) {
    return `${column.columnType} can't be part of a key: keys are ${CARRIED}`;
  }
  if (!(column.collation ?? '').endsWith('_bin')) {
    return (
      `its collation ${column.collation} takes different texts for equal, or sorts them otherwise than Cassandra: ` +
      'a key needs a _bin collation (ALTER TABLE … MODIFY … COLLATE utf8mb4_bin, or another key)'
    );
  }
  if (!KEY_CHARACTER_SETS.includes(column.characterSet ?? '')) {
    return (
      `its character set ${column.characterSet} does not sort as Unicode does: a key needs one of ` +
      `${KEY_CHARACTER_SETS.join(', ')}`
    );
  }
  return undefined;
}
