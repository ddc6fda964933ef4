import { isDomainError } from '../../domain/errors.ts';
import type { Diagnosis } from '../server-findings.ts';

const CAUSES: ReadonlyMap<string, Diagnosis> = new Map([
  [
    '1045',
    { found: 'it refuses the user or the password', cure: 'check stores.mysql.user and stores.mysql.passwordEnv' },
  ],
  ['1040', { found: 'it has no connection left', cure: 'raise max_connections, or end connections that nobody uses' }],
  ['1129', { found: 'it has blocked this host after too many errors', cure: 'TRUNCATE performance_schema.host_cache' }],
  [
    '1130',
    { found: 'it lets no user in from this host', cure: "CREATE USER 'crossfade'@'<this host>' with its privileges" },
  ],
  ['3032', { found: 'it is in offline mode', cure: 'SET GLOBAL offline_mode = OFF' }],
]);

/** What an error of a pool says about the server. */
export function diagnose(error: unknown): Diagnosis {
  if (!isDomainError(error)) return { found: 'the driver failed', cure: 'look at the host and port in stores.mysql' };
  const known = CAUSES.get(error.metadata.mysqlErrno ?? '');
  if (known !== undefined) return known;
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  const found = typeof code === 'string' ? `no connection (${code})` : error.message;
  return {
    found,
    cure: 'check stores.mysql.host and stores.mysql.port, that the server runs, and firewalls in between',
  };
}
