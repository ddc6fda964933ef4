import { DomainError } from '../../domain/errors.ts';
import type { Key } from '../../domain/key.ts';
import type { Call } from '../call.ts';
import type { FollowerStore, Stored, WalkPage, WalkRange } from '../record-store.ts';
import { NO_REQUESTS } from '../remembered-requests.ts';
import { compareRows, rowsIn } from './key-sql.ts';
import { MAX_PAGE } from './limits.ts';
import { integer } from './link.ts';
import type { MysqlClient, MysqlParameter, MysqlValue } from './pool.ts';
import { padKeys, readVersioned, versionOf } from './record-reads.ts';
import type { RecordTables } from './record-tables.ts';

/**
 * A part of a walk: the records, or the traces (side-table rows, of which those without a record are of interest), with
 * keys above `from` and up to `to`; null: open. As text: `r:` or `t:`, then both keys in base64url, apart by a colon.
 */
interface Range {
  readonly kind: 'records' | 'traces';
  readonly from: Key | null;
  readonly to: Key | null;
}

/** The walk over everything that the store has: first all records, then the traces of deleted ones. */
export function createRecordWalk(client: MysqlClient, tables: RecordTables): Pick<FollowerStore, 'split' | 'walk'> {
  const records = createRecordPages(client, tables);
  const traces = createTracePages(client, tables);
  return {
    async *split(chunkRows, call) {
      yield* planRanges(records, { kind: 'records', chunkRows }, call);
      yield* planRanges(traces, { kind: 'traces', chunkRows }, call);
    },
    walk: async (text, after, limit, call) => {
      const range = parseRange(tables, text);
      const from = after === null ? range.from : keyFromText(tables, after);
      const pages = range.kind === 'records' ? records : traces;
      return await pages.page({ from, to: range.to }, Math.min(limit, MAX_PAGE), call);
    },
  };
}

/** Pages of one kind of range, and what its planner asks. */
interface Pages {
  /** The key of the `chunkRows`th row after `from`; null: there are fewer. */
  boundary(from: Key | null, chunkRows: number, call: Call): Promise<Key | null>;
  /** How many rows there are after `from`. */
  count(from: Key | null, call: Call): Promise<number>;
  page(range: { readonly from: Key | null; readonly to: Key | null }, limit: number, call: Call): Promise<WalkPage>;
}

/**
 * Steps from boundary to boundary along the primary key, so that the first range is there after one step, however large
 * the table is. The last range is open: it has what is inserted behind the last record in the meantime.
 */
async function* planRanges(
  pages: Pages,
  plan: { readonly kind: Range['kind']; readonly chunkRows: number },
  call: Call,
): AsyncIterable<WalkRange> {
  let from: Key | null = null;
  // Ends with the table: every step is beyond the last.
  for (;;) {
    const to: Key | null = await pages.boundary(from, plan.chunkRows, call);
    const expectedRows = to === null ? await pages.count(from, call) : plan.chunkRows;
    yield { range: formatRange({ kind: plan.kind, from, to }), expectedRows };
    if (to === null) return;
    from = to;
  }
}

function createRecordPages(client: MysqlClient, tables: RecordTables): Pages {
  const order = tables.keyColumns.join(', ');
  const table = `${tables.table} t FORCE INDEX (PRIMARY)`;
  const keyOf = (row: readonly MysqlValue[]): Key => tables.codec.fromRow(tables.readRow(row));
  const { remembersRequests, columns } = tables.resource;
  const remembers = remembersRequests
    ? `LEFT JOIN ${tables.requests} q ON q.resource = ${tables.id} AND q.\`key\` = v.\`key\``
    : '';
  /** A record that has none says so, or its copies would leave the follower what it had. */
  const withRequests = (stored: Stored, row: readonly MysqlValue[]): Stored =>
    remembersRequests ? { ...stored, requests: (row[columns.length + 1] as Buffer | null) ?? NO_REQUESTS } : stored;
  const within = (from: Key | null, to: Key | null): { where: string; parameters: MysqlParameter[] } => {
    const bounds = [
      ...(from === null ? [] : [{ key: from, ...compareRows(tables.keyColumns, '>') }]),
      ...(to === null ? [] : [{ key: to, ...compareRows(tables.keyColumns, '<=') }]),
    ];
    return {
      where: bounds.length === 0 ? '' : `WHERE ${bounds.map((bound) => bound.sql).join(' AND ')}`,
      parameters: bounds.flatMap(({ key, values }) => {
        const parts = tables.bindKey(key);
        return values.map((i) => parts[i] ?? null);
      }),
    };
  };
  return {
    boundary: async (from, chunkRows, call) => {
      const { where, parameters } = within(from, null);
      const sql = `SELECT ${tables.keyColumns.join(', ')} FROM ${table} ${where} ORDER BY ${order} LIMIT 1 OFFSET ?`;
      const { rows } = await client.read(sql, [...parameters, integer(chunkRows - 1)], call);
      return rows[0] === undefined ? null : keyOf(rows[0]);
    },
    count: async (from, call) => {
      const { where, parameters } = within(from, null);
      const { rows } = await client.read(`SELECT COUNT(*) FROM ${table} ${where}`, parameters, call);
      return Number(rows[0]?.[0]);
    },
    page: async ({ from, to }, limit, call) => {
      const { where, parameters } = within(from, to);
      const sql = `SELECT v.version, ${tables.columns}${remembers ? ', q.requests' : ''}
        FROM ${tables.tableWithVersions} ${remembers} ${where} ORDER BY ${order} LIMIT ?`;
      const { rows } = await client.read(sql, [...parameters, integer(limit)], call);
      const records = rows.map((row) => withRequests(readVersioned(tables, row), row));
      return { records, next: rows.length < limit ? null : textOfKey(records.at(-1)?.key) };
    },
  };
}

