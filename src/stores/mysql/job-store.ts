import { type Random, systemRandom } from '../../domain/clock.ts';
import type { Job, JobStore } from '../job-store.ts';
import { createChunks } from './job-chunks.ts';
import { MAX_JOB_ERROR_CHARS, MAX_JOBS } from './job-limits.ts';
import { createMismatches } from './job-mismatches.ts';
import { CLOCK_SQL, leaseMicros, page } from './job-sql.ts';
import type { MysqlParameter, MysqlValue } from './link.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlClient, MysqlPool, MysqlSession } from './pool.ts';

/** What the job store needs. */
export interface MysqlJobStoreOptions {
  readonly pool: MysqlPool;
  /** The schema of Crossfade's own tables. Default: the pool's. */
  readonly controlSchema?: string;
  /** For jobs' ids. */
  readonly random?: Random;
}

/** Leased tasks, jobs, chunks and mismatches in MySQL. Every lease runs by the server's clock, so the instances' need not agree. */
export function createMysqlJobStore(options: MysqlJobStoreOptions): JobStore {
  const { pool, random = systemRandom } = options;
  const schema = identifier(options.controlSchema ?? pool.controlSchema);
  const client = pool.client('authority');
  return {
    ...createTasks(client, schema),
    ...createJobs(client, schema, random),
    ...createChunks(client, schema),
    ...createMismatches(client, schema),
  };
}

function createTasks(client: MysqlClient, schema: string): Pick<JobStore, 'leaseTask' | 'releaseTask' | 'readTask'> {
  const table = `${schema}.crossfade_task`;
  const until = 'NOW(6) + INTERVAL ? MICROSECOND';
  const renewSql = `UPDATE ${table} SET owner = ?, leased_until = ${until}, status = ?
    WHERE task = ? AND (owner = ? OR leased_until <= NOW(6))`;
  // A task that is there already stays as it is: somebody was faster.
  const beginSql = `INSERT INTO ${table} (task, owner, leased_until, status) VALUES (?, ?, ${until}, ?)
    ON DUPLICATE KEY UPDATE task = VALUES(task)`;
  const ownSql = `SELECT 1 FROM ${table} WHERE task = ? AND owner = ? AND leased_until > NOW(6)`;
  const releaseSql = `UPDATE ${table} SET leased_until = NOW(6) WHERE task = ? AND owner = ?`;
  const readSql = `SELECT IF(leased_until > NOW(6), owner, NULL), status FROM ${table} WHERE task = ?`;
  return {
    leaseTask: async (task, owner, leaseMs, status, call) => {
      const micros = leaseMicros(leaseMs);
      const renewed = await client.write(renewSql, [owner, micros, status, task, owner], call);
      if (renewed.affectedRows > 0) return true;
      if ((await client.read(readSql, [task], call)).rows.length > 0) return false;
      await client.write(beginSql, [task, owner, micros, status], call);
      return (await client.read(ownSql, [task, owner], call)).rows.length > 0;
    },
    releaseTask: async (task, owner, call) => {
      await client.write(releaseSql, [task, owner], call);
    },
    readTask: async (task, call) => {
      const row = (await client.read(readSql, [task], call)).rows[0];
      if (row === undefined) return null;
      const [owner, status] = row;
      return { owner: owner === null || owner === undefined ? null : String(owner), status: String(status) };
    },
  };
}

const JOB_COLUMNS = `j.id, j.resource, j.kind, j.state, j.stage, j.attach, j.compare_with_itself, j.rows_per_second_limit,
  j.expected_rows, j.created_at_micros, j.ended_at_micros, j.error, COALESCE(SUM(c.row_count), 0), COUNT(c.job_id),
  COALESCE(SUM(c.done), 0), COALESCE(SUM(c.mismatches), 0),
  COUNT(DISTINCT IF(c.done = 0 AND c.leased_until > NOW(6), c.owner, NULL))`;

type Jobs = Pick<JobStore, 'createJob' | 'getJob' | 'newestJob' | 'listJobs' | 'updateJob'>;

