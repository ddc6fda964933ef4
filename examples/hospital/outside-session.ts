import { setTimeout as sleep } from 'node:timers/promises';
import type mysql from 'mysql2/promise';
import { connectToHospital, type MysqlAddress } from './mysql-connection.ts';
import { type Instant, now } from './outside-journal.ts';
import type { OutsidePlan, PlannedStatement } from './outside-plan.ts';

/** How a transaction ended. */
export interface PlanResult {
  /** `lost`: the link broke before the commit was sent, so nothing happened. `unknown`: it broke after. */
  readonly outcome: 'committed' | 'rolled_back' | 'lost' | 'unknown';
  readonly sentAt: Instant;
  readonly answeredAt: Instant;
  /** How often it was begun again. */
  readonly retries: number;
}

/** Deadline of one statement, in milliseconds: far longer than any lock is waited for. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** How long a statement waits for a lock, in seconds, before the transaction is begun again. */
const LOCK_WAIT_SECONDS = 5;

/** How often one transaction is begun again: whoever loses that many deadlocks in a row has another problem. */
const MAX_RETRIES = 20;

/** Pause before a transaction is begun again, in milliseconds, times the number of the try. */
const RETRY_PAUSE_MS = 5;

/** How often a new link is tried, and the pause between two tries in milliseconds: a server's restart takes less. */
const MAX_CONNECTS = 120;
const CONNECT_PAUSE_MS = 500;

/** MySQL's error numbers of a deadlock and of a lock that was waited for too long. */
const RETRIED_ERRORS: ReadonlySet<unknown> = new Set([1213, 1205]);

/** Of a statement that was interrupted by a KILL or a shutdown: nothing more is to be had from this link. */
const BREAKING_ERRORS: ReadonlySet<unknown> = new Set([1317, 1053]);

/** The outside program's one connection, replaced when it breaks. */
export class OutsideSession {
  readonly #address: MysqlAddress;
  readonly #database: string;
  #connection: mysql.Connection | undefined;

  constructor(address: MysqlAddress, database: string) {
    this.#address = address;
    this.#database = database;
  }

  /** The connection. Throws unless {@link OutsideSession.connect} was called. */
  get connection(): mysql.Connection {
    if (this.#connection === undefined) throw new Error('the outside program is not connected');
    return this.#connection;
  }

  /** Connects, at the first time and after a result `lost` or `unknown`, as soon as the server is there. */
  async connect(signal: AbortSignal): Promise<void> {
    const broken = this.#connection;
    this.#connection = undefined;
    broken?.destroy();
    for (let tries = 1; ; tries++) {
      try {
        this.#connection = await this.#open(broken?.threadId);
        return;
      } catch (error) {
        // The first connection of all is not waited for: an address that is wrong should be told at once.
        if (broken === undefined || tries === MAX_CONNECTS) throw error;
        await sleep(CONNECT_PAUSE_MS, undefined, { signal });
      }
    }
  }

  async #open(formerThread: number | undefined): Promise<mysql.Connection> {
    const connection = await connectToHospital(this.#address, this.#database);
    await connection.query(`SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`);
    // The server may still be at work for the broken link; if it was started anew, there is no such thread.
    if (formerThread !== undefined) await connection.query(`KILL ${formerThread}`).catch(() => {});
    return connection;
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    await this.#connection?.end().catch(() => {});
  }

  /**
   * Executes a transaction, again after deadlocks.
   *
   * @throws Error if a statement is refused, or if it affects other rows than it should
   */
  async execute(plan: OutsidePlan): Promise<PlanResult> {
    for (let retries = 0; ; retries++) {
      let sentAt: Instant | undefined;
      try {
        const outcome = await this.#executeOnce(plan, () => {
          sentAt = now();
        });
        const answeredAt = now();
        return { outcome, sentAt: sentAt ?? answeredAt, answeredAt, retries };
      } catch (error) {
        if (isBroken(error)) {
          const answeredAt = now();
          return { outcome: sentAt ? 'unknown' : 'lost', sentAt: sentAt ?? answeredAt, answeredAt, retries };
        }
        if (!isRetried(error) || retries === MAX_RETRIES) throw error;
        await sleep(RETRY_PAUSE_MS * (retries + 1));
      }
    }
  }

  /** @param onCommitting called before the statement that commits is sent */
  async #executeOnce(plan: OutsidePlan, onCommitting: () => void): Promise<'committed' | 'rolled_back'> {
    const [first, ...others] = plan.statements;
    if (first !== undefined && others.length === 0 && !plan.rollBack) {
      onCommitting();
      await this.#run(first, plan.operation);
      return 'committed';
    }
    await this.connection.query('BEGIN');
    try {
      for (const statement of plan.statements) await this.#run(statement, plan.operation);
    } catch (error) {
      if (!isBroken(error)) await this.connection.query('ROLLBACK');
      throw error;
    }
    if (plan.rollBack) {
      await this.connection.query('ROLLBACK');
      return 'rolled_back';
    }
    onCommitting();
    await this.connection.query({ sql: 'COMMIT', timeout: STATEMENT_TIMEOUT_MS });
    return 'committed';
  }

  async #run({ sql, values, affectedRows }: PlannedStatement, operation: string): Promise<void> {
    const [header] = await this.connection.execute<mysql.ResultSetHeader>({
      sql,
      values: [...values],
      timeout: STATEMENT_TIMEOUT_MS,
    });
    if (affectedRows === null || header.affectedRows === affectedRows) return;
    throw new Error(
      `${operation} affected ${header.affectedRows} rows instead of ${affectedRows}: somebody else writes the records of the outside program`,
    );
  }
}

/** Whether the link broke (a deadline that passed leaves it unusable too), rather than the server having answered. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('fatal' in error && error.fatal === true) || ('errno' in error && BREAKING_ERRORS.has(error.errno));
}

function isRetried(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && RETRIED_ERRORS.has(error.errno);
}
