/** Where a migration should be, as the phase flag says. */
export type Phase = 'source-only' | 'synchronize' | 'target-authority' | 'target-only';

/** What the flags see of a request. */
export interface FlagSubject {
  /** The record's name (a List: its parent's, or the resource's id where there is none), for sticky rollouts and constraints. Never empty. */
  readonly recordKey: string;
  readonly caller: string;
  readonly user: string;
}

/**
 * What the operators want, by feature flags. Answers at once from what was last fetched; the service works without a
 * flag server. Nothing here can break a promise: the flags say what is wanted, the control record what is possible.
 */
export interface Flags {
  /** Whether this read should go to the target; undefined: the flag is absent or nothing was ever fetched. */
  readTarget(resource: string, subject: FlagSubject): boolean | undefined;
  /** Whether this read should be repeated on the other store and compared. */
  shadowRead(resource: string, subject: FlagSubject): boolean;
  /** The wanted phase; undefined: absent, off or unreadable, so nothing moves. */
  wantedPhase(resource: string): Phase | undefined;
}
