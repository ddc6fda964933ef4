/*
 * Writes, when Cassandra is the authority (docs/protocol.md, section 5): conditional writes (`conditional-writes.ts`) by
 * lightweight transactions, and reads at SERIAL. Writes of one partition take turns within this process.
 */
import type { types } from 'cassandra-driver';
import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import type { Key, KeyCodec } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import {
  type ConditionalEngine,
  controlChanged,
  type Look,
  type Next,
  type Seen,
  touchConditionally,
  writeConditionally,
} from '../conditional-writes.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import type { Change, RecordStore, Written } from '../record-store.ts';
import { noServerValues, type ServerValues } from '../server-values.ts';
import { createReservations } from '../unique-reservations.ts';
import { compilePartitionOf } from './apply.ts';
import type { AuthorityStatements } from './authority-statements.ts';
import type { CassandraClient } from './client.ts';
import { microsOf, readNow } from './clocks.ts';
import { createConditionalUpdates } from './conditional-update.ts';
import { outcomeUnknown, type Role, unavailable } from './errors.ts';
import type { IndexTables } from './index-tables.ts';
import { groupKeys } from './key-groups.ts';
import { IN_KEYS, READS_OF_A_BATCH, TOUCH_BATCH, TOUCHES_IN_FLIGHT } from './limits.ts';
import { createReservationTable } from './reservations.ts';
import type { DriverRow, Statements } from './statements.ts';
import { Turns } from './turns.ts';

/** What writes are made of. */
export interface RecordWritesOptions {
  readonly client: CassandraClient;
  readonly resource: Resource;
  /** What the source puts into columns by itself. Default: nothing. */
  readonly serverValues?: ServerValues;
  readonly role: Role;
  readonly statements: AuthorityStatements;
  /** The key columns' values in a row. */
  readonly keyValues: Statements['keyValues'];
  readonly codec: KeyCodec;
  /** Null: the resource has none. */
  readonly indexes: IndexTables | null;
  /** For deadlines and pauses; versions take a node's clock. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}

/** Creates the writes of one resource as the authority. */
export function createRecordWrites(
  options: RecordWritesOptions,
): Pick<RecordStore, 'write' | 'writeMany' | 'touchMany'> {
  const { client, role, resource } = options;
  const partitionOf = compilePartitionOf(resource);
  const engine = createEngine(options);
  const turns = new Turns();
  const inTurn = <Result>(key: Key, call: Call, work: () => Promise<Result>): Promise<Result> =>
    turns.take(partitionOf({ key }), (turn) => client.within(role, call, () => turn), work);
  const writeMany: RecordStore['writeMany'] = (changes, guard, call) =>
    inTurn((changes[0] as Change).key, call, () => writeConditionally(engine, changes, guard, call));
  return {
    write: async (change, guard, call) => (await writeMany([change], guard, call))[0] as Written,
    writeMany,
    touchMany: async (keys, guard, call) => {
      const distinct = [...new Map(keys.map((key) => [key.id, key])).values()];
      distinct.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
      const touched = new Map<string, Written>();
      let refused: Written | undefined;
      const groups = groupKeys(distinct, { resource, partitionOf, most: TOUCH_BATCH });
      await forEachBounded(groups, TOUCHES_IN_FLIGHT, async (group) => {
        if (refused !== undefined) return;
        for (const written of await inTurn(group[0] as Key, call, () =>
          touchConditionally(engine, group, guard, call),
        )) {
          touched.set(written.stored.key.id, written);
          if (written.outcome === 'control_changed') refused = written;
        }
      });
      if (refused === undefined) return keys.map((key) => touched.get(key.id) as Written);
      const { control } = refused;
      return keys.map((key) => controlChanged(key, control));
    },
  };
}

function createEngine(options: RecordWritesOptions): ConditionalEngine {
  const { client, role, resource, statements, indexes, clock = systemClock, random = systemRandom } = options;
  const updates = createConditionalUpdates(client, role, clock);
  // Before the update, as a record is told of from then on. A hint whose update fails is one of another time.
  const withHints = async (put: (tables: IndexTables) => Promise<void>, call: Call): Promise<void> => {
    if (indexes !== null) await client.within(role, call, () => put(indexes));
  };
  const table = indexes && createReservationTable({ client, role, resource, keys: options.codec, updates, indexes });
  const reservations = table === null ? undefined : createReservations(resource, table);
  return {
    resource,
    ...(reservations && { reservations }),
    serverValues: options.serverValues ?? noServerValues(resource),
    clock,
    random,
    within: (call, work) => client.within(role, call, work),
    see: (keys, call) => see(options, keys, call.deadlineMs),
    seeAgain: async (keys, call) => {
      const look = await updates.resolve((deadlineMs) => see(options, keys, deadlineMs), call);
      return look.seen;
    },
    replace: async (seen, next, call) => {
      const changed = seen.map(({ key, row: before }, i) => {
        const { row, version } = next[i] as Next;
        return { key, row, version, before };
      });
      await withHints((tables) => tables.putChanged(changed, call), call);
      return updates.update(
        seen.flatMap((one, i) => statements.replace(one, next[i] as Next)),
        call,
      );
    },
    fence: async (seen, versions, call) => {
      const fenced = seen.map(({ key, row }, i) => ({ key, row, version: versions[i] as bigint }));
      await withHints((tables) => tables.put(fenced, call), call);
      return updates.update(
        seen.flatMap((one, i) => statements.fence(one, versions[i] as bigint)),
        call,
      );
    },
    unavailable: (why) => unavailable(role, why),
    outcomeUnknown,
  };
}

/**
 * The records in the order of `keys`, which are of one partition, and the clock. Where one statement can't name them all, each is
 * linearizable by itself, which is enough: each is compared once more by the update.
 */
async function see(options: RecordWritesOptions, keys: readonly Key[], deadlineMs: number): Promise<Look> {
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return seeGroup(options, keys, deadlineMs);
  const groups = groupKeys(keys, { resource: options.resource, partitionOf: () => '', most: IN_KEYS });
  const looks = new Array<Look>(groups.length);
  await forEachBounded([...groups.entries()], READS_OF_A_BATCH, async ([i, group]) => {
    looks[i] = await seeGroup(options, group, deadlineMs);
  });
  const byId = new Map(looks.flatMap(({ seen }) => seen.map((one): [string, Seen] => [one.key.id, one])));
  return { seen: keys.map((key) => byId.get(key.id) as Seen), nowMicros: (looks[0] as Look).nowMicros };
}

/** Keys that one statement can name, and the clock, for which an absent record has no row. */
async function seeGroup(options: RecordWritesOptions, keys: readonly Key[], deadlineMs: number): Promise<Look> {
  const { client, statements, codec, keyValues } = options;
  const [only] = keys;
  const statement = only !== undefined && keys.length === 1 ? statements.see(only) : statements.seeIn(keys);
  const rows = (await client.runSerial(statement, deadlineMs)).rows as unknown as readonly DriverRow[];
  const [first] = rows;
  if (first === undefined) {
    const seen = keys.map((key) => statements.seen(key, undefined));
    return { seen, nowMicros: await readNow(client, deadlineMs) };
  }
  const nowMicros = microsOf(first.crossfade_now as types.TimeUuid);
  if (keys.length === 1) return { seen: [statements.seen(only as Key, first)], nowMicros };
  const byId = new Map(rows.map((row) => [codec.fromValues(keyValues(row)).id, row]));
  return { seen: keys.map((key) => statements.seen(key, byId.get(key.id))), nowMicros };
}
