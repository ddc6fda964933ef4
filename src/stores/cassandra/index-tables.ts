/*
 * A resource's secondary indexes in Cassandra (docs/protocol.md, section 12): a table each, whose rows are hints. Whoever
 * writes a record writes its hints too, before anybody is told; nobody takes one away with the record. So a lookup may
 * meet hints of records that have other values by now, and asks the records.
 *
 * A hint is taken away by whoever meets it and sees that its record has moved on: has a version at or above the hint's,
 * and other values. The DELETE carries the hint's own version as its timestamp, so that a late repeat of the copy that wrote the
 * hint loses to it, and a later hint of the same record does not.
 */
import type { Clock } from '../../domain/clock.ts';
import { createIndexCodecs, type IndexCodec } from '../../domain/index-entry.ts';
import type { Key, KeyCodec } from '../../domain/key.ts';
import type { Index, Resource, Row } from '../../domain/resource.ts';
import { indexTableOf } from '../../schema/cassandra-index-ddl.ts';
import type { Call } from '../call.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import type { Copy, LookupQuery, Stored, Unindexed } from '../record-store.ts';
import type { Bound, CassandraClient } from './client.ts';
import { BATCH_ROWS, IN_KEYS, LIST_SLACK, MAX_PAGE, MIXED_PARTITIONS, STATEMENTS_IN_FLIGHT } from './limits.ts';
import { quote } from './statements.ts';
import { bigintBytes } from './values.ts';

/** What the indexes of one resource are made of. */
export interface IndexTablesOptions {
  readonly client: CassandraClient;
  readonly resource: Resource;
  readonly keys: KeyCodec;
  readonly clock: Clock;
  /** How long markers stay. */
  readonly markerTtlSeconds: number;
  /** Reads records, at most a page of them. */
  readonly read: (keys: readonly Key[], call: Call) => Promise<readonly Stored[]>;
}

/** A record's next state, and the one before; null: there was none. */
export interface Changed extends Copy {
  readonly before: Row | null;
}

/** The indexes of one resource. Throws the driver's errors. */
export interface IndexTables {
  /** Writes the hints of these records at their versions; markers have none. */
  put(copies: readonly Copy[], call: Call): Promise<void>;
  /** Writes those hints of records that their states before did not have. */
  putChanged(changed: readonly Changed[], call: Call): Promise<void>;
  lookup(query: LookupQuery, call: Call): Promise<readonly Stored[]>;
  unindexed(records: readonly Stored[], call: Call): Promise<readonly Unindexed[]>;
  /** Whether a record other than `by` is in the entry. */
  isTaken(index: Index, entry: Buffer, by: Key, call: Call): Promise<boolean>;
}

/** One index, compiled. */
interface IndexTable extends IndexCodec {
  readonly text: Readonly<Record<'put' | 'all' | 'after' | 'some' | 'remove', string>>;
}

/** A row of an index's table. */
interface Hint {
  readonly key: Key;
  readonly version: bigint;
}

/** Hints that a page of a unique entry asks for: one of a record that has the values, and some of other times. */
const UNIQUE_HINTS = 10;

/** Beyond the time for which a marker of a deleted record is kept, in microseconds: more than any clock is wrong. */
const FORGOTTEN_MARGIN_MICROS = 86_400_000_000n;

/** Compiles the indexes of a resource that has some. */
export function createIndexTables(options: IndexTablesOptions): IndexTables {
  const { client, resource } = options;
  const tables = createIndexCodecs(resource).map((codec): IndexTable => {
    const { keyspace, table } = indexTableOf(resource, codec.index);
    return { ...codec, text: compileText(`${quote(keyspace)}.${quote(table)}`) };
  });
  const byName = new Map(tables.map((table) => [table.index.name, table]));
  const { keyspace } = indexTableOf(resource, (tables[0] as IndexTable).index);
  return {
    put: (copies, call) =>
      send(
        client,
        copies.flatMap((copy) => hintsOf(tables, copy, null)),
        keyspace,
        call,
      ),
    putChanged: (changed, call) =>
      send(
        client,
        changed.flatMap((one) => hintsOf(tables, one, one.before)),
        keyspace,
        call,
      ),
    lookup: async (query, call) => {
      const table = byName.get(query.index.name);
      if (table === undefined) throw new TypeError(`${resource.id} has no index ${query.index.name}`);
      return lookUp(options, table, query, call);
    },
    isTaken: (index, entry, by, call) => isTaken(options, byName.get(index.name) as IndexTable, { entry, by }, call),
    unindexed: async (records, call) => {
      const found: Unindexed[] = [];
      for (const table of tables) found.push(...(await findUnindexed(options, table, records, call)));
      return found;
    },
  };
}

function compileText(name: string): IndexTable['text'] {
  const all = `SELECT key, version FROM ${name} WHERE entry = ?`;
  return {
    put: `INSERT INTO ${name} (entry, key, version) VALUES (?, ?, ?) USING TIMESTAMP ?`,
    all,
    after: `${all} AND key > ?`,
    some: `${all} AND key IN ?`,
    remove: `DELETE FROM ${name} USING TIMESTAMP ? WHERE entry = ? AND key = ?`,
  };
}

function hintsOf(tables: readonly IndexTable[], { key, row, version }: Copy, before: Row | null): Bound[] {
  if (row === null) return [];
  const stamp = bigintBytes(version);
  return tables.flatMap(({ text, entryOf }) => {
    const entry = entryOf(row);
    if (entry === null || (before !== null && entryOf(before)?.equals(entry))) return [];
    return [{ query: text.put, params: [entry, key.bytes, stamp, stamp] }];
  });
}

