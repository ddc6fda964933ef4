import type { Call } from '../../stores/call.ts';
import { describeColumns } from '../../stores/mysql/describe-table.ts';
import { diagnose } from '../../stores/mysql/diagnose.ts';
import { examineFilters, examineReplication, flavourOf, variableNames } from '../../stores/mysql/server-checks.ts';
import { tableOf } from '../load-resources.ts';
import { CONTROL_CONNECTIONS } from '../open-stores.ts';
import { type Answer, answerOf, type Check, ok, problem, warning } from './check.ts';
import type { Site } from './site.ts';
import { bytesText, secondsText } from './text.ts';

const MYSQL: Pick<Check, 'needs'> = { needs: ['mysql'] };

/** The oldest versions that the service is made for. */
const OLDEST = { mysql: [8, 0], mariadb: [10, 6] } as const;
/** Two instances, so that one may end. */
const INSTANCES = 2;
/** Of the connections that are known of: others come and go. */
const HEADROOM = 1.2;
const UTC = ['+00:00', 'UTC', 'Etc/UTC', 'GMT'];

/** What the MySQL server is, and is set to. */
export const mysqlSettingChecks: readonly Check[] = [
  { id: 'mysql.reachable', proves: 'mysql', run: checkReachable },
  { id: 'mysql.version', ...MYSQL, run: checkVersion },
  ...variableNames.map(
    (variable): Check => ({
      id: `mysql.${variable}`,
      ...MYSQL,
      run: async (site) => (await site.variables()).filter(({ setting }) => setting === variable).map(answerOf),
    }),
  ),
  { id: 'mysql.binlog_filters', ...MYSQL, run: checkFilters },
  { id: 'mysql.log_slave_updates', ...MYSQL, run: checkReplication },
  { id: 'mysql.binlog_retention', ...MYSQL, run: checkRetention },
  { id: 'mysql.transaction_isolation', ...MYSQL, run: checkIsolation },
  { id: 'mysql.time_zone', ...MYSQL, run: checkTimeZone },
  { id: 'mysql.explicit_defaults_for_timestamp', ...MYSQL, run: checkTimestampDefaults },
  { id: 'mysql.max_connections', ...MYSQL, run: checkConnections },
  { id: 'mysql.max_allowed_packet', ...MYSQL, run: checkPacket },
];

async function checkReachable({ pool }: Site, call: Call): Promise<readonly Answer[]> {
  try {
    const { rows } = await pool.client('authority').read('SELECT CURRENT_USER()', [], call);
    return [ok(`answers, as ${String(rows[0]?.[0])}`)];
  } catch (error) {
    const { found, cure } = diagnose(error);
    return [problem(found, cure)];
  }
}

async function checkVersion(site: Site): Promise<readonly Answer[]> {
  const version = (await site.otherVariables()).get('version') ?? '';
  const flavour = flavourOf(version);
  const [major, minor] = OLDEST[flavour];
  const name = flavour === 'mariadb' ? 'MariaDB' : 'MySQL';
  const [isMajor = 0, isMinor = 0] = version.split('.').map(Number);
  if (isMajor > major || (isMajor === major && isMinor >= minor)) return [ok(`${name} ${version}`)];
  return [problem(`${name} ${version}, must be at least ${major}.${minor}`, 'upgrade the server')];
}

/** The statement that sets a variable also for after a restart. */
function lasting(variables: ReadonlyMap<string, string>, assignment: string): string {
  if (flavourOf(variables.get('version') ?? '') === 'mysql') return `SET PERSIST ${assignment}`;
  // MariaDB has no SET PERSIST.
  return `SET GLOBAL ${assignment}, and the same in the [mysqld] section of the server's configuration`;
}

async function checkReplication(site: Site, call: Call): Promise<readonly Answer[]> {
  if (!(await site.captures())) return [];
  return (await examineReplication(site.pool, call)).map(answerOf);
}

async function checkFilters(site: Site, call: Call): Promise<readonly Answer[]> {
  if (!(await site.captures())) return [];
  const examined = await examineFilters(site.pool, call);
  const wrong = examined.filter(({ verdict }) => verdict !== 'ok');
  if (wrong.length === 0) return [ok('no schema is kept out of the binary log')];
  return wrong.map(({ setting, found, cure }) => problem(`${setting} is ${found}`, cure));
}

async function checkRetention(site: Site): Promise<readonly Answer[]> {
  if (!(await site.captures())) return [];
  const variables = await site.otherVariables();
  const seconds = retentionOf(variables);
  const { outageSeconds } = site.expectations;
  if (seconds === 0) return [ok('the server purges no binary log by itself')];
  const found = `${secondsText(seconds)}, for an outage of up to ${secondsText(outageSeconds)}`;
  if (seconds >= outageSeconds) return [ok(found)];
  const lost = `${found}: capture that is away for longer finds its place purged, and needs a new copy`;
  return [problem(lost, `${lasting(variables, `binlog_expire_logs_seconds = ${outageSeconds}`)}; and the disk for it`)];
}

