import type { Random } from '../../src/domain/clock.ts';
import type { Log } from '../../src/domain/log.ts';
import type { Flags, Phase } from '../../src/migration/flags.ts';
import { Lease } from '../../src/migration/lease.ts';
import { OwnHand } from '../../src/migration/logged-store.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createResourceMigration, type ResourceMigration } from '../../src/migration/resource-migration.ts';
import type { BatchService } from '../../src/records/batch-service.ts';
import type { RecordService } from '../../src/records/record-service.ts';
import type { ControlStore, StoreName } from '../../src/stores/control-store.ts';
import { createMemoryWriteAheadLog } from '../../src/stores/memory/write-ahead-log.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { Link } from './links.ts';
import { type Mutation, mutate } from './mutation.ts';
import { SimProcess } from './process.ts';
import { createSimService } from './service.ts';
import { keyCodec, resource, settings, type World } from './world.ts';

/** One life of one instance of the service: the real code, over links to the world's stores. */
export interface SimInstance {
  readonly name: string;
  readonly process: SimProcess;
  readonly lease: Lease;
  readonly migration: ResourceMigration;
  /** The use cases over its records, as callers reach them. */
  readonly service: RecordService;
  readonly batches: BatchService;
  readonly links: Readonly<Record<StoreName, Link>>;
  readonly flags: SimFlags;
}

/** The flags as this instance has last heard of them. */
export interface SimFlags extends Flags {
  phase: Phase | undefined;
  /** The share of reads that go to the target. */
  targetShare: number;
}

export interface StartOptions {
  readonly world: World;
  readonly name: string;
  /** Counts the lives of this name. */
  readonly life: number;
  readonly offsetMicros: bigint;
  readonly mutation: Mutation | null;
}

/** Starts an instance. */
export function startInstance({ world, name, life, offsetMicros, mutation }: StartOptions): SimInstance {
  const { clock } = world;
  const random = world.randomOf(`${name}/${life}`);
  const process = new SimProcess(name, clock, offsetMicros);
  const links = { source: new Link(process, clock, random), target: new Link(process, clock, random) };
  const flags = createFlags(random);
  const time = { clock: process.clock, random };
  const parts = mutate(mutation, connect(world, process, links, random), { world, process, random });
  const registers = new Registers(parts.control, parts.targetControl);
  parts.registers?.(registers);
  const hand = new OwnHand();
  const log = traceLog(world, process);
  const common = { ...time, registers, instance: name, log };
  const lease: Lease = new Lease({
    ...common,
    settings: settings.protocol,
    onChange: (record) => {
      world.trace(`${name} sees ${record.authority} ${record.state} g${record.generation} e${record.epoch}`);
      migration.onChange(record);
    },
    logClosedUpTo: (incarnation) => parts.writeAheadLog.closedUpTo(incarnation),
    isDone: () => hand.isIdle,
  });
  parts.lease?.(lease);
  const migration = createResourceMigration({
    ...common,
    resource,
    keys: keyCodec,
    owner: random.id(),
    source: parts.source,
    target: parts.target,
    targetAuthority: { store: parts.targetAuthority, log: parts.writeAheadLog, hand },
    ...(parts.copies && { copies: parts.copies }),
    changeLog: parts.changeLog,
    jobs: parts.jobs,
    lease,
    flags,
    metrics: noMetrics,
    settings,
    nameOf: (key) => key.id,
    parentNameOf: (values) => values.join('/'),
  });
  // A killed process never ends by itself, and nothing waits for it.
  const { signal } = new AbortController();
  void Promise.all([lease.run(signal), migration.run(signal)]);
  const { service, batches } = createSimService(migration.records);
  return { name, process, lease, migration, service, batches, links, flags };
}

/** The stores as the process reaches them. */
function connect(world: World, process: SimProcess, { source, target }: SimInstance['links'], random: Random) {
  const { control, targetControl, changeLog, jobs, logEntries } = world;
  const onWay: Link['way'] = (way, call) => target.way(way, call);
  const writeAheadLog = createMemoryWriteAheadLog({ clock: process.clock, random, entries: logEntries, onWay });
  return {
    source: source.port(world.source, 'authority'),
    target: target.port(world.target, 'follower'),
    targetAuthority: target.port(world.target.through(target.target()), 'authority', [
      'write',
      'writeMany',
      'touchMany',
    ]),
    control: source.port(traced(world, process.name, control), 'authority'),
    targetControl: target.port(traced(world, process.name, targetControl), 'authority'),
    changeLog: source.changeLog(changeLog),
    jobs: source.port(jobs, 'authority'),
    writeAheadLog,
  };
}

/** The ports of one instance, in which a mutation may change the code's behaviour. */
export type Ports = ReturnType<typeof connect>;

function traced(world: World, name: string, control: ControlStore): ControlStore {
  return {
    ...control,
    compareAndSet: async (next, why, call) => {
      world.floors.add(next.floor);
      const done = await control.compareAndSet(next, why, call);
      if (done) {
        const { authority, state, generation, epoch, attach, floor } = next;
        world.trace(`== ${name}: ${authority} ${state} g${generation} e${epoch} a${attach} f${floor}: ${why.reason}`);
      }
      return done;
    },
  };
}

function traceLog(world: World, { name }: SimProcess): Log {
  const write = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    const { error, resource: _, ...others } = fields ?? {};
    const more = Object.keys(others).length > 0 ? ` ${JSON.stringify(others)}` : '';
    world.trace(`${name} ${level}: ${message}${more}${error instanceof Error ? `: ${error.message}` : ''}`);
  };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

function createFlags(random: Random): SimFlags {
  return {
    phase: undefined,
    targetShare: 0,
    readTarget() {
      return random.uniform() < this.targetShare;
    },
    shadowRead: () => false,
    wantedPhase() {
      return this.phase;
    },
  };
}
