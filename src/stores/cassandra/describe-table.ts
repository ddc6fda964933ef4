import type { CassandraTableDescription } from '../../domain/table-description.ts';
import type { Call } from '../call.ts';
import type { CassandraClient } from './client.ts';

/** A row of system_schema.columns. */
interface ColumnRow {
  readonly column_name: string;
  readonly type: string;
  /** `partition_key`, `clustering`, `regular` or `static`. */
  readonly kind: string;
  readonly position: number;
  readonly clustering_order: string;
}

/** Describes a table from system_schema; null: there is none. Throws `unavailable` or `deadline_exceeded`. */
export function describeTable(
  client: CassandraClient,
  name: { readonly keyspace: string; readonly table: string },
  call: Pick<Call, 'deadlineMs' | 'signal'>,
): Promise<CassandraTableDescription | null> {
  return client.within('follower', call, async () => {
    const params = [name.keyspace, name.table];
    const tables = await client.run({ query: TABLE, params }, call.deadlineMs);
    const table = tables.first() as unknown as { readonly gc_grace_seconds: number; readonly comment: string } | null;
    if (table === null) return null;
    const result = await client.run({ query: COLUMNS, params }, call.deadlineMs);
    return describe(
      name,
      { gcGraceSeconds: table.gc_grace_seconds, comment: table.comment },
      result.rows as unknown as readonly ColumnRow[],
    );
  });
}

const WHERE = 'WHERE keyspace_name = ? AND table_name = ?';
const TABLE = `SELECT gc_grace_seconds, comment FROM system_schema.tables ${WHERE}`;
const COLUMNS = `SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns ${WHERE}`;

function describe(
  name: { readonly keyspace: string; readonly table: string },
  options: Pick<CassandraTableDescription, 'gcGraceSeconds' | 'comment'>,
  rows: readonly ColumnRow[],
): CassandraTableDescription {
  const ofKind = (kind: string): readonly ColumnRow[] =>
    rows.filter((row) => row.kind === kind).toSorted((a, b) => a.position - b.position);
  return {
    ...name,
    columns: rows.map((row) => ({ name: row.column_name, cqlType: row.type, isStatic: row.kind === 'static' })),
    partitionKey: ofKind('partition_key').map((row) => row.column_name),
    clusteringKey: ofKind('clustering').map((row) => ({
      name: row.column_name,
      order: row.clustering_order === 'desc' ? 'desc' : 'asc',
    })),
    ...options,
  };
}
