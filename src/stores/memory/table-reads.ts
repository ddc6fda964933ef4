import type { Clock } from '../../domain/clock.ts';
import type { FollowerStore } from '../record-store.ts';
import { checkCall } from './database.ts';
import { MAX_KEYS } from './limits.ts';
import type { MemoryTable } from './table.ts';

/** The reads of a store over a table in memory, each of them one synchronous step. */
export function createTableReads(table: MemoryTable, clock: Clock): Omit<FollowerStore, 'apply'> {
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
    lookup: async (query, call) => {
      checkCall(clock, call);
      return table.lookup(query);
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
