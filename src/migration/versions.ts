import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Stored } from '../stores/record-store.ts';
import type { ProtocolSettings } from './settings.ts';

/** The greater of two versions. */
export function maxVersion(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** A record with its version, `max(stored, floor)`, from its stored one. */
export function atFloor(stored: Stored, floor: bigint): Stored {
  return stored.version >= floor ? stored : { ...stored, version: floor };
}

/**
 * Whether a record is no older than a version that was given out. An absent one counts as `clock - marker TTL + margin` in
 * this comparison: of a deletion before that, Cassandra may have no marker any more. No version is given out by that
 * clock, since nothing that is written later while `detached`, or read from MySQL, would reach it.
 */
export function reaches(seen: Stored, atLeast: bigint, clock: Clock, settings: MarkerAge): boolean {
  if (seen.version >= atLeast) return true;
  const ageMicros = BigInt(settings.markerTtlSeconds) * 1_000_000n - BigInt(settings.marginMs) * 1000n;
  return seen.row === null && clock.wallMicros() - ageMicros >= atLeast;
}

/** The settings that say how long an absent record is known to have been absent. */
type MarkerAge = Pick<ProtocolSettings, 'markerTtlSeconds' | 'marginMs'>;

/** Refuses a caller's version that no store can have given out: above `max(floor, clock) + skew`. */
export function refuseFutureVersion(
  atLeast: bigint,
  control: ControlRecord,
  clock: Clock,
  settings: Pick<ProtocolSettings, 'skewBoundMs'>,
): void {
  const skewMicros = BigInt(settings.skewBoundMs * 1000);
  if (atLeast <= maxVersion(control.floor, clock.wallMicros()) + skewMicros) return;
  throw new DomainError({
    kind: 'invalid_argument',
    reason: 'VERSION_FROM_THE_FUTURE',
    message: 'crossfade-version: this version was never given out; send back what the last answer carried',
    metadata: { field: 'crossfade-version' },
  });
}

/** The error for a version that was given out and that even the authority can't reach any more. */
export function versionLost(): DomainError {
  return new DomainError({
    kind: 'data_loss',
    reason: 'VERSION_LOST',
    message: 'the authority has an older state than this version, which was given out before: it lost committed writes',
  });
}
