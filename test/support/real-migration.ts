/** One resource over a MySQL database and a Cassandra keyspace of a test's own, and instances of the parts that keep them alike. */
import { inject } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { attachFollower } from '../../src/migration/attach-follower.ts';
import { createBackfill } from '../../src/migration/backfill.ts';
import { Barriers } from '../../src/migration/barrier.ts';
import { Capture, type CaptureGap } from '../../src/migration/capture.ts';
import { defaultCaptureSettings } from '../../src/migration/capture-settings.ts';
import { defaultJobSettings, type JobSettings } from '../../src/migration/chunk-worker.ts';
import { JobRunner } from '../../src/migration/job-runner.ts';
import { LiveTraffic } from '../../src/migration/live-traffic.ts';
import { Registers } from '../../src/migration/registers.ts';
import { createVerification } from '../../src/migration/verification.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import type { ControlRecord, ControlStore, FollowerState } from '../../src/stores/control-store.ts';
import type { Job } from '../../src/stores/job-store.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { cascadeTargetOf, findCascades } from '../../src/stores/mysql/cascade-rules.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { createMysqlPool } from '../../src/stores/mysql/pool.ts';
import { createMysqlRecordStore } from '../../src/stores/mysql/record-store.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import type { Change, FollowerStore, Stored } from '../../src/stores/record-store.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { createTestDatabase, createTestKeyspace } from './databases.ts';
import { cassandraIndexTables, cassandraTable, mysqlTable, notesResource } from './resources.ts';

/** What all instances share. */
export type RealWorld = Awaited<ReturnType<typeof createRealWorld>>;

const clock = systemClock;
const PATIENCE_MS = 60_000;
/** How often a test looks whether something has happened. */
const LOOK_MS = 50;
/** Rows of one INSERT of a test. */
const ROWS_AT_ONCE = 1000;

/** A world's tables other than the notes of every test. */
export interface RealWorldOptions {
  /** Default: the notes. Its places are the test's own. */
  readonly resource?: Resource;
  /** Makes the resource's table, and those around it. Default: its own alone. */
  readonly tablesSql?: string;
  /** Whether capture watches the tables whose changes reach the resource's through foreign keys. Default true. */
  readonly watchesParents?: boolean;
}

/** Two empty stores, detached. Call `drop` at the end. */
export async function createRealWorld(options: RealWorldOptions = {}) {
  const [database, keyspace] = await Promise.all([createTestDatabase(), createTestKeyspace()]);
  const base = options.resource ?? notesResource;
  const resource: Resource = {
    ...base,
    mysql: { schema: database.name, table: base.mysql.table },
    cassandra: { ...base.cassandra, keyspace: keyspace.name, table: base.mysql.table },
  };
  const address = inject('mysql');
  const pool = createMysqlPool({ ...address, connections: 24, controlSchema: database.name });
  const call = (timeoutMs = PATIENCE_MS) => internalCall(clock, timeoutMs);
  await setUpSchema(pool, call());
  await database.run(options.tablesSql ?? mysqlTable(resource));
  for (const statement of [cassandraTable(resource), ...cassandraIndexTables(resource)]) await keyspace.run(statement);
  const { contactPoints, port, localDataCenter } = inject('cassandra');
  const cassandra = createCassandraClient({ contactPoints, port, localDataCenter });
  const authority = createMysqlRecordStore({ pool, resource, role: 'authority' });
  const follower = createCassandraRecordStore({ client: cassandra, resource, role: 'follower' });
  const { rules = [], mistake } = await findCascades(pool, cascadeTargetOf(resource), call());
  if (mistake !== undefined) throw new Error(mistake);
  const cascades = options.watchesParents === false ? [] : rules;
  const changeLog = createMysqlChangeLog({ pool, connection: address, resource, cascades });
  const jobs = createMysqlJobStore({ pool });
  const control = createMysqlControlStore({ pool });
  await control.ensure([resource.id], call());
  let record = await readControl(control, call());
  await authority.prepare(call());
  return {
    resource,
    database,
    keyspace,
    authority,
    follower,
    changeLog,
    jobs,
    call,
    record: () => record,
    key: (owner: string, note: string): Key => createKeyCodec(resource).fromValues([owner, note]),
    /** Attaches the follower as the controller does. */
    async attach(): Promise<void> {
      const registers = new Registers(control, null);
      const rolesOf = () => ({ authority, follower });
      const options = { registers, rolesOf, log: changeLog, instance: 'test', settings: { skewBoundMs: 50 }, clock };
      await attachFollower(options, record, 'test');
      record = await readControl(control, call());
    },
    async toState(state: FollowerState): Promise<void> {
      const next = { ...record, state, generation: record.generation + 1 };
      await control.compareAndSet(next, { instance: 'test', reason: 'test' }, call());
      record = await readControl(control, call());
    },
    /** A write through the service, not applied to the follower by its writer. */
    async write(key: Key, title: string | null): Promise<Stored> {
      const row = [...(key.values as string[]), title, null, null];
      const wanted: Change =
        title === null ? { key, kind: 'delete', row: null, columns: [] } : { key, kind: 'upsert', row, columns: [2] };
      return (await authority.write(wanted, record, call())).stored;
    },
    /** Puts rows `owner <i % owners>`/`note <i>` into MySQL by its own SQL. */
    async fill(count: number, owners = 1000): Promise<void> {
      for (let from = 0; from < count; from += ROWS_AT_ONCE) {
        const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, count - from) }, (_, i) => {
          const n = from + i;
          return `('owner ${String(n % owners).padStart(6, '0')}', 'note ${n}', '${'title '.repeat(15)}${n}', ${n}.25, ${n % 5})`;
        });
        await database.run(`INSERT INTO notes VALUES ${rows.join(', ')}`);
      }
    },
    contents: (store: FollowerStore): Promise<Map<string, string>> => contents(store, call),
    async drop(): Promise<void> {
      await Promise.all([pool.close(), cassandra.close()]);
      await Promise.all([database.drop(), keyspace.drop()]);
    },
  };
}

