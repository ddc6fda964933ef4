import { DomainError } from '../../domain/errors.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import type { SourceFence } from '../source-fence.ts';
import { FORBIDDEN, LOCK_WAIT_TIMEOUT, NO_SUCH_TRIGGER, NOT_TRUSTED_WITH_TRIGGERS, TRIGGER_EXISTS } from './errors.ts';
import { SERVICE_VARIABLE } from './link.ts';
import { identifier, literal } from './names.ts';
import type { MysqlClient, MysqlPool } from './pool.ts';
import { createRecordTables, type RecordTables } from './record-tables.ts';

/*
 * Three triggers before every change of a row. A session of the service passes; any other one reads the control record under
 * the shared lock that the service's own writes take, so its transaction lies wholly before or wholly after a transition:
 *
 *   outside:  shared lock, in_sync …  change … commit
 *   service:                    handing_over waits ……… commits: what the other one wrote lies before it in the log
 *   outside:                                   shared lock waits …… handing_over: refused
 *
 * The price: a transition waits for outside transactions under way, so they should be short while the fence stands.
 */

/** What a trigger of a fence begins with, whatever version of the service made it. */
const LABEL = 'crossfade_fence';
/** SQL that is true of such a trigger in information_schema.TRIGGERS. */
export const IS_FENCE = `ACTION_STATEMENT LIKE '${LABEL.replaceAll('_', '\\_')}: BEGIN%'`;

const EVENTS = ['INSERT', 'UPDATE', 'DELETE'] as const;

/** Creates the fence of one resource's table, by triggers. */
export function createSourceFence(options: { readonly pool: MysqlPool; readonly resource: Resource }): SourceFence {
  const { pool, resource } = options;
  const client = pool.client('authority');
  const tables = createRecordTables(resource, pool.controlSchema);
  const triggers = EVENTS.map((event) => createTrigger(tables, event));
  return {
    isInstalled: async (call) => {
      const found = await findTriggers(client, resource, call);
      return triggers.every(({ name, body }) => found.get(name) === body);
    },
    install: async (call) => {
      // MySQL has no CREATE OR REPLACE TRIGGER, so another instance may come in between: then it is looked again.
      for (let look = 0; look < MAX_LOOKS; look++) {
        await refuseTaken(client, resource, triggers, call);
        const found = await findTriggers(client, resource, call);
        const missing = triggers.filter(({ name, body }) => found.get(name) !== body);
        if (missing.length === 0) return;
        for (const trigger of missing) {
          if (found.has(trigger.name)) await drop(client, trigger, call);
          await create(client, trigger, call);
        }
      }
      throw refused('the triggers of the fence do not stay: somebody removes or changes them meanwhile');
    },
    remove: async (call) => {
      const found = await findTriggers(client, resource, call);
      for (const trigger of triggers) {
        const body = found.get(trigger.name);
        if (body !== undefined && isOwn(body)) await drop(client, trigger, call);
      }
    },
  };
}

/** How long the service's writes may have to wait behind the making of a trigger. */
const DEFINE_WAIT_SECONDS = 1;
/** One look to see what is missing, one to see that it is there, and one for an instance that was in between. */
const MAX_LOOKS = 3;

interface Trigger {
  readonly name: string;
  /** With its schema. */
  readonly path: string;
  readonly table: string;
  readonly event: (typeof EVENTS)[number];
  readonly body: string;
}

function createTrigger({ resource, id, table, control }: RecordTables, event: Trigger['event']): Trigger {
  const name = `cf_fence_${resource.id}_${event.toLowerCase()}`;
  // At most 128 characters: ids have at most 40.
  const message = `Crossfade moves this table to another store: write through its service, or crossfade fence ${resource.id} --remove`;
  const body = `${LABEL}: BEGIN
  IF ${SERVICE_VARIABLE} IS NULL THEN
    IF (SELECT state FROM ${control} WHERE resource = ${id} LOCK IN SHARE MODE) IN ('handing_over', 'moved') THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(message)};
    END IF;
  END IF;
END`;
  return { name, path: `${identifier(resource.mysql.schema)}.${identifier(name)}`, table, event, body };
}

