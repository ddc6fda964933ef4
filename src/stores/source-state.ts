import type { Call } from './call.ts';

/** What the source's server says about itself. */
export interface SourceState {
  /** Which server it is: another one after a failover. */
  readonly server: string;
  /** What has been committed there: the log's own text. */
  readonly position: string;
}

/** The port by which it is noticed that the source is not what it was: restored from a backup, or failed over. */
export interface SourceStates {
  /** The state now. */
  read(call: Call): Promise<SourceState>;
  /** Whether everything that had been committed in `earlier` is still there in `later`. */
  covers(later: SourceState, earlier: SourceState): boolean;
}
