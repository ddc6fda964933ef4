import type { JobStore, Mismatch } from '../job-store.ts';
import { KEYS_PER_CLOSE, MAX_MISMATCHES } from './job-limits.ts';
import { CLOCK_SQL, page } from './job-sql.ts';
import type { MysqlValue } from './link.ts';
import type { MysqlClient } from './pool.ts';

type Mismatches = Pick<JobStore, 'recordMismatch' | 'closeMismatches' | 'listMismatches' | 'countOpenMismatches'>;

/** The differences between the stores that were found: at most one open one a key. */
export function createMismatches(client: MysqlClient, schema: string): Mismatches {
  const table = `${schema}.crossfade_mismatch`;
  const openSql = `SELECT id FROM ${table} WHERE resource = ? AND \`key\` = ? AND open = 1 FOR UPDATE`;
  const updateSql = `UPDATE ${table} SET kind = ?, field_paths = ?, found_by = ? WHERE id = ?`;
  const insertSql = `INSERT INTO ${table} (resource, \`key\`, kind, field_paths, found_by, created_at_micros, open)
    VALUES (?, ?, ?, ?, ?, ${CLOCK_SQL}, 1)`;
  const countSql = `SELECT COUNT(*) FROM ${table} WHERE resource = ? AND open = 1`;
  return {
    recordMismatch: async ({ resource, key, kind, fieldPaths, foundBy }, call) => {
      const paths = JSON.stringify(fieldPaths);
      await client.transaction(call, async (session) => {
        const open = (await session.execute(openSql, [resource, key])).rows[0];
        if (open === undefined) await session.execute(insertSql, [resource, key, kind, paths, foundBy]);
        else await session.execute(updateSql, [kind, paths, foundBy, Number(open[0])]);
      });
    },
    closeMismatches: async (resource, keys, call) => {
      for (let i = 0; i < keys.length; i += KEYS_PER_CLOSE) {
        const some = keys.slice(i, i + KEYS_PER_CLOSE).map(({ bytes }) => bytes);
        const places = Array(some.length).fill('?').join(', ');
        const sql = `UPDATE ${table} SET open = 0 WHERE resource = ? AND open = 1 AND \`key\` IN (${places})`;
        await client.write(sql, [resource, ...some], call);
      }
    },
    listMismatches: async (resource, { after, limit, openOnly, newestFirst = false }, call) => {
      const sql = `SELECT id, resource, \`key\`, kind, field_paths, found_by, created_at_micros, open FROM ${table}
        WHERE resource = ? AND id > ? ${openOnly ? 'AND open = 1' : ''}
        ORDER BY id ${newestFirst ? 'DESC' : 'ASC'} LIMIT ${page(limit, MAX_MISMATCHES)}`;
      return (await client.read(sql, [resource, after], call)).rows.map((row) => toMismatch(row));
    },
    countOpenMismatches: async (resource, call) => {
      return Number((await client.read(countSql, [resource], call)).rows[0]?.[0] ?? 0);
    },
  };
}

function toMismatch(row: readonly MysqlValue[]): Mismatch {
  const [id, resource, key, kind, fieldPaths, foundBy, createdAtMicros, open] = row;
  return {
    id: Number(id),
    resource: String(resource),
    key: key as Buffer,
    kind: String(kind) as Mismatch['kind'],
    fieldPaths: JSON.parse(String(fieldPaths)) as string[],
    foundBy: String(foundBy) as Mismatch['foundBy'],
    createdAtMicros: BigInt(String(createdAtMicros)),
    open: Number(open) !== 0,
  };
}
