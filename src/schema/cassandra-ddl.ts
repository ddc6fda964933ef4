import type { CassandraPlace, Resource } from '../domain/resource.ts';
import type { CassandraTableDescription } from '../domain/table-description.ts';
import { BUCKET_COLUMN, BUCKET_TYPE, cqlTypeOf, ownColumnsOf } from './cql-types.ts';

/** Below it, a marker of a deleted record could be forgotten before every replica has seen it. One day. */
export const MIN_GC_GRACE_SECONDS = 86_400;

/** A name in CQL, in quotes, so that its case and reserved words are kept. */
export function cqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table that a resource's records can move to. Throws a TypeError if the resource has no target. */
export function createTableCql(resource: Resource): string {
  const { keyspace, table, buckets } = targetOf(resource);
  const columns = wantedColumns(resource).map(([name, type]) => `  ${cqlName(name)} ${type},`);
  const partition = partitionColumns(resource).map(cqlName);
  const clustering = clusteringColumns(resource).map(cqlName);
  const comment = buckets === undefined ? '' : ` AND comment = '${bucketsComment(buckets)}'`;
  return [
    `CREATE TABLE IF NOT EXISTS ${cqlName(keyspace)}.${cqlName(table)} (`,
    ...columns,
    `  PRIMARY KEY ((${partition.join(', ')}), ${clustering.join(', ')})`,
    `) WITH CLUSTERING ORDER BY (${clustering.map((name) => `${name} ASC`).join(', ')})${comment};`,
  ].join('\n');
}

/** The statements that add the columns of Crossfade's own that a table of an earlier definition lacks. */
export function addColumnsCql(resource: Resource, description: CassandraTableDescription): string[] {
  const { keyspace, table } = targetOf(resource);
  return Object.entries(ownColumnsOf(resource))
    .filter(([name]) => !description.columns.some((column) => column.name === name))
    .map(
      ([name, type]) => `ALTER TABLE ${cqlName(keyspace)}.${cqlName(table)} ADD IF NOT EXISTS ${cqlName(name)} ${type}`,
    );
}

/**
 * What keeps a table of Cassandra from being the resource's target; empty if nothing does. Columns that the resource does
 * not know are let be. Throws a TypeError if the resource has no target.
 */
export function checkCassandraTable(resource: Resource, description: CassandraTableDescription): string[] {
  const label = `${resource.typeName}: the table ${description.keyspace}.${description.table}`;
  const { keyspace, table } = targetOf(resource);
  if (keyspace !== description.keyspace || table !== description.table) {
    return [`${label} was described, but the resource's is ${keyspace}.${table}`];
  }
  const mistakes = [
    ...checkColumns(resource, description),
    ...checkKey('partition key', partitionColumns(resource), description.partitionKey),
    ...checkKey(
      'clustering key',
      clusteringColumns(resource),
      description.clusteringKey.map((column) => column.name),
    ),
    ...checkBuckets(resource, description),
  ];
  for (const column of description.clusteringKey) {
    if (column.order !== 'asc') {
      mistakes.push(`sorts ${column.name} descending, MySQL ascending: create it WITH CLUSTERING ORDER BY (… ASC)`);
    }
  }
  if (description.gcGraceSeconds < MIN_GC_GRACE_SECONDS) {
    mistakes.push(
      `has gc_grace_seconds = ${description.gcGraceSeconds}: at least ${MIN_GC_GRACE_SECONDS} are needed, or deleted records could come back`,
    );
  }
  return mistakes.map((mistake) => `${label} ${mistake}`);
}

function checkColumns(resource: Resource, description: CassandraTableDescription): string[] {
  const mistakes: string[] = [];
  for (const [name, type] of wantedColumns(resource)) {
    const column = description.columns.find((each) => each.name === name);
    if (column === undefined) {
      mistakes.push(`has no column ${name}: ALTER TABLE … ADD ${cqlName(name)} ${type}`);
    } else if (column.isStatic) {
      mistakes.push(`has the column ${name} as static: one value for a whole partition can't hold a record's`);
    } else if (column.cqlType !== type) {
      mistakes.push(`has the column ${name} as ${column.cqlType}: it must be ${type}`);
    }
  }
  return mistakes;
}

function checkKey(what: string, wanted: readonly string[], given: readonly string[]): string[] {
  if (wanted.join('\0') === given.join('\0')) return [];
  return [`has the ${what} (${given.join(', ')}): it must be (${wanted.join(', ')})`];
}

/** Names and CQL types of the columns that the table must have. */
function wantedColumns(resource: Resource): readonly (readonly [string, string])[] {
  return [
    ...(resource.cassandra?.buckets === undefined ? [] : [[BUCKET_COLUMN, BUCKET_TYPE] as const]),
    ...resource.columns.map((column) => [column.cassandraName, cqlTypeOf(column.type)] as const),
    ...Object.entries(ownColumnsOf(resource)),
  ];
}

/** What the table's comment says of the buckets: rows stand under them, so their number is the table's for ever. */
function bucketsComment(buckets: number): string {
  return `crossfade_buckets=${buckets}`;
}

function checkBuckets(resource: Resource, { comment }: CassandraTableDescription): string[] {
  const { buckets } = targetOf(resource);
  if (buckets === undefined) return [];
  const recorded = /\bcrossfade_buckets=(\d+)\b/.exec(comment)?.[1];
  if (recorded === String(buckets)) return [];
  if (recorded === undefined) {
    return [
      `does not say in its comment how many buckets its rows stand in. If it is empty, or was made for ${buckets}: ALTER TABLE … WITH comment = '${bucketsComment(buckets)}'`,
    ];
  }
  return [
    `was made for ${recorded} buckets, and storage.cassandra.buckets is ${buckets}: rows would not be found. Set it to ${recorded}, or drop the table and copy anew`,
  ];
}

function partitionColumns({ columns, parentLength, cassandra }: Resource): readonly string[] {
  if (cassandra?.buckets !== undefined) return [BUCKET_COLUMN];
  return columns.slice(0, parentLength).map((column) => column.cassandraName);
}

function clusteringColumns({ columns, parentLength, keyLength }: Resource): readonly string[] {
  return columns.slice(parentLength, keyLength).map((column) => column.cassandraName);
}

function targetOf(resource: Resource): CassandraPlace {
  if (resource.cassandra === undefined) throw new TypeError(`${resource.typeName} has no target`);
  return resource.cassandra;
}
