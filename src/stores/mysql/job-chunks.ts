import type { Chunk, JobStore } from '../job-store.ts';
import { CHUNK_CANDIDATES, CHUNKS_PER_INSERT, MAX_CHUNK_LOOKS } from './job-limits.ts';
import { leaseMicros } from './job-sql.ts';
import type { MysqlParameter } from './link.ts';
import type { Deadline, MysqlClient } from './pool.ts';

type Chunks = Pick<JobStore, 'addChunks' | 'leaseChunk' | 'saveChunk' | 'openChunks'>;

/** A chunk nobody works on: by the server's clock. */
const IS_FREE = 'done = 0 AND (leased_until IS NULL OR leased_until <= NOW(6))';

/**
 * The chunks of jobs. A lease is one conditional UPDATE of one row, tried on candidates in their order, instead of a locking read
 * that would make the workers wait for each other, or SKIP LOCKED, which older servers lack.
 */
export function createChunks(client: MysqlClient, schema: string): Chunks {
  const table = `${schema}.crossfade_chunk`;
  const isChunk = 'job_id = ? AND stage = ? AND sequence = ?';
  const until = 'NOW(6) + INTERVAL ? MICROSECOND';
  // The job's state is a part of both: nobody begins a chunk of a job that was cancelled.
  const isRunning = `EXISTS (SELECT 1 FROM ${schema}.crossfade_job WHERE id = ? AND state = 'running')`;
  const candidatesSql = `SELECT sequence FROM ${table} WHERE job_id = ? AND stage = ? AND ${IS_FREE} AND ${isRunning}
    ORDER BY sequence LIMIT ${CHUNK_CANDIDATES}`;
  const leaseSql = `UPDATE ${table} SET owner = ?, leased_until = ${until} WHERE ${isChunk} AND ${IS_FREE}`;
  const readSql = `SELECT \`range\`, \`cursor\`, row_count FROM ${table} WHERE ${isChunk}`;
  const saveSql = `UPDATE ${table} SET \`cursor\` = ?, row_count = row_count + ?, mismatches = mismatches + ?, done = ?,
    leased_until = ${until} WHERE ${isChunk} AND owner = ? AND done = 0 AND leased_until > NOW(6)`;
  const openSql = `SELECT COUNT(*) FROM ${table} WHERE job_id = ? AND stage = ? AND done = 0`;

  const read = async (jobId: string, stage: Chunk['stage'], sequence: number, deadline: Deadline): Promise<Chunk> => {
    const [range, cursor, rows] = (await client.read(readSql, [jobId, stage, sequence], deadline)).rows[0] ?? [];
    return {
      jobId,
      stage,
      sequence,
      range: String(range),
      cursor: cursor === null || cursor === undefined ? null : String(cursor),
      rows: Number(rows),
    };
  };
  return {
    addChunks: async (jobId, stage, chunks, call) => {
      for (let i = 0; i < chunks.length; i += CHUNKS_PER_INSERT) {
        const some = chunks.slice(i, i + CHUNKS_PER_INSERT);
        const parameters = some.flatMap((chunk): MysqlParameter[] => [
          jobId,
          stage,
          chunk.sequence,
          chunk.range,
          Math.round(chunk.expectedRows),
        ]);
        await client.write(insertSql(table, some.length), parameters, call);
      }
    },
    leaseChunk: async (jobId, stage, owner, leaseMs, call) => {
      for (let look = 0; look < MAX_CHUNK_LOOKS; look++) {
        const candidates = (await client.read(candidatesSql, [jobId, stage, jobId], call)).rows;
        if (candidates.length === 0) return null;
        for (const [found] of candidates) {
          const sequence = Number(found);
          const parameters = [owner, leaseMicros(leaseMs), jobId, stage, sequence];
          if ((await client.write(leaseSql, parameters, call)).affectedRows === 0) continue;
          return await read(jobId, stage, sequence, call);
        }
      }
      return null;
    },
    saveChunk: async ({ jobId, stage, sequence }, owner, progress, call) => {
      const { cursor, addRows, addMismatches, done, leaseMs } = progress;
      const changed = [cursor, addRows, addMismatches, done ? 1 : 0, leaseMicros(leaseMs)];
      return (await client.write(saveSql, [...changed, jobId, stage, sequence, owner], call)).affectedRows > 0;
    },
    openChunks: async (jobId, stage, call) => {
      return Number((await client.read(openSql, [jobId, stage], call)).rows[0]?.[0] ?? 0);
    },
  };
}

function insertSql(table: string, count: number): string {
  const row = '(?, ?, ?, ?, ?, NULL, 0, 0, 0, NULL, NULL)';
  return `INSERT INTO ${table} (job_id, stage, sequence, \`range\`, expected_rows, \`cursor\`, row_count, mismatches, done,
      owner, leased_until)
    VALUES ${Array(count).fill(row).join(', ')} ON DUPLICATE KEY UPDATE job_id = VALUES(job_id)`;
}
