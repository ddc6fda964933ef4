import { errors as driverErrors, types } from 'cassandra-driver';
import type { Call } from '../call.ts';
import { examineClocks } from '../clock-readings.ts';
import { type Examined, findingsOf, type ServerFindings } from '../server-findings.ts';
import type { CassandraClient, CassandraNode } from './client.ts';
import { measureClocks } from './clocks.ts';
import { IN_KEYS, MAX_PAGE, TOMBSTONES_OF_A_PAGE } from './limits.ts';
import { examineKeyspace, examineTable, readKeyspace } from './table-checks.ts';

/** What the check is told. */
export interface ServerCheckOptions {
  /** The tables of the resources that move here. */
  readonly tables: readonly { readonly keyspace: string; readonly table: string; readonly isIndex?: boolean }[];
  /** How long markers of deleted records stay, in seconds. */
  readonly markerTtlSeconds: number;
  /** By how much clocks may differ, in milliseconds. */
  readonly skewBoundMs: number;
}

/**
 * Compares every node that is up, the keyspaces and the tables with what the promises need (docs/protocol.md,
 * section 9). Throws `unavailable` or `deadline_exceeded`.
 */
export function checkServer(
  client: CassandraClient,
  options: ServerCheckOptions,
  call: Pick<Call, 'deadlineMs' | 'signal'>,
): Promise<ServerFindings> {
  const { deadlineMs } = call;
  return client.within('follower', call, async () => {
    const examined: Examined[] = [...examineClocks(await measureClocks(client, deadlineMs), options.skewBoundMs)];
    const nodes = await readNodes(client, deadlineMs);
    for (const node of nodes) {
      for (const one of examineNode(node, client.consistency)) {
        examined.push({ ...one, setting: `${node.address}: ${one.setting}` });
      }
    }
    const acknowledgesBeforeDisk = nodes.some((node) => node.acknowledgesBeforeDisk);
    for (const name of new Set(options.tables.map((table) => table.keyspace))) {
      const keyspace = await readKeyspace(client, name, deadlineMs);
      if (keyspace !== null) examined.push(...examineKeyspace(keyspace, { acknowledgesBeforeDisk }));
    }
    for (const table of options.tables) {
      examined.push(...(await examineTable(client, { ...table, ...options }, deadlineMs)));
    }
    return findingsOf(examined);
  });
}

const VERSIONS = ['4.1', '5.0'];
const PARTITIONER = 'Murmur3Partitioner';
const IN_YAML = 'in cassandra.yaml, and restart the node';

/** What a node says about itself. */
export interface NodeSettings {
  readonly address: string;
  readonly version: string;
  readonly partitioner: string;
  /** Its settings by name; null: the role may not read them. */
  readonly settings: ReadonlyMap<string, string> | null;
  /** `commitlog_sync: periodic`: a node that loses its power forgets what it acknowledged last. */
  readonly acknowledgesBeforeDisk: boolean;
}

/** Asks every node that is up, one after the other. Throws the driver's errors. */
export async function readNodes(client: CassandraClient, deadlineMs: number): Promise<readonly NodeSettings[]> {
  const nodes: NodeSettings[] = [];
  for (const host of client.nodes()) nodes.push(await readNode(client, host, deadlineMs));
  return nodes;
}

async function readNode(client: CassandraClient, host: CassandraNode, deadlineMs: number): Promise<NodeSettings> {
  const local = await client.run({ query: LOCAL, params: [] }, deadlineMs, { host });
  const { release_version: version = '', partitioner = '' } = local.first() as unknown as Record<string, string>;
  const settings = await readSettings(client, host, deadlineMs);
  const acknowledgesBeforeDisk = settings?.get('commitlog_sync') === 'periodic';
  return { address: host.address, version, partitioner, settings, acknowledgesBeforeDisk };
}

async function readSettings(
  client: CassandraClient,
  host: CassandraNode,
  deadlineMs: number,
): Promise<ReadonlyMap<string, string> | null> {
  try {
    const { rows } = await client.run({ query: SETTINGS, params: [] }, deadlineMs, { host });
    return new Map(rows.map((row) => [String(row.get('name')), row.get('value') ?? '']));
  } catch (error) {
    if (isUnauthorized(error)) return null;
    throw error;
  }
}

const LOCAL = 'SELECT release_version, partitioner FROM system.local';
const SETTINGS = 'SELECT name, value FROM system_views.settings';

function isUnauthorized(error: unknown): boolean {
  return error instanceof driverErrors.ResponseError && error.code === types.responseErrorCodes.unauthorized;
}

/** One setting of a node. */
interface Rule {
  readonly setting: string;
  readonly wanted: string;
  readonly holds: (value: string) => boolean;
  readonly cure: string;
  readonly severity: 'error' | 'warning';
}

