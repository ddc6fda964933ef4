import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type AttachOptions, attachFollower } from './attach-follower.ts';
import type { CaptureGap } from './capture.ts';
import type { Demotion } from './demotion.ts';
import type { Lease } from './lease.ts';

/** What mending a gap needs. */
export interface GapOptions extends AttachOptions {
  readonly resource: string;
  readonly lease: Lease;
  readonly demotion: Demotion;
  readonly clock: Clock;
  readonly logger: Log;
}

/** How often the control record is looked at while the follower leaves. */
const LOOK_MS = 50;
/** After a failed try. */
const RETRY_MS = 1_000;

/**
 * A gap in the log is never jumped: the follower is no longer read, and is attached anew where a new walk mends the
 * gap. Where it would not (the table has another definition than the one compiled), it stays `syncing` until a person acts.
 * Resolves when this attach is over, or the signal aborts.
 */
export async function mendGap(options: GapOptions, gap: CaptureGap, signal: AbortSignal): Promise<void> {
  const { resource, lease, demotion, clock, logger } = options;
  logger.error('the follower may lack what was committed', { resource, reason: gap.reason, message: gap.message });
  while (!signal.aborted) {
    const record = lease.current(resource);
    if (record !== undefined && (record.attach !== gap.attach || record.epoch !== gap.epoch)) return;
    if (record?.state === 'detached' || record?.state === 'moved') return;
    try {
      if (record?.state === 'in_sync' || record?.state === 'joining') {
        await demotion.demote(record, `a gap: ${gap.reason}`);
      } else if (record?.state === 'syncing') {
        if (!isMendedByWalk(gap)) return;
        await attachFollower(options, record, `a gap in the log: ${gap.reason}`);
        lease.poke();
      }
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    } catch (error) {
      logger.warn('the gap could not be mended yet; trying again', { resource, error });
      await clock.sleep(RETRY_MS, signal).catch(() => {});
    }
  }
}

/** Whether a new walk makes good what the gap has hidden. */
export function isMendedByWalk(gap: CaptureGap): boolean {
  switch (gap.reason) {
    case 'log_purged':
    case 'source_lost_its_tail':
    case 'table_truncated':
    case 'checkpoint_lost':
    case 'cascade':
      return true;
    case 'definition_changed':
    case 'log_format':
      return false;
  }
}
