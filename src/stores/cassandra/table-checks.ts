import type { Finding } from '../server-findings.ts';
import type { CassandraClient } from './client.ts';

/** Findings as they are collected. */
export interface Found {
  readonly errors: Finding[];
  readonly warnings: Finding[];
}

/** Two replicas of three are a quorum, and one of them may fail. */
const WANTED_REPLICAS = 3;
const MIN_GC_GRACE_SECONDS = 86_400;

/** A row of system_schema.keyspaces. */
interface KeyspaceRow {
  readonly durable_writes: boolean;
  readonly replication: Readonly<Record<string, string>>;
}

/** Checks how a table's keyspace is replicated and made durable. A keyspace that is not there is the table's finding. */
export async function checkKeyspace(
  client: CassandraClient,
  of: { readonly keyspace: string; readonly acknowledgesBeforeDisk: boolean },
  deadlineMs: number,
  found: Found,
): Promise<void> {
  const { keyspace } = of;
  const result = await client.run({ query: KEYSPACE, params: [keyspace] }, deadlineMs);
  const row = result.first() as unknown as KeyspaceRow | null;
  if (row === null) return;
  if (!row.durable_writes) {
    found.errors.push({
      setting: `${keyspace}: durable_writes`,
      found: 'false',
      wanted: 'true',
      cure: `ALTER KEYSPACE ${keyspace} WITH durable_writes = true`,
    });
  }
  const replicas = countReplicas(row.replication, client);
  const setting = `${keyspace}: replication`;
  const cure = `ALTER KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${client.localDataCenter}': ${WANTED_REPLICAS}}, then a full repair`;
  if (replicas === 0) {
    const wanted = `replicas in ${client.localDataCenter}`;
    found.errors.push({ setting, found: 'none there', wanted, cure });
  } else if (replicas < WANTED_REPLICAS) {
    const risk = of.acknowledgesBeforeDisk
      ? ', and commitlog_sync: periodic acknowledges before the disk has it'
      : ': one node that is down stops the target';
    found.warnings.push({ setting, found: `${replicas}${risk}`, wanted: `at least ${WANTED_REPLICAS}`, cure });
  }
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

/** Checks a table's options. A table that is not there is left to the comparison of definitions. */
export async function checkTable(
  client: CassandraClient,
  of: { readonly keyspace: string; readonly table: string; readonly markerTtlSeconds: number },
  deadlineMs: number,
  found: Found,
): Promise<void> {
  const params = [of.keyspace, of.table];
  const result = await client.run({ query: TABLE, params }, deadlineMs);
  const row = result.first() as unknown as TableRow | null;
  if (row === null) return;
  const name = `${of.keyspace}.${of.table}`;
  const grace = row.gc_grace_seconds;
  const wrong = (
    option: string,
    is: unknown,
    wanted: string,
    cure = `ALTER TABLE ${name} WITH ${option} = ${wanted}`,
  ): void => {
    found.errors.push({ setting: `${name}: ${option}`, found: String(is), wanted, cure });
  };
  if (row.read_repair !== 'BLOCKING') wrong('read_repair', row.read_repair, "'BLOCKING'");
  if (row.default_time_to_live !== 0) wrong('default_time_to_live', row.default_time_to_live, '0');
  if (grace < MIN_GC_GRACE_SECONDS) {
    const cure = `ALTER TABLE ${name} WITH gc_grace_seconds = 864000, and repair more often than that`;
    wrong('gc_grace_seconds', grace, `at least ${MIN_GC_GRACE_SECONDS}`, cure);
  }
  if (of.markerTtlSeconds < grace) {
    const cure = `raise the marker TTL in the configuration to ${grace} s, or lower gc_grace_seconds and repair more often`;
    wrong('gc_grace_seconds', grace, `at most the marker TTL of ${of.markerTtlSeconds} s`, cure);
  }
  const columns = await client.run({ query: COLUMNS, params }, deadlineMs);
  for (const column of columns.rows) {
    if (column.get('kind') !== 'static') continue;
    const cure = 'drop it: its one value for a partition has no version of its own';
    wrong(`static column ${column.get('column_name')}`, 'there', 'none', cure);
  }
}

const WHERE = 'WHERE keyspace_name = ? AND table_name = ?';
const TABLE = `SELECT gc_grace_seconds, default_time_to_live, read_repair FROM system_schema.tables ${WHERE}`;
const COLUMNS = `SELECT column_name, kind FROM system_schema.columns ${WHERE}`;
