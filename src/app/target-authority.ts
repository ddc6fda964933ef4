import { DomainError, isDomainError } from '../domain/errors.ts';
import type { Resource } from '../domain/resource.ts';
import { whyAuthorityStays } from '../schema/target-authority.ts';
import type { Call } from '../stores/call.ts';
import { describeTable } from '../stores/mysql/describe-table.ts';
import type { MysqlPool } from '../stores/mysql/pool.ts';
import { readServerValues } from '../stores/mysql/server-values.ts';
import { listReferences } from '../stores/mysql/table-surroundings.ts';
import type { ServerValues } from '../stores/server-values.ts';

/**
 * What the target needs to be the authority. Throws `failed_precondition`/MIGRATION_STATE with every reason why it can't be: what MySQL
 * keeps and Cassandra would not, so that as the follower it would refuse copies for ever, and what only MySQL can tell.
 */
export async function readForTargetAuthority(pool: MysqlPool, resource: Resource, call: Call): Promise<ServerValues> {
  const reasons = await definitionReasons(pool, resource, call);
  try {
    const values = await readServerValues(pool, resource, call);
    if (reasons.length === 0) return values;
  } catch (error) {
    if (!isDomainError(error, 'failed_precondition')) throw error;
    reasons.push(error.message);
  }
  throw new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message: reasons.join('; ') });
}

async function definitionReasons(pool: MysqlPool, resource: Resource, call: Call): Promise<string[]> {
  const table = await describeTable(pool, resource.mysql, call);
  return table === null ? [] : whyAuthorityStays(resource, table, await listReferences(pool, resource.mysql, call));
}
