import { DomainError } from '../domain/errors.ts';
import type { Call } from '../stores/call.ts';
import type { IdSource } from '../stores/id-sequence.ts';

/** The ids of records whose creator has named none. */
export interface AssignedIds {
  /**
   * Creates with ids in a row that nobody was given before. `create` resolves to undefined where one of them turned out to be taken, and
   * is asked again with others.
   *
   * Errors: `failed_precondition`/IDS_EXHAUSTED, `unavailable`/NO_FREE_ID when all that was tried was taken, and what `create` and
   * the source throw.
   */
  propose<Made>(
    count: number,
    create: (ids: readonly bigint[]) => Promise<Made | undefined>,
    call: Call,
  ): Promise<Made>;
}

/** What {@link createAssignedIds} needs. */
export interface AssignedIdsOptions {
  readonly source: IdSource;
  /** The column's name in MySQL, for people. */
  readonly column: string;
  /** The greatest id that the column holds. */
  readonly greatest: bigint;
}

/** Ids that an instance takes at once: a take costs some milliseconds, and the end of an instance leaves a gap of this size at most. */
export const BLOCK_IDS = 50;
/** Proposals of one turn: others take single ids of a block, as MySQL's own counter does for outside programs, seldom ten in a row. */
export const MAX_PROPOSALS = 10;
/** Turns. Before the second one the sequence is lifted above the records that are there. */
export const MAX_TURNS = 2;

/** Creates the ids of one resource in one instance. */
export function createAssignedIds(options: AssignedIdsOptions): AssignedIds {
  const block = new Block(options);
  return {
    propose: async (count, create, call) => {
      for (let turn = 1; ; turn++) {
        for (let tries = 0; tries < MAX_PROPOSALS; tries++) {
          const made = await create(await block.take(count, call));
          if (made !== undefined) return made;
        }
        if (turn === MAX_TURNS) throw noFreeId(options.column);
        block.drop();
        await options.source.rise(call);
      }
    },
  };
}

/**
 * The ids that this instance has in hand. The greatest are handed out first, then the others from the least on: MySQL's own counter
 * goes on behind the greatest id that it has seen, so outside programs get none of the block from then on. Otherwise both would walk the
 * same ids side by side, and an outside INSERT that MySQL has just numbered would find its number taken.
 */
class Block {
  readonly #options: AssignedIdsOptions;
  #next = 0n;
  /** Behind the last one. */
  #end = 0n;
  #isWhole = false;
  #refill: Promise<unknown> | null = null;

  constructor(options: AssignedIdsOptions) {
    this.#options = options;
  }

  async take(count: number, call: Call): Promise<readonly bigint[]> {
    // Each turn but the last waits for somebody else's refill, of which there is one at a time.
    while (this.#end - this.#next < BigInt(count)) {
      if (this.#refill === null) return await this.#refilled(count, call);
      await this.#refill.catch(() => {});
    }
    return this.#hand(count);
  }

  /** Forgets what is in hand: others have got ahead of it. */
  drop(): void {
    this.#next = this.#end;
  }

  /** Takes a block, and hands out of it before those who wait for it; what was left of the one before is a gap. */
  #refilled(count: number, call: Call): Promise<readonly bigint[]> {
    const refill = (async () => {
      const size = Math.max(BLOCK_IDS, count);
      const first = await this.#options.source.take(size, call);
      this.#next = first;
      this.#end = first + BigInt(size);
      this.#isWhole = true;
      return this.#hand(count);
    })();
    this.#refill = refill.finally(() => {
      this.#refill = null;
    });
    // Whoever waits looks for itself; the error is this one's.
    this.#refill.catch(() => {});
    return refill;
  }

  #hand(count: number): readonly bigint[] {
    const { column, greatest } = this.#options;
    const first = this.#isWhole && this.#end - 1n <= greatest ? this.#end - BigInt(count) : this.#next;
    if (first + BigInt(count) - 1n > greatest) throw exhausted(column);
    if (first > this.#next) this.#end = first;
    else this.#next += BigInt(count);
    this.#isWhole = false;
    return Array.from({ length: count }, (_, i) => first + BigInt(i));
  }
}

function exhausted(column: string): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'IDS_EXHAUSTED',
    message: `the column ${column} holds no greater id than those that were given: give it a wider type, or name an id that is free`,
    metadata: { column },
  });
}

function noFreeId(column: string): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: 'NO_FREE_ID',
    message: `each id that was tried for ${column} is taken by others; nothing was written; retry, or name the id`,
    metadata: { column },
  });
}
