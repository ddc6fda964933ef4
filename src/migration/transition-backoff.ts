import type { Call } from '../stores/call.ts';
import type { ControlRecord, FollowerState } from '../stores/control-store.ts';
import type { Registers } from './registers.ts';
import type { Roles } from './roles.ts';

/** What counting failed transitions needs. */
export interface TransitionBackoffOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly registers: Pick<Registers, 'transitions'>;
  /** Who is what while a record holds. */
  readonly rolesOf: (record: ControlRecord) => Pick<Roles, 'authority'>;
}

/** How long the first wait is, in milliseconds; it doubles with each further failure. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** Failures longer ago than this no longer lengthen the wait. */
const MEMORY_MICROS = 600_000_000n;
/** How many transitions are read to count them: more would not lengthen the wait. */
const TRANSITIONS = 60;

/** How long to wait before the next try, in milliseconds: exponential in the failed transitions of the last minutes. */
export async function backoffMs(
  { resource, registers, rolesOf }: TransitionBackoffOptions,
  record: ControlRecord,
  isFailure: (from: FollowerState, to: FollowerState) => boolean,
  call: Call,
): Promise<number> {
  const recent = await registers.transitions(resource, null, TRANSITIONS, call);
  const now = await rolesOf(record).authority.clock(call);
  const failures = recent.filter((one) => isFailure(one.fromState, one.toState) && now - one.atMicros < MEMORY_MICROS);
  const [newest] = failures;
  if (newest === undefined) return 0;
  const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures.length - 1));
  return Math.max(0, waitMs - Number((now - newest.atMicros) / 1000n));
}
