import type { MysqlTableNotes, ReferenceDescription } from '../../domain/table-description.ts';
import { describeColumns, type MysqlColumnDetails } from './describe-table.ts';
import type { ForeignKey } from './foreign-keys.ts';
import { COUNTED_ROWS, MAX_OPTIONAL_COLUMNS } from './limits.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlPool } from './pool.ts';
import { sampleValues } from './sample-values.ts';
import { readStatistics } from './table-scan.ts';
import { text } from './text.ts';

/** What a definition's author wants to know of a table, beside what `describeTable` says. @param foreignKeys the table's own. */
export async function describeTableNotes(
  pool: MysqlPool,
  name: { readonly schema: string; readonly table: string },
  foreignKeys: readonly ForeignKey[],
  deadline: Deadline,
): Promise<MysqlTableNotes> {
  const client = pool.client('authority');
  const parameters = [name.schema, name.table];
  const [rows, comment, comments, keys, columns] = await Promise.all([
    estimateRows(pool, name, deadline),
    client.read(TABLE_COMMENT_SQL, parameters, deadline),
    client.read(COLUMN_COMMENTS_SQL, parameters, deadline),
    client.read(KEY_SQL, parameters, deadline),
    describeColumns(client, name, deadline),
  ]);
  const key = keys.rows.map(([column]) => text(column));
  return {
    rows,
    comment: text(comment.rows[0]?.[0]),
    columnComments: new Map(comments.rows.map(([column, said]) => [text(column), text(said)])),
    references: foreignKeys.map(referenceOf),
    keyPrefixes: keys.rows.filter(([, prefix]) => prefix !== null).map(([column]) => text(column)),
    serverValued: columns
      .filter(
        ({ name: column, defaultKind, generated }) =>
          (generated || defaultKind === 'expression') && !key.includes(column),
      )
      .map((column) => column.name),
    tooManyServerValued: tooMany(columns),
    ...(await sampleValues(client, name, columns, key, deadline)),
  };
}

/** The server's estimates may be a day old, so the first rows are counted. */
async function estimateRows(
  pool: MysqlPool,
  name: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<number> {
  const first = `SELECT 1 FROM ${identifier(name.schema)}.${identifier(name.table)} LIMIT ${COUNTED_ROWS}`;
  const { rows } = await pool.client('authority').read(`SELECT COUNT(*) FROM (${first}) AS counted`, [], deadline);
  const counted = Number(rows[0]?.[0] ?? 0);
  if (counted < COUNTED_ROWS) return counted;
  return Math.max(counted, (await readStatistics(pool, name, deadline))?.rows ?? 0);
}

/**
 * What a name of the schema stands for: `BASE TABLE`, `VIEW`, and the name as the server writes it. Null: nothing, or
 * nothing that the user may see.
 */
export async function findTable(
  pool: MysqlPool,
  name: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<{ readonly table: string; readonly type: string } | null> {
  const { rows } = await pool.client('authority').read(FIND_TABLE_SQL, [name.schema, name.table], deadline);
  const found = rows.map(([table, type]) => ({ table: text(table), type: text(type) }));
  return found.find(({ table }) => table === name.table) ?? found[0] ?? null;
}

/** Why what {@link findTable} found has no description, with the cure where there is one. Undefined: nothing was found. */
export function whyNoTable(type: string | undefined): string {
  if (type === undefined) return 'MySQL has no such table, or the user may not see it';
  if (type !== 'SYSTEM VERSIONED') return `it is a ${type}, not a table`;
  return 'it has SYSTEM VERSIONING, by which its log has old rows among the new: ALTER TABLE … DROP SYSTEM VERSIONING';
}

const FIND_TABLE_SQL = `SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`;

const TABLE_COMMENT_SQL = `SELECT TABLE_COMMENT FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`;

const COLUMN_COMMENTS_SQL = `SELECT COLUMN_NAME, COLUMN_COMMENT FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_COMMENT <> ''`;

const KEY_SQL = `SELECT COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX`;

/** The columns that the write procedure could not tell apart; none if it can. */
function tooMany(columns: readonly MysqlColumnDetails[]): string[] {
  const kinds = [
    columns.filter(({ defaultKind, generated }) => defaultKind === 'expression' && !generated),
    columns.filter(({ onUpdate }) => onUpdate),
  ];
  return kinds.filter((kind) => kind.length > MAX_OPTIONAL_COLUMNS).flatMap((kind) => kind.map(({ name }) => name));
}

function referenceOf({ name, columns, referenced, referencedColumns }: ForeignKey): ReferenceDescription {
  return { name, columns, referencedTable: referenced.table, referencedColumns };
}
