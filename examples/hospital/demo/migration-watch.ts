import { setTimeout as sleep } from 'node:timers/promises';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  FollowerState,
  type Job,
  JobKind,
  JobState,
  type Migration,
  Migrations,
} from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { createSession } from '../../../clients/typescript/src/session.ts';
import { grouped, progressBar } from './terminal.ts';

/** The migration as the service's own API shows it. */
export interface MigrationWatch {
  /** The state now. */
  get(): Promise<Migration>;
  /** Waits until the follower is in sync, and shows each state on the way. Throws after a time that says that it never will. */
  untilInSync(show: (migration: Migration) => void): Promise<Migration>;
  /** Runs a verification that begins now, to its end. */
  verify(show: (job: Job) => void): Promise<Job>;
}

const LOOK_MS = 250;
/** Longer than a bulk copy of the demo takes on a machine that is busy with other things. */
const IN_SYNC_WITHIN_MS = 180_000;
const VERIFIED_WITHIN_MS = 180_000;

/** Watches one resource's migration through whichever instance answers. */
export function createMigrationWatch(
  addresses: readonly string[],
  resource: string,
  signal: AbortSignal,
): MigrationWatch {
  const client = createSession({ addresses, protocol: 'connect', caller: 'demo' }).client(Migrations);
  const name = `migrations/${resource}`;
  const get = () => client.getMigration({ name }, { signal });
  return {
    get,
    untilInSync: async (show) => {
      const untilMs = performance.now() + IN_SYNC_WITHIN_MS;
      for (;;) {
        const migration = await get();
        show(migration);
        if (migration.followerState === FollowerState.IN_SYNC) return migration;
        if (performance.now() > untilMs) throw new Error(`the target is not in sync: ${stateOf(migration)}`);
        await sleep(LOOK_MS, undefined, { signal });
      }
    },
    verify: async (show) => {
      const untilMs = performance.now() + VERIFIED_WITHIN_MS;
      const runToEnd = async (begun: Job): Promise<Job> => {
        for (let job = begun; ; job = await client.getJob({ name: begun.name }, { signal })) {
          show(job);
          if (job.state !== JobState.RUNNING) return job;
          if (performance.now() > untilMs) throw new Error('the verification does not end');
          await sleep(LOOK_MS, undefined, { signal });
        }
      };
      const askedMs = Date.now();
      const begin = () => client.createJob({ parent: name, job: { kind: JobKind.VERIFICATION } }, { signal });
      const first = await begin();
      const own = first.createTime === undefined || timestampMs(first.createTime) >= askedMs - CLOCK_SLACK_MS;
      if (own) return runToEnd(first);
      // One that the controller had begun while records were still written: let it end, and begin another.
      await runToEnd(first);
      return runToEnd(await begin());
    },
  };
}

/** The job's time comes from the server's clock, with the resolution that it has there. */
const CLOCK_SLACK_MS = 50;

/** A state for people: `in sync`. */
export function stateOf({ followerState, holds }: Migration): string {
  const [state = 'unknown'] = Object.entries(FollowerState).find(([, value]) => value === followerState) ?? [];
  const words = state.toLowerCase().replaceAll('_', ' ');
  return holds.length === 0 ? words : `${words}, waits for ${holds.map(({ reason }) => reason).join(', ')}`;
}

/** A job's progress in one line, with rows a second and the time left. */
export function jobProgress(title: string, job: Job): string {
  const rows = Number(job.rowCount);
  const expected = Math.max(rows, Number(job.expectedRowCount));
  const rate = Math.round(job.rowsPerSecond);
  const left = rate > 0 && expected > rows ? `${Math.ceil((expected - rows) / rate)} s left` : '';
  return `${title} ${progressBar(rows, expected)}  ${grouped(rows)} of ${grouped(expected)} rows  ${grouped(rate)} rows/s  ${left}`;
}
