import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Copy, FollowerStore, RecordStore, Records, Written } from '../stores/record-store.ts';
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

/** The answers to one write: under one control record, and the first with its entry, if it has one. */
type Answers = readonly [Written, ...Written[]];

/** A pause between tries to reach the follower within its retry budget. */
const FOLLOWER_RETRY_PAUSE_MS = 20;
/** A pause before a write that met a transition tries again. */
const TRANSITION_PAUSE_MS = 10;

/** Writes whose answers are acknowledgements. */
export type WriteThrough = Pick<Records, 'write' | 'writeMany'>;

/**
 * Writes to the authority, then, as the control record that the write itself has read says, to the follower; the
 * answer is an acknowledgement in the sense of P1 and P2 (docs/protocol.md, section 4).
 */
export function createWriteThrough(options: WriteThroughOptions): WriteThrough {
  const through = async (write: WriteTo, call: Call): Promise<Answers> => {
    const { written, follower } = await writeToAuthority(options, write, call);
    await acknowledge({ ...options, follower }, written, call);
    const { floor } = written[0].control;
    return written.map((one): Written => ({ ...one, stored: atFloor(one.stored, floor) })) as [Written, ...Written[]];
  };
  return {
    write: async (change, call) => {
      const write: WriteTo = async (authority, guard) => [await authority.write(change, guard, call)];
      return (await through(write, call))[0];
    },
    writeMany: (changes, call) => through((authority, guard) => authority.writeMany(changes, guard, call), call),
  };
}

/** One write, of one record or of several together, to whoever is the authority. */
type WriteTo = (authority: RecordStore, guard: ControlRecord) => Promise<readonly Written[]>;

type Acknowledging = WriteThroughOptions & Pick<Writers, 'follower'>;

async function writeToAuthority(
  options: WriteThroughOptions,
  write: WriteTo,
  call: Call,
): Promise<{ readonly written: Answers } & Pick<Writers, 'follower'>> {
  const { resource, lease, clock, writersOf } = options;
  let guard = lease.latest(resource) ?? (await lease.valid(resource, call));
  while (clock.monotonicMs() < call.deadlineMs && !call.signal?.aborted) {
    // Nothing is to be asked of a store that says itself that it is not the authority now.
    if (guard.state !== 'handing_over' && guard.state !== 'moved') {
      const { authority, follower } = writersOf(guard);
      const written = (await write(authority, guard)) as Answers;
      if (written[0].outcome !== 'control_changed') {
        lease.observe(resource, written[0].control.generation);
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
async function acknowledge(options: Acknowledging, written: Answers, call: Call): Promise<void> {
  const [{ entry }] = written;
  let isCarried = false;
  try {
    isCarried = await reachesPromise(options, written, call);
  } finally {
    if (isCarried) entry?.carried();
    else entry?.left();
  }
}

/** Waits for what the state asks for. True: the follower has the write, or there is none. */
async function reachesPromise(options: Acknowledging, written: Answers, call: Call): Promise<boolean> {
  const [{ control, entry }] = written;
  if (awaitsFollower(control.state)) {
    if (await reachFollower(options, written, call)) return true;
    await options.demotion.passed(control, call);
  } else if (control.state === 'leaving') {
    await options.demotion.passed(control, call);
  } else if (entry !== undefined) {
    return isLetThrough(options, written, call);
  }
  return false;
}

/**
 * A write that was not made under the lock of the control record: that nobody reads the follower must still be so after it
 * (docs/protocol.md, section 5).
 */
async function isLetThrough(options: Acknowledging, written: Answers, call: Call): Promise<boolean> {
  const [{ control }] = written;
  const record = await options.lease.fresh(options.resource).catch(() => undefined);
  if (record?.epoch === control.epoch && record.state === 'detached') return true;
  if (record !== undefined && isPast(record, control)) return false;
  if (await reachFollower(options, written, call)) return true;
  await options.demotion.passed(control, call);
  return false;
}

/** False: the follower did not acknowledge the copies within the retry budget. */
async function reachFollower(options: Acknowledging, written: Answers, call: Call): Promise<boolean> {
  const { follower, clock, settings, acknowledged } = options;
  if (follower === null) return false;
  const copies = written.map(({ stored: { key, row, version, requests } }): Copy => {
    return requests === undefined ? { key, row, version } : { key, row, version, requests };
  });
  const untilMs = clock.monotonicMs() + settings.followerRetryBudgetMs;
  while (clock.monotonicMs() < untilMs) {
    try {
      await follower.apply(copies, { ...call, deadlineMs: untilMs });
      for (const { key, version } of copies) acknowledged.add(key.id, version);
      return true;
    } catch {
      await clock.sleep(FOLLOWER_RETRY_PAUSE_MS).catch(() => {});
    }
  }
  return false;
}
