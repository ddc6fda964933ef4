import type { IndexCodec } from '../../domain/index-entry.ts';
import type { KeyCodec } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import { indexTableOf } from '../../schema/cassandra-index-ddl.ts';
import type { ReservationTable } from '../unique-reservations.ts';
import type { CassandraClient } from './client.ts';
import type { ConditionalUpdates } from './conditional-update.ts';
import type { Role } from './errors.ts';
import type { IndexTables } from './index-tables.ts';
import { quote } from './statements.ts';

/** What the reservations of one resource are made of. */
export interface ReservationTableOptions {
  readonly client: CassandraClient;
  readonly role: Role;
  readonly resource: Resource;
  readonly keys: KeyCodec;
  readonly updates: ConditionalUpdates;
  readonly indexes: IndexTables;
}

/**
 * Reservations as static columns of the unique indexes' tables: one for each entry. They are written by lightweight transactions
 * only, and the rows beside them never are, so the two do not meet in any cell.
 */
export function createReservationTable(options: ReservationTableOptions): ReservationTable {
  const { client, role, resource, keys, updates, indexes } = options;
  const texts = new Map((resource.indexes ?? []).map((index) => [index.name, compile(resource, index)]));
  const textOf = ({ index }: IndexCodec) => texts.get(index.name) as ReturnType<typeof compile>;
  return {
    look: (codec, entry, call) =>
      client.within(role, call, async () => {
        const { rows } = await client.runSerial({ query: textOf(codec).look, params: [entry] }, call.deadlineMs);
        const holder = (rows[0]?.get('holder') ?? null) as Buffer | null;
        const attempt = (rows[0]?.get('attempt') ?? null) as Buffer | null;
        return { holder: holder && keys.fromBytes(holder), attempt };
      }),
    isTaken: ({ index }, entry, by, call) => client.within(role, call, () => indexes.isTaken(index, entry, by, call)),
    take: (codec, entry, was, { holder, attempt }, call) =>
      updates.update([{ query: textOf(codec).take, params: [holder.bytes, attempt, entry, was] }], call),
  };
}

function compile(resource: Resource, index: IndexCodec['index']) {
  const { keyspace, table } = indexTableOf(resource, index);
  const name = `${quote(keyspace)}.${quote(table)}`;
  return {
    look: `SELECT holder, attempt FROM ${name} WHERE entry = ? LIMIT 1`,
    take: `UPDATE ${name} SET holder = ?, attempt = ? WHERE entry = ? IF attempt = ?`,
  };
}
