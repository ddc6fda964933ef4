import { DomainError } from '../domain/errors.ts';
import type { Row } from '../domain/resource.ts';
import type { Change, Written } from './record-store.ts';
import { recall, remember } from './remembered-requests.ts';

/** What a change comes to by itself. */
export type Judgement = Exclude<Written['outcome'], 'control_changed' | 'withheld'>;

/** What a change comes to on the record as it is under its lock, or as it was read; `current` null: there is none. */
export function judgeChange(change: Change, current: Row | null): Judgement {
  if (change.kind === 'touch') return 'written';
  if (change.kind === 'create') return current === null ? 'written' : 'already_exists';
  if (current === null) return change.kind === 'upsert' ? 'written' : 'not_found';
  return change.accepts?.(current) === false ? 'etag_mismatch' : 'written';
}

/** A record as changes are judged on it. */
export interface Judged {
  readonly row: Row | null;
  readonly requests?: Uint8Array | undefined;
}

/**
 * What changes come to that are made together or not at all. `current`: the record of each, in their order. `version`: the one that they
 * would have.
 */
export function judgeChanges(
  changes: readonly Change[],
  current: readonly Judged[],
  version: bigint,
): readonly (Judgement | 'withheld')[] {
  const outcomes = changes.map((change, i): Judgement => {
    const { row = null, requests } = current[i] ?? {};
    return judgeRequest(change, requests, version) ?? judgeChange(change, row);
  });
  return withheldUnlessAll(changes, outcomes);
}

/** What a change comes to by what the record remembers of its request; undefined: nothing. */
export function judgeRequest(
  { request }: Change,
  requests: Uint8Array | undefined,
  version: bigint,
): 'repeated' | 'request_reused' | undefined {
  if (request === undefined) return undefined;
  const known = recall(requests, request, version);
  if (known === 'new') return undefined;
  return known === 'repeated' ? 'repeated' : 'request_reused';
}

/** What the record remembers after a change of this outcome. */
export function requestsAfter(
  { request }: Change,
  outcome: Written['outcome'],
  before: Uint8Array | undefined,
  version: bigint,
): Buffer | undefined {
  if (request !== undefined && isDone(outcome)) return remember(before, request, version);
  return before && Buffer.from(before);
}

/** A delete of what is not there is done too, where it may be missing: in a batch that was made no other refusal is left. */
function isDone(outcome: Written['outcome']): boolean {
  return outcome === 'written' || outcome === 'not_found';
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
  return outcome !== 'written' && outcome !== 'repeated' && !(outcome === 'not_found' && allowsMissing);
}

/** The error of one change of a batch, with its place. */
export function atIndex(error: unknown, index: number): unknown {
  if (!(error instanceof DomainError)) return error;
  const { kind, reason, message, metadata, cause } = error;
  return new DomainError({ kind, reason, message, metadata: { ...metadata, index: String(index) }, cause });
}
