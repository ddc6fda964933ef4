import type { Call } from '../../stores/call.ts';
import { missingPrivileges, type PrivilegeScope } from '../../stores/mysql/grants.ts';
import { identifier } from '../../stores/mysql/names.ts';
import { hasControlSchema } from '../../stores/mysql/schema-setup.ts';
import { tableOf } from '../load-resources.ts';
import { type Answer, type Check, ok, problem, warning } from './check.ts';
import type { Site } from './site.ts';

// The privileges that docs/configuration.md names.
const ON_RECORDS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const ON_CONTROL = [...ON_RECORDS, 'CREATE', 'ALTER', 'CREATE ROUTINE', 'EXECUTE'];
const FOR_CAPTURE = ['REPLICATION SLAVE', 'REPLICATION CLIENT'];

/** What the service's user may do in MySQL, and the schema for Crossfade's own tables. */
export const mysqlUserChecks: readonly Check[] = [
  { id: 'mysql.privileges', needs: ['mysql'], run: checkPrivileges },
  { id: 'mysql.trigger_privilege', needs: ['mysql'], run: checkTriggerPrivilege },
  { id: 'mysql.control_schema', needs: ['mysql'], run: checkControlSchema },
];

async function checkPrivileges(site: Site): Promise<readonly Answer[]> {
  const { user, grants } = await site.grants();
  const wanted = [
    { scope: { schema: site.pool.controlSchema }, privileges: ON_CONTROL },
    ...(await tablesOf(site)).map((scope) => ({ scope, privileges: ON_RECORDS })),
    ...((await site.captures()) ? [{ scope: {}, privileges: FOR_CAPTURE }] : []),
  ];
  const answers = wanted.flatMap(({ scope, privileges }) => {
    const missing = missingPrivileges(grants, privileges, scope);
    if (missing.length === 0) return [];
    const where = placeOf(scope);
    return [problem(`lacks ${missing.join(', ')} on ${where}`, `GRANT ${missing.join(', ')} ON ${where} TO ${user}`)];
  });
  return answers.length > 0 ? answers : [ok(`${user} has what the service needs`)];
}

async function checkTriggerPrivilege(site: Site): Promise<readonly Answer[]> {
  const { user, grants } = await site.grants();
  const lacking = (await tablesOf(site)).filter((scope) => missingPrivileges(grants, ['TRIGGER'], scope).length > 0);
  if (lacking.length === 0) return [ok(`${user} sees triggers`)];
  return lacking.map((scope) =>
    warning(
      `${user} does not see the triggers of ${placeOf(scope)}: each write is read back, and it can't be fenced`,
      `GRANT TRIGGER ON ${placeOf(scope)} TO ${user}`,
    ),
  );
}

async function checkControlSchema(site: Site, call: Call): Promise<readonly Answer[]> {
  const schema = site.pool.controlSchema;
  if (await hasControlSchema(site.pool, call)) return [ok(`${schema} is there`)];
  const { grants } = await site.grants();
  if (missingPrivileges(grants, ['CREATE'], { schema }).length === 0) {
    return [ok(`${schema} is not there; the start creates it`)];
  }
  const cure = `CREATE DATABASE ${identifier(schema)} CHARACTER SET utf8mb4`;
  return [problem(`${schema} is not there, and the user may not create it`, cure)];
}

async function tablesOf(site: Site): Promise<readonly { readonly schema: string; readonly table: string }[]> {
  return (await site.definitions()).named.map(tableOf);
}

function placeOf({ schema, table }: PrivilegeScope): string {
  if (schema === undefined) return '*.*';
  return `${identifier(schema)}.${table === undefined ? '*' : identifier(table)}`;
}
