import { DomainError } from '../../domain/errors.ts';
import type { Key } from '../../domain/key.ts';
import { differingColumns, type Resource, type Row, type Value } from '../../domain/resource.ts';
import type { LogEvent } from '../change-log.ts';
import type { ControlRecord } from '../control-store.ts';
import { judgeChange } from '../judge-change.ts';
import { otherAttach } from '../other-attach.ts';
import type { Change, ControlView, Copy, FollowerGuard, Guard, SourceStore, Written } from '../record-store.ts';
import { checkCall, type MemoryDatabase } from './database.ts';
import { MemoryTable } from './table.ts';
import { createTableReads } from './table-reads.ts';

/** The source in memory, and what only a test can do with it. */
export interface MemoryRecordStore extends SourceStore {
  /** Changes a record as an outside program would: no version, no guard. `row` null deletes it. */
  outsideWrite(key: Key, row: Row | null): void;
}

/** The store of one resource as the source, with the semantics of the MySQL engine, as one synchronous step a call. */
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
  /** All of it is one transaction, and in the log like any other. */
  const applyNow = (copies: readonly Copy[], guard: FollowerGuard | undefined): void => {
    if (guard !== undefined && !isOfAttach(database.control.get(resource.id), guard)) throw otherAttach(resource.id);
    const bumps: LogEvent[] = [];
    const changes: LogEvent[] = [];
    for (const { key, row, version } of copies) {
      const before = table.get(key);
      if (version <= before.version) continue;
      bumps.push({ type: 'bump', key, version });
      if (!sameRow(before.row, row)) changes.push({ type: 'change', key, row });
      table.set(key, row, version);
    }
    database.commit(resource.id, [...bumps, ...changes]);
  };
  return {
    ...createTableReads(table, database.clock),
    apply: async (copies, call, guard) => {
      checkCall(database.clock, call);
      applyNow(copies, guard);
    },
    highestVersion: async (call) => {
      checkCall(database.clock, call);
      return table.highestVersion();
    },
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

function viewOf(database: MemoryDatabase, resource: string): ControlView {
  const record: ControlRecord | undefined = database.control.get(resource);
  if (record === undefined) {
    throw new DomainError({ kind: 'internal', reason: 'INTERNAL', message: `no control record for ${resource}` });
  }
  const { epoch, attach, state, floor, generation } = record;
  return { epoch, attach, state, floor, generation };
}

function isOfAttach(control: ControlRecord | undefined, guard: FollowerGuard): boolean {
  return control?.epoch === guard.epoch && control.attach === guard.attach;
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
