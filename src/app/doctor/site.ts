import { systemClock } from '../../domain/clock.ts';
import type { Resource, RiakPlace } from '../../domain/resource.ts';
import type { MysqlTableDescription } from '../../domain/table-description.ts';
import { internalCall } from '../../stores/call.ts';
import type { CassandraClient } from '../../stores/cassandra/client.ts';
import { type NodeSettings, readNodes } from '../../stores/cassandra/server-checks.ts';
import { describeTable } from '../../stores/mysql/describe-table.ts';
import { createForeignKeyReader, type ForeignKeyReader } from '../../stores/mysql/foreign-keys.ts';
import { readGrants, type UserGrants } from '../../stores/mysql/grants.ts';
import { createMysqlPool, type MysqlPool } from '../../stores/mysql/pool.ts';
import { examineVariables, readVariables } from '../../stores/mysql/server-checks.ts';
import type { RiakClient } from '../../stores/riak/client.ts';
import type { Examined } from '../../stores/server-findings.ts';
import { readClientTls } from '../client-tls.ts';
import type { Config } from '../config.ts';
import {
  bindNamed,
  type LoadedDefinitions,
  loadDefinitions,
  mayMove,
  missingTable,
  type NamedDefinition,
  tableOf,
} from '../load-resources.ts';
import { createClient, createRiak, mysqlAddressOf } from '../open-stores.ts';

/** What a check can't do without. */
export type Server = 'mysql' | 'cassandra' | 'riak';

/** What a person expects, which no server can tell. */
export interface Expectations {
  /** The longest time that a server, or the service, may be away and then go on as if nothing had been. */
  readonly outageSeconds: number;
  /** How long one question may read a whole table, in milliseconds. */
  readonly scanLimitMs: number;
}

/** What checks look at: the config, the servers that it names, and what was read from them already. */
export interface Site {
  readonly config: Config;
  readonly expectations: Expectations;
  readonly pool: MysqlPool;
  /** Asks for each table once. */
  readonly foreignKeys: ForeignKeyReader;
  /** Null: the config names no Cassandra. */
  readonly cassandra: CassandraClient | null;
  /** Null: the config names no Riak. */
  readonly riak: RiakClient | null;
  /** The authorities for the flag server (PEM); undefined: those that Node knows. */
  readonly unleashCa: string | undefined;
  /** Servers that turned out not to be usable, or that the config does not name: nobody need wait for them again. Grows. */
  readonly unusable: Set<Server>;
  /** What the descriptors define. Rejects with a StartError where they can't be read. */
  definitions(): Promise<LoadedDefinitions>;
  /** Whether any resource is to be moved, so that the binary log is read. */
  captures(): Promise<boolean>;
  /** The server's variables as the start looks at them. */
  variables(): Promise<readonly Examined[]>;
  /** Variables that only some checks know. */
  otherVariables(): Promise<ReadonlyMap<string, string>>;
  grants(): Promise<UserGrants>;
  /** What each node that is up says about itself. */
  nodes(): Promise<readonly NodeSettings[]>;
  close(): Promise<void>;
}

/** One resource that the config names. */
export interface ResourceSubject {
  readonly site: Site;
  readonly id: string;
  readonly one: NamedDefinition;
  readonly source: Resource['mysql'];
  /** Absent: it does not move to Cassandra. */
  readonly target: Resource['cassandra'];
  /** Absent: it does not move to Riak. */
  readonly bucket: RiakPlace | undefined;
  /** Null: there is no such table, or the user may not see it. */
  table(): Promise<MysqlTableDescription | null>;
  /** Everything that keeps the resource from being served, or the resource. */
  bound(): Promise<{ readonly resource: Resource } | { readonly mistakes: readonly string[] }>;
}

/** Connections at once: checks come one after the other, and one asks twice at once at most. */
const CONNECTIONS = 3;
/** How long what several checks share may take to be read. */
const SHARED_TIMEOUT_MS = 10_000;

const OTHER_VARIABLES = [
  'version',
  'binlog_expire_logs_seconds',
  'binlog_expire_logs_auto_purge',
  'expire_logs_days',
  'transaction_isolation',
  'tx_isolation',
  'time_zone',
  'system_time_zone',
  'explicit_defaults_for_timestamp',
  'max_connections',
  'max_user_connections',
  'max_allowed_packet',
];

/** Opens what checks look at; connects to nothing yet. Throws a StartError for files of certificates that can't be read. */
export async function openSite(config: Config, expectations: Expectations, signal: AbortSignal): Promise<Site> {
  const { controlSchema } = config.stores.mysql;
  const tls = await readClientTls(config);
  const pool = createMysqlPool({ ...mysqlAddressOf(config, tls), connections: CONNECTIONS, controlSchema });
  const cassandra = createClient(config, tls);
  const riak = createRiak(config, tls);
  const call = () => internalCall(systemClock, SHARED_TIMEOUT_MS, signal);
  const definitions = once(() => loadDefinitions(config));
  const captures = async (): Promise<boolean> => {
    if (cassandra === null && riak === null) return false;
    // Without definitions it is better to look at too much than at too little.
    const loaded = await definitions().catch(() => null);
    return loaded === null || loaded.named.some((one) => mayMove(config, one));
  };
  return {
    config,
    expectations,
    pool,
    foreignKeys: createForeignKeyReader(pool.client('authority')),
    cassandra,
    riak,
    unleashCa: tls.unleashCa,
    unusable: new Set<Server>([
      ...(cassandra === null ? (['cassandra'] as const) : []),
      ...(riak === null ? (['riak'] as const) : []),
    ]),
    definitions,
    captures,
    variables: once(async () => examineVariables(pool, { capture: await captures() }, call())),
    otherVariables: once(() => readVariables(pool, OTHER_VARIABLES, call())),
    grants: once(() => readGrants(pool, call())),
    nodes: once(async () => {
      if (cassandra === null) return [];
      const { deadlineMs } = call();
      return cassandra.within('follower', { deadlineMs, signal }, () => readNodes(cassandra, deadlineMs));
    }),
    close: async () => {
      await Promise.allSettled([pool.close(), cassandra?.close(), riak?.close()]);
    },
  };
}

/** The resources that the config names and the descriptors define, in the config's order. */
export async function resourcesOf(site: Site, signal: AbortSignal): Promise<readonly ResourceSubject[]> {
  const { named } = await site.definitions();
  return named.map((one) => {
    const source = tableOf(one);
    const keyspace = one.named.cassandraKeyspace ?? one.definition.cassandra?.keyspace ?? '';
    const { cassandra } = one.definition;
    const { riak } = site.config.stores;
    const { riakBucket } = one.named;
    const table = once(() => describeTable(site.pool, source, internalCall(systemClock, SHARED_TIMEOUT_MS, signal)));
    return {
      site,
      id: one.definition.id,
      one,
      source,
      target: site.cassandra !== null && cassandra !== undefined ? { keyspace, table: cassandra.table } : undefined,
      bucket: riak && riakBucket !== undefined ? { bucketType: riak.bucketType, bucket: riakBucket } : undefined,
      table,
      bound: once(async () => {
        const description = await table();
        if (description === null) {
          const call = internalCall(systemClock, SHARED_TIMEOUT_MS, signal);
          return { mistakes: [await missingTable(site.pool, one, call)] };
        }
        return bindNamed(site.config, one, description);
      }),
    };
  });
}

/** Asks once, and gives everybody the same answer: also the same error, as asking again would only take time again. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}
