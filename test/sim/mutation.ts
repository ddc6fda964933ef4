import type { Random } from '../../src/domain/clock.ts';
import type { Lease } from '../../src/migration/lease.ts';
import type { Registers } from '../../src/migration/registers.ts';
import type { ResourceMigrationOptions } from '../../src/migration/resource-migration.ts';
import type { Ports } from './instance.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** What a mutation may look at. */
export interface MutationScope {
  readonly world: World;
  readonly process: SimProcess;
  readonly random: Random;
  /** Of the instance; undefined while it is being made. */
  lease?: Lease;
}

/** What a mutation may change of one instance: its ports, and the parts that are made of them. */
export interface MutableParts extends Ports {
  readonly copies?: ResourceMigrationOptions['copies'];
  readonly registers?: (registers: Registers) => void;
  readonly lease?: (lease: Lease) => void;
}

/** One rule of the protocol left out, in every instance of a world. */
export interface Mutation {
  readonly name: string;
  /** What is left out, for people. */
  readonly what: string;
  change(parts: Ports, scope: MutationScope): Partial<MutableParts>;
  /** Whether reads forget the caller's version, which no part of an instance decides. Default false. */
  readonly ignoresVersions?: true;
}

/** The parts of an instance, mutated or as they are. */
export function mutate(mutation: Mutation | null, ports: Ports, scope: MutationScope): MutableParts {
  if (mutation === null) return ports;
  const changed: MutableParts = { ...ports, ...mutation.change(ports, scope) };
  return {
    ...changed,
    lease: (lease) => {
      scope.lease = lease;
      changed.lease?.(lease);
    },
  };
}