async function readControl(control: ControlStore, call: Call): Promise<ControlRecord> {
  const [record] = await control.poll(call);
  if (record === undefined) throw new Error('there is no control record');
  return record;
}

async function contents(store: FollowerStore, call: () => Call): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { range } of store.split(10_000, call())) {
    for (let after: string | null | undefined; after !== null; ) {
      const page = await store.walk(range, after ?? null, 1000, call());
      for (const { key, row } of page.records) if (row !== null) found.set(key.id, row.join('|'));
      after = page.next;
    }
  }
  return found;
}

/** One life of one instance: captures, and takes part in jobs. Faults come between it and the stores. */
export function startInstance(world: RealWorld, owner: string, settings: Partial<JobSettings> = {}) {
  const { resource } = world;
  const followerFaults = createFaults();
  const authorityFaults = createFaults();
  const link = { faults: authorityFaults, clock, role: 'authority' } as const;
  const authority = injectFaults(world.authority, link);
  const follower = injectFaults(world.follower, { faults: followerFaults, clock, role: 'follower' });
  const rolesOf = () => ({ authority, follower });
  const changeLog = injectFaults(world.changeLog, link);
  const jobs = injectFaults(world.jobs, link);
  const barriers = new Barriers({ changeLog, clock });
  const gaps: CaptureGap[] = [];
  const ended: Job[] = [];
  const troubles: unknown[] = [];
  const log = { info: () => {}, warn: note, error: note };
  function note(message: string, fields?: Readonly<Record<string, unknown>>): void {
    troubles.push([message, fields]);
  }
  const shared = { resource: resource.id, owner, jobs, control: world.record, metrics: noMetrics, clock, log };
  const capture = new Capture({
    ...shared,
    rolesOf,
    changeLog,
    remembersRequests: resource.remembersRequests ?? false,
    keys: createKeyCodec(resource),
    keyLength: resource.keyLength,
    onGap: (gap) => gaps.push(gap),
    onBarriersMet: (ids) => barriers.noteMet(ids),
    settings: defaultCaptureSettings,
    random: systemRandom,
  });
  const lease = { waitOneLease: async () => true };
  const compared = { resource, rolesOf, changeLog, barriers, lease, jobs, metrics: noMetrics, clock };
  const runner = new JobRunner({
    ...shared,
    kinds: [createBackfill(compared), createVerification(compared)],
    instances: () => 1,
    traffic: new LiveTraffic(clock),
    onEnded: (job) => ended.push(job),
    settings: { ...defaultJobSettings, ...settings },
    random: systemRandom,
  });
  const stop = new AbortController();
  const done = Promise.all([capture.run(stop.signal), runner.run(stop.signal)]);
  return {
    capture,
    barriers,
    followerFaults,
    authorityFaults,
    gaps,
    ended,
    troubles,
    compared,
    async stop(): Promise<void> {
      stop.abort();
      await done;
    },
  };
}

/** Waits until a job has ended. */
export async function finished(world: RealWorld, id: string, timeoutMs = PATIENCE_MS): Promise<Job> {
  const untilMs = clock.monotonicMs() + timeoutMs;
  while (clock.monotonicMs() < untilMs) {
    const job = await world.jobs.getJob(id, world.call());
    if (job !== null && job.state !== 'running') return job;
    await clock.sleep(LOOK_MS);
  }
  throw new Error('the job did not end');
}

/** Starts a job. */
export function createJob(world: RealWorld, kind: Job['kind']): Promise<Job> {
  const { attach } = world.record();
  const init = { resource: world.resource.id, kind, attach, compareWithItself: false, rowsPerSecondLimit: 0 };
  return world.jobs.createJob(init, world.call());
}
