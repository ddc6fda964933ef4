import mysql from 'mysql2/promise';

/** Where the hospital's MySQL or MariaDB listens, and as whom to log in. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
}

/** The database that `schema.sql` makes. */
export const HOSPITAL_DATABASE = 'hospital';

/** Deadline of a connection attempt, in milliseconds: a server on the same machine that is not there says so at once. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Connects with the session that all programs of the hospital use: UTC, utf8mb4, strict, backslash escapes. */
export async function connectToHospital(address: MysqlAddress, database?: string): Promise<mysql.Connection> {
  const connection = await mysql.createConnection({
    ...address,
    ...(database === undefined ? {} : { database }),
    charset: 'utf8mb4_unicode_ci',
    connectTimeout: CONNECT_TIMEOUT_MS,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    // query() sends its text as it is: no statement of ours has placeholders there, and looking for them in an INSERT of
    // some thousand rows takes as long as reading the rows. Values go through execute().
    queryFormat: (sql) => sql,
  });
  // A lost link is told to whoever waits for an answer; the event itself must not end the process.
  connection.on('error', () => {});
  await connection.query(
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
  );
  return connection;
}

/**
 * Reads an address such as `mysql://root:secret@127.0.0.1:3306`, the form that the programs take on their command line.
 *
 * @throws TypeError if it is no URL of this kind
 */
export function parseMysqlUrl(text: string): MysqlAddress {
  const url = new URL(text);
  if (url.protocol !== 'mysql:' || url.hostname === '') throw new TypeError('expected mysql://user:password@host:port');
  return {
    host: url.hostname,
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username) || 'root',
    password: decodeURIComponent(url.password),
  };
}
