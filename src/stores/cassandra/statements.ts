import { types } from 'cassandra-driver';
import type { Key } from '../../domain/key.ts';
import type { Column, Resource, Value } from '../../domain/resource.ts';
import type { Copy, ListQuery, Stored } from '../record-store.ts';
import { NO_REQUESTS } from '../remembered-requests.ts';
import type { Bound } from './client.ts';
import { compileTargetKey, type TargetKey } from './target-key.ts';
import { type Bind, bigintBytes, bindOf, hasVariableSize, type Read, readOf, selectOf } from './values.ts';

/** One row as the driver hands it over: values by column name. */
export type DriverRow = Readonly<Record<string, unknown>>;

/** The statements of one resource, with the closures that fill and read them: compiled once. */
export interface Statements {
  /** One record. */
  readonly get: (key: Key) => Bound;
  /** Several records of one partition, which differ in the last key column alone; null: the key has none. */
  readonly getIn: ((keys: readonly Key[]) => Bound) | null;
  /** All rows of a partition, from after a key on, in the order of keys or its reverse. `bucket`: which one, where the records have no parent. */
  readonly list: (query: Pick<ListQuery, 'parent' | 'after' | 'descending'>, bucket?: number) => Bound;
  /** All rows of a bucket, as a walk reads them. */
  readonly walkBucket: (bucket: number) => Bound;
  /** The keys of a bucket's rows, to be counted. */
  readonly keysIn: (bucket: number) => Bound;
  /** All rows of a range of tokens, the first exclusive, the last inclusive. */
  readonly walk: (from: bigint, to: bigint) => Bound;
  /** The tokens of the rows from a token on, as `crossfade_token`. */
  readonly sample: (from: bigint, limit: number) => Bound;
  /** A record, or a marker, replacing everything older and nothing newer. */
  readonly apply: (copy: Copy) => Bound;
  /** A copy's bytes, roughly. */
  readonly sizeOf: (copy: Copy) => number;
  /** The values of the key columns in a row of `getIn`, `list` or `walk`. */
  readonly keyValues: (row: DriverRow) => Key['values'];
  /** The record of a row whose key is known. */
  readonly read: (row: DriverRow, key: Key) => Stored;
}

/** Compiles the statements of a resource that has a table in Cassandra. `markerTtlSeconds`: how long markers stay. */
export function compileStatements(
  resource: Resource,
  table: { readonly keyspace: string; readonly table: string },
  markerTtlSeconds: number,
): Statements {
  const name = `${quote(table.keyspace)}.${quote(table.table)}`;
  const key = compileTargetKey(resource);
  const { partition, clustering } = key;
  const keyNames = [...partition, ...clustering];
  const others = resource.columns.slice(resource.keyLength).map((column) => quote(column.cassandraName));
  const names = [...keyNames, ...others];
  const own = ['crossfade_version', 'crossfade_deleted'];
  const selected = resource.columns.map((column) => selectOf(column.type, quote(column.cassandraName)));
  const remembers = resource.remembersRequests ? ['crossfade_requests'] : [];
  const columns = [...selected, ...own].join(', ');
  const values = [...selected.slice(resource.keyLength), ...own].join(', ');
  const token = `token(${partition.join(', ')})`;
  const inPartition = partition.map((column) => `${column} = ?`).join(' AND ');
  const from = `FROM ${name} WHERE`;
  const text = {
    get: `SELECT ${values} ${from} ${keyNames.map((column) => `${column} = ?`).join(' AND ')}`,
    getIn: `SELECT ${columns} ${from} ${[...keyNames.slice(0, -1).map((column) => `${column} = ?`), `${keyNames.at(-1)} IN ?`].join(' AND ')}`,
    keysIn: `SELECT ${clustering.join(', ') || '*'} ${from} ${inPartition}`,
    walk: `SELECT ${[columns, ...remembers].join(', ')} ${from} ${token} > ? AND ${token} <= ?`,
    walkBucket: `SELECT ${[columns, ...remembers].join(', ')} ${from} ${inPartition}`,
    sample: `SELECT ${token} AS crossfade_token ${from} ${token} >= ? LIMIT ?`,
    // The write id is empty, not null: a null would be one more tombstone in every row.
    apply: `INSERT INTO ${name} (${[...names, ...own, ...remembers].join(', ')}, crossfade_write_id)
      VALUES (${marks([...names, ...own, ...remembers])}, 0x) USING TIMESTAMP ? AND TTL ?`,
  };
  return {
    get: (one) => ({ query: text.get, params: key.bind(one) }),
    getIn: clustering.length === 0 ? null : (keys) => ({ query: text.getIn, params: key.bindIn(keys) }),
    list: compileList(key, clustering, `SELECT ${columns} ${from} ${inPartition}`),
    walkBucket: (bucket) => ({ query: text.walkBucket, params: key.bindPartition([], bucket) }),
    keysIn: (bucket) => ({ query: text.keysIn, params: key.bindPartition([], bucket) }),
    walk: (start, end) => ({ query: text.walk, params: [bigintBytes(start), bigintBytes(end)] }),
    sample: (start, limit) => ({ query: text.sample, params: [bigintBytes(start), limit] }),
    apply: compileApply(key, resource, text.apply, markerTtlSeconds),
    sizeOf: compileSizeOf(resource.columns),
    ...compileReads(resource),
  };
}

