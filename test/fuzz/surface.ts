import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { Dashboard } from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { Migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../src/gen/google/longrunning/operations_pb.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';

/** What can be called, read from the descriptors: a field that is new is fuzzed without anybody's doing. */
export interface Surface {
  readonly methods: readonly DescMethod[];
  /** Those whose requests have a field of this name. */
  withField(name: string): readonly DescMethod[];
}

/** Good values, of records and listings that are there. */
export interface World {
  /** By service: names of resources, and of their parents. */
  readonly names: ReadonlyMap<DescService, readonly string[]>;
  readonly parents: ReadonlyMap<DescService, readonly string[]>;
  /** Tokens of next pages, and which listing they are of. */
  readonly tokens: readonly PageToken[];
}

/** A token that was given. */
export interface PageToken {
  readonly method: DescMethod;
  readonly parent: string;
  readonly token: string;
}

/** The service's descriptors as it loads them. */
export const IMAGE = join(import.meta.dirname, '../../examples/hospital/hospital.binpb');
/** Changes that would be made if they were asked for rightly; names of migrations that are there are not put into them. */
const CHANGES = [
  'StartBackfill',
  'StartVerification',
  'ThrottleOperation',
  'CancelOperation',
  'FenceSource',
  'UnfenceSource',
  'DecommissionMigration',
  'RepairMismatches',
];
const SERVICES = ['hospital.v1.Medications', 'hospital.v1.Encounters'];

/** Reads the surface of the example hospital. */
export async function readSurface(): Promise<Surface> {
  const registry = loadDescriptors(await readFile(IMAGE));
  const services = [...SERVICES.map((name) => registry.getService(name)), Migrations, Operations, Dashboard];
  const methods = services.flatMap((service) => service?.methods ?? []);
  return {
    methods,
    withField: (name) => methods.filter(({ input }) => hasField(input, name)),
  };
}

function hasField(message: DescMessage, name: string): boolean {
  return message.fields.some((field) => field.name === name);
}

/** `/package.Service/Method`. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Whether a method would change a migration if it were called rightly. */
export function changesMigration(method: DescMethod): boolean {
  return (method.parent === Migrations || method.parent === Operations) && CHANGES.includes(method.name);
}
