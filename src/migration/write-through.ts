import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Call } from '../stores/call.ts';
import type { Change, Copy, FollowerStore, RecordStore, Written } from '../stores/record-store.ts';
import { awaitsFollower } from './control-record.ts';
import type { Demotion } from './demotion.ts';
import type { Lease } from './lease.ts';
import type { RecentAcknowledgements } from './recent-acknowledgements.ts';
import type { ProtocolSettings } from './settings.ts';
import { atFloor } from './versions.ts';

/** What write-through needs. */
export interface WriteThroughOptions {
  readonly resource: string;
  readonly authority: RecordStore;
  /** Null: the resource has no target. */
  readonly follower: Pick<FollowerStore, 'apply'> | null;
  readonly lease: Lease;
  readonly demotion: Demotion;
  readonly acknowledged: RecentAcknowledgements;
  readonly settings: ProtocolSettings;
  readonly clock: Clock;
}

/** A pause between tries to reach the follower within its retry budget. */
const FOLLOWER_RETRY_PAUSE_MS = 20;
/** A pause before a write that met a transition tries again. */
const TRANSITION_PAUSE_MS = 10;

/**
 * Writes to the authority, then, as the control record that the write itself has read says, to the follower; the
 * answer is an acknowledgement in the sense of P1 and P2 (docs/protocol.md, section 4).
 */
export function createWriteThrough(options: WriteThroughOptions): (change: Change, call: Call) => Promise<Written> {
  return async (change, call) => {
    const written = await writeToAuthority(options, change, call);
    await acknowledge(options, written, call);
    return { ...written, stored: atFloor(written.stored, written.control.floor) };
  };
}

async function writeToAuthority(options: WriteThroughOptions, change: Change, call: Call): Promise<Written> {
  const { resource, authority, lease, clock } = options;
  let guard = lease.latest(resource) ?? (await lease.valid(resource, call));
  while (clock.monotonicMs() < call.deadlineMs && !call.signal?.aborted) {
    const written = await authority.write(change, guard, call);
    if (written.outcome !== 'control_changed') {
      lease.observe(resource, written.control.generation);
      return written;
    }
    await clock.sleep(TRANSITION_PAUSE_MS, call.signal).catch(() => {});
    guard = await lease.renewed(resource, call);
  }
  throw new DomainError({
    kind: 'unavailable',
    reason: 'TRANSITION_UNDER_WAY',
    message: 'the control record was changing until the deadline; nothing was written; retry',
  });
}

async function acknowledge(options: WriteThroughOptions, written: Written, call: Call): Promise<void> {
  const { state } = written.control;
  if (awaitsFollower(state)) {
    const { key, row, version } = written.stored;
    if (await reachFollower(options, { key, row, version }, call)) {
      options.acknowledged.add(key.id, version);
      return;
    }
    await options.demotion.passed(written.control, call);
  } else if (state === 'leaving') {
    await options.demotion.passed(written.control, call);
  }
}

/** False: the follower did not acknowledge the copy within the retry budget. */
async function reachFollower(options: WriteThroughOptions, copy: Copy, call: Call): Promise<boolean> {
  const { follower, clock, settings } = options;
  if (follower === null) return false;
  const untilMs = clock.monotonicMs() + settings.followerRetryBudgetMs;
  while (clock.monotonicMs() < untilMs) {
    try {
      await follower.apply([copy], { ...call, deadlineMs: untilMs });
      return true;
    } catch {
      await clock.sleep(FOLLOWER_RETRY_PAUSE_MS).catch(() => {});
    }
  }
  return false;
}
