import { cassandraChecks } from './cassandra-checks.ts';
import type { Check, ResourceCheck } from './check.ts';
import { clockChecks } from './clock-checks.ts';
import { configChecks } from './config-checks.ts';
import { flagChecks } from './flag-checks.ts';
import { mysqlSettingChecks } from './mysql-settings.ts';
import { mysqlUserChecks } from './mysql-user.ts';
import { bucketChecks, riakChecks } from './riak-checks.ts';
import type { Site } from './site.ts';
import { sourceChecks } from './source-checks.ts';
import { targetChecks } from './target-checks.ts';
import { traceChecks } from './trace-checks.ts';
import { valueChecks } from './value-checks.ts';

/** Checks of one subject. */
export interface CheckGroup {
  /** How the subject is called in findings. */
  readonly subjectOf: (site: Site) => string;
  readonly checks: readonly Check[];
}

/** All checks that are not of a resource, in the order in which they are made. docs/doctor.md lists them. */
export const checkGroups: readonly CheckGroup[] = [
  { subjectOf: () => 'configuration', checks: configChecks },
  {
    subjectOf: ({ config: { stores } }) => `MySQL ${stores.mysql.host}:${stores.mysql.port}`,
    checks: [...mysqlSettingChecks, ...mysqlUserChecks],
  },
  {
    subjectOf: ({ config: { stores } }) => {
      const { contactPoints, port } = stores.cassandra ?? {};
      return contactPoints === undefined ? 'Cassandra' : `Cassandra ${contactPoints.join(', ')}:${port}`;
    },
    checks: cassandraChecks,
  },
  {
    subjectOf: ({ config: { stores } }) => `Riak ${(stores.riak?.nodes ?? []).join(', ')}`.trim(),
    checks: riakChecks,
  },
  { subjectOf: () => 'clocks', checks: clockChecks },
  { subjectOf: () => 'flags', checks: flagChecks },
  { subjectOf: () => 'traces', checks: traceChecks },
];

/** The checks of each resource, after all others. */
export const resourceChecks: readonly ResourceCheck[] = [
  ...sourceChecks,
  ...valueChecks,
  ...targetChecks,
  ...bucketChecks,
];

/** The ids of all checks. */
export const checkIds: readonly string[] = [
  ...checkGroups.flatMap(({ checks }) => checks.map(({ id }) => id)),
  ...resourceChecks.map(({ id }) => id),
];
