import type { Index, Resource } from '../domain/resource.ts';
import type { CassandraTableDescription } from '../domain/table-description.ts';
import { cqlName } from './cassandra-ddl.ts';

/** A table's name and where it is. */
export interface IndexTable {
  readonly keyspace: string;
  readonly table: string;
}

/**
 * The columns of an index's table. `entry` and `key` are encodings, so that every index has the same table, and an empty text, which
 * can be no partition key of its own, is one like any other.
 */
const ENTRY_COLUMNS = { entry: 'blob', key: 'blob', version: 'bigint' } as const;
/** Of a unique index: which record's write has reserved the values, and by which try. Written by lightweight transactions only. */
const RESERVATION_COLUMNS = { holder: 'blob', attempt: 'blob' } as const;

/** Where an index of a resource is kept. Throws a TypeError if the resource has no target. */
export function indexTableOf({ cassandra, typeName }: Resource, index: Index): IndexTable {
  if (cassandra === undefined) throw new TypeError(`${typeName} has no target`);
  return { keyspace: cassandra.keyspace, table: `${cassandra.table}_by_${index.name}` };
}

/** The tables of a resource's indexes, one statement each; none: it has no index. */
export function createIndexTablesCql(resource: Resource): readonly string[] {
  return (resource.indexes ?? []).map((index) => createIndexTableCql(resource, index));
}

/** The table of one index. */
export function createIndexTableCql(resource: Resource, index: Index): string {
  const { keyspace, table } = indexTableOf(resource, index);
  return [
    `CREATE TABLE IF NOT EXISTS ${cqlName(keyspace)}.${cqlName(table)} (`,
    ...columnsOf(index).map(({ name, type, isStatic }) => `  ${cqlName(name)} ${type}${isStatic ? ' static' : ''},`),
    '  PRIMARY KEY (("entry"), "key")',
    ') WITH CLUSTERING ORDER BY ("key" ASC);',
  ].join('\n');
}

/** What keeps a table of Cassandra from being an index's; empty if nothing does. */
export function checkIndexTable(resource: Resource, index: Index, description: CassandraTableDescription): string[] {
  const { keyspace, table } = indexTableOf(resource, index);
  const mistakes: string[] = [];
  for (const { name, type, isStatic } of columnsOf(index)) {
    const found = description.columns.find((column) => column.name === name);
    const wanted = `${type}${isStatic ? ' static' : ''}`;
    const has = `${found?.cqlType}${found?.isStatic ? ' static' : ''}`;
    if (found === undefined) mistakes.push(`has no column ${name}: ALTER TABLE … ADD ${cqlName(name)} ${wanted}`);
    else if (has !== wanted) mistakes.push(`has the column ${name} as ${has}: it must be ${wanted}`);
  }
  const key = [...description.partitionKey, '/', ...description.clusteringKey.map(({ name }) => name)].join();
  const descends = description.clusteringKey.some(({ order }) => order === 'desc');
  if (key !== 'entry,/,key' || descends) mistakes.push('has another primary key than (("entry"), "key") ascending');
  return mistakes.map((mistake) => `${resource.typeName}: the table ${keyspace}.${table} ${mistake}`);
}

function columnsOf(index: Index) {
  const columns = Object.entries(ENTRY_COLUMNS).map(([name, type]) => ({ name, type, isStatic: false }));
  if (!index.unique) return columns;
  return [...columns, ...Object.entries(RESERVATION_COLUMNS).map(([name, type]) => ({ name, type, isStatic: true }))];
}
