import { setTimeout as sleep } from 'node:timers/promises';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import {
  FollowerState,
  type Job,
  JobKind,
  JobState,
  type Migration,
  Migrations,
  type Transition,
} from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../../clients/typescript/gen/google/longrunning/operations_pb.ts';
import { jobOf } from '../../../clients/typescript/src/operations.ts';
import { createSession } from '../../../clients/typescript/src/session.ts';
import { grouped, progressBar } from './terminal.ts';

/** The migration as the service's own API shows it. */
export interface MigrationWatch {
  /** The state now. */
  get(): Promise<Migration>;
  /** The newest changes of the control record, newest first. */
  transitions(): Promise<readonly Transition[]>;
  /** Types the resource's name: writing to the source may end. */
  decommission(): Promise<void>;
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
  const session = createSession({ addresses, protocol: 'connect', caller: 'demo' });
  const client = session.client(Migrations);
  const operations = session.client(Operations);
  const name = `migrations/${resource}`;
  const get = () => client.getMigration({ name }, { signal });
  return {
    get,
    transitions: async () => (await client.listTransitions({ parent: name }, { signal })).transitions,
    decommission: async () => {
      await client.decommissionMigration({ name, confirmation: resource }, { signal });
    },
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
      const askedMs = Date.now();
      await cancelVerifications(operations, name, signal);
      for (;;) {
        const job = await startVerification(client, name, signal);
        const ended = job && (await untilEnded(operations, job, show, untilMs, signal));
        if (ended !== undefined && isFinal(ended, askedMs)) return ended;
        if (performance.now() > untilMs) throw new Error('no verification comes to its end');
        await sleep(LOOK_MS, undefined, { signal });
      }
    },
  };
}

type MigrationsClient = Client<typeof Migrations>;
type OperationsClient = Client<typeof Operations>;

/** Ends a verification that the controller began while records were still written. */
async function cancelVerifications(client: OperationsClient, migration: string, signal: AbortSignal): Promise<void> {
  const { operations } = await client.listOperations({ name: migration }, { signal });
  for (const { kind, state, operation: name } of operations.map(jobOf)) {
    if (kind === JobKind.VERIFICATION && state === JobState.RUNNING) await client.cancelOperation({ name }, { signal });
  }
}

/** The verification that runs now, or a new one; undefined while the follower is out of sync. */
async function startVerification(
  client: MigrationsClient,
  name: string,
  signal: AbortSignal,
): Promise<Job | undefined> {
  try {
    return jobOf(await client.startVerification({ name }, { signal }));
  } catch (error) {
    if (ConnectError.from(error).code === Code.FailedPrecondition) return undefined;
    throw error;
  }
}

async function untilEnded(
  client: OperationsClient,
  begun: Job,
  show: (job: Job) => void,
  untilMs: number,
  signal: AbortSignal,
): Promise<Job> {
  const name = begun.operation;
  for (let job = begun; ; job = jobOf(await client.getOperation({ name }, { signal }))) {
    show(job);
    if (job.state !== JobState.RUNNING || performance.now() > untilMs) return job;
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/**
 * Whether it says what was asked for: not one that the controller had begun while records were still written, nor one that
 * ended because the follower fell out of sync.
 */
function isFinal({ state, createTime }: Job, askedMs: number): boolean {
  const begunMs = createTime === undefined ? 0 : timestampMs(createTime);
  return begunMs >= askedMs - CLOCK_SLACK_MS && (state === JobState.SUCCEEDED || state === JobState.FAILED);
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
