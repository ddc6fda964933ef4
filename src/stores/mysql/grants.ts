import type { Deadline, MysqlPool } from './pool.ts';
import { flavourOf } from './server-checks.ts';
import { text } from './text.ts';

/** What a user may do somewhere; privileges of single columns are left out. */
export interface Grant {
  /** In upper case; `ALL PRIVILEGES` stands for each. */
  readonly privileges: readonly string[];
  /** `*`, or the schema as the server shows it: `_`, `%` and `\_` as in LIKE. */
  readonly schema: string;
  /** `*`: all of the schema. */
  readonly table: string;
  /** A partial revoke takes privileges away again from what a wider grant gives. */
  readonly revokes: boolean;
}

/** What the service's user may do, its active roles included. */
export interface UserGrants {
  /** Quoted for SQL: `'crossfade'@'%'`. */
  readonly user: string;
  readonly grants: readonly Grant[];
}

/** Where a privilege is asked for: everywhere, in a schema, or on a table. */
export interface PrivilegeScope {
  readonly schema?: string;
  readonly table?: string;
}

/** Reads what the pool's own user may do. */
export async function readGrants(pool: MysqlPool, deadline: Deadline): Promise<UserGrants> {
  const client = pool.client('authority');
  const who = await client.read('SELECT CURRENT_USER(), CURRENT_ROLE(), @@version', [], deadline);
  const [user = '', role = '', version = ''] = (who.rows[0] ?? []).map(text);
  const isMysql = flavourOf(version) === 'mysql';
  // MySQL shows what a role gives only if it is named; MariaDB shows the current role's by itself.
  const using = isMysql && role !== '' && role !== 'NONE' ? ` USING ${role}` : '';
  const { rows } = await client.read(`SHOW GRANTS FOR CURRENT_USER()${using}`, [], deadline);
  const at = user.lastIndexOf('@');
  const grants = rows.map((row) => parseGrant(text(row[0]))).filter((grant) => grant !== null);
  return { user: `'${user.slice(0, at)}'@'${user.slice(at + 1)}'`, grants };
}

const NAME = '(`(?:[^`]|``)*`|\\*)';
const GRANT = new RegExp(`^(GRANT|REVOKE) (.+?) ON (?:TABLE )?${NAME}\\.${NAME} (?:TO|FROM) `, 's');

/** One line of SHOW GRANTS; null: it gives no privileges on schemas or tables (a role, a routine, a proxy). */
export function parseGrant(line: string): Grant | null {
  const [, verb, list = '', schema = '', table = ''] = GRANT.exec(line) ?? [];
  if (verb === undefined) return null;
  const privileges = list
    // Privileges of single columns: `SELECT (a, b)`.
    .replaceAll(/[A-Z ]+\([^)]*\)/g, '')
    .split(',')
    .map((privilege) => privilege.trim().toUpperCase())
    .filter((privilege) => privilege !== '');
  return { privileges, schema: unquoted(schema), table: unquoted(table), revokes: verb === 'REVOKE' };
}

/** Those of `wanted` that the user lacks on a scope. */
export function missingPrivileges(
  grants: readonly Grant[],
  wanted: readonly string[],
  scope: PrivilegeScope,
): readonly string[] {
  const reaching = grants.filter((grant) => reaches(grant, scope));
  const names = (privilege: string) => (one: Grant) =>
    one.privileges.some((each) => each === 'ALL PRIVILEGES' || namesOf(privilege).includes(each));
  return wanted.filter((privilege) => {
    const naming = reaching.filter(names(privilege));
    // A partial revoke is of one schema, and whoever has the privilege there by a grant of its own keeps it.
    const given = naming.filter((one) => !one.revokes);
    const taken = naming.some((one) => one.revokes);
    return taken ? given.every((one) => one.schema === '*') : given.length === 0;
  });
}

/** MariaDB 10.5 gave a privilege another name, and understands both. */
function namesOf(privilege: string): readonly string[] {
  return privilege === 'REPLICATION CLIENT' ? [privilege, 'BINLOG MONITOR'] : [privilege];
}

function reaches(grant: Grant, { schema, table }: PrivilegeScope): boolean {
  if (grant.schema === '*') return !grant.revokes || schema !== undefined;
  if (schema === undefined || !like(grant.schema, schema)) return false;
  return grant.table === '*' || grant.table === table;
}

function like(pattern: string, name: string): boolean {
  const expression = pattern.replaceAll(/\\([_%])|([_%])|([.*+?^${}()|[\]\\])/g, (_, literal, wildcard, special) => {
    if (literal !== undefined) return literal as string;
    if (wildcard !== undefined) return wildcard === '_' ? '.' : '.*';
    return `\\${special as string}`;
  });
  return new RegExp(`^${expression}$`, 's').test(name);
}

function unquoted(name: string): string {
  return name === '*' ? name : name.slice(1, -1).replaceAll('``', '`');
}
