import { bucketOf } from '../../domain/bucket.ts';
import type { Key } from '../../domain/key.ts';
import type { Resource, Value } from '../../domain/resource.ts';
import { cqlName } from '../../schema/cassandra-ddl.ts';
import { BUCKET_COLUMN } from '../../schema/cql-types.ts';
import { type Bind, bindOf } from './values.ts';

/** The primary key of a resource's table, which may begin with a column that the key itself does not have: the bucket. */
export interface TargetKey {
  /** The names of the partition key's columns, in quotes. */
  readonly partition: readonly string[];
  /** The names of the clustering key's columns, in quotes. */
  readonly clustering: readonly string[];
  /** Partitions that the records without a parent are spread over; 0: the parent is the partition. */
  readonly buckets: number;
  /** The values of all columns. */
  bind(key: Key): unknown[];
  /** The parameters of `… = ? AND last IN ?`: what the keys of one partition share, then the list of what they differ in. */
  bindIn(keys: readonly Key[]): unknown[];
  /** The values of the partition key's columns. @param bucket which one, where there are buckets. */
  bindPartition(parent: readonly Value[], bucket: number): unknown[];
  /** The values of the clustering key's columns. */
  bindClustering(key: Key): unknown[];
}

/** Compiles the key of a resource's table. */
export function compileTargetKey(resource: Resource): TargetKey {
  const { columns, keyLength, parentLength } = resource;
  const buckets = resource.cassandra?.buckets ?? 0;
  const names = columns.slice(0, keyLength).map((column) => cqlName(column.cassandraName));
  const binds = columns.slice(0, keyLength).map((column) => bindOf(column.type));
  /** Adds the values of some columns: a loop, as each row of a bulk copy comes by. */
  const add = (params: unknown[], values: readonly Value[], from: number, to: number): unknown[] => {
    for (let i = from; i < to; i++) params.push((binds[i] as Bind)(values[i] as Exclude<Value, null>));
    return params;
  };
  const begin = (bucket: number): unknown[] => (buckets > 0 ? [bucket] : []);
  const beginOf = (key: Key | undefined): unknown[] =>
    begin(key === undefined || buckets === 0 ? 0 : bucketOf(key, buckets));
  return {
    partition: buckets > 0 ? [cqlName(BUCKET_COLUMN)] : names.slice(0, parentLength),
    clustering: names.slice(parentLength),
    buckets,
    bind: (key) => add(beginOf(key), key.values, 0, keyLength),
    bindIn: (keys) => {
      const [first] = keys;
      const shared = add(beginOf(first), first?.values ?? [], 0, first === undefined ? 0 : keyLength - 1);
      return [...shared, keys.flatMap((key) => add([], key.values, keyLength - 1, keyLength))];
    },
    bindPartition: (parent, bucket) => add(begin(bucket), parent, 0, parentLength),
    bindClustering: (key) => add([], key.values, parentLength, keyLength),
  };
}
