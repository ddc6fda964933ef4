import { MAX_REMEMBERED } from '../../src/stores/remembered-requests.ts';

interface Named {
  /** How many others of the same record have begun since. */
  later: number;
}

/**
 * Writes that name their request. That one has one effect is promised within what a record remembers, so no more may begin than
 * that: each has at most one effect, and none that may still be on its way is forgotten.
 */
export class NamedWrites {
  readonly #open = new Map<string, Set<Named>>();

  /** Null: the record would forget one that may still come again. */
  begin(key: string): Named | null {
    const open = this.#open.get(key) ?? new Set<Named>();
    this.#open.set(key, open);
    for (const { later } of open) if (later + 1 >= MAX_REMEMBERED) return null;
    for (const one of open) one.later += 1;
    const named = { later: 0 };
    open.add(named);
    return named;
  }

  /** It was sent once, and is answered: it can't come again. One that was sent twice may, until the run is over. */
  end(key: string, named: Named): void {
    this.#open.get(key)?.delete(named);
  }
}
