import type { ForeignKeyDescription, MysqlTableDescription } from '../../domain/table-description.ts';
import { type Examined, type Finding, findingsOf, type ServerFindings } from '../server-findings.ts';
import type { Deadline, MysqlClient, MysqlPool } from './pool.ts';

export type { Finding, ServerFindings };

/** Whose server it is. */
export type Flavour = 'mysql' | 'mariadb';

/** One variable's rule. */
interface Rule {
  readonly variable: string;
  /** In upper case, unless `holds` says what it means. */
  readonly wanted: string;
  /** Default: the value is `wanted`, in whatever case. */
  readonly holds?: (value: string) => boolean;
  readonly cure: string;
  readonly severity: 'error' | 'warning';
  /** Of which server the rule is. Default: both. */
  readonly flavour?: Flavour;
  /** Whether a server that does not know the variable is as wanted. Default false. */
  readonly mayBeAbsent?: true;
}

const CONFIG_FILE = "in the [mysqld] section of the server's configuration, and restart it";

const ON_LINE = (name: string, value: string): string =>
  `SET GLOBAL ${name} = ${value}, and the same ${CONFIG_FILE.split(',')[0]}`;

/** What change capture needs (docs/protocol.md, section 9). */
const captureRules: readonly Rule[] = [
  { variable: 'log_bin', wanted: 'ON', cure: `log_bin ${CONFIG_FILE}`, severity: 'error' },
  { variable: 'binlog_format', wanted: 'ROW', cure: ON_LINE('binlog_format', "'ROW'"), severity: 'error' },
  { variable: 'binlog_row_image', wanted: 'FULL', cure: ON_LINE('binlog_row_image', "'FULL'"), severity: 'error' },
  {
    variable: 'binlog_row_metadata',
    wanted: 'FULL',
    cure: ON_LINE('binlog_row_metadata', "'FULL'"),
    severity: 'error',
  },
  {
    variable: 'gtid_mode',
    wanted: 'ON',
    cure: `gtid_mode = ON and enforce_gtid_consistency = ON ${CONFIG_FILE}`,
    severity: 'error',
    flavour: 'mysql',
  },
  {
    variable: 'enforce_gtid_consistency',
    wanted: 'ON',
    cure: `enforce_gtid_consistency = ON ${CONFIG_FILE}`,
    severity: 'error',
    flavour: 'mysql',
    mayBeAbsent: true,
  },
  {
    variable: 'server_id',
    wanted: 'not 0',
    holds: (value) => value !== '0',
    cure: `${ON_LINE('server_id', '1')}; or another number that no other server of the replication has`,
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'gtid_strict_mode',
    wanted: 'ON',
    cure: ON_LINE('gtid_strict_mode', 'ON'),
    severity: 'warning',
    flavour: 'mariadb',
  },
  {
    variable: 'binlog_row_value_options',
    wanted: '',
    cure: ON_LINE('binlog_row_value_options', "''"),
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'binlog_transaction_compression',
    wanted: 'OFF',
    cure: ON_LINE('binlog_transaction_compression', 'OFF'),
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'log_bin_compress',
    wanted: 'OFF',
    cure: ON_LINE('log_bin_compress', 'OFF'),
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'binlog_order_commits',
    wanted: 'ON',
    cure: ON_LINE('binlog_order_commits', 'ON'),
    severity: 'error',
    mayBeAbsent: true,
  },
  { variable: 'sync_binlog', wanted: '1', cure: ON_LINE('sync_binlog', '1'), severity: 'warning' },
];

/** What every authority needs. */
const authorityRules: readonly Rule[] = [
  {
    variable: 'innodb_flush_log_at_trx_commit',
    wanted: '1',
    cure: ON_LINE('innodb_flush_log_at_trx_commit', '1'),
    severity: 'warning',
  },
  { variable: 'read_only', wanted: 'OFF', cure: 'connect to the writable primary', severity: 'error' },
  {
    variable: 'super_read_only',
    wanted: 'OFF',
    cure: 'connect to the writable primary',
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'group_replication_single_primary_mode',
    wanted: 'ON',
    cure: 'switch the group to single-primary mode: group_replication_switch_to_single_primary_mode()',
    severity: 'error',
    mayBeAbsent: true,
  },
  {
    variable: 'wsrep_on',
    wanted: 'OFF',
    cure: 'use a server with one writable primary: Galera certifies commits after the locks are given back',
    severity: 'error',
    mayBeAbsent: true,
  },
];

/** The variables that {@link examineVariables} looks at. */
export const variableNames: readonly string[] = [...authorityRules, ...captureRules].map((rule) => rule.variable);

/**
 * Compares the server and the tables with what the promises need (docs/protocol.md, section 9).
 *
 * @param options.capture whether a resource is to be moved, so that the binary log is read.
 */
export async function checkServer(
  pool: MysqlPool,
  options: { readonly tables: readonly MysqlTableDescription[]; readonly capture: boolean },
  deadline: Deadline,
): Promise<ServerFindings> {
  return findingsOf([
    ...(await examineVariables(pool, options, deadline)),
    ...(options.capture ? await examineFilters(pool, deadline) : []),
    ...(options.capture ? await examineReplication(pool, deadline) : []),
    ...options.tables.flatMap((table) => examineTable(table, options.capture)),
  ]);
}

