import type { Row } from '../domain/resource.ts';
import type { Change, Written } from './record-store.ts';

/** What a change comes to on the record as it is under its lock, or as it was read; `current` null: there is none. */
export function judgeChange(change: Change, current: Row | null): Exclude<Written['outcome'], 'control_changed'> {
  if (change.kind === 'touch') return 'written';
  if (change.kind === 'create') return current === null ? 'written' : 'already_exists';
  if (current === null) return change.kind === 'upsert' ? 'written' : 'not_found';
  return change.accepts?.(current) === false ? 'etag_mismatch' : 'written';
}
