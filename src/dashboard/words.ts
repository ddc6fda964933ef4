/** What the API's values are called on the page, in words that need no manual. */

import type { DashboardFacts, DashboardStore } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import {
  FollowerState,
  JobState,
  type Migration,
  MismatchKind,
  Phase,
  Store,
} from '../gen/crossfade/v1alpha1/migrations_pb.ts';

/** The two stores' names as a person knows them. */
export interface StoreNames {
  readonly source: string;
  readonly target: string;
}

const engines: Readonly<Record<string, string>> = {
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  cassandra: 'Cassandra',
  riak: 'Riak KV',
};

/** `MySQL` and `Cassandra`; where nothing was told, the roles. */
export function storeNames(facts: DashboardFacts | undefined): StoreNames {
  return { source: engineName(facts?.source, 'Source'), target: engineName(facts?.target, 'Target') };
}

function engineName(store: DashboardStore | undefined, otherwise: string): string {
  const engine = store?.engine ?? '';
  return engine === '' ? otherwise : (engines[engine] ?? engine);
}

/** The phase as the flag spells it. */
export function phaseName(phase: Phase): string {
  switch (phase) {
    case Phase.SOURCE_ONLY:
      return 'source-only';
    case Phase.SYNCHRONIZE:
      return 'synchronize';
    case Phase.TARGET_AUTHORITY:
      return 'target-authority';
    case Phase.TARGET_ONLY:
      return 'target-only';
    default:
      return 'nothing';
  }
}

const states: Readonly<Record<number, string>> = {
  [FollowerState.DETACHED]: 'detached',
  [FollowerState.SYNCING]: 'syncing',
  [FollowerState.JOINING]: 'joining',
  [FollowerState.IN_SYNC]: 'in sync',
  [FollowerState.LEAVING]: 'leaving',
  [FollowerState.HANDING_OVER]: 'handing over',
  [FollowerState.MOVED]: 'moved',
};

/** The follower's state in a word or two. */
export function stateName(state: FollowerState): string {
  return states[state] ?? 'unknown';
}

/** `MySQL`, `Cassandra`. */
export function storeName(store: Store, names: StoreNames): string {
  return store === Store.TARGET ? names.target : names.source;
}

/** What the follower's state means, in one sentence. */
export function followerSentence(migration: Migration, names: StoreNames): string {
  const targetIsAuthority = migration.authority === Store.TARGET;
  const follower = targetIsAuthority ? names.source : names.target;
  const authority = targetIsAuthority ? names.target : names.source;
  switch (migration.followerState) {
    case FollowerState.DETACHED:
      return `${follower} is not followed: nothing is written to it or read from it.`;
    case FollowerState.SYNCING:
      return `${follower} is being filled from ${authority}, and is not read.`;
    case FollowerState.JOINING:
      return `Writes reach ${follower} already; what came before is still on its way. It is not read yet.`;
    case FollowerState.IN_SYNC:
      return `${follower} holds every acknowledged write, and may be read.`;
    case FollowerState.LEAVING:
      return `${follower} missed a write. Writes wait for a moment, until nobody reads it any more.`;
    case FollowerState.HANDING_OVER:
      return `Authority is on its way to ${follower}: writes wait for some tenths of a second.`;
    case FollowerState.MOVED:
      return `Authority has moved to ${follower}; writes go on there in a moment.`;
    default:
      return 'The state is not known yet.';
  }
}

/** Where reads and writes go, in one sentence. `readShare`: the part of reads that the target should answer, in percent, if known. */
export function trafficSentence(migration: Migration, names: StoreNames, readShare: number | undefined): string {
  const { source, target } = names;
  const alone = migration.authority === Store.TARGET ? target : source;
  switch (migration.followerState) {
    case FollowerState.IN_SYNC:
      return `${alone} decides. Every write goes to both stores before it is acknowledged; ${readsPhrase(names, readShare)}.`;
    case FollowerState.JOINING:
      return `${alone} decides and answers every read. Writes go to both stores.`;
    case FollowerState.SYNCING:
      return `${alone} decides and answers every read. Records are being copied to ${alone === source ? target : source}, and changes follow.`;
    case FollowerState.LEAVING:
    case FollowerState.HANDING_OVER:
    case FollowerState.MOVED:
      return 'Writes wait for a moment; reads go on.';
    default:
      return `${alone} alone is read and written.`;
  }
}