/** The table's triggers that the user sees, by name: a user without the TRIGGER privilege sees none. */
async function findTriggers(
  client: MysqlClient,
  { mysql: { schema, table } }: Resource,
  call: Call,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.read(TRIGGERS_SQL, [schema, table], call);
  return new Map(rows.map(([name, body]) => [String(name), String(body)]));
}

const TRIGGERS_SQL = `SELECT TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS
  WHERE TRIGGER_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?`;

/** Throws if one of the names is a trigger's that no fence of this table made. */
async function refuseTaken(
  client: MysqlClient,
  { mysql: { schema, table } }: Resource,
  triggers: readonly Trigger[],
  call: Call,
): Promise<void> {
  const names = triggers.map(({ name }) => name);
  const { rows } = await client.read(TAKEN_SQL, [schema, ...names], call);
  for (const [name, of, body] of rows) {
    if (isOwn(String(body)) && String(of).toLowerCase() === table.toLowerCase()) continue;
    throw refused(`the trigger ${schema}.${name} is none that Crossfade made for ${table}: rename it, then try again`);
  }
}

const TAKEN_SQL = `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM information_schema.TRIGGERS
  WHERE TRIGGER_SCHEMA = ? AND TRIGGER_NAME IN (${EVENTS.map(() => '?').join(', ')})`;

function isOwn(body: string): boolean {
  return body.startsWith(`${LABEL}: BEGIN`);
}

async function create(client: MysqlClient, trigger: Trigger, call: Call): Promise<void> {
  const { path, event, table, body } = trigger;
  // Another instance was quicker, or it is somebody else's, of another table: the next look tells.
  await define(client, trigger, `CREATE TRIGGER ${path} BEFORE ${event} ON ${table} FOR EACH ROW ${body}`, {
    call,
    harmless: TRIGGER_EXISTS,
  });
}

async function drop(client: MysqlClient, trigger: Trigger, call: Call): Promise<void> {
  await define(client, trigger, `DROP TRIGGER ${trigger.path}`, { call, harmless: NO_SUCH_TRIGGER });
}

/**
 * Whoever uses the table is waited for, and whoever comes meanwhile waits behind this: so never for long, and again after a
 * pause in which the others go on.
 */
async function define(
  client: MysqlClient,
  trigger: Trigger,
  sql: string,
  { call, harmless }: { readonly call: Call; readonly harmless: number },
): Promise<void> {
  try {
    await client.session(call, async (session) => {
      await session.execute(`SET SESSION lock_wait_timeout = ${DEFINE_WAIT_SECONDS}`, []);
      try {
        await session.define(sql);
      } finally {
        // A connection on which this fails is closed, and goes back to nobody.
        await session.execute('SET SESSION lock_wait_timeout = DEFAULT', []).catch(() => {});
      }
    });
  } catch (error) {
    if (errnoOf(error) === harmless) return;
    throw explained(trigger, error);
  }
}

function errnoOf(error: unknown): number {
  return error instanceof DomainError ? Number(error.metadata.mysqlErrno ?? 0) : 0;
}

/** The error with its cure, if a privilege is missing or the table is busy. */
function explained({ table }: Trigger, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === LOCK_WAIT_TIMEOUT) {
    const message = `transactions under way use ${table} for too long: try again when they have ended`;
    return new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message, cause: error });
  }
  if (errno === NOT_TRUSTED_WITH_TRIGGERS) {
    return refused(
      'MySQL lets no user without SUPER create triggers while it keeps a binary log: SET GLOBAL log_bin_trust_function_creators = ON, at least until the fence stands',
      error,
    );
  }
  if (!FORBIDDEN.has(errno)) return error;
  return refused(`MySQL's user lacks the privilege: GRANT TRIGGER ON ${table} TO it, then try again`, error);
}

function refused(message: string, cause?: unknown): DomainError {
  return new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message, cause });
}
