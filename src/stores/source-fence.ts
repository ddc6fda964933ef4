import type { Call } from './call.ts';

/**
 * The port of the optional fence of one resource's source against outside writers (docs/protocol.md, section 6, step 1): while
 * authority is on its way from the source or has left it, the source itself refuses every change that the service did not make.
 */
export interface SourceFence {
  /** Whether the whole fence stands. */
  isInstalled(call: Call): Promise<boolean>;
  /**
   * Installs it; a fence that stands is left as it is, and what is left of another one is replaced. Waits for transactions that use the
   * table. Throws `failed_precondition`/MIGRATION_STATE, with the cure, when a privilege is missing or its names are taken.
   */
  install(call: Call): Promise<void>;
  /** Removes what is there of it. Throws as `install` does when a privilege is missing. */
  remove(call: Call): Promise<void>;
}