function nodeRules(consistency: string): readonly Rule[] {
  const atLeast = (setting: string, least: number, severity: Rule['severity']): Rule => ({
    setting,
    wanted: `at least ${least}, or none`,
    holds: (value) => Number(value) <= 0 || Number(value) >= least,
    cure: `set ${setting} to -1 or to at least ${least} ${IN_YAML}`,
    severity,
  });
  const unset = (setting: string): Rule => ({
    setting,
    wanted: 'none',
    holds: (value) => value === '' || value === 'null',
    cure: `remove ${setting} ${IN_YAML}: versions are timestamps, of the record's last write and of the last attach`,
    severity: 'error',
  });
  const allowed = (setting: string): Rule => ({
    setting,
    wanted: `without ${consistency}`,
    holds: (value) => !value.split(/[^A-Z_]+/).includes(consistency),
    cure: `take ${consistency} out of ${setting} ${IN_YAML}`,
    severity: 'error',
  });
  return [
    {
      setting: 'user_timestamps_enabled',
      wanted: 'true',
      holds: (value) => value === 'true',
      cure: `set user_timestamps_enabled: true ${IN_YAML}: versions are written as timestamps`,
      severity: 'error',
    },
    unset('maximum_timestamp_fail_threshold'),
    unset('minimum_timestamp_fail_threshold'),
    {
      setting: 'allow_filtering_enabled',
      wanted: 'true',
      holds: (value) => value === 'true',
      cure: `set allow_filtering_enabled: true ${IN_YAML}: once Cassandra is the authority, open log entries are found by it`,
      severity: 'warning',
    },
    allowed('read_consistency_levels_disallowed'),
    allowed('write_consistency_levels_disallowed'),
    atLeast('page_size_fail_threshold', MAX_PAGE, 'error'),
    atLeast('in_select_cartesian_product_fail_threshold', IN_KEYS, 'error'),
    atLeast('tombstone_failure_threshold', TOMBSTONES_OF_A_PAGE, 'error'),
  ];
}

/** The settings that {@link examineNode} looks at, besides `version`, `partitioner` and whether they can be read. */
export const nodeSettingNames: readonly string[] = nodeRules('').map(({ setting }) => setting);

/** Compares one node with what the promises need. `setting` is the setting's name alone. */
export function examineNode(node: NodeSettings, consistency: string): readonly Examined[] {
  const { version, partitioner, settings } = node;
  const examined: Examined[] = [
    {
      setting: 'version',
      found: version,
      wanted: VERSIONS.join(' or '),
      cure: 'upgrade the node',
      verdict: VERSIONS.some((line) => version.startsWith(`${line}.`)) ? 'ok' : 'error',
    },
    {
      setting: 'partitioner',
      found: partitioner,
      wanted: PARTITIONER,
      cure: 'use another cluster: a partitioner is for life',
      verdict: partitioner.endsWith(PARTITIONER) ? 'ok' : 'error',
    },
    {
      setting: 'system_views.settings',
      found: settings === null ? 'not readable, so not checked' : 'readable',
      wanted: 'readable',
      cure: "GRANT SELECT ON KEYSPACE system_views to the service's role",
      verdict: settings === null ? 'warning' : 'ok',
    },
  ];
  if (settings === null) return examined;
  for (const { setting, wanted, holds, cure, severity } of nodeRules(consistency)) {
    const value = settings.get(setting);
    // A version that does not know the guardrail does not stand guard.
    const verdict = value === undefined || holds(value) ? 'ok' : severity;
    examined.push({ setting, found: value ?? 'unknown to this version', wanted, cure, verdict });
  }
  return examined;
}

const MIB = 1024 * 1024;
/** Half of the default commit log segment. */
const DEFAULT_MUTATION_BYTES = 16 * MIB;
const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: MIB, GiB: 1024 * MIB };

/** The largest mutation in bytes that every node takes; of a node that does not say, the default. */
export function smallestMutation(nodes: readonly NodeSettings[]): number {
  const sizes = nodes.map(({ settings }) => {
    const own = bytesOf(settings?.get('max_mutation_size'));
    const segment = bytesOf(settings?.get('commitlog_segment_size'));
    return own ?? (segment === null ? DEFAULT_MUTATION_BYTES : segment / 2);
  });
  return sizes.length === 0 ? DEFAULT_MUTATION_BYTES : Math.min(...sizes);
}

/** `32MiB` in bytes; null: it says nothing. */
function bytesOf(text: string | undefined): number | null {
  const [, digits, unit = ''] = /^(\d+)\s*([KMG]?i?B)$/.exec(text ?? '') ?? [];
  return digits === undefined || UNITS[unit] === undefined ? null : Number(digits) * UNITS[unit];
}

/** The nodes of the local data centre: all that the cluster knows of, and those that are up. Throws the driver's errors. */
export async function countNodes(
  client: CassandraClient,
  deadlineMs: number,
): Promise<{ readonly all: number; readonly up: number }> {
  const up = client.nodes().length;
  const peers = await client.run({ query: PEERS, params: [] }, deadlineMs);
  const local = peers.rows.filter((row) => row.get('data_center') === client.localDataCenter).length;
  return { all: Math.max(local + 1, up), up };
}

const PEERS = 'SELECT data_center FROM system.peers';
