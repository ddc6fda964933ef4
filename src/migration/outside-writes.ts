import type { Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import { lookAgain } from './look.ts';
import type { MismatchOptions } from './mismatches.ts';
import type { Roles } from './roles.ts';

/** Records what outside writers changed; resolves to the keys of records that were written all the while, to be given again. */
export type HoldOutside = (keys: readonly Key[], call: Call) => Promise<readonly Key[]>;

/** What holding outside changes for a person needs. */
export interface HoldOutsideOptions extends Omit<MismatchOptions, 'authority' | 'follower'> {
  readonly rolesOf: (control: ControlRecord) => Roles;
  readonly changeLog: Pick<ChangeLog, 'requestBarrier'>;
}

/**
 * Holds outside changes of the source for a person, while the target is the authority: each record that differs past a barrier
 * becomes an open mismatch, which keeps authority from moving until it is repaired. A record that is alike is none: the
 * service has written it since, or somebody has repaired it.
 */
export function createHoldOutside(options: HoldOutsideOptions): (control: ControlRecord) => HoldOutside {
  const { changeLog, jobs, resource } = options;
  return (control) => async (keys, call) => {
    // The log runs ahead of what can be read, and a commit of one's own catches it up.
    await changeLog.requestBarrier(call);
    const { differences, raced } = await lookAgain(
      { ...options, ...options.rolesOf(control) },
      keys,
      control.floor,
      call,
    );
    for (const { key, kind, fieldPaths } of differences) {
      await jobs.recordMismatch({ resource: resource.id, key: key.bytes, kind, fieldPaths, foundBy: 'capture' }, call);
    }
    return raced;
  };
}
