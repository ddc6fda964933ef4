import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import mysql from 'mysql2/promise';
import { ENCOUNTERS, type HospitalTable, MEDICATIONS } from './hospital-tables.ts';
import { connectToHospital, HOSPITAL_DATABASE, type MysqlAddress, parseMysqlUrl } from './mysql-connection.ts';
import { readCsv } from './read-csv.ts';

/** How to fill the hospital's database. */
export interface LoadOptions {
  readonly mysql: MysqlAddress;
  /** The name of the database that is made. Default: `hospital`. */
  readonly database?: string;
  /** At most so many rows in each table, the sample's first ones. Default: all. */
  readonly rows?: number;
  /** At most so many encounters. Default: `rows`. */
  readonly encounterRows?: number;
  /** Called after every statement. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the loading after the statements that are under way; what they stored stays. */
  readonly signal?: AbortSignal;
  /** Whether tables that hold rows are left as they are; all of them, then. Default: they are refused. */
  readonly ifEmpty?: boolean;
}

/** How far the loading of one table is. */
export interface LoadProgress {
  readonly table: string;
  readonly rows: number;
  readonly expectedRows: number;
  readonly rowsPerSecond: number;
}

/** What was loaded. */
export interface LoadReport {
  readonly medications: number;
  readonly encounters: number;
  /** Time for schema and rows together. */
  readonly durationMs: number;
}

/** Rows of one INSERT, which is one transaction: some 700 KB, below the 16 MB that MariaDB takes in a statement. */
const ROWS_PER_STATEMENT = 2_000;

/** Connections that insert: while one waits for its commit to reach the disk the others go on. */
const CONNECTIONS = 3;

/** Deadline of one statement, in milliseconds; two thousand rows take a fraction of a second. */
const STATEMENT_TIMEOUT_MS = 60_000;

/**
 * Makes the hospital's database with its existing schema and fills it with the sample data, in the order of the keys.
 *
 * @throws Error if a table holds rows already (nothing is changed then), or the signal's reason
 */
export async function loadHospital(options: LoadOptions): Promise<LoadReport> {
  const startedAt = performance.now();
  const database = options.database ?? HOSPITAL_DATABASE;
  const connections = await connect(options.mysql);
  try {
    const filled = await createSchema(connections, database);
    if (filled !== undefined && options.ifEmpty === true) return { medications: 0, encounters: 0, durationMs: 0 };
    if (filled !== undefined) throw new Error(`${database}.${filled} holds rows already`);
    const medications = await loadTable(connections, MEDICATIONS, options.rows, options);
    const encounters = await loadTable(connections, ENCOUNTERS, options.encounterRows ?? options.rows, options);
    return { medications, encounters, durationMs: performance.now() - startedAt };
  } finally {
    await Promise.allSettled(connections.map((connection) => connection.end()));
  }
}

async function connect(address: MysqlAddress): Promise<mysql.Connection[]> {
  const attempts = await Promise.allSettled(Array.from({ length: CONNECTIONS }, () => connectToHospital(address)));
  const connections = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed === undefined) return connections;
  await Promise.allSettled(connections.map((connection) => connection.end()));
  throw failed.reason;
}

/** Runs `schema.sql` with the database's name in place of its own; returns a table that holds rows, if one does. */
async function createSchema(connections: readonly mysql.Connection[], database: string): Promise<string | undefined> {
  for (const [index, connection] of connections.entries()) {
    if (index === 0) for (const sql of await schemaStatements(database)) await run(connection, sql);
    await run(connection, `USE ${mysql.escapeId(database, true)}`);
  }
  for (const table of [MEDICATIONS, ENCOUNTERS]) {
    const [rows] = (await connections[0]?.query<mysql.RowDataPacket[]>(`SELECT 1 FROM ${table.name} LIMIT 1`)) ?? [[]];
    if (rows.length > 0) return table.name;
  }
  return undefined;
}

/** The statements of `schema.sql` for a database of this name. */
export async function schemaStatements(database: string): Promise<string[]> {
  const text = await readFile(new URL('./schema.sql', import.meta.url), 'utf8');
  return text
    .replaceAll(/^--.*$/gm, '')
    .replaceAll('`hospital`', () => mysql.escapeId(database, true))
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** Fills one table through all connections at once and returns how many rows it has. */
async function loadTable(
  connections: readonly mysql.Connection[],
  table: HospitalTable,
  limit = table.sampleRows,
  { onProgress, signal }: LoadOptions,
): Promise<number> {
  const startedAt = performance.now();
  const failed = new AbortController();
  const ended = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const statements = insertStatements(table, limit, ended);
  const expectedRows = Math.min(limit, table.sampleRows);
  let rows = 0;
  const insert = async (connection: mysql.Connection): Promise<void> => {
    for await (const statement of statements) {
      await run(connection, statement.sql);
      rows += statement.rows;
      const rowsPerSecond = Math.round((rows / (performance.now() - startedAt)) * 1_000);
      onProgress?.({ table: table.name, rows, expectedRows, rowsPerSecond });
    }
  };
  // The first failure ends the others, and all have ended before it is thrown.
  const endOthers = (error: unknown): void => failed.abort(error);
  await Promise.all(connections.map((connection) => insert(connection).catch(endOthers)));
  ended.throwIfAborted();
  return rows;
}

/** Turns the sample's file into INSERT statements of some thousand rows. */
async function* insertStatements(table: HospitalTable, limit: number, signal: AbortSignal) {
  const path = fileURLToPath(new URL(`./data/${table.file}`, import.meta.url));
  const head = `INSERT INTO ${table.name} (${table.columns.join(', ')}) VALUES `;
  let values: string[] = [];
  let taken = 0;
  for await (const batch of readCsv(path, table.csvColumns, signal)) {
    for (const row of batch.slice(0, limit - taken)) {
      values.push(`(${table.toValues(row)})`);
      taken += 1;
      if (values.length < ROWS_PER_STATEMENT) continue;
      yield { sql: head + values.join(','), rows: values.length };
      values = [];
    }
    if (taken >= limit) break;
  }
  if (values.length > 0) yield { sql: head + values.join(','), rows: values.length };
}

async function run(connection: mysql.Connection, sql: string): Promise<void> {
  await connection.query({ sql, timeout: STATEMENT_TIMEOUT_MS });
}

/**
 * `node examples/hospital/load.ts --mysql mysql://root@127.0.0.1:3306 [--password-env NAME] [--database NAME] [--rows N]
 * [--if-empty]`
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mysql: { type: 'string', default: 'mysql://root@127.0.0.1:3306' },
      database: { type: 'string', default: HOSPITAL_DATABASE },
      rows: { type: 'string' },
      'password-env': { type: 'string' },
      'if-empty': { type: 'boolean', default: false },
    },
  });
  const report = await loadHospital({
    mysql: { ...parseMysqlUrl(values.mysql), ...passwordOf(values['password-env']) },
    ifEmpty: values['if-empty'],
    database: values.database,
    ...(values.rows === undefined ? {} : { rows: Number(values.rows) }),
    onProgress: ({ table, rows, expectedRows, rowsPerSecond }) => {
      console.error(`${table}: ${rows} of ${expectedRows} rows, ${rowsPerSecond} rows/s`);
    },
  });
  console.log(JSON.stringify(report));
}

/** The password, from the environment variable of this name. */
function passwordOf(name: string | undefined): { readonly password?: string } {
  if (name === undefined) return {};
  const password = process.env[name];
  if (password === undefined) throw new Error(`the environment variable ${name} is not set`);
  return { password };
}

if (import.meta.main) await main();