/** Hints are of as many partitions; where each node has them all a few share a batch, as small records do. */
async function send(client: CassandraClient, hints: readonly Bound[], keyspace: string, call: Call): Promise<void> {
  const size = client.replicatedEverywhere(keyspace) ? MIXED_PARTITIONS : 1;
  const batches: (readonly Bound[])[] = [];
  for (let at = 0; at < hints.length; at += size) batches.push(hints.slice(at, at + size));
  await forEachBounded(batches, STATEMENTS_IN_FLIGHT, async (batch) => {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) await client.run(only, call.deadlineMs);
    else await client.runBatch(batch, call.deadlineMs);
  });
}

/** Pages past hints of other times until the answer is full or the entry ends; a long run of them is bounded by the deadline. */
async function lookUp(
  options: IndexTablesOptions,
  table: IndexTable,
  query: LookupQuery,
  call: Call,
): Promise<readonly Stored[]> {
  const entry = table.entryOfValues(query.values);
  const found: Stored[] = [];
  for await (const hints of pagesOf(options, table, { entry, after: query.after, wanted: query.limit }, call)) {
    const keys = hints.map(({ key }) => key);
    const records = await options.read(keys, call);
    await removeStale(options, table, { entry, hints, records }, call);
    found.push(...records.filter(({ row }) => row !== null && table.has(row, query.values)));
    if (found.length >= query.limit) return found.slice(0, query.limit);
  }
  return found;
}

async function isTaken(
  options: IndexTablesOptions,
  table: IndexTable,
  { entry, by }: { readonly entry: Buffer; readonly by: Key },
  call: Call,
): Promise<boolean> {
  for await (const page of pagesOf(options, table, { entry, after: null, wanted: UNIQUE_HINTS }, call)) {
    const hints = page.filter(({ key }) => key.id !== by.id);
    const keys = hints.map(({ key }) => key);
    const records = await options.read(keys, call);
    await removeStale(options, table, { entry, hints, records }, call);
    if (records.some(({ row }) => row !== null && table.entryOf(row)?.equals(entry))) return true;
  }
  return false;
}

async function* pagesOf(
  { client, keys }: IndexTablesOptions,
  { text }: IndexTable,
  from: { readonly entry: Buffer; readonly after: Key | null; readonly wanted: number },
  call: Call,
): AsyncGenerator<readonly Hint[]> {
  const bound: Bound =
    from.after === null
      ? { query: text.all, params: [from.entry] }
      : { query: text.after, params: [from.entry, from.after.bytes] };
  const fetchSize = Math.min(from.wanted + LIST_SLACK, MAX_PAGE);
  let pageState: string | undefined;
  do {
    const result = await client.run(bound, call.deadlineMs, { fetchSize, ...(pageState && { pageState }) });
    // A partition of nothing but a reservation has one row without a key.
    const rows = result.rows.filter((row) => row.get('key') !== null);
    if (rows.length > 0) {
      yield rows.map((row) => ({
        key: keys.fromBytes(row.get('key') as Buffer),
        version: row.get('version') as bigint,
      }));
    }
    pageState = result.pageState ?? undefined;
  } while (pageState !== undefined);
}

/** What a page of an entry's hints has shown. */
interface Looked {
  readonly entry: Buffer;
  readonly hints: readonly Hint[];
  /** Those that the hints name, in their order. */
  readonly records: readonly Stored[];
}

/** A hint that stays costs the next lookup a read, and nothing else: so a failure here is nobody's. */
async function removeStale(
  options: IndexTablesOptions,
  { text, entryOf }: IndexTable,
  { entry, hints, records }: Looked,
  call: Call,
): Promise<void> {
  const ageMicros = BigInt(options.markerTtlSeconds) * 1_000_000n + FORGOTTEN_MARGIN_MICROS;
  const forgotten = options.clock.wallMicros() - ageMicros;
  const stale = hints.filter((hint, i) => {
    const { row, version } = records[i] as Stored;
    if (row !== null && entryOf(row)?.equals(entry)) return false;
    // Of a record that was deleted long ago nothing is left, and nothing that old is on its way any more.
    return version >= hint.version || (row === null && version === 0n && hint.version < forgotten);
  });
  for (let at = 0; at < stale.length; at += BATCH_ROWS) {
    const removals = stale.slice(at, at + BATCH_ROWS).map(({ key, version }) => ({
      query: text.remove,
      params: [bigintBytes(version), entry, key.bytes],
    }));
    await options.client.runBatch(removals, call.deadlineMs).catch(() => {});
  }
}

async function findUnindexed(
  { client }: IndexTablesOptions,
  { text, entryOf, index }: IndexTable,
  records: readonly Stored[],
  call: Call,
): Promise<readonly Unindexed[]> {
  const open = new Map<string, Key[]>();
  const groups: { readonly entry: Buffer; readonly keys: Key[] }[] = [];
  for (const { key, row } of records) {
    const entry = row === null ? null : entryOf(row);
    if (entry === null) continue;
    const id = entry.toString('latin1');
    const keys = open.get(id);
    if (keys !== undefined && keys.length < IN_KEYS) keys.push(key);
    else {
      const group = { entry, keys: [key] };
      groups.push(group);
      open.set(id, group.keys);
    }
  }
  const missing: Unindexed[] = [];
  await forEachBounded(groups, STATEMENTS_IN_FLIGHT, async ({ entry, keys }) => {
    const params = [entry, keys.map(({ bytes }) => bytes)];
    const result = await client.run({ query: text.some, params }, call.deadlineMs, { fetchSize: 0 });
    const found = new Set(result.rows.map((row) => (row.get('key') as Buffer).toString('latin1')));
    for (const key of keys) if (!found.has(key.id)) missing.push({ key, index });
  });
  return missing;
}
