import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import {
  breaksConnection,
  cancelled,
  deadlineExceeded,
  isLockConflict,
  type Role,
  translateError,
  unavailable,
} from './errors.ts';
import {
  DEFAULT_CONNECTIONS,
  DEFAULT_CONTROL_SCHEMA,
  MAX_RETRY_PAUSE_MS,
  MAX_TRANSACTION_RETRIES,
  MAX_WAITING,
  SWEEP_INTERVAL_MS,
} from './limits.ts';
import { type MysqlAddress, MysqlLink, type MysqlParameter, type MysqlResult, type ResultCallback } from './link.ts';

export type { MysqlParameter, MysqlResult, MysqlValue } from './link.ts';

/** How long something may take: the part of a {@link Call} that a pool looks at. */
export type Deadline = Pick<Call, 'deadlineMs' | 'signal'>;

/** Where the server is, and how the pool uses it. */
export interface MysqlPoolConfig extends MysqlAddress {
  /** The most connections. Default {@link DEFAULT_CONNECTIONS}. */
  readonly connections?: number;
  /** The schema of Crossfade's own tables. Default {@link DEFAULT_CONTROL_SCHEMA}. */
  readonly controlSchema?: string;
}

/** One connection while somebody holds it. */
export interface MysqlSession {
  /** Runs one statement. Rejects with the driver's own error, so that the caller can tell a duplicate from a deadlock. */
  execute(sql: string, parameters: readonly MysqlParameter[]): Promise<MysqlResult>;
  /** As `execute`, for a statement that commits: past its deadline its outcome is not known. */
  commit(sql: string, parameters: readonly MysqlParameter[]): Promise<MysqlResult>;
  /** As `commit`, for a statement of the definition language that can't be prepared. Made of names only, never of values. */
  define(sql: string): Promise<void>;
  /** Begins a transaction. */
  begin(): Promise<void>;
  /** Marks the point of the transaction to which {@link MysqlSession.undo} goes back; locks from before it stay. */
  mark(): Promise<void>;
  undo(): Promise<void>;
}

/** The pool as one of the stores uses it: errors are DomainErrors and name the role. */
export interface MysqlClient {
  /** One statement that changes nothing. */
  read(sql: string, parameters: readonly MysqlParameter[], deadline: Deadline): Promise<MysqlResult>;
  /**
   * One statement that commits by itself, a CALL too. Begun again after a deadlock; a broken link gives OUTCOME_UNKNOWN.
   */
  write(sql: string, parameters: readonly MysqlParameter[], deadline: Deadline): Promise<MysqlResult>;
  /** One statement of the definition language that can't be prepared. Made of names only, never of values. */
  define(sql: string, deadline: Deadline): Promise<void>;
  /**
   * Several statements in one transaction, which is rolled back if `work` rejects, and begun again, `work` too, after a
   * deadlock. Broken in its COMMIT: OUTCOME_UNKNOWN.
   */
  transaction<T>(deadline: Deadline, work: (session: MysqlSession) => Promise<T>): Promise<T>;
  /**
   * One connection for a transaction that `work` begins and ends itself. If `work` rejects, the connection is closed
   * unless the server has rolled back by itself; begun again after a deadlock.
   */
  session<T>(deadline: Deadline, work: (session: MysqlSession) => Promise<T>): Promise<T>;
}

/** Connections to one server, each with its session set up once and its statements prepared once. */
export interface MysqlPool {
  /** The schema of Crossfade's own tables. */
  readonly controlSchema: string;
  /** The pool as a store in this role uses it. */
  client(role: Role): MysqlClient;
  /** Calls back whenever a connection breaks: behind the next one there may be another server. One listener. */
  onBroken(listener: () => void): void;
  /** Ends every connection; statements under way fail. */
  close(): Promise<void>;
}

/** Creates a pool; connects when first used. */
export function createMysqlPool(config: MysqlPoolConfig): MysqlPool {
  return new Pool(config);
}

/** Something that has a deadline: a statement under way, or somebody who waits for a connection. */
interface Pending extends Deadline {
  expire(isCancelled: boolean): void;
}

