import { systemClock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { internalCall } from '../stores/call.ts';
import { type CassandraClient, createCassandraClient } from '../stores/cassandra/client.ts';
import type { MysqlAddress } from '../stores/mysql/link.ts';
import { createMysqlPool, type MysqlPool } from '../stores/mysql/pool.ts';
import { setUpSchema } from '../stores/mysql/schema-setup.ts';
import { createRiakClient, type RiakClient } from '../stores/riak/client.ts';
import type { ClientTls, ClientTlsOfStores } from './client-tls.ts';
import type { Config } from './config.ts';
import { riakNodeOf } from './riak-mistakes.ts';

/** The connections to both stores' servers. */
export interface Stores {
  readonly mysql: {
    /** For records. */
    readonly pool: MysqlPool;
    /** For control records, heartbeats and jobs: a lease must not wait behind records. */
    readonly controlPool: MysqlPool;
    readonly address: MysqlAddress;
  };
  /** Null: the config names no Cassandra. */
  readonly cassandra: CassandraClient | null;
  /** Null: the config names no Riak. */
  readonly riak: RiakClient | null;
  close(): Promise<void>;
}

/** One for the rounds, the others for the controller and the jobs' workers. */
export const CONTROL_CONNECTIONS = 6;
/** How long setting up Crossfade's own tables may take. */
const SET_UP_TIMEOUT_MS = 30_000;

/**
 * Opens the stores and creates Crossfade's own tables in MySQL, without which nothing can be served. Cassandra may
 * be down: it is connected to when it is needed. Throws `unavailable` when MySQL can't be reached.
 */
export async function openStores(config: Config, tls: ClientTlsOfStores, log: Log): Promise<Stores> {
  const { mysql } = config.stores;
  const address = mysqlAddressOf(config, tls);
  const pool = createMysqlPool({ ...address, connections: mysql.connections, controlSchema: mysql.controlSchema });
  const controlPool = createMysqlPool({
    ...address,
    connections: CONTROL_CONNECTIONS,
    controlSchema: mysql.controlSchema,
  });
  const client = createClient(config, tls);
  const riak = createRiak(config, tls);
  const close = async (): Promise<void> => {
    await Promise.allSettled([pool.close(), controlPool.close(), client?.close(), riak?.close()]);
  };
  try {
    await setUpSchema(controlPool, internalCall(systemClock, SET_UP_TIMEOUT_MS));
  } catch (error) {
    log.error('MySQL cannot be set up', { host: mysql.host, port: mysql.port, error });
    await close();
    throw error;
  }
  return { mysql: { pool, controlPool, address }, cassandra: client, riak, close };
}

/** Where MySQL is, and who asks. */
export function mysqlAddressOf({ stores: { mysql }, secrets }: Config, tls: ClientTlsOfStores): MysqlAddress {
  return {
    host: mysql.host,
    port: mysql.port,
    user: mysql.user,
    password: secrets.mysqlPassword,
    ...(tls.mysql && { ssl: sslOf(tls.mysql) }),
  };
}

/** The client of the config's Cassandra, which connects when it is first used; null: the config names none. */
export function createClient(
  { stores: { cassandra }, secrets }: Config,
  tls: ClientTlsOfStores,
): CassandraClient | null {
  if (cassandra === undefined) return null;
  return createCassandraClient({
    contactPoints: cassandra.contactPoints,
    port: cassandra.port,
    localDataCenter: cassandra.localDataCenter,
    consistency: cassandra.scope === 'local' ? 'LOCAL_QUORUM' : 'QUORUM',
    ...(cassandra.user !== undefined && {
      credentials: { username: cassandra.user, password: secrets.cassandraPassword },
    }),
    ...(tls.cassandra && { tls: tls.cassandra }),
  });
}

/** The client of the config's Riak, which connects when it is first used; null: the config names none. */
export function createRiak({ stores: { riak }, secrets }: Config, tls: ClientTlsOfStores): RiakClient | null {
  if (riak === undefined) return null;
  return createRiakClient({
    nodes: riak.nodes.map((node) => riakNodeOf(node, riak.port)),
    connections: riak.connections,
    ...(riak.user !== undefined && { credentials: { username: riak.user, password: secrets.riakPassword } }),
    ...(tls.riak && { tls: tls.riak }),
  });
}

function sslOf({ verify, ...files }: ClientTls): NonNullable<MysqlAddress['ssl']> {
  return { ...files, rejectUnauthorized: verify !== 'none', verifyIdentity: verify === 'identity' };
}
