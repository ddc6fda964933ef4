import type { MysqlTableDescription } from '../../domain/table-description.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlClient } from './pool.ts';
import type { Flavour } from './server-checks.ts';
import { text } from './text.ts';

interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A check constraint of MariaDB. */
interface MariadbCheck {
  /** Of a column's own check the column's name. */
  readonly name: string;
  readonly clause: string;
  readonly ofColumn: boolean;
}

/** What a table refuses beside duplicates of keys and foreign keys: checks, and on MariaDB periods that overlap. */
export async function describeConstraints(
  client: MysqlClient,
  { name, flavour }: { readonly name: TableName; readonly flavour: Flavour },
  deadline: Deadline,
): Promise<Pick<MysqlTableDescription, 'checks' | 'periodKeys'>> {
  const isMariadb = flavour === 'mariadb';
  const checks = await (isMariadb ? mariadbChecks : mysqlChecks)(client, name, deadline);
  const periodKeys = isMariadb ? await readPeriodKeys(client, name, deadline) : [];
  return { ...(checks.length > 0 && { checks }), ...(periodKeys.length > 0 && { periodKeys }) };
}

/** All check constraints of a table of MariaDB, also those that make a text JSON. */
export async function readMariadbChecks(
  client: MysqlClient,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly MariadbCheck[]> {
  const { rows } = await client.read(MARIADB_CHECKS_SQL, [schema, table], deadline);
  return rows.map(([name, clause, level]) => ({
    name: text(name),
    clause: text(clause),
    ofColumn: text(level) === 'Column',
  }));
}

/** Whether it is the check by which MariaDB knows JSON. */
export function isJsonCheck({ name, clause, ofColumn }: MariadbCheck): boolean {
  return ofColumn && clause.toLowerCase() === `json_valid(${identifier(name)})`.toLowerCase();
}

const MARIADB_CHECKS_SQL = `SELECT CONSTRAINT_NAME, CHECK_CLAUSE, LEVEL FROM information_schema.CHECK_CONSTRAINTS
  WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?`;

/** All columns, as servers before 8.0.16 have no ENFORCED, and no checks either. */
const MYSQL_CHECKS_SQL = `SELECT * FROM information_schema.TABLE_CONSTRAINTS
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND CONSTRAINT_TYPE = 'CHECK'`;
const NAME_AT = 2;
const ENFORCED_AT = 6;

async function mariadbChecks(client: MysqlClient, name: TableName, deadline: Deadline): Promise<readonly string[]> {
  const checks = await readMariadbChecks(client, name, deadline);
  return checks.filter((check) => !isJsonCheck(check)).map((check) => check.name);
}

async function mysqlChecks(
  client: MysqlClient,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly string[]> {
  const { rows } = await client.read(MYSQL_CHECKS_SQL, [schema, table], deadline);
  return rows.filter((row) => text(row[ENFORCED_AT]) !== 'NO').map((row) => text(row[NAME_AT]));
}

/** No table of information_schema has them before MariaDB 11.4. */
async function readPeriodKeys(
  client: MysqlClient,
  { schema, table }: TableName,
  deadline: Deadline,
): Promise<readonly string[]> {
  const sql = `SHOW CREATE TABLE ${identifier(schema)}.${identifier(table)}`;
  const { rows } = await client.read(sql, [], deadline);
  // Each key has a line of its own, which begins with its kind; texts have no line breaks there.
  const keys = text(rows[0]?.[1]).matchAll(
    /^ {2}(?:PRIMARY KEY|UNIQUE KEY `((?:[^`]|``)+)`) \(.* WITHOUT OVERLAPS\)/gm,
  );
  return [...keys].map(([, name]) => name?.replaceAll('``', '`') ?? 'PRIMARY');
}
