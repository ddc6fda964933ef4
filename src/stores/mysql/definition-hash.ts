import { createHash } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import type { Resource } from '../../domain/resource.ts';
import { describeColumns } from './describe-table.ts';
import type { Deadline, MysqlClient } from './pool.ts';

/**
 * The hash of all that decides how a table's rows are laid out in the log and what they mean: columns in order with types,
 * character sets and nullability, and the primary key. Indexes, defaults and comments are left out, and so is the display
 * width of integers, which an upgrade of the server drops. The indexes that the resource's definition names are in it: those that are new
 * are empty in the target until it is attached anew.
 *
 * @returns SHA-256 as 64 hexadecimal digits.
 * @throws DomainError `failed_precondition` if there is no such table.
 */
export async function hashDefinition(
  client: MysqlClient,
  { mysql: name, indexes = [], columns: all }: Pick<Resource, 'mysql' | 'indexes' | 'columns'>,
  deadline: Deadline,
): Promise<string> {
  const columns = await describeColumns(client, name, deadline);
  if (columns.length === 0) {
    throw new DomainError({
      kind: 'failed_precondition',
      reason: 'MIGRATION_STATE',
      message: `MySQL has no table ${name.schema}.${name.table}.`,
    });
  }
  const key = await client.read(PRIMARY_KEY_SQL, [name.schema, name.table], deadline);
  const described = columns.map(({ name: column, columnType, nullable, characterSet, collation, generated }) => [
    column,
    columnType.replace(DISPLAY_WIDTH, '$1'),
    nullable,
    characterSet,
    collation,
    generated,
  ]);
  const indexed = indexes.map((index) => [index.name, index.unique, index.columns.map((at) => all[at]?.mysqlName)]);
  return createHash('sha256')
    .update(JSON.stringify([described, key.rows, ...(indexed.length > 0 ? [indexed] : [])]))
    .digest('hex');
}

/** `bigint(20)`; not `tinyint(1)`, which says that it is a boolean. */
const DISPLAY_WIDTH = /^((?:small|medium|big)?int|tinyint(?!\(1\))|year)\(\d+\)/;

const PRIMARY_KEY_SQL = `SELECT COLUMN_NAME FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX`;
