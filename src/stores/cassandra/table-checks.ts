import type { Examined } from '../server-findings.ts';
import type { CassandraClient } from './client.ts';

/** Two replicas of three are a quorum, and one of them may fail. */
const WANTED_REPLICAS = 3;
const MIN_GC_GRACE_SECONDS = 86_400;

/** A row of system_schema.keyspaces. */
interface KeyspaceRow {
  readonly durable_writes: boolean;
  readonly replication: Readonly<Record<string, string>>;
}

/** How a keyspace is kept. */
export interface KeyspaceDescription {
  readonly keyspace: string;
  /** The replicas that the client's consistency counts: of the local data centre, or of all. */
  readonly replicas: number;
  readonly durableWrites: boolean;
  readonly localDataCenter: string;
}

/** Reads how a keyspace is kept; null: there is none. Throws the driver's errors. */
export async function readKeyspace(
  client: CassandraClient,
  keyspace: string,
  deadlineMs: number,
): Promise<KeyspaceDescription | null> {
  const result = await client.run({ query: KEYSPACE, params: [keyspace] }, deadlineMs);
  const row = result.first() as unknown as KeyspaceRow | null;
  if (row === null) return null;
  const { localDataCenter } = client;
  const replicas = countReplicas(row.replication, client);
  return { keyspace, replicas, durableWrites: row.durable_writes, localDataCenter };
}

/** The statement that gives a keyspace as many replicas as it should have. */
export function replicationCure({ keyspace, localDataCenter }: KeyspaceDescription): string {
  return `ALTER KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${localDataCenter}': ${WANTED_REPLICAS}}, then a full repair`;
}

/** Compares how a keyspace is replicated and made durable with what the promises need. */
export function examineKeyspace(
  description: KeyspaceDescription,
  of: { readonly acknowledgesBeforeDisk: boolean },
): readonly Examined[] {
  const { keyspace, replicas, durableWrites, localDataCenter } = description;
  const replication = { setting: `${keyspace}: replication`, cure: replicationCure(description) };
  return [
    {
      setting: `${keyspace}: durable_writes`,
      found: String(durableWrites),
      wanted: 'true',
      cure: `ALTER KEYSPACE ${keyspace} WITH durable_writes = true`,
      verdict: durableWrites ? 'ok' : 'error',
    },
    replicas === 0
      ? { ...replication, found: 'none there', wanted: `replicas in ${localDataCenter}`, verdict: 'error' }
      : {
          ...replication,
          found: `${replicas}${replicas < WANTED_REPLICAS ? riskOf(of.acknowledgesBeforeDisk) : ''}`,
          wanted: `at least ${WANTED_REPLICAS}`,
          verdict: replicas < WANTED_REPLICAS ? 'warning' : 'ok',
        },
  ];
}

function riskOf(acknowledgesBeforeDisk: boolean): string {
  return acknowledgesBeforeDisk
    ? ', and commitlog_sync: periodic acknowledges before the disk has it'
    : ': one node that is down stops the target';
}

const KEYSPACE = 'SELECT durable_writes, replication FROM system_schema.keyspaces WHERE keyspace_name = ?';

/** The replicas that the consistency counts: of the local data centre, or of all. */
function countReplicas(replication: Readonly<Record<string, string>>, client: CassandraClient): number {
  const { class: strategy = '', replication_factor: factor, ...byDataCenter } = replication;
  if (strategy.endsWith('SimpleStrategy')) return Number.parseInt(factor ?? '0', 10);
  const counted =
    client.consistency === 'LOCAL_QUORUM' ? [byDataCenter[client.localDataCenter]] : Object.values(byDataCenter);
  return counted.reduce((sum, replicas) => sum + Number.parseInt(replicas ?? '0', 10), 0);
}

/** A row of system_schema.tables. */
interface TableRow {
  readonly gc_grace_seconds: number;
  readonly default_time_to_live: number;
  readonly read_repair: string;
}

/** Compares a table's options with what the promises need. A table that is not there is left to the comparison of definitions. */
export async function examineTable(
  client: CassandraClient,
  of: {
    readonly keyspace: string;
    readonly table: string;
    readonly markerTtlSeconds: number;
    /** Whether it is an index's, where a reservation is one for all records with the same values. Default false. */
    readonly isIndex?: boolean;
  },
  deadlineMs: number,
): Promise<readonly Examined[]> {
  const params = [of.keyspace, of.table];
  const result = await client.run({ query: TABLE, params }, deadlineMs);
  const row = result.first() as unknown as TableRow | null;
  if (row === null) return [];
  const name = `${of.keyspace}.${of.table}`;
  const columns = await client.run({ query: COLUMNS, params }, deadlineMs);
  const statics = of.isIndex ? [] : columns.rows.filter((column) => column.get('kind') === 'static');
  return [
    examineOption(name, { option: 'read_repair', is: row.read_repair, wanted: 'BLOCKING', written: "'BLOCKING'" }),
    examineOption(name, { option: 'default_time_to_live', is: row.default_time_to_live, wanted: 0 }),
    ...examineGrace(name, row.gc_grace_seconds, of.markerTtlSeconds),
    ...statics.map((column) => ({
      setting: `${name}: static column ${column.get('column_name')}`,
      found: 'there',
      wanted: 'none',
      cure: 'drop it: its one value for a partition has no version of its own',
      verdict: 'error' as const,
    })),
  ];
}

function examineOption(name: string, { option, is, wanted, written = String(wanted) }: OptionOfTable): Examined {
  return {
    setting: `${name}: ${option}`,
    found: String(is),
    wanted: written,
    cure: `ALTER TABLE ${name} WITH ${option} = ${written}`,
    verdict: is === wanted ? 'ok' : 'error',
  };
}

/** An option that must have one value, which CQL may write otherwise than it shows it. */
interface OptionOfTable {
  readonly option: string;
  readonly is: string | number;
  readonly wanted: string | number;
  readonly written?: string;
}

function examineGrace(name: string, grace: number, markerTtlSeconds: number): readonly Examined[] {
  const setting = `${name}: gc_grace_seconds`;
  const found = String(grace);
  return [
    {
      setting,
      found,
      wanted: `at least ${MIN_GC_GRACE_SECONDS}`,
      cure: `ALTER TABLE ${name} WITH gc_grace_seconds = 864000, and repair more often than that`,
      verdict: grace < MIN_GC_GRACE_SECONDS ? 'error' : 'ok',
    },
    {
      setting,
      found,
      wanted: `at most the marker TTL of ${markerTtlSeconds} s`,
      cure: `raise the marker TTL in the configuration to ${grace} s, or lower gc_grace_seconds and repair more often`,
      verdict: markerTtlSeconds < grace ? 'error' : 'ok',
    },
  ];
}

const WHERE = 'WHERE keyspace_name = ? AND table_name = ?';
const TABLE = `SELECT gc_grace_seconds, default_time_to_live, read_repair FROM system_schema.tables ${WHERE}`;
const COLUMNS = `SELECT column_name, kind FROM system_schema.columns ${WHERE}`;
