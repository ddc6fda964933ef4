import type { Call } from '../call.ts';
import {
  type ControlRecord,
  type ControlStore,
  firstControlRecord,
  type Heartbeat,
  type Transition,
} from '../control-store.ts';
import { checkCall, type MemoryDatabase } from './database.ts';
import { HEARTBEATS_SHOWN_MICROS } from './limits.ts';

/**
 * The control records, their history and the heartbeats in memory. One object serves all instances. `hasLog`: it stands beside
 * a write-ahead log, and shows every heartbeat row that was not removed.
 */
export function createMemoryControlStore(database: MemoryDatabase, hasLog = false): ControlStore {
  const { clock, control } = database;
  const history: Transition[] = [];
  /** Alone with the record: every write of the resource is wholly before or after it. */
  const set = async (
    resource: string,
    call: Call,
    change: (current: ControlRecord | undefined) => ControlRecord | null,
  ): Promise<boolean> => {
    const release = await database.locks.acquire(controlLock(resource), 'exclusive', call);
    try {
      const next = change(control.get(resource));
      if (next === null) return false;
      const { epoch, attach, generation } = next;
      const event = { type: 'control', epoch, attach, generation } as const;
      await database.commitThen(resource, [event], () => control.set(resource, { ...next }));
      return true;
    } finally {
      release();
    }
  };
  return {
    ...createHeartbeats(database, hasLog),
    ensure: async (resources, call) => {
      checkCall(clock, call);
      for (const resource of resources) {
        await set(resource, call, (current) => (current === undefined ? firstControlRecord(resource) : null));
      }
    },
    poll: async (call) => {
      checkCall(clock, call);
      return [...control.values()];
    },
    compareAndSet: async (next, why, call) => {
      checkCall(clock, call);
      const { resource, generation, epoch, authority } = next;
      return set(resource, call, (current) => {
        if (current === undefined || current.generation !== (why.replaces ?? generation - 1)) return null;
        const { instance, reason } = why;
        const change = { fromState: current.state, toState: next.state, epoch, authority };
        history.unshift({ resource, generation, atMicros: clock.wallMicros(), ...change, instance, reason });
        return next;
      });
    },
    transitions: async (resource, before, limit, call) => {
      checkCall(clock, call);
      return history
        .filter((one) => one.resource === resource && (before === null || one.generation < before))
        .slice(0, limit);
    },
    clock: async (call) => {
      checkCall(clock, call);
      return clock.wallMicros();
    },
  };
}

/** The name of the lock on a resource's control record. */
export function controlLock(resource: string): string {
  return `control/${resource}`;
}

type Heartbeats = Pick<ControlStore, 'beat' | 'heartbeats' | 'declareDead' | 'removeHeartbeat'>;

function createHeartbeats(database: MemoryDatabase, hasLog: boolean): Heartbeats {
  const { clock } = database;
  const rows = new Map<string, { heartbeat: Heartbeat; beatAtMicros: bigint }>();
  return {
    beat: async (heartbeat, call: Call) => {
      checkCall(clock, call);
      if (rows.get(heartbeat.incarnation)?.heartbeat.dead) return false;
      rows.set(heartbeat.incarnation, { heartbeat: { ...heartbeat, dead: false }, beatAtMicros: clock.wallMicros() });
      return true;
    },
    heartbeats: async (call) => {
      checkCall(clock, call);
      const oldest = clock.wallMicros() - HEARTBEATS_SHOWN_MICROS;
      return [...rows.values()].filter((row) => hasLog || row.beatAtMicros >= oldest).map((row) => row.heartbeat);
    },
    declareDead: async (incarnation, beat, call) => {
      checkCall(clock, call);
      const row = rows.get(incarnation);
      if (row === undefined || row.heartbeat.beat !== beat) return false;
      row.heartbeat = { ...row.heartbeat, dead: true };
      return true;
    },
    removeHeartbeat: async (incarnation, call) => {
      checkCall(clock, call);
      rows.delete(incarnation);
    },
  };
}