function readsPhrase({ source, target }: StoreNames, readShare: number | undefined): string {
  if (readShare === undefined) return 'reads go where the flag sends them';
  if (readShare <= 0) return `reads come from ${source}`;
  if (readShare >= 100) return `reads come from ${target}`;
  return `${Math.round(readShare)} % of reads come from ${target}`;
}

/** The kind of a difference. */
export function mismatchKind(kind: MismatchKind): string {
  switch (kind) {
    case MismatchKind.DIFFERENT:
      return 'different';
    case MismatchKind.MISSING_IN_FOLLOWER:
      return 'missing in the follower';
    case MismatchKind.EXTRA_IN_FOLLOWER:
      return 'in the follower alone';
    case MismatchKind.MISSING_IN_INDEX:
      return 'missing in an index';
    default:
      return 'unknown';
  }
}

/** Who found a difference. */
export function finder(foundBy: string): string {
  return foundBy.replaceAll('_', ' ');
}

/** How far a job is, in a word, and the class of its badge. */
export function jobState(state: JobState): { readonly text: string; readonly tone: Tone } {
  switch (state) {
    case JobState.RUNNING:
      return { text: 'running', tone: 'busy' };
    case JobState.SUCCEEDED:
      return { text: 'done', tone: 'good' };
    case JobState.FAILED:
      return { text: 'failed', tone: 'bad' };
    case JobState.CANCELLED:
      return { text: 'cancelled', tone: 'quiet' };
    default:
      return { text: 'unknown', tone: 'quiet' };
  }
}

/** How a badge is coloured; its text says the same. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet';

/** What a hold is about in a few words, and what to do about it. Whoever adds a reason to the service adds it here. */
export const holdWords: Readonly<Record<string, { readonly title: string; readonly cure: string }>> = {
  no_lease: {
    title: 'The authority cannot be reached',
    cure: 'Bring its server back. Nothing moves meanwhile.',
  },
  no_target: {
    title: 'There is no target',
    cure: 'Add cassandra to the storage option of the resource, and stores.cassandra to the config.',
  },
  settling: { title: 'Earlier writes settle', cure: 'Nothing to do: it ends by itself within seconds.' },
  backfill_running: { title: 'The bulk copy is under way', cure: 'Nothing to do. Its speed can be changed below.' },
  backfill_failed: { title: 'The bulk copy gave up', cure: 'Mend what the message names, then start it again.' },
  backfill_cancelled: { title: 'The bulk copy was cancelled', cure: 'Start it again when you want to go on.' },
  capture_stopped: {
    title: 'Change capture has stopped',
    cure: 'The message names cause and cure. Mostly a new copy: go back to source-only, then to synchronize.',
  },
  follower_unreachable: {
    title: 'The follower does not take writes',
    cure: 'Look at its server. The authority serves everything meanwhile.',
  },
  rejoin_backoff: {
    title: 'The follower failed lately',
    cure: 'Nothing to do: it is let in again after a pause, which doubles with each failure.',
  },
  catching_up: {
    title: 'The follower is catching up',
    cure: 'Nothing to do. If it lasts, look at the replication lag and at the load of the follower.',
  },
  leaving: { title: 'The follower is being left', cure: 'Nothing to do: it ends within about one lease.' },
  verification_stale: {
    title: 'No clean verification yet',
    cure: 'Wait for the verification that runs, or start one.',
  },
  mismatches_open: {
    title: 'Records differ',
    cure: 'Look at the open mismatches, find out why they differ, repair them, then verify again.',
  },
  outside_writer_seen: {
    title: 'A program wrote past the service',
    cure: 'End that program, then verify again; or fence the source.',
  },
  instances_not_ready: {
    title: 'Not every instance is ready',
    cure: 'Look at the log of the missing one, and end instances of older versions.',
  },
  handover_backoff: {
    title: 'A handover was undone lately',
    cure: 'Nothing to do: it is tried again. The history says why it was undone.',
  },
  confirmation_missing: {
    title: 'A person has to confirm the last step',
    cure: 'Decommission the source below, or go back with the flag.',
  },
  target_authority_not_offered: {
    title: 'The target cannot be the authority',
    cure: 'The log of the start says why. Enable synchronize at most.',
  },
  step_failed: { title: 'The last step failed', cure: 'Look at the log. It is tried again.' },
};

/** The title of a hold whose reason this page does not know: a newer service's. */
export function holdTitle(reason: string): string {
  return holdWords[reason]?.title ?? reason.replaceAll('_', ' ');
}
