import type { Dashboard } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import type { Migrations } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Operations } from '../gen/google/longrunning/operations_pb.ts';
import { ALLOWED_RESOURCES, EVERY_RESOURCE, type Verb } from '../security/roles.ts';
import type { MethodAccess } from './access.ts';
import type { TypedAccess } from './typed-service.ts';

/** `migrations/medications`, and what is below it. The id reaches audit lines, so it is no longer than any that there may be. */
const MIGRATION_NAME = /^migrations\/([a-z][a-z0-9_]{0,39})(?:\/|$)/;

/** Any request of the migration API: one of these names the migration. */
interface NamingRequest {
  readonly name?: string;
  readonly parent?: string;
}

function idIn(name: string): string | undefined {
  return MIGRATION_NAME.exec(name)?.[1];
}

function named(verb: Verb, nameIn: (request: NamingRequest) => string | undefined): MethodAccess {
  return { verb, resource: (request) => idIn(nameIn(request as NamingRequest) ?? '') };
}

const byName = (verb: Verb): MethodAccess => named(verb, ({ name }) => name);
const byParent = (verb: Verb): MethodAccess => named(verb, ({ parent }) => parent);

/**
 * What each method of the migration API takes. To look takes what reading the records takes: mismatches name records. `migrate`
 * is what an operator does every day; `admin` is for what changes the source, or can't be taken back.
 */
export const migrationAccess: TypedAccess<typeof Migrations> = {
  getMigration: byName('read'),
  listMigrations: { verb: 'read', resource: EVERY_RESOURCE },
  watchMigration: byName('read'),
  listTransitions: byParent('read'),
  listMismatches: byParent('read'),
  startBackfill: byName('migrate'),
  startVerification: byName('migrate'),
  throttleOperation: byName('migrate'),
  repairMismatches: byParent('migrate'),
  decommissionMigration: byName('admin'),
  fenceSource: byName('admin'),
  unfenceSource: byName('admin'),
};

/** What each method of `google.longrunning.Operations` takes. */
export const operationsAccess: TypedAccess<typeof Operations> = {
  getOperation: byName('read'),
  listOperations: byName('read'),
  waitOperation: byName('read'),
  cancelOperation: byName('migrate'),
  deleteOperation: byName('migrate'),
};

/** What the dashboard takes. Without a name it shows the resources that the caller may read. */
export const dashboardAccess: TypedAccess<typeof Dashboard> = {
  watchDashboard: {
    verb: 'read',
    resource: (request) => {
      const { name = '' } = request as NamingRequest;
      return name === '' ? ALLOWED_RESOURCES : idIn(name);
    },
  },
};
