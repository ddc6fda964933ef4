import { DomainError } from '../domain/errors.ts';
import type { Row } from '../domain/resource.ts';
import type { Change, Written } from './record-store.ts';

/** What a change comes to by itself. */
export type Judgement = Exclude<Written['outcome'], 'control_changed' | 'withheld'>;

/** What a change comes to on the record as it is under its lock, or as it was read; `current` null: there is none. */
export function judgeChange(change: Change, current: Row | null): Judgement {
  if (change.kind === 'touch') return 'written';
  if (change.kind === 'create') return current === null ? 'written' : 'already_exists';
  if (current === null) return change.kind === 'upsert' ? 'written' : 'not_found';
  return change.accepts?.(current) === false ? 'etag_mismatch' : 'written';
}

/** What changes come to that are made together or not at all. `current`: the record of each, in their order. */
export function judgeChanges(
  changes: readonly Change[],
  current: readonly (Row | null)[],
): readonly (Judgement | 'withheld')[] {
  return withheldUnlessAll(
    changes,
    changes.map((change, i) => judgeChange(change, current[i] ?? null)),
  );
}

/** Where one is refused, the others are not made. */
export function withheldUnlessAll(
  changes: readonly Change[],
  outcomes: readonly Judgement[],
): readonly (Judgement | 'withheld')[] {
  if (!changes.some((change, i) => isRefused(change, outcomes[i]))) return outcomes;
  return outcomes.map((outcome) => (outcome === 'written' ? 'withheld' : outcome));
}

/** Whether a change that comes to this can't be made. */
export function isRefused({ allowsMissing = false }: Change, outcome: Written['outcome'] | undefined): boolean {
  return outcome !== 'written' && !(outcome === 'not_found' && allowsMissing);
}

/** The error of one change of a batch, with its place. */
export function atIndex(error: unknown, index: number): unknown {
  if (!(error instanceof DomainError)) return error;
  const { kind, reason, message, metadata, cause } = error;
  return new DomainError({ kind, reason, message, metadata: { ...metadata, index: String(index) }, cause });
}