/** Compares the server's variables with what the promises need: each that this flavour of server should have. */
export async function examineVariables(
  pool: MysqlPool,
  { capture }: { readonly capture: boolean },
  deadline: Deadline,
): Promise<readonly Examined[]> {
  const rules = capture ? [...authorityRules, ...captureRules] : authorityRules;
  const variables = await readVariables(pool, [...rules.map((rule) => rule.variable), 'version'], deadline);
  const flavour = flavourOf(variables.get('version') ?? '');
  return rules
    .filter((rule) => rule.flavour === undefined || rule.flavour === flavour)
    .map((rule) => applyRule(rule, variables.get(rule.variable)));
}

/** Whose server calls itself this. */
export function flavourOf(version: string): Flavour {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

/** The server's global variables by name; those that it does not know are absent. */
export async function readVariables(
  pool: MysqlPool,
  names: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, string>> {
  const marks = names.map(() => '?').join(', ');
  const sql = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${marks})`;
  const found = await pool.client('authority').read(sql, names, deadline);
  return new Map(found.rows.map(([name, value]) => [String(name), String(value)]));
}

function applyRule(rule: Rule, found: string | undefined): Examined {
  const { variable: setting, wanted, cure, severity } = rule;
  const holds = rule.holds ?? ((value: string) => value.toUpperCase() === wanted);
  const isAsWanted = found === undefined ? rule.mayBeAbsent === true : holds(found);
  return { setting, found: found ?? 'unknown to this server', wanted, cure, verdict: isAsWanted ? 'ok' : severity };
}

/** Filters keep changes out of the binary log, without a trace in it. Needs the privilege REPLICATION CLIENT. */
export async function examineFilters(pool: MysqlPool, deadline: Deadline): Promise<readonly Examined[]> {
  const client = pool.client('authority');
  const status = await client.read(await binlogStatusStatement(client, deadline), [], deadline);
  const [, , onlySchemas, ignoredSchemas] = status.rows[0] ?? [];
  const filters = [
    { setting: 'binlog_do_db', value: onlySchemas },
    { setting: 'binlog_ignore_db', value: ignoredSchemas },
  ];
  return filters.map(({ setting, value }) => {
    const found = value === undefined || value === null || value === '' ? 'none' : String(value);
    const cure = `remove it from the server's configuration, and restart it`;
    return { setting, found, wanted: 'none', cure, verdict: found === 'none' ? 'ok' : 'error' };
  });
}

/**
 * What a server of MariaDB gets from another one is by default not in its own binary log, without a trace. (MySQL logs it by
 * default.) Nothing to examine of a server that replicates from none.
 */
export async function examineReplication(pool: MysqlPool, deadline: Deadline): Promise<readonly Examined[]> {
  const variables = await readVariables(pool, ['version', 'log_slave_updates'], deadline);
  if (flavourOf(variables.get('version') ?? '') === 'mysql') return [];
  const status = await pool.client('authority').read("SHOW GLOBAL STATUS LIKE 'Slaves_running'", [], deadline);
  if (Number(status.rows[0]?.[1] ?? 0) === 0) return [];
  const found = variables.get('log_slave_updates') ?? 'unknown to this server';
  const cure = `log_slave_updates ${CONFIG_FILE}`;
  const verdict = found === 'ON' ? 'ok' : 'error';
  return [
    {
      setting: 'log_slave_updates',
      found: `${found}, and it replicates from another server`,
      wanted: 'ON',
      cure,
      verdict,
    },
  ];
}

/** MySQL 8.2 renamed the statement, and 8.4 dropped the old name. */
async function binlogStatusStatement(client: MysqlClient, deadline: Deadline): Promise<string> {
  const found = await client.read('SELECT @@version', [], deadline);
  const version = String(found.rows[0]?.[0]);
  if (flavourOf(version) === 'mariadb') return 'SHOW MASTER STATUS';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 8 || (major === 8 && minor >= 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
}

/** Compares a table with what the promises need: its engine, and where it is captured its foreign keys. */
export function examineTable(table: MysqlTableDescription, capture: boolean): readonly Examined[] {
  const name = `${table.schema}.${table.table}`;
  const engine: Examined = {
    setting: `${name}: engine`,
    found: table.storageEngine,
    wanted: 'InnoDB',
    cure: `ALTER TABLE ${name} ENGINE = InnoDB`,
    verdict: table.storageEngine === 'InnoDB' ? 'ok' : 'error',
  };
  return capture ? [engine, ...table.foreignKeys.flatMap((key) => examineForeignKey(name, key))] : [engine];
}

function examineForeignKey(name: string, key: ForeignKeyDescription): readonly Examined[] {
  const actions = [
    { event: 'ON DELETE', action: key.onDelete },
    { event: 'ON UPDATE', action: key.onUpdate },
  ];
  return actions.map(({ event, action }) => ({
    setting: `${name}: foreign key ${key.name}`,
    found: `${event} ${action}`,
    wanted: `${event} RESTRICT, CASCADE or SET NULL`,
    cure: 'make it one of these: what SET DEFAULT changes is not in the binary log',
    verdict: HIDDEN_ACTIONS.includes(action) ? 'error' : 'ok',
  }));
}

/** What capture can't follow from the parent's change. */
const HIDDEN_ACTIONS = ['SET DEFAULT'];
