import type { types } from 'cassandra-driver';
import { type Clock, type Random, systemClock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import { createKeyCodec, type Key, type KeyCodec } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import type { Copy, ListQuery, RecordStore, Stored, WalkPage } from '../record-store.ts';
import type { ServerValues } from '../server-values.ts';
import { compilePartitionOf, groupIntoBatches, mixSmallBatches } from './apply.ts';
import { compileAuthorityStatements } from './authority-statements.ts';
import { mergeBuckets, type ReadPage } from './bucket-list.ts';
import type { Bound, CassandraClient } from './client.ts';
import { readSlowestClock } from './clocks.ts';
import { isUnreadablePageState, type Role } from './errors.ts';
import { createIndexTables, type IndexTables, type IndexTablesOptions } from './index-tables.ts';
import { groupKeys } from './key-groups.ts';
import {
  COUNTED_PAGES,
  DEFAULT_MARKER_TTL_SECONDS,
  IN_KEYS,
  LIST_SLACK,
  MAX_KEYS,
  MAX_PAGE,
  MIN_LIST_PAGE,
  STATEMENTS_IN_FLIGHT,
  TOMBSTONES_OF_A_PAGE,
} from './limits.ts';
import { createRecordWrites } from './record-writes.ts';
import { compileStatements, type DriverRow, type Statements } from './statements.ts';
import { parseBucket, parseRange, splitBuckets, splitRing } from './walk.ts';

/** What the store of one resource in Cassandra is made of. */
export interface CassandraRecordStoreOptions {
  readonly client: CassandraClient;
  /** Must have a table in Cassandra, and a parent, which is the partition key, or buckets. */
  readonly resource: Resource;
  readonly role: Role;
  /** What the source puts into columns by itself. Default: nothing. */
  readonly serverValues?: ServerValues;
  /** How long markers stay, in seconds. Default: 20 days. */
  readonly markerTtlSeconds?: number;
  /** For deadlines and pauses; versions take a node's clock. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}

/**
 * The store port on Cassandra, as follower and as authority. "Newer wins" is Cassandra's own rule: every copy is one INSERT of
 * every column at the copy's version as its timestamp, and a deleted record is a marker row, so copies may arrive at
 * once, twice and in any order. A record whose marker has expired is absent, at version 0. Writes are lightweight
 * transactions (`record-writes.ts`); reads are at QUORUM, which sees every write that was acknowledged.
 */
export function createCassandraRecordStore(options: CassandraRecordStoreOptions): RecordStore {
  const { client, resource, role } = options;
  const table = tableOf(resource);
  const { keyspace } = table;
  const { markerTtlSeconds = DEFAULT_MARKER_TTL_SECONDS } = options;
  const statements = compileStatements(resource, table, markerTtlSeconds);
  const codec = createKeyCodec(resource);
  const maxPage = Math.min(MAX_PAGE, Math.ceil(TOMBSTONES_OF_A_PAGE / resource.columns.length));
  const buckets = table.buckets ?? 0;
  const engine: Engine = { client, resource, statements, codec, maxPage, buckets };
  const within = <Result>(call: Call, work: () => Promise<Result>): Promise<Result> => client.within(role, call, work);
  const batching = { partitionOf: compilePartitionOf(resource), sizeOf: statements.sizeOf };
  const indexes = createIndexes(engine, batching.partitionOf, {
    markerTtlSeconds,
    clock: options.clock ?? systemClock,
  });
  const applyRecords = (copies: readonly Copy[], call: Call): Promise<void> => {
    if (copies.length === 1) return applyBatches(engine, [copies], call);
    const batches = groupIntoBatches(copies, batching);
    const mayMix = client.replicatedEverywhere(keyspace);
    return applyBatches(engine, mayMix ? mixSmallBatches(batches, batching.sizeOf) : batches, call);
  };
  return {
    engine: 'cassandra',
    maxKeys: MAX_KEYS,
    getMany: (keys, call) => within(call, () => getMany(engine, keys, batching.partitionOf, call)),
    list: (query, call) => within(call, () => list(engine, query, call)),
    lookup: (query, call) => {
      if (indexes === null) throw new TypeError(`${resource.id} has no indexes`);
      return within(call, () => indexes.lookup(query, call));
    },
    apply: (copies, call) =>
      within(call, async () => {
        // Side by side: nobody is told of the record before both are there.
        await Promise.all([applyRecords(copies, call), indexes?.put(copies, call)]);
      }),
    ...(indexes && { unindexed: (records, call) => within(call, () => indexes.unindexed(records, call)) }),
    split: (chunkRows, call) =>
      buckets > 0
        ? splitBuckets(buckets, (bucket) => within(call, () => countRows(engine, bucket, call)))
        : splitRing(chunkRows, (from, limit) => within(call, () => readTokens(engine, from, limit, call)), call),
    walk: (range, after, limit, call) => within(call, () => walk(engine, { range, after, limit }, call)),
    clock: (call) => within(call, () => readSlowestClock(client, role, call.deadlineMs)),
    ...createRecordWrites({
      ...options,
      statements: compileAuthorityStatements(resource, table, { markerTtlSeconds, read: statements.read }),
      keyValues: statements.keyValues,
      codec,
      indexes,
    }),
  };
}

/** Null: there are none. */
function createIndexes(
  engine: Engine,
  partitionOf: (entry: { readonly key: Key }) => string,
  options: Pick<IndexTablesOptions, 'markerTtlSeconds' | 'clock'>,
): IndexTables | null {
  const { client, resource, codec } = engine;
  if ((resource.indexes ?? []).length === 0) return null;
  const read = (keys: readonly Key[], call: Call) => getMany(engine, keys, partitionOf, call);
  return createIndexTables({ ...options, client, resource, keys: codec, read });
}

interface Engine {
  readonly client: CassandraClient;
  readonly resource: Resource;
  readonly statements: Statements;
  readonly codec: KeyCodec;
  /** The most rows that one statement asks for. */
  readonly maxPage: number;
  /** Partitions that records without a parent are spread over; 0: the parent is the partition. */
  readonly buckets: number;
}

function tableOf(resource: Resource): NonNullable<Resource['cassandra']> {
  const { cassandra, parentLength } = resource;
  if (cassandra !== undefined && (parentLength > 0 || (cassandra.buckets ?? 0) > 0)) return cassandra;
  throw new DomainError({
    kind: 'failed_precondition',
    reason: 'MIGRATION_STATE',
    message: `The resource ${resource.id} has no table in Cassandra, or neither a parent nor buckets to be its partition key.`,
  });
}

async function getMany(
  engine: Engine,
  keys: readonly Key[],
  partitionOf: (entry: { readonly key: Key }) => string,
  call: Call,
): Promise<readonly Stored[]> {
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return [await getOne(engine, only, call)];
  const found = new Map<string, Stored>();
  const groups = groupKeys(keys, { resource: engine.resource, partitionOf, most: IN_KEYS });
  await forEachBounded(groups, STATEMENTS_IN_FLIGHT, async (group) => {
    for (const stored of await getGroup(engine, group, call)) found.set(stored.key.id, stored);
  });
  return keys.map((key) => found.get(key.id) ?? { key, row: null, version: 0n });
}

async function getGroup(engine: Engine, group: readonly Key[], call: Call): Promise<readonly Stored[]> {
  const [only] = group;
  const { getIn } = engine.statements;
  if (getIn === null || (only !== undefined && group.length === 1)) return [await getOne(engine, only as Key, call)];
  const result = await engine.client.run(getIn(group), call.deadlineMs, { fetchSize: 0 });
  return result.rows.map((row) => readRow(engine, row as DriverRow));
}

async function getOne({ client, statements }: Engine, key: Key, call: Call): Promise<Stored> {
  const result = await client.run(statements.get(key), call.deadlineMs);
  const [row] = result.rows;
  return row === undefined ? { key, row: null, version: 0n } : statements.read(row as DriverRow, key);
}

function readRow({ statements, codec }: Engine, row: DriverRow): Stored {
  return statements.read(row, codec.fromValues(statements.keyValues(row)));
}

/** Pages past markers until the list is full or the partition ends; a long run of markers is bounded by the deadline. */
async function list(engine: Engine, query: ListQuery, call: Call): Promise<readonly Stored[]> {
  const { buckets, maxPage } = engine;
  const { limit, descending = false } = query;
  if (buckets > 0)
    return mergeBuckets({ buckets, limit, descending }, (bucket) => readPages(engine, query, bucket, call));
  const readPage = readPages(engine, query, 0, call);
  const found: Stored[] = [];
  let rows = limit + LIST_SLACK;
  for (;;) {
    const { records, ended } = await readPage(Math.min(rows, maxPage));
    found.push(...records);
    if (ended || found.length >= limit) return found.slice(0, limit);
    rows = Math.max(MIN_LIST_PAGE, limit - found.length);
  }
}

/** Reads one partition page by page, in key order and without markers: each call of what it returns is the next page. */
function readPages(engine: Engine, query: ListQuery, bucket: number, call: Call): ReadPage {
  const { client, statements, maxPage } = engine;
  const bound = statements.list(query, bucket);
  let pageState: string | undefined;
  return async (rows) => {
    const fetchSize = Math.min(rows, maxPage);
    const result = await client.run(bound, call.deadlineMs, { fetchSize, ...(pageState && { pageState }) });
    pageState = result.pageState ?? undefined;
    const live = result.rows.filter((row) => (row as DriverRow).crossfade_deleted !== true);
    return { records: live.map((row) => readRow(engine, row as DriverRow)), ended: pageState === undefined };
  };
}

async function applyBatches(engine: Engine, batches: readonly (readonly Copy[])[], call: Call): Promise<void> {
  const { client, statements } = engine;
  await forEachBounded(batches, STATEMENTS_IN_FLIGHT, async (batch) => {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) await client.run(statements.apply(only), call.deadlineMs);
    else await client.runBatch(batch.map(statements.apply), call.deadlineMs);
  });
}

async function readTokens(engine: Engine, from: bigint, limit: number, call: Call): Promise<readonly bigint[]> {
  const bound = engine.statements.sample(from, limit);
  const result = await engine.client.run(bound, call.deadlineMs, { fetchSize: limit });
  return result.rows.map((row) => (row as DriverRow).crossfade_token as bigint);
}

/** Markers too. Bounded: a table that has outgrown its buckets is walked all the same. */
async function countRows({ client, statements, maxPage }: Engine, bucket: number, call: Call): Promise<number> {
  const bound = statements.keysIn(bucket);
  let rows = 0;
  let pageState: string | undefined;
  for (let page = 0; page < COUNTED_PAGES; page++) {
    const result = await client.run(bound, call.deadlineMs, { fetchSize: maxPage, ...(pageState && { pageState }) });
    rows += result.rows.length;
    pageState = result.pageState ?? undefined;
    if (pageState === undefined) break;
  }
  return rows;
}

interface WalkStep {
  readonly range: string;
  readonly after: string | null;
  readonly limit: number;
}

/** `after` is the server's own paging state; one that it can't read any more begins the range again. */
async function walk(engine: Engine, { range, after, limit }: WalkStep, call: Call): Promise<WalkPage> {
  const bound = boundOf(engine, range);
  const fetchSize = Math.min(limit, engine.maxPage);
  const read = (pageState: string | null): Promise<types.ResultSet> =>
    engine.client.run(bound, call.deadlineMs, { fetchSize, ...(pageState && { pageState }) });
  const result = await read(after).catch((error: unknown) => {
    if (after !== null && isUnreadablePageState(error)) return read(null);
    throw error;
  });
  return {
    records: result.rows.map((row) => readRow(engine, row as DriverRow)),
    next: result.pageState ?? null,
  };
}

/** A bucket, or a range of tokens. Throws a RangeError if it is neither. */
function boundOf({ statements, buckets }: Engine, range: string): Bound {
  const bucket = parseBucket(range);
  if (bucket !== undefined && bucket < buckets) return statements.walkBucket(bucket);
  const { from, to } = parseRange(range);
  return statements.walk(from, to);
}
