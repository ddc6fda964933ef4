import type { ConnectionOptions } from 'node:tls';
import { Client, errors, policies, type QueryOptions, types } from 'cassandra-driver';
import type { Clock } from '../../domain/clock.ts';
import { systemClock } from '../../domain/clock.ts';
import { DeadlineWatch, type Expiring } from '../../domain/deadline-watch.ts';
import type { Call } from '../call.ts';
import { AnsweringFirstPolicy, AnsweringHosts } from './answering-hosts.ts';
import { cancelled, deadlineExceeded, type Role, translateError } from './errors.ts';
import {
  CONNECT_TIMEOUT_MS,
  DRIVER_REQUEST_TIMEOUT_MS,
  HEARTBEAT_MS,
  MAX_UNANSWERED,
  RECONNECT_MS,
  SILENCE_LOOK_MS,
} from './limits.ts';

/** How to reach a Cassandra cluster. */
export interface CassandraConfig {
  /** Addresses of some nodes; the others are found from them. */
  readonly contactPoints: readonly string[];
  /** The same on every node. */
  readonly port: number;
  /** Statements go to this data centre alone. */
  readonly localDataCenter: string;
  /** Absent: the cluster asks for none. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Absent: no TLS. Certificates and keys are PEM. */
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    /** Default `identity`: the node's certificate must be good and for its address; `ca`: it must be good; `none`: anything. */
    readonly verify?: 'identity' | 'ca' | 'none';
  };
  /**
   * One scope for all reads and writes: quorums of the local data centre, or of the whole cluster. Mixing the two would
   * let a read miss a write. Default `LOCAL_QUORUM`.
   */
  readonly consistency?: Consistency;
  /** Connections to each node. Default 1: the driver has thousands of requests under way on one. */
  readonly connectionsPerNode?: number;
}

/** Which quorum a statement waits for. */
export type Consistency = 'LOCAL_QUORUM' | 'QUORUM';

/** A statement's own settings. */
export interface StatementOptions {
  readonly fetchSize?: number;
  readonly pageState?: string;
  /** The node that must answer; absent: any. */
  readonly host?: CassandraNode;
}

/** A node that the driver knows of. */
export type CassandraNode = NonNullable<QueryOptions['host']>;

/** One prepared statement and its values. */
export interface Bound {
  readonly query: string;
  readonly params: readonly unknown[];
}

/**
 * The connections to one cluster, shared by all resources. It may be created while the cluster is down: each call tries
 * to connect then, and fails with `unavailable`.
 *
 * All statements that pass here may be sent twice without harm, and are, to another node, when a link breaks; but those
 * of {@link CassandraClient.compareAndSet}.
 */
export interface CassandraClient {
  readonly consistency: Consistency;
  readonly localDataCenter: string;
  /** Connects, if that has not happened yet. Throws `unavailable` or `deadline_exceeded`. */
  connect(role: Role, call: Pick<Call, 'deadlineMs' | 'signal'>): Promise<void>;
  /** Runs a prepared statement; takes no longer than until the deadline. Throws the driver's errors. */
  run(statement: Bound, deadlineMs: number, options?: StatementOptions): Promise<types.ResultSet>;
  /**
   * Runs a SELECT of one partition at SERIAL, in the scope of the client's consistency: it sees every lightweight
   * transaction that was decided before, and settles one that is under way. Of several partitions the server reads at
   * QUORUM instead, without a word. Throws the driver's errors.
   */
  runSerial(statement: Bound, deadlineMs: number): Promise<types.ResultSet>;
  /**
   * Runs one conditional statement, or several of one partition as one batch, at SERIAL and QUORUM in the client's scope;
   * whether it was applied. The driver sends it once: it is not idempotent, and no retry, not even after an error that
   * looks harmless, is known to leave at most one of both applied. Throws the driver's errors; see `mayHaveApplied`.
   */
  compareAndSet(statements: readonly Bound[], deadlineMs: number): Promise<boolean>;
  /** Whether each node of the local data centre has every record of a keyspace; false while that is not known. */
  replicatedEverywhere(keyspace: string): boolean;
  /** Runs statements as one unlogged batch; the node of the first one's partition gets it. Throws the driver's errors. */
  runBatch(statements: readonly Bound[], deadlineMs: number): Promise<void>;
  /** Bounds a piece of work by a call's deadline and signal, and translates the driver's errors. */
  within<Result>(role: Role, call: Pick<Call, 'deadlineMs' | 'signal'>, work: () => Promise<Result>): Promise<Result>;
  /** The nodes of the local data centre that are up, as far as the driver knows. */
  nodes(): readonly CassandraNode[];
  /** Closes all connections. */
  close(): Promise<void>;
}

