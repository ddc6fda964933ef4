import { DomainError } from '../../domain/errors.ts';
import type { Key } from '../../domain/key.ts';
import { differingColumns, type Resource, type Row, type Value } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { LogEvent } from '../change-log.ts';
import type { ControlRecord } from '../control-store.ts';
import { isRefused, judgeChanges, requestsAfter } from '../judge-change.ts';
import { otherAttach } from '../other-attach.ts';
import type { Change, ControlView, Copy, FollowerGuard, Guard, SourceStore, Written } from '../record-store.ts';
import { controlLock } from './control-store.ts';
import { checkCall, type MemoryDatabase } from './database.ts';
import type { LockMode } from './locks.ts';
import { MemoryTable } from './table.ts';
import { createTableReads } from './table-reads.ts';

/** The source in memory, and what only a test can do with it. */
export interface MemoryRecordStore extends SourceStore {
  /** Changes a record as an outside program would, at once: no version, no guard, no lock. `row` null deletes it. */
  outsideWrite(key: Key, row: Row | null): void;
  /** As `outsideWrite`, in a transaction that takes its time and holds the record's lock. Throws `unavailable`: nothing was done. */
  outsideTransaction(key: Key, row: Row | null): Promise<void>;
}

/**
 * The store of one resource as the source, with the semantics of the MySQL engine: transactions hold the control record's lock
 * and their records' until others can see what they did. They run to their end in the server, whether or not somebody
 * still waits for the answer.
 */
export function createMemoryRecordStore(options: {
  readonly database: MemoryDatabase;
  readonly resource: Resource;
}): MemoryRecordStore {
  const { database, resource } = options;
  const table = new MemoryTable(resource);
  const transactions = createTransactions(database, resource, table);
  return {
    ...createTableReads(table, database.clock),
    apply: async (copies, call, guard) => {
      checkCall(database.clock, call);
      await transactions.apply(copies, guard, call);
    },
    highestVersion: async (call) => {
      checkCall(database.clock, call);
      return table.highestVersion();
    },
    write: async (change, guard, call) => {
      checkCall(database.clock, call);
      return (await transactions.write([change], guard, call))[0] as Written;
    },
    writeMany: async (changes, guard, call) => {
      checkCall(database.clock, call);
      return await transactions.write(changes, guard, call);
    },
    touchMany: async (keys, guard, call) => {
      checkCall(database.clock, call);
      const touched: Written[] = [];
      for (const key of keys) {
        touched.push(...(await transactions.write([{ key, kind: 'touch', row: null, columns: [] }], guard, call)));
      }
      return touched;
    },
    outsideWrite: (key, row) => {
      if (sameRow(table.get(key).row, row)) return;
      table.set(key, row);
      database.commit(resource.id, [{ type: 'change', key, row }]);
    },
    outsideTransaction: (key, row) => transactions.outside(key, row),
  };
}