/** A name in CQL, in quotes. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A `?` for each of them. */
export function marks(columns: readonly string[]): string {
  return columns.map(() => '?').join(', ');
}

/** Each value as its own `Bind` makes it. */
export function bindAll(binds: readonly Bind[], values: readonly Value[]): unknown[] {
  return values.map((value, i) => bindOne(binds[i], value));
}

function bindOne(bind: Bind | undefined, value: Value): unknown {
  return value === null || bind === undefined ? null : bind(value);
}

function compileList(key: TargetKey, clustering: readonly string[], all: string): Statements['list'] {
  const beyond = (operator: string): string => `AND (${clustering.join(', ')}) ${operator} (${marks(clustering)})`;
  // Every row of a partition without a clustering key is its only one.
  const order = clustering.length === 0 ? '' : ` ORDER BY ${clustering.map((column) => `${column} DESC`).join(', ')}`;
  const ascending = { first: all, next: `${all} ${beyond('>')}` };
  const descending = { first: `${all}${order}`, next: `${all} ${beyond('<')}${order}` };
  return ({ parent, after, descending: reverse = false }, bucket = 0) => {
    const text = reverse ? descending : ascending;
    const params = key.bindPartition(parent, bucket);
    if (after === null) return { query: text.first, params };
    return { query: text.next, params: [...params, ...key.bindClustering(after)] };
  };
}

function compileApply(
  targetKey: TargetKey,
  { columns, keyLength, remembersRequests }: Resource,
  query: string,
  markerTtlSeconds: number,
): (copy: Copy) => Bound {
  const binds = columns.map((column) => bindOf(column.type));
  // The copies of a bulk copy nearly all have one version, the floor.
  let last = { version: 0n, stamp: bigintBytes(0n) };
  return ({ key, row, version, requests }) => {
    if (version !== last.version) last = { version, stamp: bigintBytes(version) };
    const { stamp } = last;
    const params = targetKey.bind(key);
    for (let i = keyLength; i < binds.length; i++) params.push(bindOne(binds[i], row?.[i] ?? null));
    // A TTL of 0 is none.
    params.push(stamp, row === null);
    // A copy that says nothing of requests leaves what is there: it is a cell of its own, and newer wins for each. A marker may not: a
    // cell without its TTL would outlive it, and the deleted record be back.
    if (remembersRequests) params.push(requests ?? (row === null ? NO_REQUESTS : types.unset));
    params.push(stamp, row === null ? markerTtlSeconds : 0);
    return { query, params };
  };
}

/** Of a value of fixed size, with the length before it. */
const FIXED_BYTES = 12;

function compileSizeOf(columns: readonly Column[]): (copy: Copy) => number {
  const variable = columns.flatMap((column, i) => (hasVariableSize(column.type) ? [i] : []));
  return ({ row }) => {
    let bytes = columns.length * FIXED_BYTES;
    if (row === null) return bytes;
    for (const i of variable) {
      const value = row[i];
      // Characters stand in for bytes: the bound is a rough one.
      if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    }
    return bytes;
  };
}

function compileReads(resource: Resource): Pick<Statements, 'keyValues' | 'read'> {
  const readers = resource.columns.map((column): [string, Read] => [column.cassandraName, readOf(column.type)]);
  const keyReaders = readers.slice(0, resource.keyLength);
  const valueReaders = readers.slice(resource.keyLength);
  const readRecord: Statements['read'] = (row, key) => {
    const version = (row.crossfade_version ?? 0n) as bigint;
    if (row.crossfade_deleted === true) return { key, row: null, version };
    const values: Value[] = [...key.values];
    for (const [name, read] of valueReaders) {
      const value = row[name];
      values.push(value === null ? null : read(value));
    }
    return { key, row: values, version };
  };
  return {
    keyValues: (row) => keyReaders.map(([name, read]) => read(row[name]) as Key['values'][number]),
    // Undefined where the statement did not ask for it.
    read: (row, key) => {
      const { crossfade_requests: requests } = row;
      const found = readRecord(row, key);
      return requests === undefined ? found : { ...found, requests: (requests ?? NO_REQUESTS) as Buffer };
    },
  };
}
