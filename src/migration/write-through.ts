import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Change, Copy, FollowerStore, RecordStore, Written } from '../stores/record-store.ts';
import { awaitsFollower } from './control-record.ts';
import { type Demotion, isPast } from './demotion.ts';
import type { Lease } from './lease.ts';
import type { RecentAcknowledgements } from './recent-acknowledgements.ts';
import type { ProtocolSettings } from './settings.ts';
import { atFloor } from './versions.ts';

/** What write-through needs. */
export interface WriteThroughOptions {
  readonly resource: string;
  /** Who takes writes, and who takes their copies (null: nobody), while a record holds. */
  readonly writersOf: (record: ControlRecord) => Writers;
  readonly lease: Lease;
  readonly demotion: Demotion;
  readonly acknowledged: RecentAcknowledgements;
  readonly settings: ProtocolSettings;
  readonly clock: Clock;
}

/** The part of the stores' roles that writes need. */
export interface Writers {
  readonly authority: RecordStore;
  readonly follower: Pick<FollowerStore, 'apply'> | null;
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
    const { written, follower } = await writeToAuthority(options, change, call);
    await acknowledge({ ...options, follower }, written, call);
    return { ...written, stored: atFloor(written.stored, written.control.floor) };
  };
}

type Acknowledging = WriteThroughOptions & Pick<Writers, 'follower'>;

async function writeToAuthority(
  options: WriteThroughOptions,
  change: Change,
  call: Call,
): Promise<{ readonly written: Written } & Pick<Writers, 'follower'>> {
  const { resource, lease, clock, writersOf } = options;
  let guard = lease.latest(resource) ?? (await lease.valid(resource, call));
  while (clock.monotonicMs() < call.deadlineMs && !call.signal?.aborted) {
    // Nothing is to be asked of a store that says itself that it is not the authority now.
    if (guard.state !== 'handing_over' && guard.state !== 'moved') {
      const { authority, follower } = writersOf(guard);
      const written = await authority.write(change, guard, call);
      if (written.outcome !== 'control_changed') {
        lease.observe(resource, written.control.generation);
        return { written, follower };
      }
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

/** Resolves when the write may be acknowledged. Its entry, if it has one, is closed, or left to the log's keeper. */
async function acknowledge(options: Acknowledging, written: Written, call: Call): Promise<void> {
  let isCarried = false;
  try {
    isCarried = await reachesPromise(options, written, call);
  } finally {
    if (isCarried) written.entry?.carried();
    else written.entry?.left();
  }
}

/** Waits for what the state asks for. True: the follower has the write, or there is none. */
async function reachesPromise(options: Acknowledging, written: Written, call: Call): Promise<boolean> {
  const { control } = written;
  if (awaitsFollower(control.state)) {
    if (await reachFollower(options, written.stored, call)) return true;
    await options.demotion.passed(control, call);
  } else if (control.state === 'leaving') {
    await options.demotion.passed(control, call);
  } else if (written.entry !== undefined) {
    return isLetThrough(options, written, call);
  }
  return false;
}

/**
 * A write that was not made under the lock of the control record: that nobody reads the follower must still be so after it
 * (docs/protocol.md, section 5).
 */
async function isLetThrough(options: Acknowledging, written: Written, call: Call): Promise<boolean> {
  const record = await options.lease.fresh(options.resource).catch(() => undefined);
  if (record?.epoch === written.control.epoch && record.state === 'detached') return true;
  if (record !== undefined && isPast(record, written.control)) return false;
  if (await reachFollower(options, written.stored, call)) return true;
  await options.demotion.passed(written.control, call);
  return false;
}

/** False: the follower did not acknowledge the copy within the retry budget. */
async function reachFollower(options: Acknowledging, { key, row, version }: Copy, call: Call): Promise<boolean> {
  const { follower, clock, settings, acknowledged } = options;
  if (follower === null) return false;
  const untilMs = clock.monotonicMs() + settings.followerRetryBudgetMs;
  while (clock.monotonicMs() < untilMs) {
    try {
      await follower.apply([{ key, row, version }], { ...call, deadlineMs: untilMs });
      acknowledged.add(key.id, version);
      return true;
    } catch {
      await clock.sleep(FOLLOWER_RETRY_PAUSE_MS).catch(() => {});
    }
  }
  return false;
}
