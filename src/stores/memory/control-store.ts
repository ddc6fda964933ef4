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
  const set = (next: ControlRecord): void => {
    control.set(next.resource, { ...next });
    const { epoch, attach, generation } = next;
    database.commit(next.resource, [{ type: 'control', epoch, attach, generation }]);
  };
  return {
    ...createHeartbeats(database, hasLog),
    ensure: async (resources, call) => {
      checkCall(clock, call);
      for (const resource of resources) if (!control.has(resource)) set(firstControlRecord(resource));
    },
    poll: async (call) => {
      checkCall(clock, call);
      return [...control.values()];
    },
    compareAndSet: async (next, why, call) => {
      checkCall(clock, call);
      const current = control.get(next.resource);
      if (current === undefined || current.generation !== (why.replaces ?? next.generation - 1)) return false;
      const { resource, generation, epoch, authority } = next;
      const { instance, reason } = why;
      const change = { fromState: current.state, toState: next.state, epoch, authority };
      history.unshift({ resource, generation, atMicros: clock.wallMicros(), ...change, instance, reason });
      set(next);
      return true;
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
