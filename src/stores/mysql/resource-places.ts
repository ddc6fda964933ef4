import type { Resource } from '../../domain/resource.ts';
import { repeated } from './key-sql.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlPool } from './pool.ts';

/** A resource whose control record, versions and jobs are those of other tables. */
export interface ForeignPlace {
  readonly resource: string;
  /** The tables that they are of, as `schema.table`, with the target's behind an arrow. */
  readonly noted: string;
  readonly wanted: string;
}

/**
 * Notes in the control schema which tables each resource is of, if nothing is noted yet, and returns those that are of others. Control
 * records, versions and flags go by the resource's id alone: without this, a second deployment beside the first would take
 * over its `in_sync` for tables that were never copied.
 */
export async function notePlaces(
  pool: MysqlPool,
  resources: readonly Resource[],
  deadline: Deadline,
): Promise<readonly ForeignPlace[]> {
  if (resources.length === 0) return [];
  const client = pool.client('authority');
  const table = `${identifier(pool.controlSchema)}.crossfade_place`;
  const wanted = resources.map((resource) => ({
    id: resource.id,
    source: sourceOf(resource),
    target: targetOf(resource),
  }));
  await client.write(
    `INSERT INTO ${table} (resource, source, target) VALUES ${repeated('(?, ?, ?)', wanted.length)}
      ON DUPLICATE KEY UPDATE target = COALESCE(target, VALUES(target))`,
    wanted.flatMap(({ id, source, target }) => [id, source, target]),
    deadline,
  );
  const { rows } = await client.read(`SELECT resource, source, target FROM ${table}`, [], deadline);
  const noted = new Map(rows.map(([id, source, target]) => [String(id), describe(String(source), target)]));
  return wanted.flatMap(({ id, source, target }) => {
    const [is, should] = [noted.get(id) ?? '', describe(source, target)];
    // One without a target now may get it back; nothing of the target is used meanwhile.
    const isSame = is === should || (target === null && is.startsWith(`${source} -> `));
    return isSame ? [] : [{ resource: id, noted: is, wanted: should }];
  });
}

function sourceOf({ mysql }: Resource): string {
  return `${mysql.schema}.${mysql.table}`;
}

function targetOf({ cassandra, riak }: Resource): string | null {
  if (riak !== undefined) return `riak ${riak.bucketType}/${riak.bucket}`;
  return cassandra === undefined ? null : `${cassandra.keyspace}.${cassandra.table}`;
}

function describe(source: string, target: unknown): string {
  return target === null ? source : `${source} -> ${target}`;
}
