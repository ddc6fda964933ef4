import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@connectrpc/connect';
import {
  FollowerState,
  JobState,
  type Migration,
  Migrations,
} from '../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { createSession } from '../clients/typescript/src/session.ts';
import { createFlags } from '../src/migration/flag-setup.ts';
import type { UnleashAddress } from '../stack/unleash.ts';
import { createFlagAdmin, type FlagAdmin } from '../test/support/flag-admin.ts';

/** The migration of the medications, moved by its flags as an operator moves it. */
export interface MigrationControl {
  /** Until the target follows, and the verification that comes with it is over. */
  follow(signal: AbortSignal): Promise<void>;
  /** Until the target is detached. */
  detach(signal: AbortSignal): Promise<void>;
  /** Attaches the target anew, and returns the speed of the bulk copy, from the first saved chunk to the last. */
  copy(signal: AbortSignal): Promise<CopySpeed>;
}

/** A bulk copy as its progress showed it. */
export interface CopySpeed {
  readonly rows: number;
  readonly rowsPerSecond: number;
}

const RESOURCE = 'medications';
/** How long any step may take on a busy machine. */
const STEP_TIMEOUT_MS = 180_000;
const POLL_MS = 100;
/** Progress is looked at more often: a copy takes a few seconds. */
const COPY_POLL_MS = 40;

/** Creates the flags on the flag server. `http`: of the service. */
export async function controlMigration(unleash: UnleashAddress, http: string): Promise<MigrationControl> {
  const { url, adminToken } = unleash;
  await createFlags({ url, adminToken, project: 'default', environment: 'development' }, RESOURCE);
  const flags = createFlagAdmin(unleash, RESOURCE);
  const client = createSession({ addresses: [http], protocol: 'connect' }).client(Migrations);
  return {
    follow: async (signal) => {
      await flags.setPhase('synchronize', true);
      await until(client, signal, 'the target follows and is verified', isVerified);
    },
    detach: (signal) => detach(client, flags, signal),
    copy: async (signal) => {
      await detach(client, flags, signal);
      const { backfill } = await get(client, signal);
      await flags.setPhase('synchronize', true);
      return await watchCopy(client, backfill?.operation, signal);
    },
  };
}

async function detach(client: Client<typeof Migrations>, flags: FlagAdmin, signal: AbortSignal): Promise<void> {
  await flags.setPhase('synchronize', false);
  await until(client, signal, 'the target is detached', (now) => now.followerState === FollowerState.DETACHED);
}

function isVerified(now: Migration): boolean {
  return now.followerState === FollowerState.IN_SYNC && now.verification?.state === JobState.SUCCEEDED;
}

interface Progress {
  readonly atMs: number;
  readonly rows: number;
}

/**
 * The speed between the first progress that is seen and the last. Where the first already shows most of the rows, it
 * counts from the last look that showed none.
 */
async function watchCopy(
  client: Client<typeof Migrations>,
  earlierJob: string | undefined,
  signal: AbortSignal,
): Promise<CopySpeed> {
  const seen: Progress[] = [];
  const look = ({ backfill }: Migration): boolean => {
    if (backfill === undefined || backfill.operation === earlierJob) return false;
    if (backfill.state === JobState.FAILED) throw new Error(`the copy failed: ${backfill.error}`);
    const now = { atMs: performance.now(), rows: Number(backfill.rowCount) };
    const last = seen.at(-1);
    if (last?.rows === 0 && now.rows === 0) seen.pop();
    if (last?.rows !== now.rows || now.rows === 0) seen.push(now);
    return backfill.state === JobState.SUCCEEDED;
  };
  await until(client, signal, 'the copy is over', look, COPY_POLL_MS);
  const to = seen.at(-1);
  const from = seen.find(({ rows }) => rows > 0);
  const start = from !== undefined && to !== undefined && from.rows < to.rows / 2 ? from : seen[0];
  if (start === undefined || to === undefined || start === to) throw new Error('the copy was over before it was seen');
  return { rows: to.rows, rowsPerSecond: ((to.rows - start.rows) / (to.atMs - start.atMs)) * 1000 };
}

function get(client: Client<typeof Migrations>, signal: AbortSignal): Promise<Migration> {
  return client.getMigration({ name: `migrations/${RESOURCE}` }, { signal });
}

async function until(
  client: Client<typeof Migrations>,
  signal: AbortSignal,
  what: string,
  reached: (now: Migration) => boolean,
  pollMs = POLL_MS,
): Promise<void> {
  const untilMs = performance.now() + STEP_TIMEOUT_MS;
  for (;;) {
    const now = await get(client, signal);
    if (reached(now)) return;
    if (performance.now() > untilMs) {
      const holds = now.holds.map(({ reason }) => reason).join(', ');
      throw new Error(
        `waited ${STEP_TIMEOUT_MS / 1000} s until ${what}; the controller holds for: ${holds || 'nothing'}`,
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}
