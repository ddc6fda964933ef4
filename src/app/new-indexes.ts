import type { Resource } from '../domain/resource.ts';
import { indexTableOf } from '../schema/cassandra-index-ddl.ts';
import type { Call } from '../stores/call.ts';
import type { CassandraClient } from '../stores/cassandra/client.ts';
import { createCassandraControlStore } from '../stores/cassandra/control-store.ts';
import { describeTable } from '../stores/cassandra/describe-table.ts';
import { hasControlTables } from '../stores/cassandra/schema-setup.ts';

/**
 * Indexes whose tables are not there yet although Cassandra is the authority of their records: nothing would ever put the records that
 * are there already into them. Looked for before any table is made.
 */
export async function newIndexesOfAuthority(
  client: CassandraClient,
  controlKeyspace: string,
  resources: readonly Resource[],
  call: Call,
): Promise<string[]> {
  const indexed = resources.filter(({ indexes = [] }) => indexes.length > 0);
  if (indexed.length === 0) return [];
  const hasTables = () => hasControlTables(client, controlKeyspace, call.deadlineMs);
  if (!(await client.within('follower', call, hasTables))) return [];
  const records = await createCassandraControlStore({ client, keyspace: controlKeyspace }).poll(call);
  const mistakes: string[] = [];
  for (const resource of indexed) {
    const record = records.find((one) => one.resource === resource.id);
    if (record?.authority !== 'target') continue;
    for (const index of resource.indexes ?? []) {
      if ((await describeTable(client, indexTableOf(resource, index), call)) !== null) continue;
      mistakes.push(
        `${resource.typeName}: the index "${index.name}" is new, and Cassandra has authority over records that it would lack: ` +
          'start without it, let authority go back to MySQL (the flag synchronize), then start with it and attach the follower anew',
      );
    }
  }
  return mistakes;
}
