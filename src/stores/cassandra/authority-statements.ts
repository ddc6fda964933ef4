import { types } from 'cassandra-driver';
import type { Key } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Next, Seen } from '../conditional-writes.ts';
import type { Stored } from '../record-store.ts';
import { NO_REQUESTS } from '../remembered-requests.ts';
import type { Bound } from './client.ts';
import { bindAll, type DriverRow, marks, quote, type Statements } from './statements.ts';
import { compileTargetKey } from './target-key.ts';
import { bigintBytes, bindOf, selectOf } from './values.ts';

/** The statements of one resource's authority, compiled once. All that change something are conditional. */
export interface AuthorityStatements {
  /** One record, for a read at SERIAL, with the coordinator's clock as `crossfade_now`. */
  readonly see: (key: Key) => Bound;
  /** Several records of one partition that differ in the last key column alone, for one read at SERIAL. */
  readonly seeIn: (keys: readonly Key[]) => Bound;
  /** What {@link see} read. `row` undefined: nothing. */
  readonly seen: (key: Key, row: DriverRow | undefined) => Seen;
  /** Replaces every column, if the record is still as it was seen. One batch. */
  readonly replace: (seen: Seen, next: Next) => readonly Bound[];
  /** Changes only the version, or makes the marker anew where there is no record, if it is still as it was seen. One batch. */
  readonly fence: (seen: Seen, version: bigint) => readonly Bound[];
}

/** Of a write that nobody knows: as copies have it. */
const NO_WRITE_ID = Buffer.alloc(0);

/**
 * Compiles the statements. `IF crossfade_version = null` holds for absent records and for those that were written natively,
 * also where only the key was; `IF NOT EXISTS` would refuse the latter. A lightweight transaction takes no timestamp from
 * outside, but a TTL: 0 is none.
 *
 * A marker takes an INSERT beside the conditional UPDATE: an UPDATE alone would leave the row's own liveness as an earlier
 * INSERT made it, of a copy or natively, and when the marker expires the row would be back, with nothing but nulls. All of its
 * columns are null also in a fence, so that a late copy of an older state finds a tombstone in its way.
 */
export function compileAuthorityStatements(
  resource: Resource,
  table: { readonly keyspace: string; readonly table: string },
  options: { readonly markerTtlSeconds: number; readonly read: Statements['read'] },
): AuthorityStatements {
  const { columns, keyLength } = resource;
  const name = `${quote(table.keyspace)}.${quote(table.table)}`;
  const targetKey = compileTargetKey(resource);
  const keyNames = [...targetKey.partition, ...targetKey.clustering];
  const others = columns.slice(keyLength);
  const names = [...keyNames, ...others.map((column) => quote(column.cassandraName))];
  const own = ['crossfade_version', 'crossfade_deleted', 'crossfade_write_id'];
  const remembers = resource.remembersRequests ? ['crossfade_requests'] : [];
  const now = 'now() AS crossfade_now';
  const selected = columns.map((column) => selectOf(column.type, quote(column.cassandraName)));
  const isKey = keyNames.map((column) => `${column} = ?`).join(' AND ');
  const isIn = [...keyNames.slice(0, -1).map((column) => `${column} = ?`), `${keyNames.at(-1)} IN ?`].join(' AND ');
  const ifStill = `WHERE ${isKey} IF crossfade_version = ?`;
  const set = [...names.slice(keyNames.length), ...own, ...remembers].map((column) => `${column} = ?`).join(', ');
  const text = {
    see: `SELECT ${[...selected.slice(keyLength), ...own, ...remembers, now].join(', ')} FROM ${name} WHERE ${isKey}`,
    seeIn: `SELECT ${[...selected, ...own, ...remembers, now].join(', ')} FROM ${name} WHERE ${isIn}`,
    replace: `UPDATE ${name} USING TTL ? SET ${set} ${ifStill}`,
    fence: `UPDATE ${name} SET crossfade_version = ? ${ifStill}`,
    unlessMoved: `UPDATE ${name} USING TTL ? SET crossfade_version = ? ${ifStill}`,
    marker: `INSERT INTO ${name} (${[...names, ...own, ...remembers].join(', ')})
      VALUES (${marks([...names, ...own, ...remembers])}) USING TTL ?`,
  };
  const binds = others.map((column) => bindOf(column.type));
  const still = ({ key, version }: Seen): unknown[] => [
    ...targetKey.bind(key),
    version === null ? null : bigintBytes(version),
  ];
  const nulls = others.map(() => null);
  // Unset where there is nothing new: a null would be one more tombstone in every row.
  const bindRequests = (requests: Buffer | undefined): unknown[] => remembers.map(() => requests ?? types.unset);
  const marker = (seen: Seen, { version, writeId, requests = seen.requests }: Omit<Next, 'row'>): readonly Bound[] => {
    const stamp = bigintBytes(version);
    // Never unset: a cell without the marker's TTL would outlive it, and the deleted record be back.
    const memory = bindRequests(requests ?? NO_REQUESTS);
    const row = [...targetKey.bind(seen.key), ...nulls, stamp, true, writeId, ...memory];
    return [
      { query: text.unlessMoved, params: [options.markerTtlSeconds, stamp, ...still(seen)] },
      { query: text.marker, params: [...row, options.markerTtlSeconds] },
    ];
  };
  return {
    see: (key) => ({ query: text.see, params: targetKey.bind(key) }),
    seeIn: (keys) => ({ query: text.seeIn, params: targetKey.bindIn(keys) }),
    seen: (key, row) => (row === undefined ? absent(key) : present(options.read(row, key), row)),
    replace: (seen, next) => {
      const { row, version, writeId, requests } = next;
      if (row === null) return marker(seen, next);
      const params: unknown[] = [0, ...bindAll(binds, row.slice(keyLength))];
      params.push(bigintBytes(version), false, writeId, ...bindRequests(requests), ...still(seen));
      return [{ query: text.replace, params }];
    },
    // The write id stays: whoever lost the answer to its write looks for it.
    fence: (seen, version) =>
      seen.row === null
        ? marker(seen, { version, writeId: seen.writeId ?? NO_WRITE_ID })
        : [{ query: text.fence, params: [bigintBytes(version), ...still(seen)] }],
  };
}

function absent(key: Key): Seen {
  return { key, row: null, version: null, writeId: null };
}

function present({ key, row, requests }: Stored, read: DriverRow): Seen {
  const { crossfade_version: version, crossfade_write_id: writeId } = read;
  const seen = { key, row, version: (version ?? null) as bigint | null, writeId: (writeId ?? null) as Buffer | null };
  return requests === undefined ? seen : { ...seen, requests };
}
