import { DomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import { lookAgain } from './look.ts';
import { keysOf, listOpen, type MismatchOptions } from './mismatches.ts';
import type { Roles } from './roles.ts';
import { applyTouched, touchKeys } from './touch.ts';

/** What repairs need. */
export interface RepairOptions extends Omit<MismatchOptions, 'authority' | 'follower'> {
  /** Who is what while a record holds. */
  readonly rolesOf: (control: ControlRecord) => Roles;
  /** The newest control record known, valid or not. */
  readonly control: () => ControlRecord | undefined;
}

/** The outcome of a repair. */
export interface Repaired {
  /** Records that were touched and found equal past a barrier. */
  readonly repaired: number;
  /** Mismatches of the resource that are still open. */
  readonly open: number;
}

/** The most records of one repair. */
export const MAX_REPAIRED = 1000;
/** The most keys of one touch transaction. */
const TOUCH_BATCH = 200;

/**
 * Repairs records: each is touched, so that the authority's content goes to the follower at a newer version, and compared past
 * a barrier; mismatches that are gone are closed. `keys` null: the first {@link MAX_REPAIRED} open mismatches. Throws
 * `failed_precondition`/MIGRATION_STATE while there is no follower or authority is changing, and what the stores throw: what
 * was touched until then is harmless, the repair can be run again.
 */
export async function repair(options: RepairOptions, keys: readonly Key[] | null, call: Call): Promise<Repaired> {
  const { jobs, resource } = options;
  const control = repairable(options.control());
  const looking = { ...options, ...options.rolesOf(control) };
  const wanted = keys ?? keysOf(looking, await listOpen(looking, 0, MAX_REPAIRED, call));
  for (let from = 0; from < wanted.length; from += TOUCH_BATCH) {
    await touchAndApply(looking, wanted.slice(from, from + TOUCH_BATCH), control, call);
  }
  const { equal } = await lookAgain(looking, wanted, control.floor, call);
  if (equal.length > 0) await jobs.closeMismatches(resource.id, equal, call);
  return { repaired: equal.length, open: await jobs.countOpenMismatches(resource.id, call) };
}

async function touchAndApply(
  { authority, follower }: Roles,
  keys: readonly Key[],
  control: ControlRecord,
  call: Call,
): Promise<void> {
  const touched = await touchKeys(authority, keys, control, call);
  await applyTouched(touched, () => follower.apply(touched.copies, call));
  if (touched.refused.length > 0) throw notNow('the control record is changing just now; try again');
}

function repairable(control: ControlRecord | undefined): ControlRecord {
  if (control === undefined) throw notNow('the control record is not known: the authority cannot be reached');
  if (control.state === 'detached') throw notNow('there is no follower to repair');
  return control;
}

function notNow(message: string): DomainError {
  return new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message });
}
