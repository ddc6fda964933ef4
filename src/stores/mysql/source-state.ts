import type { SourceStates } from '../source-state.ts';
import { readBinlogState } from './binlog-state.ts';
import { parseGtidPosition } from './gtid-set.ts';
import type { MysqlPool } from './pool.ts';

/** The state of a MySQL or MariaDB server: its identity, and the transactions that it has executed. */
export function createMysqlSourceStates(pool: MysqlPool): SourceStates {
  const client = pool.client('authority');
  return {
    read: async (call) => {
      const { executed, flavour } = await readBinlogState(client, call);
      const { rows } = await client.read(flavour === 'mysql' ? MYSQL_SERVER : MARIADB_SERVER, [], call);
      return { server: String(rows[0]?.[0]), position: executed.toString() };
    },
    covers: (later, earlier) => parseGtidPosition(later.position).covers(parseGtidPosition(earlier.position)),
  };
}

const MYSQL_SERVER = 'SELECT @@GLOBAL.server_uuid';
/** It has no UUID. */
const MARIADB_SERVER = 'SELECT @@GLOBAL.server_id';
