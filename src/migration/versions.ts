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
 * An absent record of Cassandra counts as `max(floor, clock - marker TTL + margin)`: a marker would still be
 * there if the record had been deleted later than that.
 */
export function absentInTarget(
  stored: Stored,
  floor: bigint,
  clock: Clock,
  settings: Pick<ProtocolSettings, 'markerTtlSeconds' | 'marginMs'>,
): Stored {
  if (stored.row !== null || stored.version > 0n) return atFloor(stored, floor);
  const ageMicros = BigInt(settings.markerTtlSeconds) * 1_000_000n - BigInt(settings.marginMs) * 1000n;
  return { ...stored, version: maxVersion(floor, clock.wallMicros() - ageMicros) };
}

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
