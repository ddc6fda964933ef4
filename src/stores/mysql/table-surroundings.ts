import type { Deadline, MysqlPool } from './pool.ts';
import { IS_FENCE } from './source-fence.ts';

/** A trigger of a table, as far as the user may see it. */
export interface TriggerDescription {
  readonly name: string;
  /** `BEFORE INSERT`. */
  readonly when: string;
}

/** A foreign key of another table that refers to this one. */
export interface ReferenceDescription {
  readonly name: string;
  /** With its schema. */
  readonly table: string;
}

type TableName = { readonly schema: string; readonly table: string };

/** The triggers of a table but a fence's. Without the privilege TRIGGER there seem to be none. */
export async function listTriggers(
  pool: MysqlPool,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly TriggerDescription[]> {
  const { rows } = await pool.client('authority').read(TRIGGERS_SQL, [schema, table], deadline);
  return rows.map(([name, timing, event]) => ({ name: String(name), when: `${timing} ${event}` }));
}

/** The foreign keys of other tables that refer to a table. */
export async function listReferences(
  pool: MysqlPool,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly ReferenceDescription[]> {
  const { rows } = await pool.client('authority').read(REFERENCES_SQL, [schema, table, schema, table], deadline);
  return rows.map(([name, fromSchema, from]) => ({ name: String(name), table: `${fromSchema}.${from}` }));
}

const TRIGGERS_SQL = `SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION FROM information_schema.TRIGGERS
  WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND NOT (${IS_FENCE}) ORDER BY TRIGGER_NAME`;

const REFERENCES_SQL = `SELECT CONSTRAINT_NAME, CONSTRAINT_SCHEMA, TABLE_NAME
  FROM information_schema.REFERENTIAL_CONSTRAINTS
  WHERE UNIQUE_CONSTRAINT_SCHEMA = ? AND REFERENCED_TABLE_NAME = ? AND NOT (CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?)
  ORDER BY CONSTRAINT_NAME`;