interface Waiter extends Pending {
  readonly role: Role;
  take(link: MysqlLink): void;
  fail(error: unknown): void;
}

class Pool implements MysqlPool {
  readonly controlSchema: string;
  readonly #address: MysqlAddress;
  readonly #limit: number;
  readonly #idle: MysqlLink[] = [];
  readonly #links = new Set<MysqlLink>();
  readonly #pending = new Set<Pending>();
  #waiters: Waiter[] = [];
  #opening = 0;
  #sweeper: NodeJS.Timeout | null = null;
  #closed = false;
  #onBroken: () => void = () => {};

  constructor(config: MysqlPoolConfig) {
    this.controlSchema = config.controlSchema ?? DEFAULT_CONTROL_SCHEMA;
    this.#address = config;
    this.#limit = config.connections ?? DEFAULT_CONNECTIONS;
  }

  client(role: Role): MysqlClient {
    return {
      read: (sql, parameters, deadline) => this.#single(role, false, sql, parameters, deadline),
      write: (sql, parameters, deadline) => this.#single(role, true, sql, parameters, deadline),
      define: async (sql, deadline) => {
        await this.#single(role, true, sql, null, deadline);
      },
      session: (deadline, work) => this.#retrying(role, deadline, () => this.#session(role, deadline, work)),
      transaction: (deadline, work) =>
        this.#retrying(role, deadline, () =>
          this.#session(role, deadline, async (session) => {
            await session.begin();
            const result = await work(session);
            await session.commit('COMMIT', []);
            return result;
          }),
        ),
    };
  }

  onBroken(listener: () => void): void {
    this.#onBroken = listener;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.fail(unavailable(waiter.role, 'the service is stopping'));
    this.#waiters = [];
    const idle = this.#idle.splice(0);
    for (const link of this.#links) if (!idle.includes(link)) link.close();
    await Promise.all(idle.map((link) => link.end()));
    this.#links.clear();
  }

  async #single(
    role: Role,
    commits: boolean,
    sql: string,
    parameters: readonly MysqlParameter[] | null,
    deadline: Deadline,
  ): Promise<MysqlResult> {
    return await this.#retrying(role, deadline, async () => {
      const link = await this.#acquire(role, deadline);
      try {
        return await this.#run(link, sql, parameters, deadline, commits, role);
      } finally {
        this.#release(link);
      }
    });
  }

  /** Runs `attempt` again after lock conflicts, which it reports as the driver's own errors. */
  async #retrying<T>(role: Role, deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
    for (let retries = 0; ; retries++) {
      try {
        return await attempt();
      } catch (error) {
        if (retries >= MAX_TRANSACTION_RETRIES || !isLockConflict(error)) {
          throw translateError(error, { role, commits: false });
        }
        if (performance.now() >= deadline.deadlineMs) throw deadlineExceeded(false);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_RETRY_PAUSE_MS));
      }
    }
  }

  async #session<T>(role: Role, deadline: Deadline, work: (session: MysqlSession) => Promise<T>): Promise<T> {
    const link = await this.#acquire(role, deadline);
    try {
      return await work({
        execute: (sql, parameters) => this.#run(link, sql, parameters, deadline, false, role),
        commit: (sql, parameters) => this.#run(link, sql, parameters, deadline, true, role),
        define: async (sql) => {
          await this.#run(link, sql, null, deadline, true, role);
        },
        begin: async () => {
          await this.#run(link, 'START TRANSACTION', null, deadline, false, role);
        },
        mark: async () => {
          await this.#run(link, 'SAVEPOINT crossfade', null, deadline, false, role);
        },
        undo: async () => {
          await this.#run(link, 'ROLLBACK TO SAVEPOINT crossfade', null, deadline, false, role);
        },
      });
    } catch (error) {
      await this.#rollBack(link, deadline, role);
      throw error;
    } finally {
      this.#release(link);
    }
  }

  async #rollBack(link: MysqlLink, deadline: Deadline, role: Role): Promise<void> {
    if (link.closed) return;
    try {
      await this.#run(link, 'ROLLBACK', [], deadline, false, role);
    } catch {
      // Closing the connection rolls back as well.
      link.close();
    }
  }

  /**
   * One statement on a held connection, unprepared if `parameters` is null. Closes the connection if the deadline passes
   * or the link breaks.
   */
  #run(
    link: MysqlLink,
    sql: string,
    parameters: readonly MysqlParameter[] | null,
    deadline: Deadline,
    commits: boolean,
    role: Role,
  ): Promise<MysqlResult> {
    return new Promise((resolve, reject) => {
      if (link.closed) {
        reject(unavailable(role, 'the connection is closed'));
        return;
      }
      const pending: Pending = {
        deadlineMs: deadline.deadlineMs,
        ...(deadline.signal === undefined ? {} : { signal: deadline.signal }),
        expire: (isCancelled) => {
          reject(isCancelled ? cancelled(commits) : deadlineExceeded(commits));
          link.close();
        },
      };
      this.#watch(pending);
      const onResult: ResultCallback = (error, result) => {
        this.#pending.delete(pending);
        if (result !== null) {
          resolve(result);
          return;
        }
        if (breaksConnection(error)) link.close();
        reject(isLockConflict(error) ? error : this.#keepOrTranslate(error, commits, role));
      };
      if (parameters === null) link.command(sql, onResult);
      else link.execute(sql, parameters, onResult);
    });
  }

  #keepOrTranslate(error: unknown, commits: boolean, role: Role): unknown {
    return commits || breaksConnection(error) ? translateError(error, { role, commits }) : error;
  }

  #acquire(role: Role, deadline: Deadline): Promise<MysqlLink> {
    if (this.#closed) return Promise.reject(unavailable(role, 'the service is stopping'));
    if (deadline.signal?.aborted === true) return Promise.reject(cancelled(false));
    if (performance.now() >= deadline.deadlineMs) return Promise.reject(deadlineExceeded(false));
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#waiters.length >= MAX_WAITING) return Promise.reject(tooManyWaiting());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#pending.delete(waiter);
      };
      const waiter: Waiter = {
        role,
        deadlineMs: deadline.deadlineMs,
        ...(deadline.signal === undefined ? {} : { signal: deadline.signal }),
        take: (link) => {
          leave();
          resolve(link);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
        expire: (isCancelled) => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          reject(isCancelled ? cancelled(false) : deadlineExceeded(false));
        },
      };
      this.#waiters.push(waiter);
      this.#watch(waiter);
      this.#openIfNeeded();
    });
  }

  #release(link: MysqlLink): void {
    if (link.closed || this.#closed) {
      link.close();
      this.#links.delete(link);
      this.#openIfNeeded();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#idle.push(link);
    else waiter.take(link);
  }

  #openIfNeeded(): void {
    if (this.#closed || this.#waiters.length <= this.#opening) return;
    if (this.#links.size + this.#opening >= this.#limit) return;
    this.#opening++;
    MysqlLink.open(this.#address, (error, link) => {
      this.#opening--;
      if (link === null) {
        this.#failedToOpen(error);
        return;
      }
      this.#links.add(link);
      link.onBroken = () => this.#forget(link);
      this.#release(link);
    });
  }

  /** Without any connection nobody may wait for one: the server is absent for all of them. */
  #failedToOpen(error: unknown): void {
    const refused = this.#links.size === 0 ? this.#waiters.splice(0) : [];
    for (const waiter of refused) waiter.fail(translateError(error, { role: waiter.role, commits: false }));
  }

  /** A connection broke while nobody used it, or under a statement, whose holder releases it. */
  #forget(link: MysqlLink): void {
    this.#onBroken();
    const at = this.#idle.indexOf(link);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#links.delete(link);
  }

  #watch(pending: Pending): void {
    this.#pending.add(pending);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const pending of this.#pending) {
      const isCancelled = pending.signal?.aborted === true;
      if (!isCancelled && nowMs < pending.deadlineMs) continue;
      this.#pending.delete(pending);
      pending.expire(isCancelled);
    }
    if (this.#pending.size === 0 && this.#sweeper !== null) {
      clearInterval(this.#sweeper);
      this.#sweeper = null;
    }
  }
}

function tooManyWaiting(): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS',
    message: `More than ${MAX_WAITING} requests wait for a connection to MySQL.`,
  });
}
