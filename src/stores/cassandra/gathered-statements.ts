import type { Clock } from '../../domain/clock.ts';
import type { Call } from '../call.ts';
import { deadlinePassed, type Gathered, Gatherer } from '../gatherer.ts';
import type { Bound, CassandraClient } from './client.ts';
import type { Role } from './errors.ts';

/** One statement that waits to be sent. */
interface Waiting extends Gathered {
  readonly partition: string;
  readonly statement: Bound;
  readonly resolve: () => void;
}

/**
 * Runs a statement; resolves when it is durable. An error, also that of a deadline or a caller who went, leaves open whether it
 * is: it may arrive later.
 */
export type RunGathered = (partition: string, statement: Bound, call: Call) => Promise<void>;

/**
 * Sends statements that come together as one batch for each partition (see `stores/gatherer.ts`). Each may be sent twice
 * without harm, and all of a batch fail together.
 */
export function createGatheredStatements(
  client: CassandraClient,
  options: {
    readonly role: Role;
    readonly clock: Clock;
    /** Sends under way at once; while they are, later statements gather. */
    readonly maxSends: number;
    /** Statements of one send. */
    readonly maxStatements: number;
  },
): RunGathered {
  const { role, clock } = options;
  const gatherer = new Gatherer<Waiting>({
    clock,
    maxStatements: options.maxSends,
    maxSize: options.maxStatements,
    send: async (calls) => {
      const batches = Map.groupBy(calls, ({ partition }) => partition).values();
      await Promise.all([...batches].map((batch) => send(client, batch)));
    },
  });
  return (partition, statement, call) =>
    client.within(role, call, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const expire = (): void => reject(deadlinePassed());
      const { deadlineMs } = call;
      gatherer.add({ partition, statement, size: 1, call, deadlineMs, resolve, reject, expire });
      return promise;
    });
}

async function send(client: CassandraClient, batch: readonly Waiting[]): Promise<void> {
  const deadlineMs = batch.reduce((latest, one) => Math.max(latest, one.deadlineMs), 0);
  const statements = batch.map((one) => one.statement);
  const [only] = statements;
  try {
    if (only !== undefined && statements.length === 1) await client.run(only, deadlineMs);
    else await client.runBatch(statements, deadlineMs);
    for (const one of batch) one.resolve();
  } catch (error) {
    for (const one of batch) one.reject(error);
  }
}
