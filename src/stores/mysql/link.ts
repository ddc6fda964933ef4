import mysql, { type Connection, type ConnectionOptions, type PrepareStatementInfo } from 'mysql2';
import { CLOSE_TIMEOUT_MS, CONNECT_TIMEOUT_MS, LOCK_WAIT_SECONDS, MAX_STATEMENTS_PER_CONNECTION } from './limits.ts';

/** A value as a statement takes it: 64-bit integers as bigint, LIMIT and OFFSET through {@link integer}. */
export type MysqlParameter = null | number | bigint | string | Buffer | object;

/** An integer that the server must see as one: LIMIT and OFFSET take nothing else on some servers. */
export function integer(value: number): MysqlParameter {
  return mysql.TypedParameter.LONGLONG(value);
}

/** A decimal that the server must compare exactly: a text would be compared as a double in some places. */
export function exactDecimal(text: string): MysqlParameter {
  return mysql.TypedParameter.NEWDECIMAL(text);
}

/**
 * A 64-bit integer that the server must compare exactly: as digits, which is how a bigint travels, it would be compared as
 * a double in some places, an IN list of tuples for one.
 */
export function exactInteger(value: bigint, unsigned: boolean): MysqlParameter {
  const { LONGLONG } = mysql.TypedParameter;
  return unsigned ? LONGLONG.unsigned(value) : LONGLONG(value);
}

/** A value as the binary protocol gives it: dates and times as text, integers beyond 2^53 as text. */
export type MysqlValue = null | number | string | Buffer;

/** What a statement gave: rows in column order (of a CALL: its first result set that is not empty), and how many rows it met or changed. */
export interface MysqlResult {
  readonly rows: readonly (readonly MysqlValue[])[];
  readonly affectedRows: number;
}

/** Where the server is and who asks. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** TLS as node's tls knows it. Absent: none. */
  readonly ssl?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly rejectUnauthorized?: boolean;
    /** Whether the certificate must be for the host's name. The driver's default: any good certificate is enough. */
    readonly verifyIdentity?: boolean;
  };
}

/** Gives a driver's error, or a result. */
export type ResultCallback = (error: unknown, result: MysqlResult | null) => void;

/**
 * The session's modes. STRICT: what does not fit is refused, never cut. Left out on purpose: NO_ZERO_DATE and
 * NO_ZERO_IN_DATE; and ALLOW_INVALID_DATES is there: a date that somebody's old program left in a column must not make
 * a write of another column fail. NO_AUTO_VALUE_ON_ZERO: a key of 0 stays 0. The service checks the dates that it writes itself. Not ANSI_QUOTES and not
 * NO_BACKSLASH_ESCAPES: statements are written for the usual quotes.
 */
export const SQL_MODE =
  'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO';

/** The session's variable by which the fence of a source knows the service's own connections. */
export const SERVICE_VARIABLE = '@crossfade_service';

const SESSION_STATEMENTS = [
  `SET time_zone = '+00:00', sql_mode = '${SQL_MODE}', autocommit = 1, completion_type = 'NO_CHAIN',
   innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}, foreign_key_checks = 1, unique_checks = 1, sql_auto_is_null = 0,
   sql_safe_updates = 0, sql_select_limit = DEFAULT, ${SERVICE_VARIABLE} = 1`,
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
];

/**
 * One connection with its prepared statements, set up once. One statement at a time. After `close` nothing works, and a
 * statement that was under way gives an error.
 */
