import type { LogEvent } from '../change-log.ts';
import { type GtidPosition, parseGtidPosition } from './gtid-set.ts';
import type { Deadline, MysqlClient } from './pool.ts';

/** The server's log as a reader finds it. */
export interface BinlogState {
  readonly flavour: GtidPosition['flavour'];
  /** Which server it is. On MariaDB, which has no UUID, its id. */
  readonly server: string;
  /** Every transaction that was committed. */
  readonly executed: GtidPosition;
  /** Those whose log is gone. Empty on MariaDB, which says so only when it is asked for them. */
  readonly purged: GtidPosition;
  /** Whether names of tables are kept in lower case. */
  readonly foldsNames: boolean;
}

/** Asks the server for its flavour and for what its log has. */
export async function readBinlogState(client: MysqlClient, deadline: Deadline): Promise<BinlogState> {
  const version = await client.read('SELECT VERSION()', [], deadline);
  const flavour = /mariadb/i.test(String(version.rows[0]?.[0])) ? 'mariadb' : 'mysql';
  const { rows } = await client.read(flavour === 'mysql' ? MYSQL_SQL : MARIADB_SQL, [], deadline);
  const [executed, purged, lowerCase, server] = rows[0] ?? [];
  return {
    flavour,
    server: String(server),
    executed: parseGtidPosition(String(executed ?? ''), flavour),
    purged: parseGtidPosition(String(purged ?? ''), flavour),
    foldsNames: Number(lowerCase) !== 0,
  };
}

const MYSQL_SQL = 'SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged, @@lower_case_table_names, @@GLOBAL.server_uuid';
const MARIADB_SQL = "SELECT @@GLOBAL.gtid_binlog_pos, '', @@lower_case_table_names, @@GLOBAL.server_id";

/** Why the log can't be read from a position; null: it can, as far as the server knows. */
export function gapAt(position: GtidPosition, state: BinlogState): LogEvent | null {
  if (!state.executed.covers(position)) return LOST_TAIL;
  return position.covers(state.purged) ? null : PURGED;
}

/** Whether the server itself ended or refused the log. */
export function isLogError(error: unknown): boolean {
  const { errno } = error as { errno?: number };
  return errno === FATAL_ERROR_READING_LOG || errno === SAME_SERVER_ID;
}

/** Why the server ended or refused the log, by its error; null: for no reason that makes it a gap. */
export function gapOf(error: unknown): LogEvent | null {
  const { message } = error as { message?: string };
  if (!isLogError(error) || message === undefined) return null;
  if (/more GTIDs than|which is not in the master's binlog/.test(message)) return LOST_TAIL;
  return /purged|Could not find first log file|could not find .*log/i.test(message) ? PURGED : null;
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG. */
const FATAL_ERROR_READING_LOG = 1236;
/** MariaDB's ER_SLAVE_SAME_ID: another stream with this one's id has begun. MySQL says it by the error above. */
const SAME_SERVER_ID = 4052;

const PURGED: LogEvent = {
  type: 'stopped',
  reason: 'log_purged',
  message: 'the server has purged a part of its log that was not read yet',
};

const LOST_TAIL: LogEvent = {
  type: 'stopped',
  reason: 'source_lost_its_tail',
  message: 'the server does not have transactions that were read from it: it was restored, or it is another one',
};
