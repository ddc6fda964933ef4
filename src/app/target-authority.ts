import { DomainError } from '../domain/errors.ts';
import type { Resource } from '../domain/resource.ts';
import { constraintsOf } from '../schema/target-authority.ts';
import type { Call } from '../stores/call.ts';
import { describeTable } from '../stores/mysql/describe-table.ts';
import type { MysqlPool } from '../stores/mysql/pool.ts';
import { listReferences } from '../stores/mysql/table-surroundings.ts';

/**
 * Throws `failed_precondition`/MIGRATION_STATE where MySQL keeps constraints that Cassandra would not, each of them named: as the
 * follower it would refuse copies for ever.
 */
export async function requireKeptConstraints(pool: MysqlPool, resource: Resource, call: Call): Promise<void> {
  const table = await describeTable(pool, resource.mysql, call);
  if (table === null) return;
  const reasons = constraintsOf(resource, table, await listReferences(pool, resource.mysql, call));
  if (reasons.length === 0) return;
  throw new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message: reasons.join('; ') });
}
