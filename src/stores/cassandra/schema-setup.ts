import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import type { CassandraClient } from './client.ts';
import { controlTables, tableName } from './control-tables.ts';
import { DEFAULT_CONTROL_KEYSPACE } from './limits.ts';
import { quote } from './statements.ts';

/** Where Crossfade's own tables are, and how they are kept. */
export interface ControlKeyspace {
  /** Default: `crossfade`. */
  readonly keyspace?: string;
  /** The replication of the keyspace if it has to be created: the options of CQL's `WITH replication`. Null: it is not created. */
  readonly replication: Readonly<Record<string, string | number>> | null;
}

/**
 * Creates the keyspace of Crossfade's own tables, and the tables and columns that are missing. Changes nothing that exists, and looks
 * first: a role that may create nothing can have it made by hand. May run in several instances at once, where the cluster
 * agrees on its schema. Throws `unavailable`, `deadline_exceeded`,
 * `failed_precondition` where the keyspace is missing and may not be created, or `internal` without the permission.
 */
export function setUpKeyspace(
  client: CassandraClient,
  { keyspace = DEFAULT_CONTROL_KEYSPACE, replication }: ControlKeyspace,
  call: Pick<Call, 'deadlineMs' | 'signal'>,
): Promise<void> {
  return client.within('authority', call, async () => {
    const run = (query: string, params: readonly unknown[] = []) => client.run({ query, params }, call.deadlineMs);
    const keyspaces = await run(KEYSPACE, [keyspace]);
    if (keyspaces.rowLength === 0) {
      if (replication === null) throw missingKeyspace(keyspace);
      const options = Object.entries(replication).map(([name, value]) => `${literal(name)}: ${literal(String(value))}`);
      await run(`CREATE KEYSPACE IF NOT EXISTS ${quote(keyspace)} WITH replication = {${options.join(', ')}}`);
    }
    const known = await knownTables(client, keyspace, call.deadlineMs);
    for (const definition of controlTables) {
      if (known.has(tableName(definition))) continue;
      await run(`CREATE TABLE IF NOT EXISTS ${quote(keyspace)}.${definition}`);
    }
    const columns = await run(COLUMNS, [keyspace]);
    const has = new Set(columns.rows.map((row) => `${row.get('table_name')}.${row.get('column_name')}`));
    for (const { table, column, type } of ADDED_COLUMNS) {
      if (known.has(table) && !has.has(`${table}.${column}`)) {
        await run(`ALTER TABLE ${quote(keyspace)}.${table} ADD IF NOT EXISTS ${column} ${type}`);
      }
    }
  });
}

/** Whether a keyspace has all of Crossfade's own tables. Throws the driver's errors. */
export async function hasControlTables(
  client: CassandraClient,
  keyspace: string,
  deadlineMs: number,
): Promise<boolean> {
  const known = await knownTables(client, keyspace, deadlineMs);
  return controlTables.every((definition) => known.has(tableName(definition)));
}

async function knownTables(client: CassandraClient, keyspace: string, deadlineMs: number): Promise<Set<string>> {
  const tables = await client.run({ query: TABLES, params: [keyspace] }, deadlineMs);
  return new Set(tables.rows.map((row) => row.get('table_name') as string));
}

const KEYSPACE = 'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?';
const COLUMNS = 'SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = ?';
/** What tables of earlier versions lack. */
const ADDED_COLUMNS = [{ table: 'crossfade_heartbeat', column: 'source_seen', type: 'text' }] as const;
const TABLES = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?';

function missingKeyspace(keyspace: string): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'MIGRATION_STATE',
    message: `Cassandra has no keyspace ${keyspace} for Crossfade's own tables: create it, or set stores.cassandra.createTables`,
  });
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
