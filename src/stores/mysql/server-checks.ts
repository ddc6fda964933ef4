import type { MysqlTableDescription } from '../../domain/table-description.ts';
import type { Finding, ServerFindings } from '../server-findings.ts';
import type { Deadline, MysqlClient, MysqlPool } from './pool.ts';

export type { Finding, ServerFindings };

/** One variable's rule. */
interface Rule {
  readonly variable: string;
  readonly wanted: string;
  readonly cure: string;
  readonly severity: 'error' | 'warning';
  /** Of which server the rule is. Default: both. */
  readonly flavour?: 'mysql' | 'mariadb';
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
  const client = pool.client('authority');
  const rules = options.capture ? [...authorityRules, ...captureRules] : authorityRules;
  const variables = await readVariables(client, [...rules.map((rule) => rule.variable), 'version'], deadline);
  const flavour = /mariadb/i.test(variables.get('version') ?? '') ? 'mariadb' : 'mysql';
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for (const rule of rules) {
    const finding = applyRule(rule, flavour, variables);
    if (finding !== null) (rule.severity === 'error' ? errors : warnings).push(finding);
  }
  if (options.capture) errors.push(...(await checkFilters(client, flavour, deadline)));
  for (const table of options.tables) errors.push(...checkTable(table, options.capture));
  return { errors, warnings };
}

async function readVariables(
  client: MysqlClient,
  names: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, string>> {
  const marks = names.map(() => '?').join(', ');
  const found = await client.read(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${marks})`, names, deadline);
  return new Map(found.rows.map(([name, value]) => [String(name), String(value)]));
}

function applyRule(rule: Rule, flavour: 'mysql' | 'mariadb', variables: ReadonlyMap<string, string>): Finding | null {
  if (rule.flavour !== undefined && rule.flavour !== flavour) return null;
  const found = variables.get(rule.variable);
  if (found === undefined && rule.mayBeAbsent) return null;
  if (found?.toUpperCase() === rule.wanted) return null;
  return { setting: rule.variable, found: found ?? 'unknown to this server', wanted: rule.wanted, cure: rule.cure };
}

/** Filters keep changes out of the binary log, without a trace in it. */
async function checkFilters(
  client: MysqlClient,
  flavour: 'mysql' | 'mariadb',
  deadline: Deadline,
): Promise<readonly Finding[]> {
  const statement = flavour === 'mariadb' ? 'SHOW MASTER STATUS' : await binlogStatusStatement(client, deadline);
  const status = await client.read(statement, [], deadline);
  const [, , onlySchemas, ignoredSchemas] = status.rows[0] ?? [];
  const filters = [
    { setting: 'binlog_do_db', found: onlySchemas },
    { setting: 'binlog_ignore_db', found: ignoredSchemas },
  ];
  return filters
    .filter(({ found }) => found !== undefined && found !== null && found !== '')
    .map(({ setting, found }) => ({
      setting,
      found: String(found),
      wanted: 'none',
      cure: `remove it from the server's configuration, and restart it`,
    }));
}

/** MySQL 8.2 renamed the statement, and 8.4 dropped the old name. */
async function binlogStatusStatement(client: MysqlClient, deadline: Deadline): Promise<string> {
  const found = await client.read('SELECT @@version', [], deadline);
  const [major = 0, minor = 0] = String(found.rows[0]?.[0]).split('.').map(Number);
  return major > 8 || (major === 8 && minor >= 2) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
}

function checkTable(table: MysqlTableDescription, capture: boolean): Finding[] {
  const name = `${table.schema}.${table.table}`;
  const findings: Finding[] = [];
  if (table.storageEngine !== 'InnoDB') {
    findings.push({
      setting: `${name}: engine`,
      found: table.storageEngine,
      wanted: 'InnoDB',
      cure: `ALTER TABLE ${name} ENGINE = InnoDB`,
    });
  }
  if (!capture) return findings;
  for (const key of table.foreignKeys) {
    const actions = [
      { event: 'ON DELETE', action: key.onDelete },
      { event: 'ON UPDATE', action: key.onUpdate },
    ];
    for (const { event, action } of actions) {
      if (action !== 'CASCADE' && action !== 'SET NULL' && action !== 'SET DEFAULT') continue;
      findings.push({
        setting: `${name}: foreign key ${key.name}`,
        found: `${event} ${action}`,
        wanted: `${event} RESTRICT`,
        cure: 'make it RESTRICT: what a parent changes in its children is not in the binary log',
      });
    }
  }
  return findings;
}
