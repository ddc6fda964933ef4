import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Key } from '../../domain/key.ts';
import { differingColumns, type Resource, type Row, type Value } from '../../domain/resource.ts';
import type { LogEvent } from '../change-log.ts';
import type { ControlRecord } from '../control-store.ts';
import { judgeChange } from '../judge-change.ts';
import type { Change, ControlView, FollowerStore, Guard, RecordStore, Written } from '../record-store.ts';
import { checkCall, type MemoryDatabase } from './database.ts';
import { MAX_KEYS } from './limits.ts';
import { MemoryTable } from './table.ts';

/** The authority in memory, and what only a test can do with it. */
export interface MemoryRecordStore extends RecordStore {
  /** Changes a record as an outside program would: no version, no guard. `row` null deletes it. */
  outsideWrite(key: Key, row: Row | null): void;
}

/** The store of one resource as the authority, with the semantics of the MySQL engine, as one synchronous step a call. */
export function createMemoryRecordStore(options: {
  readonly database: MemoryDatabase;
  readonly resource: Resource;
}): MemoryRecordStore {
  const { database, resource } = options;
  const table = new MemoryTable(resource);
  const writeNow = (change: Change, guard: Guard): Written => {
    const control = viewOf(database, resource.id);
    if (!holds(control, guard)) {
      return { outcome: 'control_changed', stored: table.get(change.key), control };
    }
    const events: LogEvent[] = [];
    const before = table.get(change.key);
    let version = before.version;
    // While detached nothing reads the versions: the next attach raises the floor above all of them.
    if (control.state !== 'detached') {
      version = highest(before.version + 1n, control.floor + 1n, database.clock.wallMicros());
      events.push({ type: 'bump', key: change.key, version });
    }
    const outcome = judgeChange(change, before.row);
    const row = outcome === 'written' ? rowAfter(resource, change, before.row) : before.row;
    if (!sameRow(before.row, row)) events.push({ type: 'change', key: change.key, row });
    table.set(change.key, row, version);
    database.commit(resource.id, events);
    return { outcome, stored: { key: change.key, row, version }, control };
  };
  return {
    ...createReads(table, database.clock),
    write: async (change, guard, call) => {
      checkCall(database.clock, call);
      return writeNow(change, guard);
    },
    touchMany: async (keys, guard, call) => {
      checkCall(database.clock, call);
      return keys.map((key) => writeNow({ key, kind: 'touch', row: null, columns: [] }, guard));
    },
    outsideWrite: (key, row) => {
      if (sameRow(table.get(key).row, row)) return;
      table.set(key, row);
      database.commit(resource.id, [{ type: 'change', key, row }]);
    },
  };
}

/** A follower of one resource in memory, with the semantics of the Cassandra engine, but markers that never expire. */
export function createMemoryFollowerStore(options: {
  readonly clock: Clock;
  readonly resource: Resource;
}): FollowerStore {
  return createReads(new MemoryTable(options.resource), options.clock);
}

function createReads(table: MemoryTable, clock: Clock): FollowerStore {
  return {
    engine: 'memory',
    maxKeys: MAX_KEYS,
    getMany: async (keys, call) => {
      checkCall(clock, call);
      return keys.map((key) => table.get(key));
    },
    list: async (query, call) => {
      checkCall(clock, call);
      return table.list(query);
    },
    apply: async (copies, call) => {
      checkCall(clock, call);
      for (const copy of copies) table.apply(copy);
    },
    async *split(chunkRows, call) {
      checkCall(clock, call);
      yield* table.split(chunkRows);
    },
    walk: async (range, after, limit, call) => {
      checkCall(clock, call);
      return table.walk(range, after, limit);
    },
    clock: async (call) => {
      checkCall(clock, call);
      return clock.wallMicros();
    },
  };
}

function viewOf(database: MemoryDatabase, resource: string): ControlView {
  const record: ControlRecord | undefined = database.control.get(resource);
  if (record === undefined) {
    throw new DomainError({ kind: 'internal', reason: 'INTERNAL', message: `no control record for ${resource}` });
  }
  const { epoch, attach, state, floor, generation } = record;
  return { epoch, attach, state, floor, generation };
}

function holds(control: ControlView, guard: Guard): boolean {
  const handingOver = control.state === 'handing_over' || control.state === 'moved';
  return control.epoch === guard.epoch && control.attach === guard.attach && !handingOver;
}

function rowAfter(resource: Resource, change: Change, current: Row | null): Row | null {
  if (change.kind === 'delete') return null;
  if (change.kind === 'touch') return current;
  const row: Value[] = [...(current ?? resource.columns.map((_, i) => change.key.values[i] ?? null))];
  for (const column of change.columns) row[column] = change.row?.[column] ?? null;
  return row;
}

function sameRow(a: Row | null, b: Row | null): boolean {
  if (a === null || b === null) return a === b;
  return differingColumns(a, b).length === 0;
}

function highest(...versions: readonly bigint[]): bigint {
  return versions.reduce((a, b) => (a > b ? a : b));
}
