import { DomainError } from '../../domain/errors.ts';
import type { Resource } from '../../domain/resource.ts';
import { type ApplyProcedure, createApplyProcedure } from './apply-procedure.ts';
import { describeColumns } from './describe-table.ts';
import { NO_SUCH_PROCEDURE, PROCEDURE_EXISTS } from './errors.ts';
import type { Deadline, MysqlClient } from './pool.ts';
import type { Procedure } from './procedure.ts';
import type { RecordTables } from './record-tables.ts';
import { flavourOf } from './server-checks.ts';
import { IS_FENCE } from './source-fence.ts';
import { createWriteProcedure, type WriteProcedure } from './write-procedure.ts';

/** The procedures of one resource, and what writes must know of its table. */
export interface Prepared {
  readonly write: WriteProcedure;
  readonly apply: ApplyProcedure;
  /** Whether MySQL stores every column as it is written: no trigger, and no column that the server changes. */
  readonly storesAsWritten: boolean;
}

/** The procedures of one resource, which are looked for, and made if they are missing, once. */
export interface RecordProcedures {
  /** Makes the procedures now, so that a table that can't be served is found at the start. */
  prepare(deadline: Deadline): Promise<void>;
  /** Does something with the procedures; made anew, and tried again, if somebody has dropped them since. */
  use<Result>(deadline: Deadline, work: (prepared: Prepared) => Promise<Result>): Promise<Result>;
}

/** Creates the procedures of one resource. */
export function createRecordProcedures(
  client: MysqlClient,
  tables: RecordTables,
  controlSchema: string,
): RecordProcedures {
  let prepared: Promise<Prepared> | null = null;
  const ready = (deadline: Deadline): Promise<Prepared> => {
    const attempt = prepared ?? prepareAll(client, tables, controlSchema, deadline);
    prepared = attempt;
    // The next use tries again.
    attempt.catch(() => {
      if (prepared === attempt) prepared = null;
    });
    return attempt;
  };
  return {
    prepare: async (deadline) => {
      await ready(deadline);
    },
    use: async (deadline, work) => {
      try {
        return await work(await ready(deadline));
      } catch (error) {
        if (!(error instanceof DomainError) || error.metadata.mysqlErrno !== String(NO_SUCH_PROCEDURE)) throw error;
        prepared = null;
        return await work(await ready(deadline));
      }
    },
  };
}

async function prepareAll(
  client: MysqlClient,
  tables: RecordTables,
  controlSchema: string,
  deadline: Deadline,
): Promise<Prepared> {
  const { resource } = tables;
  const [columns, version, isTriggered] = await Promise.all([
    describeColumns(client, resource.mysql, deadline),
    client.read('SELECT @@version', [], deadline),
    mayTrigger(client, resource.mysql, deadline),
  ]);
  const table = { columns, isMariadb: flavourOf(String(version.rows[0]?.[0])) === 'mariadb' };
  const write = createWriteProcedure(tables, controlSchema, table);
  const apply = createApplyProcedure(tables, controlSchema, table);
  for (const procedure of [write, apply]) {
    const found = await client.read(ROUTINES_SQL, [controlSchema, procedure.name], deadline);
    if (found.rows.length === 0) await define(client, procedure, deadline);
  }
  const storesAsWritten = !isTriggered && !resource.columns.some((column) => column.serverChanges);
  return { write, apply, storesAsWritten };
}

/**
 * Whether a trigger may change what is written. No only if there is none but a fence's, and the user would see one: a user without the
 * TRIGGER privilege sees none. One who has it through a role is not recognised, which only costs a read.
 */
async function mayTrigger(
  client: MysqlClient,
  { schema, table }: Resource['mysql'],
  deadline: Deadline,
): Promise<boolean> {
  const user = await client.read('SELECT CURRENT_USER()', [], deadline);
  const name = String(user.rows[0]?.[0]);
  const at = name.lastIndexOf('@');
  const grantee = `'${name.slice(0, at)}'@'${name.slice(at + 1)}'`;
  const parameters = [schema, table, grantee, grantee, schema, grantee, schema, table];
  const { rows } = await client.read(TRIGGERS_SQL, parameters, deadline);
  const [triggers, privileges] = rows[0] ?? [];
  return Number(triggers) > 0 || Number(privileges) === 0;
}

const TRIGGERS_SQL = `SELECT
    (SELECT COUNT(*) FROM information_schema.TRIGGERS
      WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND ACTION_TIMING = 'BEFORE'
        AND NOT (${IS_FENCE})),
    (SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ?)
    + (SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES
      WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ? AND TABLE_SCHEMA = ?)
    + (SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES
      WHERE PRIVILEGE_TYPE = 'TRIGGER' AND GRANTEE = ? AND TABLE_SCHEMA = ? AND TABLE_NAME = ?)`;

const ROUTINES_SQL = `SELECT 1 FROM information_schema.ROUTINES
  WHERE ROUTINE_SCHEMA = ? AND ROUTINE_NAME = ? AND ROUTINE_TYPE = 'PROCEDURE'`;

async function define(client: MysqlClient, procedure: Procedure, deadline: Deadline): Promise<void> {
  try {
    await client.define(procedure.definition, deadline);
  } catch (error) {
    // Another instance was quicker.
    if (error instanceof DomainError && error.metadata.mysqlErrno === String(PROCEDURE_EXISTS)) return;
    throw error;
  }
}
