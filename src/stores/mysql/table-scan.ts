import { isDomainError } from '../../domain/errors.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlPool, MysqlResult } from './pool.ts';
import { flavourOf } from './server-checks.ts';

// Questions whose answers are in a whole table. Each is one statement that the server ends by itself after a while, so
// that a large table on a busy server costs it that long and no longer: a client that gives up would leave it running.

/** A scan of one table. */
export interface TableScan {
  readonly pool: MysqlPool;
  readonly schema: string;
  readonly table: string;
  /** How long the server may work on it, in milliseconds. */
  readonly limitMs: number;
}

/** The statement took longer than the server was told to let it. */
const STATEMENT_TIMEOUTS = ['3024', '1969'];

/** Whether a scan ended because its time was up. */
export function isScanTimeout(error: unknown): boolean {
  return isDomainError(error) && STATEMENT_TIMEOUTS.includes(error.metadata.mysqlErrno ?? '');
}

/** A scan's statement, for a person to run where there is more time. */
export interface Scanned<Answer> {
  readonly sql: string;
  run(deadline: Deadline): Promise<Answer>;
}

/** Counts, for each name, the rows for which its condition holds: made of column names only, see the makers below. */
export function countRows(
  scan: TableScan,
  conditions: Readonly<Record<string, string>>,
): Scanned<ReadonlyMap<string, number>> {
  const names = Object.keys(conditions);
  const sums = names.map((name) => `COALESCE(SUM(${conditions[name]}), 0)`);
  const sql = `SELECT ${sums.join(', ')} FROM ${path(scan)}`;
  return {
    sql,
    run: async (deadline) => {
      const [row = []] = (await runScan(scan, sql, deadline)).rows;
      return new Map(names.map((name, i) => [name, Number(row[i] ?? 0)]));
    },
  };
}

/**
 * Counts groups of rows whose values in these columns MySQL takes for equal, though their bytes differ: Cassandra keeps
 * each spelling for itself.
 */
export function countMergedGroups(scan: TableScan, columns: readonly string[]): Scanned<number> {
  const names = columns.map(identifier).join(', ');
  const bytes = columns.map((column) => `HEX(${identifier(column)})`).join(', ');
  const groups = `SELECT 1 FROM ${path(scan)} GROUP BY ${names} HAVING COUNT(DISTINCT ${bytes}) > 1`;
  const sql = `SELECT COUNT(*) FROM (${groups}) AS merged`;
  return { sql, run: async (deadline) => Number((await runScan(scan, sql, deadline)).rows[0]?.[0] ?? 0) };
}

/** The most bytes that one row has in these columns together; 0: there are no rows. */
export function measureLargest(scan: TableScan, columns: readonly string[]): Scanned<number> {
  const lengths = columns.map((column) => `COALESCE(LENGTH(${identifier(column)}), 0)`);
  const sql = `SELECT COALESCE(MAX(${lengths.join(' + ')}), 0) FROM ${path(scan)}`;
  return { sql, run: async (deadline) => Number((await runScan(scan, sql, deadline)).rows[0]?.[0] ?? 0) };
}

/** A date that is no day of the calendar: zero, of no month or day, or 30 February. */
export function isNoDay(column: string): string {
  const name = identifier(column);
  // A zero date is no date to some functions, so the last day is that of a month that is sure to be one.
  const lastDay = `DAY(LAST_DAY(CONCAT(LPAD(YEAR(${name}), 4, '0'), '-', LPAD(MONTH(${name}), 2, '0'), '-01')))`;
  return `${name} IS NOT NULL AND (MONTH(${name}) = 0 OR DAY(${name}) = 0 OR DAY(${name}) > ${lastDay})`;
}

/** The error value of an ENUM, which is none of its labels. */
export function isErrorValue(column: string): string {
  return `${identifier(column)} IS NOT NULL AND ${identifier(column)} + 0 = 0`;
}

/** A key's text that no resource name can say, in a column whose `_bin` collation pads with spaces, see docs/types.md. */
export function isUnnameable(column: string): string {
  const bytes = `HEX(${identifier(column)})`;
  // Two hexadecimal digits a byte: below a space is 0 or 1 and another one, at an even place.
  return `${bytes} REGEXP '20$' OR ${bytes} REGEXP '^(..)*[01].'`;
}

/** A parent of one column that Cassandra can't have as a partition. */
export function isEmptyPartition(column: string): string {
  return `HEX(${identifier(column)}) = ''`;
}

/** What the server's statistics say about a table: estimates. */
export interface TableStatistics {
  readonly rows: number;
  readonly averageRowBytes: number;
  readonly dataBytes: number;
}

/** Reads what the server estimates; null: there is no such table. */
export async function readStatistics(
  pool: MysqlPool,
  { schema, table }: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<TableStatistics | null> {
  const { rows } = await pool.client('authority').read(STATISTICS_SQL, [schema, table], deadline);
  const [row] = rows;
  if (row === undefined) return null;
  const [count, average, data] = row.map(Number);
  return { rows: count ?? 0, averageRowBytes: average ?? 0, dataBytes: data ?? 0 };
}

const STATISTICS_SQL = `SELECT TABLE_ROWS, AVG_ROW_LENGTH, DATA_LENGTH FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`;

function path({ schema, table }: TableScan): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

/** Told through the session, as MySQL and MariaDB have no hint in common. */
function runScan({ pool, limitMs }: TableScan, sql: string, deadline: Deadline): Promise<MysqlResult> {
  return pool.client('authority').session(deadline, async (session) => {
    const { rows } = await session.execute('SELECT @@version', []);
    const isMysql = flavourOf(String(rows[0]?.[0])) === 'mysql';
    const limit = isMysql ? `max_execution_time = ${Math.ceil(limitMs)}` : `max_statement_time = ${limitMs / 1_000}`;
    await session.execute(`SET SESSION ${limit}`, []);
    const result = await session.execute(sql, []);
    await session.execute(`SET SESSION ${isMysql ? 'max_execution_time' : 'max_statement_time'} = DEFAULT`, []);
    return result;
  });
}
