import type { Resource } from '../../domain/resource.ts';
import { cqlName, createTableCql } from '../../schema/cassandra-ddl.ts';
import { createIndexTablesCql } from '../../schema/cassandra-index-ddl.ts';
import { replicationOf, type Servers } from './config-text.ts';

/** The statements that make the targets of resources; those without one are left out. */
export function cassandraText(resources: readonly Resource[], servers: Servers): string {
  const movable = resources.filter((resource) => resource.cassandra !== undefined);
  const keyspaces = new Set(movable.map((resource) => resource.cassandra?.keyspace ?? ''));
  const replication = Object.entries(replicationOf(servers.cassandra))
    .map(([name, value]) => `'${name.replaceAll("'", "''")}': '${value}'`)
    .join(', ');
  return [
    '-- Written by crossfade init: the tables that the records move to. With createTables in the config the service makes',
    '-- what is missing by itself; without it, run this first.',
    ...[...keyspaces].map(
      (keyspace) => `\nCREATE KEYSPACE IF NOT EXISTS ${cqlName(keyspace)} WITH replication = {${replication}};`,
    ),
    ...movable.flatMap((resource) =>
      [createTableCql(resource), ...createIndexTablesCql(resource)].map((statement) => `\n${statement}`),
    ),
    '',
  ].join('\n');
}