function createTransactions(database: MemoryDatabase, resource: Resource, table: MemoryTable) {
  const { id } = resource;
  /** A record's lock is its side table's row, so it is there for a record that does not exist too. */
  const withRecords = <Result>(keys: readonly Key[], call: Deadline, work: () => Promise<Result>): Promise<Result> => {
    const names = [...new Set(keys.map((key) => `record/${id}/${key.id}`))].sort();
    return withLocks(
      database,
      names.map((name) => ({ name, mode: 'exclusive' })),
      call,
      work,
    );
  };
  /** Step (a): the control record stays as it is until the transaction is over. */
  const withControl = <Result>(call: Deadline, work: () => Promise<Result>): Promise<Result> =>
    withLocks(database, [{ name: controlLock(id), mode: 'shared' }], call, work);

  const changeLocked = async (changes: readonly Change[], control: ControlView): Promise<readonly Written[]> => {
    const before = changes.map(({ key }) => table.get(key));
    // A request that is remembered needs the lock, and so the bump, also while detached.
    const isBumped = control.state !== 'detached' || changes.some(({ request }) => request !== undefined);
    const base = highest(control.floor + 1n, database.clock.wallMicros(), ...before.map(({ version }) => version + 1n));
    // While detached nothing reads the versions: the next attach raises the floor above all of them.
    const versions = before.map(({ version }) => (isBumped ? base : version));
    const outcomes = judgeChanges(changes, before, base);
    const isMade = !changes.some((change, i) => isRefused(change, outcomes[i]));
    const requests = changes.map((change, i) => {
      return isMade ? requestsAfter(change, outcomes[i] as Written['outcome'], before[i]?.requests, base) : undefined;
    });
    const rows = changes.map((change, i) => {
      const current = before[i]?.row ?? null;
      return outcomes[i] === 'written' ? rowAfter(resource, change, current) : current;
    });
    const bumps: LogEvent[] = [];
    const changed: LogEvent[] = [];
    for (const [i, { key }] of changes.entries()) {
      const [row = null, version = 0n] = [rows[i], versions[i]];
      if (isBumped) bumps.push({ type: 'bump', key, version });
      const remembered = requests[i];
      if (remembered !== undefined && changes[i]?.request !== undefined && outcomes[i] !== 'repeated') {
        bumps.push({ type: 'requests', key, requests: remembered });
      }
      if (!sameRow(before[i]?.row ?? null, row)) changed.push({ type: 'change', key, row });
    }
    await database.step();
    await database.commitThen(id, [...bumps, ...changed], () => {
      for (const [i, { key }] of changes.entries()) {
        table.set(key, rows[i] ?? null, versions[i] ?? 0n);
        if (requests[i] !== undefined) table.setRequests(key, requests[i], base);
      }
    });
    return changes.map(({ key }, i): Written => {
      const remembered = requests[i] ?? before[i]?.requests;
      const stored = {
        key,
        row: rows[i] ?? null,
        version: versions[i] ?? 0n,
        ...(remembered && { requests: remembered }),
      };
      return { outcome: outcomes[i] as Written['outcome'], stored, control };
    });
  };

  /** All of it is one transaction, and in the log like any other. */
  const applyLocked = async (copies: readonly Copy[]): Promise<void> => {
    const bumps: LogEvent[] = [];
    const changes: LogEvent[] = [];
    const applied: Copy[] = [];
    const remembered: Required<Pick<Copy, 'key' | 'version' | 'requests'>>[] = [];
    for (const { key, row, version, requests } of copies) {
      const before = table.get(key);
      if (requests !== undefined) remembered.push({ key, version, requests });
      if (version <= before.version) continue;
      bumps.push({ type: 'bump', key, version });
      if (!sameRow(before.row, row)) changes.push({ type: 'change', key, row });
      applied.push({ key, row, version });
    }
    await database.commitThen(id, [...bumps, ...changes], () => {
      for (const { key, row, version } of applied) table.set(key, row, version);
      for (const { key, version, requests } of remembered) table.setRequests(key, requests, version);
    });
  };

  return {
    write: (changes: readonly Change[], guard: Guard, call: Call): Promise<readonly Written[]> =>
      withControl(call, async () => {
        const control = viewOf(database, id);
        const keys = changes.map(({ key }) => key);
        if (!holds(control, guard)) {
          return keys.map((key): Written => ({ outcome: 'control_changed', stored: table.get(key), control }));
        }
        await database.step();
        return await withRecords(keys, call, () => changeLocked(changes, control));
      }),
    apply: (copies: readonly Copy[], guard: FollowerGuard | undefined, call: Call): Promise<void> =>
      withControl(call, async () => {
        if (guard !== undefined && !isOfAttach(database.control.get(id), guard)) throw otherAttach(id);
        await database.step();
        const keys = copies.map(({ key }) => key);
        await withRecords(keys, call, () => applyLocked(newestOf(copies)));
      }),
    outside: (key: Key, row: Row | null): Promise<void> =>
      withRecords([key], { deadlineMs: Number.POSITIVE_INFINITY }, async () => {
        await database.step();
        if (sameRow(table.get(key).row, row)) return;
        await database.commitThen(id, [{ type: 'change', key, row }], () => table.set(key, row));
      }),
  };
}

type Deadline = Pick<Call, 'deadlineMs'>;

/** Takes the locks in their order, does the work, and gives them back. */
async function withLocks<Result>(
  database: MemoryDatabase,
  locks: readonly { readonly name: string; readonly mode: LockMode }[],
  call: Deadline,
  work: () => Promise<Result>,
): Promise<Result> {
  const releases: (() => void)[] = [];
  try {
    for (const { name, mode } of locks) releases.push(await database.locks.acquire(name, mode, call));
    return await work();
  } finally {
    for (const release of releases) release();
  }
}

/** Of several copies of one record the newest: they are one transaction. */
function newestOf(copies: readonly Copy[]): readonly Copy[] {
  const newest = new Map<string, Copy>();
  for (const copy of copies) {
    const known = newest.get(copy.key.id);
    if (known === undefined || known.version < copy.version) newest.set(copy.key.id, copy);
  }
  return [...newest.values()];
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
