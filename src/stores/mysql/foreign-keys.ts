import type { Resource } from '../../domain/resource.ts';
import type { Deadline, MysqlClient } from './pool.ts';
import { text } from './text.ts';

type TableName = Resource['mysql'];

/** A foreign key with its columns, each beside the one that it refers to. */
export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly referenced: TableName;
  readonly referencedColumns: readonly string[];
  /** `CASCADE`, `SET NULL`, `RESTRICT`, `NO ACTION`. */
  readonly onDelete: string;
  readonly onUpdate: string;
}

/** Tells the foreign keys of a table; null: there is no such table, or the user may not see it. */
export type ForeignKeyReader = (table: TableName, deadline: Deadline) => Promise<readonly ForeignKey[] | null>;

/**
 * A reader that asks for each table once. For one look at a schema: up to 8.0.28 MySQL reads its whole dictionary to tell a
 * foreign key's columns, and the parents of one table are those of many.
 */
export function createForeignKeyReader(client: MysqlClient): ForeignKeyReader {
  const known = new Map<string, Promise<readonly ForeignKey[] | null>>();
  return (table, deadline) => {
    const id = JSON.stringify([table.schema, table.table]);
    const found = known.get(id) ?? readForeignKeys(client, table, deadline);
    known.set(id, found);
    return found;
  };
}

async function readForeignKeys(
  client: MysqlClient,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly ForeignKey[] | null> {
  const there = await client.read(TABLE_SQL, [schema, table], deadline);
  if (there.rows.length === 0) return null;
  const some = await client.read(ANY_SQL, [schema, table], deadline);
  if (some.rows.length === 0) return [];
  const { rows } = await client.read(FOREIGN_KEYS_SQL, [schema, table], deadline);
  const found = new Map<string, ForeignKey & { columns: string[]; referencedColumns: string[] }>();
  for (const row of rows) {
    const [name = '', column = '', toSchema = '', toTable = '', toColumn = '', onDelete = '', onUpdate = ''] =
      row.map(text);
    const known = found.get(name) ?? {
      name,
      columns: [],
      referenced: { schema: toSchema, table: toTable },
      referencedColumns: [],
      onDelete: onDelete.toUpperCase(),
      onUpdate: onUpdate.toUpperCase(),
    };
    known.columns.push(column);
    known.referencedColumns.push(toColumn);
    found.set(name, known);
  }
  return [...found.values()];
}

const TABLE_SQL = 'SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?';

const ANY_SQL = `SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS
  WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? LIMIT 1`;

const FOREIGN_KEYS_SQL = `SELECT k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME,
    k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
  FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
  WHERE k.TABLE_SCHEMA = ? AND k.TABLE_NAME = ? AND k.REFERENCED_TABLE_NAME IS NOT NULL
  ORDER BY k.CONSTRAINT_NAME, k.ORDINAL_POSITION`;