/** In seconds; 0: for ever. Both variables count on MySQL 8.0 and MariaDB, the one in days only if the other is 0. */
function retentionOf(variables: ReadonlyMap<string, string>): number {
  if (variables.get('binlog_expire_logs_auto_purge') === 'OFF') return 0;
  const seconds = Number(variables.get('binlog_expire_logs_seconds') ?? 0);
  return seconds > 0 ? seconds : Number(variables.get('expire_logs_days') ?? 0) * 86_400;
}

async function checkIsolation(site: Site): Promise<readonly Answer[]> {
  const variables = await site.otherVariables();
  // MariaDB before 11.1 knows but the older name.
  const variable = variables.has('transaction_isolation') ? 'transaction_isolation' : 'tx_isolation';
  const found = variables.get(variable) ?? 'unknown';
  if (found !== 'SERIALIZABLE') return [ok(`${found} for others; the service sets REPEATABLE READ itself`)];
  return [
    warning(
      `${found} for others: what they only read is locked, and the service's writes wait for it`,
      `${lasting(variables, `${variable} = 'REPEATABLE-READ'`)}; or set it in the other programs' sessions`,
    ),
  ];
}

/** The service's sessions are in UTC by an offset, for which the server needs no time zone tables. */
async function checkTimeZone(site: Site, call: Call): Promise<readonly Answer[]> {
  const variables = await site.otherVariables();
  const zone = variables.get('time_zone') ?? 'SYSTEM';
  const system = variables.get('system_time_zone') ?? '';
  const shown = zone === 'SYSTEM' ? `SYSTEM (${system})` : zone;
  if (UTC.includes(zone === 'SYSTEM' ? system : zone)) return [ok(`${shown}; the service sets +00:00 itself`)];
  const columns = await clockedColumns(site, call);
  if (columns.length === 0) return [ok(`${shown}; no DATETIME column takes its value from the server's clock`)];
  return [
    warning(
      `${shown}, and the service writes in UTC: ${columns.join(', ')} would get local time from others, UTC from the service`,
      `${lasting(variables, "time_zone = '+00:00'")}; or let other programs SET time_zone = '+00:00'; or make the columns TIMESTAMP`,
    ),
  ];
}

/** DATETIME columns that are filled with CURRENT_TIMESTAMP, which is in the session's zone; a TIMESTAMP is not. */
async function clockedColumns(site: Site, call: Call): Promise<readonly string[]> {
  const { named } = await site.definitions();
  const found: string[] = [];
  for (const one of named) {
    const name = tableOf(one);
    const columns = await describeColumns(site.pool.client('authority'), name, call);
    const clocked = columns.filter(
      ({ columnType, defaultKind, onUpdate }) => /^datetime/i.test(columnType) && (defaultKind === 'now' || onUpdate),
    );
    found.push(...clocked.map((column) => `${name.schema}.${name.table}.${column.name}`));
  }
  return found;
}

async function checkTimestampDefaults(site: Site): Promise<readonly Answer[]> {
  const variables = await site.otherVariables();
  const found = variables.get('explicit_defaults_for_timestamp');
  if (found === undefined || found === 'ON') return [ok(found ?? 'unknown to this server')];
  return [
    warning(
      `${found}: a NULL that is written to a TIMESTAMP column becomes the time of the write`,
      lasting(variables, 'explicit_defaults_for_timestamp = ON'),
    ),
  ];
}

async function checkConnections(site: Site, call: Call): Promise<readonly Answer[]> {
  const variables = await site.otherVariables();
  const { connections } = site.config.stores.mysql;
  const captured = (await site.captures()) ? site.config.resources.length : 0;
  const needed = INSTANCES * (connections + CONTROL_CONNECTIONS) + captured;
  const most = Number(variables.get('max_connections') ?? 0);
  const ofUser = Number(variables.get('max_user_connections') ?? 0);
  const status = await site.pool.client('authority').read("SHOW GLOBAL STATUS LIKE 'Threads_connected'", [], call);
  const used = Number(status.rows[0]?.[1] ?? 0);
  const found = `${most}, of which ${used} are in use; ${INSTANCES} instances open up to ${needed}`;
  const raised = lasting(variables, `max_connections = ${Math.ceil(HEADROOM * (needed + used))}`);
  const cure = `${raised}; or lower stores.mysql.connections (${connections})`;
  if (ofUser > 0 && ofUser < needed) {
    const limit = `max_user_connections is ${ofUser}; ${INSTANCES} instances open up to ${needed}`;
    return [problem(limit, lasting(variables, `max_user_connections = ${needed}`))];
  }
  if (needed > most) return [problem(found, cure)];
  return [needed + used > most ? warning(found, cure) : ok(found)];
}

async function checkPacket(site: Site): Promise<readonly Answer[]> {
  const variables = await site.otherVariables();
  const most = Number(variables.get('max_allowed_packet') ?? 0);
  const { messageBytes } = site.config.limits;
  const found = `${bytesText(most)}; requests may have ${bytesText(messageBytes)} (limits.messageBytes)`;
  if (most >= messageBytes) return [ok(found)];
  return [
    warning(
      `${found}: MySQL refuses larger records that the service lets through`,
      `${lasting(variables, `max_allowed_packet = ${messageBytes}`)}; or lower limits.messageBytes`,
    ),
  ];
}