export class MysqlLink {
  readonly #connection: Connection;
  readonly #statements = new Map<string, PrepareStatementInfo>();
  #onBroken: () => void = () => {};
  #underWay: ResultCallback | null = null;
  #closed = false;

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.on('error', (error) => this.#break(error));
    connection.on('end', () => this.#break(LINK_ENDED));
  }

  /** Connects and sets the session up; the callback comes once. */
  static open(address: MysqlAddress, callback: (error: unknown, link: MysqlLink | null) => void): void {
    const link = new MysqlLink(mysql.createConnection(connectionOptions(address)));
    const next = (index: number): void => {
      const sql = SESSION_STATEMENTS[index];
      if (sql === undefined) {
        callback(null, link);
        return;
      }
      link.execute(sql, [], (error) => {
        if (error === null) {
          next(index + 1);
          return;
        }
        link.close();
        callback(error, null);
      });
    };
    next(0);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Who learns that the connection broke while nobody used it. */
  set onBroken(listener: () => void) {
    this.#onBroken = listener;
  }

  /** Runs one statement, prepared once a connection; the binary protocol only. The callback comes once. */
  execute(sql: string, parameters: readonly MysqlParameter[], callback: ResultCallback): void {
    this.#underWay = callback;
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      this.#run(known, parameters);
      return;
    }
    this.#connection.prepare(sql, (error, statement) => {
      if (error !== null) {
        this.#settle(error, null);
        return;
      }
      this.#remember(sql, statement);
      this.#run(statement, parameters);
    });
  }

  /** Runs a statement that can't be prepared (START TRANSACTION, CREATE PROCEDURE). Takes no values, so nothing to inject. */
  command(sql: string, callback: ResultCallback): void {
    this.#underWay = callback;
    this.#connection.query(sql, (error, result) => {
      if (error === null) this.#settle(null, toResult(result));
      else this.#settle(error, null);
    });
  }

  /** Closes the socket at once: the server rolls an open transaction back. A statement under way fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.destroy();
    // destroy() only ends the writing half; a late answer must not find anybody.
    (this.#connection as unknown as { stream: { destroy(): void } }).stream.destroy();
    // The driver forgets the statement under way when it is told to close.
    this.#settle(LINK_ENDED, null);
  }

  /** Says goodbye and closes; a server that does not answer is left without. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.close();
        resolve();
      };
      const timer = setTimeout(done, CLOSE_TIMEOUT_MS);
      this.#connection.end(done);
    });
  }

  #run(statement: PrepareStatementInfo, parameters: readonly MysqlParameter[]): void {
    statement.execute(parameters as MysqlParameter[], (error, result) => {
      if (error === null) this.#settle(null, toResult(result));
      else this.#settle(error, null);
    });
  }

  #settle(error: unknown, result: MysqlResult | null): void {
    const callback = this.#underWay;
    this.#underWay = null;
    callback?.(error, result);
  }

  #remember(sql: string, statement: PrepareStatementInfo): void {
    if (this.#statements.size >= MAX_STATEMENTS_PER_CONNECTION) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) {
        this.#statements.delete(oldest);
        this.#connection.unprepare(oldest);
      }
    }
    this.#statements.set(sql, statement);
  }

  #break(error: unknown): void {
    if (this.#closed) return;
    this.#settle(error, null);
    this.close();
    this.#onBroken();
  }
}

const LINK_ENDED = new Error('the connection ended');

function connectionOptions(address: MysqlAddress): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    ...(address.ssl === undefined ? {} : { ssl: { ...address.ssl } }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
    timezone: 'Z',
    rowsAsArray: true,
    // Nothing is lost: integers beyond 2^53 and dates arrive as text.
    supportBigNumbers: true,
    dateStrings: true,
    jsonStrings: true,
    // Affected rows are the rows that were met, also where nothing had to change.
    flags: ['FOUND_ROWS'],
  };
}

function toResult(result: unknown): MysqlResult {
  if (!Array.isArray(result)) return { rows: [], affectedRows: (result as { affectedRows: number }).affectedRows };
  const last: unknown = result.at(-1);
  if (last === undefined || Array.isArray(last)) return { rows: result as MysqlValue[][], affectedRows: 0 };
  // A CALL: its result sets, then its own OK packet.
  const sets = result.slice(0, -1) as MysqlValue[][][];
  const { affectedRows } = last as { affectedRows: number };
  return { rows: sets.find((rows) => rows.length > 0) ?? [], affectedRows };
}