/**
 * Traces are read in two statements: the versions, and afterwards which of their keys have a record. A record that is
 * deleted in between is a trace at an older version, which is allowed: its deletion has a newer one, which capture
 * brings.
 */
function createTracePages(client: MysqlClient, tables: RecordTables): Pages {
  const table = `${tables.versions} v FORCE INDEX (PRIMARY)`;
  const within = (from: Key | null, to: Key | null): { where: string; parameters: MysqlParameter[] } => ({
    where: `WHERE resource = ${tables.id}${from === null ? '' : ' AND `key` > ?'}${to === null ? '' : ' AND `key` <= ?'}`,
    parameters: [from, to].flatMap((key) => (key === null ? [] : [key.bytes])),
  });
  return {
    boundary: async (from, chunkRows, call) => {
      const { where, parameters } = within(from, null);
      const sql = `SELECT \`key\` FROM ${table} ${where} ORDER BY \`key\` LIMIT 1 OFFSET ?`;
      const { rows } = await client.read(sql, [...parameters, integer(chunkRows - 1)], call);
      return rows[0] === undefined ? null : keyFromBytes(tables, rows[0][0] as Buffer);
    },
    count: async (from, call) => {
      const { where, parameters } = within(from, null);
      const { rows } = await client.read(`SELECT COUNT(*) FROM ${table} ${where}`, parameters, call);
      return Number(rows[0]?.[0]);
    },
    page: async ({ from, to }, limit, call) => {
      const { where, parameters } = within(from, to);
      const requests = tables.resource.remembersRequests
        ? `(SELECT q.requests FROM ${tables.requests} q
        WHERE q.resource = ${tables.id} AND q.\`key\` = v.\`key\`)`
        : 'NULL';
      const sql = `SELECT \`key\`, version, ${requests} FROM ${table} ${where} ORDER BY \`key\` LIMIT ?`;
      const { rows } = await client.read(sql, [...parameters, integer(limit)], call);
      const traces = rows.map(([key, version, remembered]): Stored => {
        const trace = { key: keyFromBytes(tables, key as Buffer), row: null, version: versionOf(version) };
        return tables.resource.remembersRequests
          ? { ...trace, requests: (remembered as Buffer | null) ?? NO_REQUESTS }
          : trace;
      });
      const present = await findPresent(client, tables, traces, call);
      return {
        records: traces.filter((trace) => !present.has(trace.key.id)),
        next: rows.length < limit ? null : textOfKey(traces.at(-1)?.key),
      };
    },
  };
}

/** Statements of these sizes ask which records exist: a small page does not pay for a large one. */
const existenceSizes = [1, 4, 16, 64];
/** Larger ones cost more for each key: every row that is found is compared with the whole list. */
const EXISTENCE_BATCH = 64;

/** The ids of those keys that have a record now. */
async function findPresent(
  client: MysqlClient,
  tables: RecordTables,
  traces: readonly Stored[],
  call: Call,
): Promise<ReadonlySet<string>> {
  const present = new Set<string>();
  for (let at = 0; at < traces.length; at += EXISTENCE_BATCH) {
    const keys = traces.slice(at, at + EXISTENCE_BATCH).map((trace) => trace.key);
    const size = existenceSizes.find((candidate) => candidate >= keys.length) ?? EXISTENCE_BATCH;
    const sql = `SELECT ${tables.keyColumns.join(', ')} FROM ${tables.table} t FORCE INDEX (PRIMARY)
      WHERE ${rowsIn(tables.keyColumns, size)}`;
    const parameters = padKeys(keys, size).flatMap((key) => tables.bindKey(key));
    const { rows } = await client.read(sql, parameters, call);
    for (const row of rows) present.add(tables.codec.fromRow(tables.readRow(row)).id);
  }
  return present;
}

function formatRange({ kind, from, to }: Range): string {
  return `${kind === 'records' ? 'r' : 't'}:${textOfKey(from) ?? ''}:${textOfKey(to) ?? ''}`;
}

function parseRange(tables: RecordTables, text: string): Range {
  const [kind, from, to] = text.split(':');
  if ((kind !== 'r' && kind !== 't') || from === undefined || to === undefined) throw foreignRange();
  return {
    kind: kind === 'r' ? 'records' : 'traces',
    from: from === '' ? null : keyFromText(tables, from),
    to: to === '' ? null : keyFromText(tables, to),
  };
}

function textOfKey(key: Key | null | undefined): string | null {
  return key?.bytes.toString('base64url') ?? null;
}

function keyFromText(tables: RecordTables, text: string): Key {
  return keyFromBytes(tables, Buffer.from(text, 'base64url'));
}

function keyFromBytes(tables: RecordTables, bytes: Buffer): Key {
  try {
    return tables.codec.fromBytes(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw foreignRange(error);
    throw error;
  }
}

/** The key columns have changed since the range, or the side table's row, was written. */
function foreignRange(cause?: unknown): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'INTERNAL',
    message: 'A range of a walk, or a row of the side table, is not of this resource as it is defined now.',
    cause,
  });
}
