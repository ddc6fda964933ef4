/** Where scenarios are run: real servers, two instances of the service, records in both stores, flags. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bringUp, type Cleanup, MOVED_RESOURCE, setUpFlags } from '../../examples/hospital/demo/bring-up.ts';
import { type Instance, type InstanceAddresses, startInstance } from '../../examples/hospital/demo/instances.ts';
import { createMigrationWatch, type MigrationWatch, stateOf } from '../../examples/hospital/demo/migration-watch.ts';
import type { Terminal } from '../../examples/hospital/demo/terminal.ts';
import { createFlagSwitches, type FlagSwitches } from '../../examples/hospital/demo/unleash-admin.ts';
import type { Side } from '../../examples/hospital/pharmacy/tally.ts';
import type { Stack } from '../../stack/stack.ts';

/** The bed. */
export interface Bed {
  readonly stack: Stack;
  readonly addresses: InstanceAddresses;
  readonly folder: string;
  readonly instances: readonly [Instance, Instance];
  readonly flags: FlagSwitches;
  /** Through whichever instance answers. */
  readonly watch: MigrationWatch;
  /** Through one instance alone. */
  watchThrough(side: Side): MigrationWatch;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly quick: boolean;
  readonly seed: number;
  /** Writes a second. */
  readonly rate: number;
  readonly retryBudgetMs: number;
  /** Another instance in the place of one, on the same ports; nothing: the usual one. Resolves when callers have found it. */
  replaceInstance(side: Side, changed: Replacement): Promise<void>;
  /** Whatever was paused goes on, and whatever was killed is started. */
  mend(): Promise<void>;
}

/** How an instance may differ from the usual one. */
export interface Replacement {
  readonly addresses?: InstanceAddresses;
  readonly program?: URL;
}

/** What a bed is made with. */
export interface BedOptions {
  readonly nodes: 1 | 3;
  readonly quick: boolean;
  readonly seed: number;
  readonly rate: number;
  readonly retryBudgetMs: number;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}

/** Enough for a bulk copy and verifications of several chunks, and few enough to be read by the judge in a moment. */
const ROWS = 12_000;
/** The part of reads that the target answers: both stores are asked all the time. */
const READ_TARGET_PERCENT = 50;
/** Until callers have connected to an instance again that was away: gRPC waits longer after each refused try. */
export const RECONNECTED_MS = 5_000;
/** Each of three nodes on one machine. */
const SMALL_HEAP_MIB = 512;
const NAMES = ['a', 'b'] as const;

/** Brings everything up until the follower is in sync. */
export async function makeBed(options: BedOptions): Promise<Bed> {
  const { nodes, terminal, signal, cleanup, quick, seed, rate, retryBudgetMs } = options;
  const cassandra = nodes === 1 ? {} : { nodes, heapMib: SMALL_HEAP_MIB };
  const stack = await bringUp({ rows: ROWS, zipkin: false, cassandra }, terminal, signal, cleanup);
  const addresses = stack.addresses as InstanceAddresses;
  const folder = join(stack.root, 'faults');
  await mkdir(folder, { recursive: true });
  await setUpFlags(addresses, terminal, signal);
  const { instances, replaceInstance } = await startInstances(options, addresses, folder);
  const flags = createFlagSwitches(addresses.unleash, MOVED_RESOURCE, signal);
  const watchOf = (some: readonly Instance[]) =>
    createMigrationWatch(
      some.map(({ http }) => http),
      MOVED_RESOURCE,
      signal,
    );
  const watch = watchOf(instances);
  await flags.setReadTarget(READ_TARGET_PERCENT);
  await flags.setPhase('synchronize', true);
  await watch.untilInSync((migration) => terminal.status(`follower: ${stateOf(migration)}`));
  terminal.say('both stores hold the same records');
  return {
    stack,
    addresses,
    folder,
    instances,
    flags,
    watch,
    watchThrough: (side) => watchOf([instances[side]]),
    terminal,
    signal,
    quick,
    seed,
    rate,
    retryBudgetMs,
    replaceInstance,
    mend: () => mend(stack, instances, signal),
  };
}

async function startInstances(
  { nodes, terminal, signal, cleanup, retryBudgetMs }: BedOptions,
  usual: InstanceAddresses,
  folder: string,
): Promise<Pick<Bed, 'instances' | 'replaceInstance'>> {
  // Some are meant to; --logs keeps what they said.
  const onEnded = (name: string): void => terminal.say(`    instance ${name} has ended`);
  const replication = nodes === 1 ? {} : { replication: { class: 'SimpleStrategy', replication_factor: nodes } };
  const start = (side: Side, { addresses = usual, program }: Replacement, before?: Instance): Promise<Instance> =>
    startInstance(NAMES[side], {
      addresses,
      folder,
      sabotage: undefined,
      signal,
      onEnded,
      ...replication,
      migration: { followerRetryBudgetMs: retryBudgetMs },
      ...(program && { program }),
      ...(before && { ports: { grpc: portOf(before.grpc), http: portOf(before.http) } }),
    });
  const instances: [Instance, Instance] = await Promise.all([start(0, {}), start(1, {})]);
  cleanup(async () => {
    await Promise.all(instances.map((instance) => instance.kill()));
  });
  return {
    instances,
    replaceInstance: async (side, changed) => {
      const before = instances[side];
      await before.stop();
      instances[side] = await start(side, changed, before);
      await sleep(RECONNECTED_MS, undefined, { signal });
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

async function mend({ mysql, cassandra, unleash }: Stack, instances: readonly Instance[], signal: AbortSignal) {
  for (const part of [mysql, cassandra, unleash]) {
    for (const server of part?.servers ?? []) {
      server.resume();
      if (server.pid === undefined) await server.start(signal);
    }
  }
  for (const instance of instances) {
    instance.resume();
    await instance.start(signal);
  }
}
