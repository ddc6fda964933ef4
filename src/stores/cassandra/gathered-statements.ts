import type { Call } from '../call.ts';
import type { Bound, CassandraClient } from './client.ts';
import type { Role } from './errors.ts';

/** One statement that waits to be sent. Settling it twice has no effect. */
interface Waiting {
  readonly partition: string;
  readonly statement: Bound;
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Sends statements that come together as one batch for each partition: those of one turn of the event loop, and, while
 * as many batches as may be are under way, those that come until one returns. Each statement may be sent twice without harm.
 */
export class GatheredStatements {
  readonly #client: CassandraClient;
  readonly #role: Role;
  readonly #maxBatches: number;
  readonly #maxStatements: number;
  /** Bounded by the service's bound on requests under way. */
  #waiting: Waiting[] = [];
  #batches = 0;
  #scheduled = false;

  constructor(
    client: CassandraClient,
    options: {
      readonly role: Role;
      /** Batches under way at once. */
      readonly maxBatches: number;
      /** Statements of one batch. */
      readonly maxStatements: number;
    },
  ) {
    this.#client = client;
    this.#role = options.role;
    this.#maxBatches = options.maxBatches;
    this.#maxStatements = options.maxStatements;
  }

  /**
   * Resolves when the statement is durable. An error, also that of a deadline or a caller who went, leaves open whether it is:
   * it may arrive later.
   */
  run(partition: string, statement: Bound, call: Pick<Call, 'deadlineMs' | 'signal'>): Promise<void> {
    return this.#client.within(this.#role, call, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiting.push({ partition, statement, deadlineMs: call.deadlineMs, resolve, reject });
      if (!this.#scheduled && this.#batches < this.#maxBatches) {
        this.#scheduled = true;
        setImmediate(this.#flush);
      }
      return promise;
    });
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#waiting.length > 0 && this.#batches < this.#maxBatches) void this.#send(this.#takeBatch());
  };

  /** The oldest statement, and those of its partition. */
  #takeBatch(): readonly Waiting[] {
    const partition = this.#waiting[0]?.partition;
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    for (const one of this.#waiting) {
      if (one.partition === partition && batch.length < this.#maxStatements) batch.push(one);
      else left.push(one);
    }
    this.#waiting = left;
    return batch;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#batches++;
    const deadlineMs = batch.reduce((latest, one) => Math.max(latest, one.deadlineMs), 0);
    const [only] = batch;
    try {
      if (only !== undefined && batch.length === 1) await this.#client.run(only.statement, deadlineMs);
      else
        await this.#client.runBatch(
          batch.map((one) => one.statement),
          deadlineMs,
        );
      for (const one of batch) one.resolve();
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    this.#batches--;
    this.#flush();
  }
}
