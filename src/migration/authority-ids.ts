/*
 * Ids come from the sequence of the store that is the authority, and each store's sequence begins where the other one's ended: it is
 * raised in the handover, when nothing more is given at the old authority and nothing yet at the new one.
 *
 * A take that is answered too late would be missed by that. In MySQL it holds the control record's shared lock, as a write does. In
 * Cassandra its answer counts only under the lease that it was asked under: the handover waits for one lease before it looks.
 */
import type { Clock } from '../domain/clock.ts';
import { DomainError, isDomainError } from '../domain/errors.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import { FIRST_ID, type IdSequences, type IdSource } from '../stores/id-sequence.ts';
import type { Lease } from './lease.ts';

/** What the ids of one resource are taken with. */
export interface AuthorityIdsOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly sequences: IdSequences;
  readonly lease: Pick<Lease, 'valid' | 'current'>;
  readonly clock: Clock;
}

/** The pause before authority is looked for again while it moves, as short as a writer's. */
const TRANSITION_PAUSE_MS = 20;

/** The ids of one resource in one instance. Waits, as writers do, while authority moves. */
export function createAuthorityIds(options: AuthorityIdsOptions): IdSource {
  const { resource, sequences, lease, clock } = options;
  return {
    take: async (count, call) => {
      while (clock.monotonicMs() < call.deadlineMs && !call.signal?.aborted) {
        const control = await lease.valid(resource, call);
        const first = await takeUnder(options, control, count, call);
        if (first !== null) return first;
        await clock.sleep(TRANSITION_PAUSE_MS, call.signal).catch(() => {});
      }
      throw new DomainError({
        kind: 'unavailable',
        reason: 'TRANSITION_UNDER_WAY',
        message: 'no id could be taken until the deadline, as authority was moving; nothing was written; retry',
      });
    },
    rise: async (call) => {
      // The source's looks at its table with each take.
      if ((await lease.valid(resource, call)).authority === 'target') await liftTarget(sequences, call);
    },
  };
}

/** Null: authority moves, or an answer was lost, or came too late to count. What it gave then is a gap. */
async function takeUnder(
  { resource, sequences, lease }: AuthorityIdsOptions,
  control: ControlRecord,
  count: number,
  call: Call,
): Promise<bigint | null> {
  if (control.state === 'handing_over') return null;
  const { source, target } = sequences;
  const isOfSource = control.authority === 'source' || target === null;
  try {
    const first = await (isOfSource ? source : target).take(count, call);
    if (isOfSource) return first;
    if (first === null) await liftTarget(sequences, call);
    return lease.current(resource)?.generation === control.generation ? first : null;
  } catch (error) {
    if (isDomainError(error, 'unknown')) return null;
    throw error;
  }
}

/**
 * Above everything that is in MySQL, which as the follower has the target's records: for ids that callers named themselves, and for
 * authority that an earlier version of the service has moved, without its sequence.
 */
async function liftTarget({ source, target }: IdSequences, call: Call): Promise<void> {
  try {
    await target?.raiseTo((await source.next(call)) ?? FIRST_ID, call);
  } catch (cause) {
    if (!isDomainError(cause, 'unavailable', 'unknown', 'deadline_exceeded')) throw cause;
    throw new DomainError({
      kind: 'unavailable',
      reason: 'NO_FREE_ID',
      message: 'which ids are taken can’t be looked up in MySQL now; nothing was written; retry, or name the id',
      cause,
    });
  }
}

/**
 * Raises the sequence of the store that authority moves to above every id that was given at the old authority, and, out of MySQL,
 * above those that its own counter gave. To be called when no take can end at the old authority any more. May be done again, by
 * any instance.
 */
export async function carryIds(sequences: IdSequences, { authority }: ControlRecord, call: Call): Promise<void> {
  const { source, target } = sequences;
  if (target === null) return;
  const [from, to] = authority === 'source' ? [source, target] : [target, source];
  const next = await from.next(call);
  if (next !== null) await to.raiseTo(next, call);
}
