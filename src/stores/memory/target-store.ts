/*
 * The target in memory: the Cassandra engine's own conditional writes over rows of cells, for simulations. As there, and
 * unlike the source in memory, a write is several steps with waits between them: the read, `ready`, the update.
 *
 * The update is the linearizable step. Its cells carry the clock at that moment (the ballot), not the version: where a copy of
 * a version ahead of the clock was applied before, the update is answered "applied" and has no effect on those
 * cells (docs/protocol.md, section 6, step 4).
 */

import type { Clock, Random } from '../../domain/clock.ts';
import { DomainError, type ErrorReason } from '../../domain/errors.ts';
import type { Key } from '../../domain/key.ts';
import type { Resource, Row } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import {
  type ConditionalEngine,
  controlChanged,
  type Next,
  type Seen,
  touchConditionally,
  type UpdateOutcome,
  writeConditionally,
} from '../conditional-writes.ts';
import type { FollowerStore, Guard, RecordStore, Written } from '../record-store.ts';
import { noServerValues } from '../server-values.ts';
import { createReservations } from '../unique-reservations.ts';
import { MemoryCells } from './cells.ts';
import { checkCall } from './database.ts';
import { MemoryReservations } from './reservations.ts';
import { MemoryTable } from './table.ts';
import { createTableReads } from './table-reads.ts';

/**
 * What becomes of one conditional update. `lose_answer`: it arrives, and the writer never hears of it. `drop`: it never arrives, and
 * the writer can't know. `delayMs`: as `drop` for the writer, but it arrives later, and is applied if the record is still
 * as the writer saw it.
 */
export type UpdateFate = 'apply' | 'lose_answer' | 'drop' | { readonly delayMs: number };

/** What the target in memory is made of. */
export interface MemoryTargetStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly resource: Resource;
  /** Asked before each conditional update. Default: always `apply`. */
  readonly onUpdate?: () => UpdateFate;
  /** Waited for on each way of a read or an update of a write, there and back. Default: one turn of promises. */
  readonly onWay?: (way: Way) => Promise<void>;
}

/** The way of a request to a store, or that of its answer. */
export type Way = 'there' | 'back';

/** One client of the target: what can go wrong between it and the store. */
export type MemoryTargetLink = Pick<MemoryTargetStoreOptions, 'onUpdate' | 'onWay'> & {
  /** The client's own clock. Default: the store's. */
  readonly clock?: Clock;
};

/** The target in memory, and what only a test can do with it. */
export interface MemoryTargetStore extends RecordStore {
  /** Changes a record as an outside program would: no version, no condition. `row` null deletes it, and its version. */
  outsideWrite(key: Key, row: Row | null): void;
  /** The same store as another client reaches it. */
  through(link: MemoryTargetLink): RecordStore;
}

/**
 * The store of one resource as the target, follower and authority, with the semantics of the Cassandra engine, but that
 * markers never expire, and writers of one record do not take turns. One object serves all instances.
 */
export function createMemoryTargetStore(options: MemoryTargetStoreOptions): MemoryTargetStore {
  const { clock, resource } = options;
  const table = new MemoryTable(resource);
  const cells = new MemoryCells(resource, table);
  const ballots = new Ballots(clock);
  const reservations = new MemoryReservations(table);
  const through = (link: MemoryTargetLink): RecordStore => {
    const engine = createEngine({ ...options, ...link, clock: link.clock ?? clock }, cells, {
      ballots,
      servers: clock,
      reservations,
    });
    return {
      ...follower,
      write: async (change, guard, call) => (await writeConditionally(engine, [change], guard, call))[0] as Written,
      writeMany: (changes, guard, call) => writeConditionally(engine, changes, guard, call),
      touchMany: (keys, guard, call) => touchMany(engine, keys, guard, call),
    };
  };
  const follower: FollowerStore = {
    ...createTableReads(table, clock),
    apply: async (copies, call) => {
      checkCall(clock, call);
      for (const { key, row, version, requests } of copies) {
        const columns = cells.columnsOf(row);
        cells.write(key, { columns, version, deleted: row === null, writeId: NO_WRITE_ID, requests }, version);
      }
    },
  };
  return {
    ...through(options),
    through,
    outsideWrite: (key, row) => {
      const gone = row === null ? { version: null, deleted: null, writeId: null } : {};
      cells.write(key, { columns: cells.columnsOf(row), ...gone }, ballots.next());
    },
  };
}

