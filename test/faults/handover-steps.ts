import type { ControlRecord } from '../../src/stores/control-store.ts';

/** The steps of a handover after which an instance may be struck. */
export type HandoverStep = 'handing_over' | 'moved' | 'installed';

/** In their order. */
export const handoverSteps: readonly HandoverStep[] = ['handing_over', 'moved', 'installed'];

/** Tells an instance after which step to strike itself; null: after none. */
export interface ArmRequest {
  readonly type: 'arm';
  readonly step: HandoverStep | null;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/** The step that a record means once it stands in its register. */
export function stepOf({ state, attempt, epoch }: ControlRecord): HandoverStep | null {
  if (state === 'handing_over' || state === 'moved') return state;
  // The first record of an epoch that was handed over; also an undone attempt, which is no step on the way.
  return state === 'in_sync' && attempt === null && epoch > 1 ? 'installed' : null;
}
