import { DomainError } from '../../domain/errors.ts';
import type { ChangeLog, Checkpoint, LogEvent } from '../change-log.ts';
import { checkCall, type MemoryDatabase } from './database.ts';
import { MAX_EVENTS } from './limits.ts';

/** The change log of one resource in memory: positions are counts of transactions. One object serves all instances. */
export function createMemoryChangeLog(options: {
  readonly database: MemoryDatabase;
  readonly resource: string;
}): ChangeLog {
  const { database, resource } = options;
  const { clock } = database;
  const met = new Map<string, boolean>();
  let stored: Checkpoint | null = null;
  return {
    position: async (call) => {
      checkCall(clock, call);
      return String(database.position);
    },
    definitionHash: async (call) => {
      checkCall(clock, call);
      return 'memory';
    },
    stream: (position, signal) => stream(database, resource, position, signal),
    readCheckpoint: async (call) => {
      checkCall(clock, call);
      return stored;
    },
    writeCheckpoint: async (checkpoint, call) => {
      checkCall(clock, call);
      if (stored === null || !isEarlier(checkpoint, stored)) stored = checkpoint;
    },
    requestBarrier: async (call) => {
      checkCall(clock, call);
      const id = database.random.id();
      met.set(id, false);
      await database.commitThen(resource, [{ type: 'barrier', id }], () => {});
      return id;
    },
    meetBarriers: async (ids, call) => {
      checkCall(clock, call);
      for (const id of ids) met.set(id, true);
    },
    isBarrierMet: async (id, call) => {
      checkCall(clock, call);
      return met.get(id) ?? false;
    },
  };
}

function isEarlier(a: Checkpoint, b: Checkpoint): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.attach < b.attach);
}

async function* stream(
  database: MemoryDatabase,
  resource: string,
  position: string,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEvent[]> {
  let at = Number(position);
  if (!Number.isSafeInteger(at)) {
    throw new DomainError({ kind: 'internal', reason: 'INTERNAL', message: 'the position is none of this log' });
  }
  const aborted = whenAborted(signal);
  while (!signal.aborted) {
    const events: LogEvent[] = [];
    while (events.length < MAX_EVENTS) {
      const next = eventsAt(database, resource, at);
      if (next === null) break;
      events.push(...next);
      at += 1;
    }
    const stop = events.findIndex((event) => event.type === 'stopped');
    if (stop >= 0) {
      yield events.slice(0, stop + 1);
      return;
    }
    if (events.length > 0) yield events;
    else await Promise.race([database.grown(), aborted]);
  }
}

/** The events of the transaction at a position, with its end; null: there is none yet. */
function eventsAt(database: MemoryDatabase, resource: string, at: number): readonly LogEvent[] | null {
  if (at > database.position) {
    return [{ type: 'stopped', reason: 'source_lost_its_tail', message: 'the log ends before the position' }];
  }
  const transaction = database.transaction(at);
  if (transaction === null) return null;
  if (transaction === 'purged') {
    return [{ type: 'stopped', reason: 'log_purged', message: 'the log begins after the position' }];
  }
  const { committedAtMicros } = transaction;
  const end: LogEvent = { type: 'commit', position: String(at + 1), committedAtMicros };
  return [...(transaction.events.get(resource) ?? []), end];
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