/** Creates the client; connects with the first call, or when told to. */
export function createCassandraClient(config: CassandraConfig, clock: Clock = systemClock): CassandraClient {
  const consistency = config.consistency ?? 'LOCAL_QUORUM';
  const hosts = new AnsweringHosts(clock);
  const driver = new Client(driverOptions(config, consistency, hosts));
  keepRefreshing(driver);
  const looking = setInterval(() => hosts.look(driver.getState()), SILENCE_LOOK_MS).unref();
  const noted = async (running: Promise<types.ResultSet>): Promise<types.ResultSet> => {
    const result = await running;
    hosts.noteAnswer(result.info.queriedHost);
    return result;
  };
  const execute = ({ query, params }: Bound, options: QueryOptions): Promise<types.ResultSet> =>
    noted(driver.execute(query, params as unknown[], options));
  const batch = (statements: readonly Bound[], options: QueryOptions): Promise<types.ResultSet> =>
    noted(driver.batch(statements as { query: string; params: unknown[] }[], { ...options, logged: false }));
  const optionsUntil = (deadlineMs: number): QueryOptions => ({
    prepare: true,
    isIdempotent: true,
    readTimeout: Math.min(Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs())), LONGEST_TIMER_MS),
  });
  return {
    consistency,
    localDataCenter: config.localDataCenter,
    connect(role, call) {
      return this.within(role, call, () => driver.connect());
    },
    run: (statement, deadlineMs, options) => execute(statement, { ...optionsUntil(deadlineMs), ...options }),
    replicatedEverywhere: (keyspace) => {
      const replicas = driver.getReplicas(keyspace, ANY_PARTITION) ?? [];
      const local = driver.hosts.values().filter((host) => host.datacenter === config.localDataCenter);
      return local.length > 0 && local.every((host) => replicas.includes(host));
    },
    runSerial: (statement, deadlineMs) =>
      execute(statement, { ...optionsUntil(deadlineMs), consistency: scopeOf(consistency).serial }),
    compareAndSet: async (statements, deadlineMs) => {
      const options = { ...optionsUntil(deadlineMs), isIdempotent: false, retry: sendOnce };
      const [only] = statements;
      const isAlone = only !== undefined && statements.length === 1;
      return isApplied(await (isAlone ? execute(only, options) : batch(statements, options)));
    },
    runBatch: async (statements, deadlineMs) => {
      await batch(statements, optionsUntil(deadlineMs));
    },
    within: createWithin(clock),
    nodes: () => driver.hosts.values().filter((host) => host.isUp() && host.datacenter === config.localDataCenter),
    close: async () => {
      clearInterval(looking);
      await driver.shutdown();
    },
  };
}

/** Rethrows every error: also "unavailable", which a lightweight transaction can meet after its proposal went out. */
const sendOnce = new policies.retry.FallthroughRetryPolicy();

/** The driver's own `wasApplied` takes an answer that says nothing for a yes. */
function isApplied(result: types.ResultSet): boolean {
  return (result.first() as Record<string, unknown> | null)?.['[applied]'] === true;
}

/** The levels of one scope: mixing two would let a lightweight transaction miss another. */
function scopeOf(consistency: Consistency): {
  readonly quorum: types.consistencies;
  readonly serial: types.consistencies;
} {
  const { localQuorum, localSerial, quorum, serial } = types.consistencies;
  return consistency === 'LOCAL_QUORUM' ? { quorum: localQuorum, serial: localSerial } : { quorum, serial };
}

/** Where each node has every record, it has any. */
const ANY_PARTITION = Buffer.from([0]);
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The part of the driver's control connection that is guarded; not in its types. */
interface ControlConnection {
  readonly connection: object | null;
  readonly _isShuttingDown: boolean;
  _refresh(hosts?: unknown): Promise<void>;
}

