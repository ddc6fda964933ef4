import type { Resource } from '../domain/resource.ts';
import { flagNames } from '../migration/unleash-flags.ts';
import type { MigrationLeftover } from '../rpc/migration-service.ts';
import { identifier, literal } from '../stores/mysql/names.ts';
import type { Config } from './config.ts';

/** Crossfade's tables in MySQL with rows of one resource each; chunks go with their jobs. */
const TABLES = ['control', 'place', 'history', 'checkpoint', 'barrier', 'mismatch', 'version', 'request', 'sequence'];

/**
 * What a decommission leaves to be dropped by hand, in the order in which to do it. All of it is still used while an
 * instance serves the resource: the service looks the source's table up when it starts, and keeps jobs and tasks in MySQL.
 */
export function leftoversOf(
  { controlSchema, user }: Pick<Config['stores']['mysql'], 'controlSchema' | 'user'>,
  resource: Resource,
): readonly MigrationLeftover[] {
  const { schema, table } = resource.mysql;
  const control = identifier(controlSchema);
  return [
    {
      description: `first, take ${resource.id} out of Crossfade: docs/taking-crossfade-out.md; what follows is in use until no instance serves it`,
      sql: '',
    },
    {
      description: `the table of the source, with any triggers; keep a backup as long as someone may ask for it. Who keeps the table removes its fence, if any, while an instance still serves: crossfade fence ${resource.id} --remove`,
      sql: `DROP TABLE ${identifier(schema)}.${identifier(table)};`,
    },
    {
      description: 'the procedures: this prints their statements',
      sql: dropProcedures(controlSchema, resource.id),
    },
    { description: "Crossfade's rows of this resource", sql: deleteRows(control, resource.id) },
    {
      description: "Crossfade's own schema, if this was its last resource (then without the two steps before)",
      sql: `DROP DATABASE ${control};`,
    },
    {
      description: `if nothing else uses it: the MySQL user ${user}, which has the rights of a replica (REPLICATION SLAVE, REPLICATION CLIENT)`,
      sql: '',
    },
    {
      description:
        'if nothing else reads it: the binary log; put binlog_row_metadata and its retention back as they were',
      sql: '',
    },
    {
      description: `the flags in Unleash, to be archived: ${Object.values(flagNames(resource.id)).join(', ')}`,
      sql: '',
    },
  ];
}

/** By their pattern: earlier versions of the service, and of the table, have left some of their own. */
function dropProcedures(controlSchema: string, id: string): string {
  const path = `${identifier(controlSchema)}.`;
  return [
    `SELECT CONCAT('DROP PROCEDURE ', ${literal(path)}, ROUTINE_NAME, ';') FROM information_schema.ROUTINES`,
    `WHERE ROUTINE_SCHEMA = ${literal(controlSchema)} AND ROUTINE_NAME REGEXP ${literal(`^cf_${id}_[0-9a-f]{16}$`)};`,
  ].join(' ');
}

function deleteRows(control: string, id: string): string {
  const resource = literal(id);
  return [
    `DELETE FROM ${control}.crossfade_chunk WHERE job_id IN (SELECT id FROM ${control}.crossfade_job WHERE resource = ${resource});`,
    `DELETE FROM ${control}.crossfade_job WHERE resource = ${resource};`,
    `DELETE FROM ${control}.crossfade_task WHERE task IN (${literal(`controller/${id}`)}, ${literal(`capture/${id}`)});`,
    ...TABLES.map((table) => `DELETE FROM ${control}.crossfade_${table} WHERE resource = ${resource};`),
  ].join('\n');
}
