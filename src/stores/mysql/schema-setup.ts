import { controlTables } from './control-tables.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlPool } from './pool.ts';

/**
 * Creates the schema of Crossfade's own tables and the tables that are missing. Changes nothing that exists, and may run
 * in several instances at once.
 */
export async function setUpSchema(pool: MysqlPool, deadline: Deadline): Promise<void> {
  const client = pool.client('authority');
  const schema = identifier(pool.controlSchema);
  // Only if missing: a user who may not create schemas can have it made by hand.
  const found = await client.read(
    'SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
    [pool.controlSchema],
    deadline,
  );
  if (found.rows.length === 0) {
    await client.write(`CREATE DATABASE IF NOT EXISTS ${schema} CHARACTER SET utf8mb4`, [], deadline);
  }
  for (const table of controlTables) {
    await client.write(table.replace('IF NOT EXISTS ', `IF NOT EXISTS ${schema}.`), [], deadline);
  }
}
