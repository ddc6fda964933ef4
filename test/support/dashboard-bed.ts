/** A dashboard over stores in memory, served on both ports, and what a test may do behind it. */
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { Dashboard } from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { Migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import type { FlagDefinition } from '../../src/migration/flag-rollout.ts';
import type { Phase } from '../../src/migration/flags.ts';
import { Registers } from '../../src/migration/registers.ts';
import type { AccessControl } from '../../src/rpc/access.ts';
import { DashboardFeed } from '../../src/rpc/dashboard-feed.ts';
import { createDashboardService } from '../../src/rpc/dashboard-service.ts';
import type { DashboardSubject } from '../../src/rpc/dashboard-subject.ts';
import { dashboardAccess, migrationAccess } from '../../src/rpc/migration-access.ts';
import { createMigrationService, type MigrationSubject } from '../../src/rpc/migration-service.ts';
import { createTypedMethods } from '../../src/rpc/typed-service.ts';
import type { ControlRecord, ControlStore, FollowerState } from '../../src/stores/control-store.ts';
import type { JobStore } from '../../src/stores/job-store.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { RecentMeasures } from '../../src/telemetry/recent-measures.ts';
import { testCall } from './calls.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from './rpc-fixture.ts';
import { type KeptLog, keepLog } from './secure-rpc.ts';

/** What a test may change. */
export interface DashboardBedOptions {
  readonly resources?: readonly string[];
  readonly maxViewers?: number;
  /** Default: nobody needs to prove anything. */
  readonly access?: AccessControl | null;
  /** Whether the service has a dashboard. Default true. */
  readonly offersDashboard?: boolean;
}

/** The bed. */
export interface DashboardBed {
  readonly servers: Servers;
  readonly jobs: JobStore;
  readonly log: KeptLog;
  readonly measures: ReadonlyMap<string, RecentMeasures>;
  /** What the flag server has; null: it never answered. */
  flags: Map<string, FlagDefinition> | null;
  /** Calls of the job store so far. */
  jobCalls(): number;
  /** From now on the job store fails, or works again. */
  breakJobs(isBroken: boolean): void;
  change(resource: string, state: FollowerState, more?: Partial<ControlRecord>): Promise<void>;
  wants(resource: string, phase: Phase, holds?: readonly { reason: string; message: string }[]): Promise<unknown>;
}

export const LINKS = {
  flag: 'https://flags.test/projects/{project}/features/{flag}',
  traceSearch: 'https://traces.test/?q={attribute}%3D{value}',
};

/** Brings it up. Stop `servers` at the end. */
export async function createDashboardBed(options: DashboardBedOptions = {}): Promise<DashboardBed> {
  const { resources = ['medications'], maxViewers = 20, access = null, offersDashboard = true } = options;
  const time = { clock: systemClock, random: systemRandom };
  const control = createMemoryControlStore(new MemoryDatabase(time));
  const registers = new Registers(control, null);
  const { jobs, calls, breakJobs } = watchedJobs(createMemoryJobStore(time));
  const log = keepLog();
  const measures = new Map(resources.map((id) => [id, new RecentMeasures({ samples: 300, latestSteps: 10 })]));
  const subjects = resources.map(
    (id): DashboardSubject => ({
      migration: subjectOf(id),
      measures: measures.get(id) as RecentMeasures,
      source: { engine: 'mysql', table: `hospital.${id}` },
      target: { engine: 'cassandra', table: `hospital.${id}` },
    }),
  );
  const bed: Pick<DashboardBed, 'flags'> = { flags: new Map() };
  const flags = {
    fetched: () => bed.flags !== null,
    definition: (name: string) => bed.flags?.get(name),
    wantedPhase: () => undefined,
  };
  const shared = { registers, jobs, clock: systemClock, log };
  const feed = new DashboardFeed({ ...shared, subjects, flags, links: LINKS });
  const about = { instance: 'one', version: '1.2.3' };
  const service = createDashboardService({ ...about, subjects, feed, links: LINKS, maxViewers, clock: systemClock });
  const migrations = createMigrationService({
    ...shared,
    subjects: subjects.map(({ migration }) => migration),
    pageTokenSecret: Buffer.from('a secret of the test'),
  });
  const medications = await loadMedications();
  const servers = await startServers({
    medications,
    records: memoryRecords(medications.resource),
    methods: [
      ...createTypedMethods(Migrations, migrations, migrationAccess),
      ...(offersDashboard ? createTypedMethods(Dashboard, service, dashboardAccess) : []),
    ],
    services: offersDashboard ? [Migrations, Dashboard] : [Migrations],
    ...(access && { access }),
  });
  await control.ensure(resources, testCall());
  return Object.assign(bed, {
    servers,
    jobs,
    log,
    measures,
    jobCalls: calls,
    breakJobs,
    change: (resource: string, state: FollowerState, more = {}) => change(control, resource, state, more),
    wants: (resource: string, wanted: Phase, holds: readonly object[] = []) =>
      jobs.leaseTask(`controller/${resource}`, 'one', 60_000, JSON.stringify({ wanted, holds }), testCall()),
  });
}

async function change(
  control: ControlStore,
  resource: string,
  state: FollowerState,
  more: Partial<ControlRecord>,
): Promise<void> {
  const current = (await control.poll(testCall())).find((one) => one.resource === resource);
  if (current === undefined) throw new Error('there is no control record');
  const next = { ...current, generation: current.generation + 1, state, ...more };
  await control.compareAndSet(next, { instance: 'one', reason: `to ${state}` }, testCall());
}

function subjectOf(id: string): MigrationSubject {
  const unused = () => Promise.reject(new Error('not in this test'));
  return {
    id,
    nameOfBytes: (key) => `patients/${key.toString()}`,
    keyOfName: () => {
      throw new Error('not in this test');
    },
    repair: unused,
    confirmDecommission: unused,
    fence: { isInstalled: async () => false, install: unused, remove: unused },
    leftovers: [],
  };
}

/** The job store, counted and breakable. */
function watchedJobs(inner: JobStore): { jobs: JobStore; calls: () => number; breakJobs: (isBroken: boolean) => void } {
  let count = 0;
  let broken = false;
  const jobs = new Proxy(inner, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        count += 1;
        if (!broken) return method.apply(target, parameters);
        const down = {
          kind: 'unavailable',
          reason: 'AUTHORITY_UNAVAILABLE',
          message: 'MySQL cannot be reached',
        } as const;
        return Promise.reject(new DomainError(down));
      };
    },
  });
  return {
    jobs,
    calls: () => count,
    breakJobs: (isBroken) => {
      broken = isBroken;
    },
  };
}
