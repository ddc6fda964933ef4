import { errors as driverErrors, types } from 'cassandra-driver';
import type { Call } from '../call.ts';
import type { Finding, ServerFindings } from '../server-findings.ts';
import type { CassandraClient, CassandraNode } from './client.ts';
import { type NodeClock, readClocks } from './clocks.ts';
import { CLOCK_READINGS, IN_KEYS, MAX_PAGE, TOMBSTONES_OF_A_PAGE } from './limits.ts';
import { checkKeyspace, checkTable, type Found } from './table-checks.ts';

/** What the check is told. */
export interface ServerCheckOptions {
  /** The tables of the resources that move here. */
  readonly tables: readonly { readonly keyspace: string; readonly table: string }[];
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
  return client.within('follower', call, async () => {
    const found: Found = { errors: [], warnings: [] };
    const clocks = await measureClocks(client, call.deadlineMs);
    checkClocks(clocks, options.skewBoundMs, found);
    let acknowledgesBeforeDisk = false;
    for (const node of client.nodes()) {
      const settings = await readSettings(client, node, call.deadlineMs);
      checkNode(settings, client.consistency, found);
      acknowledgesBeforeDisk ||= settings.get('commitlog_sync') === 'periodic';
    }
    for (const table of options.tables) {
      await checkKeyspace(client, { ...table, acknowledgesBeforeDisk }, call.deadlineMs, found);
      await checkTable(client, { ...table, markerTtlSeconds: options.markerTtlSeconds }, call.deadlineMs, found);
    }
    return found;
  });
}

const VERSIONS = ['4.1', '5.0'];
const PARTITIONER = 'Murmur3Partitioner';
const IN_YAML = 'in cassandra.yaml, and restart the node';

/** A node's settings by name, with `release_version`, `partitioner` and `node`, its address. */
async function readSettings(
  client: CassandraClient,
  host: CassandraNode,
  deadlineMs: number,
): Promise<ReadonlyMap<string, string>> {
  const local = await client.run({ query: LOCAL, params: [] }, deadlineMs, { host });
  const { release_version: version, partitioner } = local.first() as unknown as Record<string, string>;
  const settings = new Map([
    ['node', host.address],
    ['release_version', version ?? ''],
    ['partitioner', partitioner ?? ''],
  ]);
  try {
    const rows = await client.run({ query: SETTINGS, params: [] }, deadlineMs, { host });
    for (const row of rows.rows) settings.set(String(row.get('name')), row.get('value') ?? '');
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    settings.set('unreadable', 'true');
  }
  return settings;
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
  readonly severity: 'errors' | 'warnings';
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
    severity: 'errors',
  });
  const allowed = (setting: string): Rule => ({
    setting,
    wanted: `without ${consistency}`,
    holds: (value) => !value.split(/[^A-Z_]+/).includes(consistency),
    cure: `take ${consistency} out of ${setting} ${IN_YAML}`,
    severity: 'errors',
  });
  return [
    {
      setting: 'user_timestamps_enabled',
      wanted: 'true',
      holds: (value) => value === 'true',
      cure: `set user_timestamps_enabled: true ${IN_YAML}: versions are written as timestamps`,
      severity: 'errors',
    },
    unset('maximum_timestamp_fail_threshold'),
    unset('minimum_timestamp_fail_threshold'),
    {
      setting: 'allow_filtering_enabled',
      wanted: 'true',
      holds: (value) => value === 'true',
      cure: `set allow_filtering_enabled: true ${IN_YAML}: once Cassandra is the authority, open log entries are found by it`,
      severity: 'warnings',
    },
    allowed('read_consistency_levels_disallowed'),
    allowed('write_consistency_levels_disallowed'),
    atLeast('page_size_fail_threshold', MAX_PAGE, 'errors'),
    atLeast('in_select_cartesian_product_fail_threshold', IN_KEYS, 'errors'),
    atLeast('tombstone_failure_threshold', TOMBSTONES_OF_A_PAGE, 'errors'),
  ];
}

function checkNode(settings: ReadonlyMap<string, string>, consistency: string, found: Found): void {
  const node = settings.get('node') ?? '';
  const version = settings.get('release_version') ?? '';
  if (!VERSIONS.some((line) => version.startsWith(`${line}.`))) {
    found.errors.push({
      setting: `${node}: version`,
      found: version,
      wanted: VERSIONS.join(' or '),
      cure: 'upgrade the node',
    });
  }
  const partitioner = settings.get('partitioner') ?? '';
  if (!partitioner.endsWith(PARTITIONER)) {
    found.errors.push({
      setting: `${node}: partitioner`,
      found: partitioner,
      wanted: PARTITIONER,
      cure: 'use another cluster: a partitioner is for life',
    });
  }
  if (settings.has('unreadable')) {
    found.warnings.push({
      setting: `${node}: system_views.settings`,
      found: 'not readable, so not checked',
      wanted: 'readable',
      cure: "GRANT SELECT ON KEYSPACE system_views to the service's role",
    });
    return;
  }
  for (const rule of nodeRules(consistency)) {
    const value = settings.get(rule.setting);
    // A version that does not know the guardrail does not stand guard.
    if (value === undefined || rule.holds(value)) continue;
    const { wanted, cure } = rule;
    found[rule.severity].push({ setting: `${node}: ${rule.setting}`, found: value, wanted, cure });
  }
}

/** Each reading narrows what is known: the answer's own way counts less with the quickest one. */
async function measureClocks(client: CassandraClient, deadlineMs: number): Promise<readonly NodeClock[]> {
  const narrowest = new Map<string, NodeClock>();
  for (let reading = 0; reading < CLOCK_READINGS; reading++) {
    for (const clock of await readClocks(client, deadlineMs)) {
      const known = narrowest.get(clock.node)?.aheadMicros ?? clock.aheadMicros;
      const { least, most } = clock.aheadMicros;
      const aheadMicros = {
        least: known.least > least ? known.least : least,
        most: known.most < most ? known.most : most,
      };
      narrowest.set(clock.node, { ...clock, aheadMicros });
    }
  }
  return [...narrowest.values()];
}

/** Finds only what is certain: a slow answer says nothing against a clock. Exported for its test. */
export function checkClocks(clocks: readonly NodeClock[], skewBoundMs: number, found: Found): void {
  const bound = BigInt(Math.ceil(skewBoundMs * 1_000));
  const report = (setting: string, micros: bigint, into: Finding[]): void => {
    into.push({
      setting,
      found: `at least ${Number(micros) / 1_000} ms apart`,
      wanted: `at most ${skewBoundMs} ms`,
      cure: 'let chrony or ntpd set the clocks by the same servers',
    });
  };
  for (const [i, one] of clocks.entries()) {
    for (const other of clocks.slice(i + 1)) {
      const apart = highest(
        one.aheadMicros.least - other.aheadMicros.most,
        other.aheadMicros.least - one.aheadMicros.most,
      );
      if (apart > bound) report(`${one.node} and ${other.node}: clocks`, apart, found.errors);
    }
    const fromHere = highest(one.aheadMicros.least, -one.aheadMicros.most);
    if (fromHere > bound) report(`${one.node} and this machine: clocks`, fromHere, found.warnings);
  }
}

function highest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
