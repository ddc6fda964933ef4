/*
 * Point reads that arrive together share one statement (see `gatherer.ts`).
 *
 * A read may join a statement only until it is sent: one that joined a statement already under way could be answered
 * with a state from before it began, and miss a write that was acknowledged in between. For the same reason the lease
 * under which a read was admitted is asked about once more at the moment of sending, by the read's own `stillValid`.
 */
import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Call } from './call.ts';
import { combineCalls, deadlinePassed, type Gathered, Gatherer } from './gatherer.ts';
import type { ListQuery, LookupQuery, ReadableRecords, Stored } from './record-store.ts';

/** Asked right before the statement is sent: whether what the read relies on, its lease, still holds. */
export type StillValid = () => boolean;

/** Reads that share statements. Everything but `getMany` passes through. */
export interface BatchedReads extends ReadableRecords {
  readonly maxKeys: number;
  /**
   * As in {@link ReadableRecords}; of `call` only deadline, signal and trace count. Each read keeps its own deadline,
   * also where the statement that it shares goes on without it. The signal counts until the statement is sent, and
   * after that only for a read that has its statement to itself.
   *
   * @throws `unavailable`/NO_LEASE when `stillValid` said no as the statement was about to be sent: nothing was read.
   */
  getMany(keys: readonly Key[], call: Call, stillValid?: StillValid): Promise<readonly Stored[]>;
}

/** Settings of {@link createBatchedReads}. */
export interface BatchedReadsOptions {
  readonly clock: Clock;
  /**
   * The most statements under way at once; reads beyond it wait and are sent together. Below the number of the pool's
   * connections, so that reads leave some to writes. Default: 4.
   */
  readonly maxStatements?: number;
}

/** Two busy statements keep a server at work while the next batches gather; four ride out a slow one. */
const DEFAULT_MAX_STATEMENTS = 4;

type Store = ReadableRecords & { readonly maxKeys: number };

/** One call of `getMany` that waits for its answer. */
interface Read extends Gathered {
  readonly keys: readonly Key[];
  readonly resolve: (records: readonly Stored[]) => void;
}

/** Puts {@link BatchedReads} in front of one engine. */
export function createBatchedReads(store: Store, options: BatchedReadsOptions): BatchedReads {
  const gatherer = new Gatherer<Read>({
    clock: options.clock,
    maxStatements: options.maxStatements ?? DEFAULT_MAX_STATEMENTS,
    maxSize: store.maxKeys,
    send: (reads) => (reads.length === 1 ? sendAlone(store, reads[0] as Read) : sendTogether(store, reads)),
  });
  return {
    maxKeys: store.maxKeys,
    getMany: (keys, call, stillValid) =>
      new Promise((resolve, reject) => {
        const expire = (): void => reject(deadlinePassed());
        const refuse = (): DomainError | null => (stillValid?.() === false ? leaseRanOut() : null);
        const { deadlineMs } = call;
        gatherer.add({ keys, size: keys.length, call, deadlineMs, resolve, reject, expire, refuse });
      }),
    list: (query: ListQuery, call: Call) => store.list(query, call),
    lookup: (query: LookupQuery, call: Call) => store.lookup(query, call),
  };
}

function sendAlone(store: Store, read: Read): Promise<void> {
  return store.getMany(read.keys, read.call).then(read.resolve, read.reject);
}

async function sendTogether(store: Store, reads: readonly Read[]): Promise<void> {
  const { keys, indexes } = distinctKeys(reads);
  try {
    const records = await store.getMany(keys, combineCalls(reads));
    for (const read of reads) {
      read.resolve(read.keys.map((key) => records[indexes.get(key.id) as number] as Stored));
    }
  } catch (error) {
    for (const read of reads) read.reject(error);
  }
}

/** Every key once, in the order of its first read, and where it stands. */
function distinctKeys(reads: readonly Read[]): { keys: readonly Key[]; indexes: ReadonlyMap<string, number> } {
  const keys: Key[] = [];
  const indexes = new Map<string, number>();
  for (const read of reads) {
    for (const key of read.keys) {
      if (indexes.has(key.id)) continue;
      indexes.set(key.id, keys.length);
      keys.push(key);
    }
  }
  return { keys, indexes };
}

function leaseRanOut(): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: 'NO_LEASE',
    message: 'the lease ran out before the read was sent',
  });
}
