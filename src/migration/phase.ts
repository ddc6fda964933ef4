import type { ControlRecord } from '../stores/control-store.ts';
import type { Phase } from './flags.ts';

/** The phase that a control record has reached. A follower that is being filled belongs to `synchronize` already. */
export function phaseOf(record: ControlRecord): Phase {
  if (record.authority === 'target') return record.state === 'detached' ? 'target-only' : 'target-authority';
  return record.state === 'detached' ? 'source-only' : 'synchronize';
}

/** Why the controller does not go on to the wanted phase. The names are fixed: scripts use them, and docs/holds.md has a runbook for each. */
export const holdReasons = [
  'no_lease',
  'no_target',
  'settling',
  'backfill_running',
  'backfill_failed',
  'backfill_cancelled',
  'capture_stopped',
  'follower_unreachable',
  'rejoin_backoff',
  'catching_up',
  'leaving',
  'target_authority_not_offered',
  'verification_stale',
  'mismatches_open',
  'outside_writer_seen',
  'instances_not_ready',
  'handover_backoff',
  'confirmation_missing',
  'step_failed',
] as const;

/** One of them. */
export type HoldReason = (typeof holdReasons)[number];

/** A condition that the controller waits for. */
export interface Hold {
  readonly reason: HoldReason;
  /** What it means here, and what to do about it. */
  readonly message: string;
}

/** A condition in few words. */
export function hold(reason: HoldReason, message: string): Hold {
  return { reason, message };
}

/** What the controlling instance tells the others, as JSON in the status of its task. */
export interface ControllerStatus {
  readonly wanted: Phase | null;
  readonly holds: readonly Hold[];
}