/**
 * Keeps a failed refresh of the driver's control connection from ending the process, and tries again. When a node goes away while
 * a refresh waits for it, the driver (4.10.0) begins a second one, which takes the connection away from the first;
 * the first then throws a TypeError from a timer, where nobody can catch it.
 */
function keepRefreshing(driver: Client): void {
  const control = (driver as unknown as { readonly controlConnection: ControlConnection }).controlConnection;
  const refresh = control._refresh.bind(control);
  const again = (): void => {
    if (control.connection === null && !control._isShuttingDown) void control._refresh();
  };
  control._refresh = async (hosts) => {
    try {
      await refresh(hosts);
    } catch {
      setTimeout(again, RECONNECT_MS).unref();
    }
  };
}

function driverOptions(
  config: CassandraConfig,
  consistency: Consistency,
  hosts: AnsweringHosts,
): ConstructorParameters<typeof Client>[0] {
  const scope = scopeOf(consistency);
  const { tls } = config;
  return {
    contactPoints: [...config.contactPoints],
    localDataCenter: config.localDataCenter,
    protocolOptions: { port: config.port },
    ...(config.credentials && { credentials: config.credentials }),
    ...(tls && { sslOptions: sslOptions(tls) }),
    queryOptions: {
      consistency: scope.quorum,
      serialConsistency: scope.serial,
      isIdempotent: false,
      autoPage: false,
    },
    pooling: {
      coreConnectionsPerHost: { [types.distance.local]: config.connectionsPerNode ?? 1 },
      heartBeatInterval: HEARTBEAT_MS,
    },
    socketOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      readTimeout: DRIVER_REQUEST_TIMEOUT_MS,
      defunctReadTimeoutThreshold: MAX_UNANSWERED,
    },
    policies: {
      loadBalancing: new AnsweringFirstPolicy(config.localDataCenter, hosts),
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
      retry: new PatientRetryPolicy(),
    },
    // Undefined must be null, never "unset": a copy replaces every column.
    encoding: { useUndefinedAsUnset: false, useBigIntAsLong: true, useBigIntAsVarint: true },
  };
}

function sslOptions({ ca, cert, key, verify = 'identity' }: NonNullable<CassandraConfig['tls']>): ConnectionOptions {
  return {
    ca,
    cert,
    key,
    // The driver's own default is to check nothing.
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'ca' && { checkServerIdentity: () => undefined }),
  };
}

/** Goes to the next node when a link breaks; a request that timed out has used up its time. */
class PatientRetryPolicy extends policies.retry.RetryPolicy {
  override onRequestError(
    info: policies.retry.OperationInfo,
    consistency: types.consistencies,
    error: Error,
  ): policies.retry.DecisionInfo {
    if (error instanceof errors.OperationTimedOutError) return this.rethrowResult();
    return super.onRequestError(info, consistency, error);
  }
}

/** The driver's own time-outs do not cover connecting and preparing: a node that hangs must not hold a caller. */
function createWithin(clock: Clock): CassandraClient['within'] {
  const watch = new DeadlineWatch(clock);
  return (role, { deadlineMs, signal }, work) =>
    new Promise((resolve, reject) => {
      if (deadlineMs <= clock.monotonicMs()) return reject(deadlineExceeded());
      if (signal?.aborted) return reject(cancelled());
      const expiring: Expiring = { deadlineMs, expire: () => end(deadlineExceeded()) };
      const onAbort = (): void => end(cancelled());
      const release = (): void => {
        watch.remove(expiring);
        signal?.removeEventListener('abort', onAbort);
      };
      const end = (error: Error): void => {
        release();
        reject(error);
      };
      watch.add(expiring);
      signal?.addEventListener('abort', onAbort, { once: true });
      work().then(
        (result) => {
          release();
          resolve(result);
        },
        (error: unknown) => {
          const late = error instanceof errors.OperationTimedOutError && clock.monotonicMs() >= deadlineMs - 1;
          end(late ? deadlineExceeded() : translateError(error, role));
        },
      );
    });
}
