/** The steps of the pattern, which of them a migration has reached, and which one the flags ask for. */
import { FollowerState, type Migration, Phase, Store } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { StoreNames } from './words.ts';

/** One step of the pattern. */
export interface Step {
  readonly title: string;
  readonly detail: string;
}

/** Where a migration stands, as indices into the steps. */
export interface Standing {
  readonly reached: number;
  /** Undefined: the flags ask for nothing, and nothing moves. */
  readonly wanted: number | undefined;
}

const BEFORE = 0;
const COPY = 1;
const READ_SOURCE = 2;
const READ_TARGET = 3;
const TARGET_DECIDES = 4;
const RETIRED = 5;

/** The steps in their order, with the stores' own names. */
export function stepsOf({ source, target }: StoreNames): readonly Step[] {
  return [
    { title: 'Before', detail: `${source} alone` },
    { title: 'Copy', detail: 'bulk copy and change capture' },
    { title: 'Write both', detail: `read ${source}` },
    { title: 'Read both', detail: `${target} answers a share` },
    { title: 'Handover', detail: `${target} decides, ${source} follows` },
    { title: 'Retired', detail: `${target} alone` },
  ];
}

/** `readShare`: the part of reads that should come from the target, in percent, if known. */
export function standingOf(migration: Migration, readShare: number | undefined): Standing {
  return { reached: reachedStep(migration, readShare), wanted: wantedStep(migration, readShare) };
}

function reachedStep({ authority, followerState }: Migration, readShare: number | undefined): number {
  const detached = followerState === FollowerState.DETACHED;
  if (authority === Store.TARGET) return detached ? RETIRED : TARGET_DECIDES;
  if (detached || followerState === FollowerState.UNSPECIFIED) return BEFORE;
  const mayBeRead = followerState === FollowerState.IN_SYNC || followerState === FollowerState.HANDING_OVER;
  if (!mayBeRead) return COPY;
  return readShare === 0 ? READ_SOURCE : READ_TARGET;
}

function wantedStep({ wantedPhase }: Migration, readShare: number | undefined): number | undefined {
  switch (wantedPhase) {
    case Phase.SOURCE_ONLY:
      return BEFORE;
    case Phase.SYNCHRONIZE:
      return readShare === 0 ? READ_SOURCE : READ_TARGET;
    case Phase.TARGET_AUTHORITY:
      return TARGET_DECIDES;
    case Phase.TARGET_ONLY:
      return RETIRED;
    default:
      return undefined;
  }
}
