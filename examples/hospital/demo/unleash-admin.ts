import { changeFlags, type FlagChanges } from '../../../src/migration/flag-changes.ts';
import type { Phase } from '../../../src/migration/flags.ts';
import { phases } from '../../../src/migration/unleash-flags.ts';
import type { UnleashAddress } from '../../../stack/unleash.ts';

/** The server, and who may change its flags. */
type FlagServer = Pick<UnleashAddress, 'url' | 'adminToken'>;

/** What the demo does in Unleash: the same that a person does in its UI. */
export interface FlagSwitches {
  /** Goes on to a phase, or back to the one before it. */
  setPhase(phase: Exclude<Phase, 'source-only'>, enabled: boolean): Promise<void>;
  /** Moves the slider of reads from the target. */
  setReadTarget(percent: number): Promise<void>;
  /** Moves the slider of reads that are compared. */
  setShadowRead(percent: number): Promise<void>;
}

/** The flags of one resource by Unleash's admin API. */
export function createFlagSwitches(unleash: FlagServer, resource: string, signal?: AbortSignal): FlagSwitches {
  const { url, adminToken } = unleash;
  const setup = { url, adminToken, project: 'default', environment: 'development' };
  const change = async (changes: FlagChanges): Promise<void> => {
    await changeFlags(setup, resource, changes, signal);
  };
  return {
    setPhase: (phase, enabled) => change({ phase: enabled ? phase : phaseBefore(phase) }),
    setReadTarget: (readTarget) => change({ readTarget }),
    setShadowRead: (shadowRead) => change({ shadowRead }),
  };
}

function phaseBefore(phase: Phase): Phase {
  return phases[phases.indexOf(phase) + 1] ?? 'source-only';
}
