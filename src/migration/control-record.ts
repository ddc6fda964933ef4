import type { ControlRecord, FollowerState } from '../stores/control-store.ts';
import { otherStore } from './registers.ts';

/** The follower's states that may follow each other (docs/protocol.md, section 4). */
const successors: Readonly<Record<FollowerState, readonly FollowerState[]>> = {
  detached: ['syncing'],
  syncing: ['joining', 'detached', 'syncing'],
  joining: ['in_sync', 'syncing'],
  in_sync: ['leaving', 'handing_over'],
  leaving: ['syncing'],
  handing_over: ['moved', 'in_sync', 'leaving'],
  moved: [],
};

/** One second in microseconds: the least rise of the floor. */
const FLOOR_STEP_MICROS = 1_000_000n;

/**
 * The record after one step of the follower's state, ready for compare-and-set.
 * Throws a RangeError for a step that the protocol does not know: a fault of the caller.
 */
export function step(record: ControlRecord, state: FollowerState): ControlRecord {
  if (!successors[record.state].includes(state)) throw new RangeError(`no step from ${record.state} to ${state}`);
  return { ...record, state, generation: record.generation + 1 };
}

/**
 * The record that attaches a follower: `syncing`, a new attach number and a floor above everything that the authority
 * can have given out; what a person had confirmed for the follower before is over. `clockMicros`: the authority's clock. `skewMicros`: the bound on the clocks' skew.
 */
export function attach(record: ControlRecord, clockMicros: bigint, skewMicros: bigint): ControlRecord {
  const next = step(record, 'syncing');
  return {
    ...next,
    attempt: null,
    attach: record.attach + 1,
    floor: raisedFloor(record.floor, clockMicros, skewMicros),
  };
}

/** `max(old floor + 1 s, clock + 2 × skew bound)`: outside changes made while detached must not tie with old rows. */
export function raisedFloor(floor: bigint, clockMicros: bigint, skewMicros: bigint): bigint {
  const raised = floor + FLOOR_STEP_MICROS;
  const now = clockMicros + 2n * skewMicros;
  return raised > now ? raised : now;
}

/** The record under which writers wait for one attempt to hand authority over. */
export function beginHandover(record: ControlRecord, attempt: string): ControlRecord {
  return { ...step(record, 'handing_over'), attempt };
}

/** The record as it was before the attempt. */
export function undoHandover(record: ControlRecord): ControlRecord {
  return { ...step(record, 'in_sync'), attempt: null };
}

/** The decision of a handover: the other store is the authority of the next epoch. `floor`: of that epoch. */
export function moved(record: ControlRecord, floor: bigint): ControlRecord {
  const next = step(record, 'moved');
  return { ...next, epoch: record.epoch + 1, authority: otherStore(record.authority), floor, attempt: null };
}

/** The record with a person's word on what is to come. */
export function confirmed(record: ControlRecord, attempt: string): ControlRecord {
  return { ...record, attempt, generation: record.generation + 1 };
}

/** The record after the bulk copy of its attach number was completed. */
export function copied(record: ControlRecord): ControlRecord {
  return { ...record, copiedAttach: record.attach, generation: record.generation + 1 };
}

/** Whether `syncing` still needs the bulk copy of its attach number. */
export function needsCopy(record: ControlRecord): boolean {
  return record.copiedAttach !== record.attach;
}

/**
 * Whether a write is acknowledged only after the follower acknowledged it too. `handing_over` never reaches a
 * write, which stops at its shared lock.
 */
export function awaitsFollower(state: FollowerState): boolean {
  return state === 'joining' || state === 'in_sync';
}

/** Whether the follower may be read: the lease's other word. */
export function followerIsReadable(record: ControlRecord): boolean {
  return record.state === 'in_sync';
}

/** Whether an attach, named by its epoch and number, comes after another one. */
export function isLaterAttach(
  one: Pick<ControlRecord, 'epoch' | 'attach'>,
  other: Pick<ControlRecord, 'epoch' | 'attach'>,
): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.attach > other.attach);
}
