import type { Clock } from '../domain/clock.ts';
import { internalCall } from '../stores/call.ts';
import type { Copy, FollowerStore } from '../stores/record-store.ts';

/** What a probe needs. */
export interface ProbeOptions {
  readonly authority: FollowerStore;
  readonly follower: FollowerStore;
  readonly clock: Clock;
  /** The floor of the attach under way. */
  readonly floor: bigint;
}

/** Good probes in a row before the follower may join: one may be luck. */
const GOOD_PROBES = 3;
const PROBE_PAUSE_MS = 50;
/** A probe slower than this counts as failed: joining would slow every write. */
const PROBE_TIMEOUT_MS = 400;
const READ_TIMEOUT_MS = 2_000;
/** The walk is only begun: any chunk size that plans quickly will do. */
const PROBE_CHUNK_ROWS = 100;

/**
 * Whether the follower takes writes again. A probe copies one record as a bulk copy would, at its own version: a
 * real write that changes nothing. An empty table needs no probe.
 */
export async function probeFollower(options: ProbeOptions, signal: AbortSignal): Promise<boolean> {
  const copy = await anyRecord(options, signal);
  if (copy === undefined) return true;
  for (let good = 0; good < GOOD_PROBES; good++) {
    try {
      await options.follower.apply([copy], internalCall(options.clock, PROBE_TIMEOUT_MS, signal));
      await options.clock.sleep(PROBE_PAUSE_MS, signal);
    } catch {
      return false;
    }
  }
  return true;
}

async function anyRecord({ authority, clock, floor }: ProbeOptions, signal: AbortSignal): Promise<Copy | undefined> {
  const call = internalCall(clock, READ_TIMEOUT_MS, signal);
  for await (const { range } of authority.split(PROBE_CHUNK_ROWS, call)) {
    const [stored] = (await authority.walk(range, null, 1, call)).records;
    if (stored === undefined) continue;
    return { ...stored, version: stored.version > floor ? stored.version : floor };
  }
  return undefined;
}