/** Of a write that nobody knows: as copies have it. */
const NO_WRITE_ID = Buffer.alloc(0);

/** Timestamps by the clock, each above the one before, as Paxos has them in a partition. */
class Ballots {
  readonly #clock: Clock;
  #last = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The store's clock. */
  now(): bigint {
    return this.#clock.wallMicros();
  }

  next(): bigint {
    const now = this.#clock.wallMicros();
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
}

function createEngine(
  { clock, random, resource, onUpdate = () => 'apply', onWay = async () => {} }: MemoryTargetStoreOptions,
  cells: MemoryCells,
  {
    ballots,
    servers,
    reservations: kept,
  }: { readonly ballots: Ballots; readonly servers: Clock; readonly reservations: MemoryReservations },
): ConditionalEngine {
  const reservations = createReservations(resource, kept.through(onWay));
  const see: ConditionalEngine['see'] = async (keys) => {
    await onWay('there');
    const look = { seen: keys.map((key) => cells.see(key)), nowMicros: ballots.now() };
    await onWay('back');
    return look;
  };
  /** All or none. */
  const update = async (seen: readonly Seen[], write: (timestamp: bigint) => void): Promise<UpdateOutcome> => {
    const arrive = (): UpdateOutcome => {
      const timestamp = ballots.next();
      if (seen.some(({ key, version }) => cells.see(key).version !== version)) return 'not_applied';
      write(timestamp);
      return 'applied';
    };
    const fate = onUpdate();
    if (typeof fate === 'object') void servers.sleep(fate.delayMs).then(arrive);
    if (typeof fate === 'object' || fate === 'drop') return 'unknown';
    await onWay('there');
    const outcome = arrive();
    await onWay('back');
    return fate === 'apply' ? outcome : 'unknown';
  };
  return {
    resource,
    serverValues: noServerValues(resource),
    clock,
    random,
    ...(reservations && { reservations }),
    see,
    seeAgain: async (keys, call) => (await see(keys, call)).seen,
    within: async (call, work) => {
      checkCall(clock, call);
      return await work();
    },
    replace: (seen, next, call) => {
      checkCall(clock, call);
      return update(seen, (timestamp) =>
        seen.forEach(({ key }, i) => {
          const { row, version, writeId, requests } = next[i] as Next;
          const columns = cells.columnsOf(row);
          cells.write(key, { columns, version, deleted: row === null, writeId, requests }, timestamp);
        }),
      );
    },
    fence: (seen, versions, call) => {
      checkCall(clock, call);
      return update(seen, (timestamp) =>
        seen.forEach(({ key, row, writeId }, i) => {
          const version = versions[i] as bigint;
          const marker = { columns: cells.columnsOf(null), deleted: true, writeId: writeId ?? NO_WRITE_ID };
          cells.write(key, row === null ? { ...marker, version } : { version }, timestamp);
        }),
      );
    },
    unavailable: (why) => failure('unavailable', 'AUTHORITY_UNAVAILABLE', why),
    outcomeUnknown: (why) => failure('unknown', 'OUTCOME_UNKNOWN', why),
  };
}

async function touchMany(
  engine: ConditionalEngine,
  keys: readonly Key[],
  guard: Guard,
  call: Call,
): Promise<readonly Written[]> {
  const touched = new Map<string, Written>();
  for (const key of keys) {
    if (touched.has(key.id)) continue;
    const [written] = (await touchConditionally(engine, [key], guard, call)) as [Written];
    if (written.outcome === 'control_changed') return keys.map((one) => controlChanged(one, written.control));
    touched.set(key.id, written);
  }
  return keys.map((key) => touched.get(key.id) as Written);
}

function failure(kind: 'unavailable' | 'unknown', reason: ErrorReason, message: string): DomainError {
  return new DomainError({ kind, reason, message });
}