function createJobs(client: MysqlClient, schema: string, random: Random): Jobs {
  const table = `${schema}.crossfade_job`;
  const selectSql = `SELECT ${JOB_COLUMNS} FROM ${table} j LEFT JOIN ${schema}.crossfade_chunk c ON c.job_id = j.id`;
  const getSql = `${selectSql} WHERE j.id = ? GROUP BY j.id`;
  // Read backwards in the index of the resource's ids, so it ends at the first of the kind.
  const newestSql = `${selectSql} WHERE j.id =
    (SELECT id FROM ${table} WHERE resource = ? AND kind = ? ORDER BY id DESC LIMIT 1) GROUP BY j.id`;
  const getJob = async (id: string, deadline: Deadline): Promise<Job | null> => {
    const row = (await client.read(getSql, [id], deadline)).rows[0];
    return row === undefined ? null : toJob(row);
  };
  return {
    createJob: async (init, call) => {
      const id = await client.transaction(call, async (session) => await insertJob(session, table, init, random));
      const job = await getJob(id, call);
      if (job === null) throw new RangeError(`the job ${id} is not there`);
      return job;
    },
    getJob,
    newestJob: async (resource, kind, call) => {
      const row = (await client.read(newestSql, [resource, kind], call)).rows[0];
      return row === undefined ? null : toJob(row);
    },
    listJobs: async (resource, before, limit, call) => {
      const older = before === null ? '' : 'AND j.id < ?';
      const sql = `${selectSql} WHERE j.resource = ? ${older} GROUP BY j.id ORDER BY j.id DESC LIMIT ${page(limit, MAX_JOBS)}`;
      const { rows } = await client.read(sql, before === null ? [resource] : [resource, before], call);
      return rows.map((row) => toJob(row));
    },
    updateJob: async (id, change, call) => {
      const assignments: string[] = [];
      const parameters: MysqlParameter[] = [];
      const set = (column: string, value: MysqlParameter | undefined): void => {
        if (value === undefined) return;
        assignments.push(`${column} = ?`);
        parameters.push(value);
      };
      set('stage', change.stage);
      set('state', change.state);
      set('error', change.error?.slice(0, MAX_JOB_ERROR_CHARS));
      set('expected_rows', change.expectedRows);
      set('rows_per_second_limit', change.rowsPerSecondLimit);
      if (change.state !== undefined && change.state !== 'running') assignments.push(`ended_at_micros = ${CLOCK_SQL}`);
      if (assignments.length === 0) assignments.push('state = state');
      const sql = `UPDATE ${table} SET ${assignments.join(', ')} WHERE id = ? AND state = 'running'`;
      return (await client.write(sql, [...parameters, id], call)).affectedRows > 0;
    },
  };
}

/** The id of the job of this kind that runs, after it was made if there was none. */
async function insertJob(
  session: MysqlSession,
  table: string,
  init: Parameters<JobStore['createJob']>[0],
  random: Random,
): Promise<string> {
  const { resource, kind } = init;
  // Locks the gap too: of two that find nothing, one ends as a deadlock and looks again.
  const runningSql = `SELECT id FROM ${table} WHERE resource = ? AND kind = ? AND state = 'running' FOR UPDATE`;
  const running = (await session.execute(runningSql, [resource, kind])).rows[0];
  if (running !== undefined) return String(running[0]);
  const clock = BigInt(String((await session.execute(`SELECT ${CLOCK_SQL}`, [])).rows[0]?.[0]));
  const id = `${clock.toString(16).padStart(16, '0')}${random.id().slice(0, 16)}`;
  await session.execute(
    `INSERT INTO ${table} (id, resource, kind, state, stage, attach, compare_with_itself, rows_per_second_limit,
       expected_rows, created_at_micros, ended_at_micros, error)
     VALUES (?, ?, ?, 'running', 'planning', ?, ?, ?, 0, ?, NULL, '')`,
    [id, resource, kind, init.attach, init.compareWithItself ? 1 : 0, init.rowsPerSecondLimit, clock],
  );
  return id;
}

function toJob(row: readonly MysqlValue[]): Job {
  const text = (index: number): string => String(row[index] ?? '');
  const number = (index: number): number => Number(row[index] ?? 0);
  const ended = row[10];
  return {
    id: text(0),
    resource: text(1),
    kind: text(2) as Job['kind'],
    state: text(3) as Job['state'],
    stage: text(4) as Job['stage'],
    attach: number(5),
    compareWithItself: number(6) !== 0,
    rowsPerSecondLimit: number(7),
    expectedRows: number(8),
    createdAtMicros: BigInt(text(9)),
    endedAtMicros: ended === null || ended === undefined ? null : BigInt(text(10)),
    error: text(11),
    rows: number(12),
    chunks: number(13),
    doneChunks: number(14),
    mismatches: number(15),
    workers: number(16),
  };
}
