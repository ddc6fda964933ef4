/**
 * Lets work on one thing go one after the other within this process, in the order in which it came. Rival lightweight
 * transactions of one partition preempt each other's rounds until they time out, with an outcome that nobody knows; those
 * that can be told to wait should. Bounded by the service's bound on requests under way.
 */
export class Turns {
  /** Resolves when everything that came so far is done. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Waits for its turn, then works.
   *
   * @param wait - Waits for the promise it is given, but not for ever: what it throws ends the wait, and nothing is done.
   */
  async take<Result>(
    id: string,
    wait: (turn: Promise<void>) => Promise<void>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const before = this.#last.get(id);
    const { promise: mine, resolve: finish } = Promise.withResolvers<void>();
    const last = before === undefined ? mine : before.then(() => mine);
    this.#last.set(id, last);
    // Not when this one is done: it may give up waiting while those before it still work.
    void last.then(() => {
      if (this.#last.get(id) === last) this.#last.delete(id);
    });
    try {
      if (before !== undefined) await wait(before);
      return await work();
    } finally {
      finish();
    }
  }
}
