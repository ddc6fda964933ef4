import { type Clock, systemClock } from '../../domain/clock.ts';
import { RESOLVE_TIMEOUT_MS, RESOLVE_TRIES, RESOLVING_AT_ONCE } from './limits.ts';

/** Whether a record had siblings, and so was written once more. */
export type Resolve = (deadlineMs: number) => Promise<boolean>;

/**
 * Writes the newest sibling back where a read met several, after the read was answered: the answer does not need it, and the value
 * written is one that is there. So nothing depends on it but the size of the object ("Conflict Resolution", "Sibling Explosion"):
 * it is given up when it fails, when others write for too long, and where too many are under way.
 */
export class SiblingResolver {
  readonly #clock: Clock;
  readonly #underWay = new Set<string>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Begins to resolve a record's siblings, unless that is being done. Never throws. */
  offer(name: string, resolve: Resolve): void {
    if (this.#underWay.has(name) || this.#underWay.size >= RESOLVING_AT_ONCE) return;
    this.#underWay.add(name);
    void this.#run(resolve).finally(() => this.#underWay.delete(name));
  }

  async #run(resolve: Resolve): Promise<void> {
    for (let i = 0; i < RESOLVE_TRIES; i++) {
      try {
        if (!(await resolve(this.#clock.monotonicMs() + RESOLVE_TIMEOUT_MS))) return;
      } catch {
        return;
      }
    }
  }
}
