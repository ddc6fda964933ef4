// Whether the target's indexes hold all that its records do. An index that was added to a definition is empty until the follower
// has been attached anew under it: capture finds that out, by the hash of the definition in its checkpoint, and demotes the
// follower. Until it has, nobody may look anything up there.

import type { Clock } from '../domain/clock.ts';
import type { Resource } from '../domain/resource.ts';
import { internalCall } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';

/** What finding out needs. */
export interface IndexReadinessOptions {
  readonly resource: Resource;
  readonly changeLog: Pick<ChangeLog, 'readCheckpoint' | 'definitionHash'>;
  readonly clock: Clock;
}

/** How long one look may take. */
const LOOK_MS = 5_000;
/** How often a look that did not say yes is repeated. */
const AGAIN_MS = 1_000;

/** Knows of one resource whether the target was attached under this definition. */
export class IndexReadiness {
  readonly #options: IndexReadinessOptions;
  #readyAttach: number | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: IndexReadinessOptions) {
    this.#options = options;
  }

  /**
   * Whether the follower of this record may answer lookups. Never waits: where it is not known yet it looks, and says no. While the
   * target is the authority it has all, or the service would not have started.
   */
  isReady({ attach, authority }: ControlRecord): boolean {
    if (authority === 'target' || this.#readyAttach === attach) return true;
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#lookedAtMs < AGAIN_MS) return false;
    this.#lookedAtMs = clock.monotonicMs();
    void this.#look(attach).catch(() => {});
    return false;
  }

  async #look(attach: number): Promise<void> {
    const { changeLog, clock } = this.#options;
    const checkpoint = await changeLog.readCheckpoint(internalCall(clock, LOOK_MS));
    if (checkpoint?.attach !== attach) return;
    const hash = await changeLog.definitionHash(internalCall(clock, LOOK_MS));
    if (hash === checkpoint.definitionHash) this.#readyAttach = attach;
  }
}
