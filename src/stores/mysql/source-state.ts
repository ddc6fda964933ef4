import type { SourceStates } from '../source-state.ts';
import { readBinlogState } from './binlog-state.ts';
import { parseGtidPosition } from './gtid-set.ts';
import type { MysqlPool } from './pool.ts';

/** The state of a MySQL or MariaDB server: its identity, and the transactions that it has executed. */
export function createMysqlSourceStates(pool: MysqlPool): SourceStates {
  const client = pool.client('authority');
  return {
    read: async (call) => {
      const { executed, server } = await readBinlogState(client, call);
      return { server, position: executed.toString() };
    },
    covers: (later, earlier) => parseGtidPosition(later.position).covers(parseGtidPosition(earlier.position)),
  };
}
