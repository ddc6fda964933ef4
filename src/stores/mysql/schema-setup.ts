import { DomainError } from '../../domain/errors.ts';
import { addedColumns, controlTables, widenedColumns } from './control-tables.ts';
import { COLUMN_EXISTS } from './errors.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlClient, MysqlPool } from './pool.ts';

/**
 * Creates the schema of Crossfade's own tables, the tables that are missing, and columns and values that tables of an earlier
 * version lack. Changes nothing else that exists, and may run in several instances at once.
 */
export async function setUpSchema(pool: MysqlPool, deadline: Deadline): Promise<void> {
  const client = pool.client('authority');
  const schema = identifier(pool.controlSchema);
  // Only if missing: a user who may not create schemas can have it made by hand.
  if (!(await hasControlSchema(pool, deadline))) {
    await client.write(`CREATE DATABASE IF NOT EXISTS ${schema} CHARACTER SET utf8mb4`, [], deadline);
  }
  for (const table of controlTables) {
    await client.write(table.replace('IF NOT EXISTS ', `IF NOT EXISTS ${schema}.`), [], deadline);
  }
  await addColumns(client, pool.controlSchema, deadline);
  await widenColumns(client, pool.controlSchema, deadline);
}

/** Whether the schema of Crossfade's own tables is there, as far as the user may see it. */
export async function hasControlSchema(pool: MysqlPool, deadline: Deadline): Promise<boolean> {
  const sql = 'SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?';
  const found = await pool.client('authority').read(sql, [pool.controlSchema], deadline);
  return found.rows.length > 0;
}

/** Looks first: MySQL has no ADD COLUMN IF NOT EXISTS, and an ALTER waits for whoever uses the table. */
async function addColumns(client: MysqlClient, controlSchema: string, deadline: Deadline): Promise<void> {
  const { rows } = await client.read(COLUMNS, [controlSchema], deadline);
  const known = new Set(rows.map(([table, column]) => `${table}.${column}`));
  for (const { table, column, definition } of addedColumns) {
    if (known.has(`${table}.${column}`)) continue;
    const path = `${identifier(controlSchema)}.${table}`;
    try {
      await client.write(`ALTER TABLE ${path} ADD COLUMN ${column} ${definition}`, [], deadline);
    } catch (error) {
      // Another instance was quicker.
      if (error instanceof DomainError && error.metadata.mysqlErrno === String(COLUMN_EXISTS)) continue;
      throw error;
    }
  }
}

async function widenColumns(client: MysqlClient, controlSchema: string, deadline: Deadline): Promise<void> {
  const { rows } = await client.read(COLUMNS, [controlSchema], deadline);
  const types = new Map(rows.map(([table, column, type]) => [`${table}.${column}`, String(type)]));
  for (const { table, column, value, definition } of widenedColumns) {
    if (types.get(`${table}.${column}`)?.includes(value)) continue;
    await client.write(
      `ALTER TABLE ${identifier(controlSchema)}.${table} MODIFY COLUMN ${column} ${definition}`,
      [],
      deadline,
    );
  }
}

const COLUMNS = 'SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?';
