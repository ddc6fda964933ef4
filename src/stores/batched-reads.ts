/*
 * Reads that arrive together share one statement, as in DataLoader: most of what a point read costs is the driver's work
 * for a statement, not the row.
 *
 * A read may join a statement only until it is sent: one that joined a statement already under way could be answered
 * with a state from before it began, and miss a write that was acknowledged in between. For the same reason the lease
 * under which a read was admitted is asked about once more at the moment of sending, by the read's own `stillValid`.
 *
 * Requests that reach the process in one turn of the event loop are handled in its poll phase, each in a task of its own;
 * a batch is sent in the check phase after it. While the engine already has its bound of statements from here, later
 * reads gather until one of them returns, so the batches grow with the load and not with a timer.
 */
import type { Clock } from '../domain/clock.ts';
import { DeadlineWatch, type Expiring } from '../domain/deadline-watch.ts';
import { DomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Call } from './call.ts';
import type { ListQuery, ReadableRecords, Stored } from './record-store.ts';
import { shareTrace } from './shared-trace.ts';

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

/** Puts {@link BatchedReads} in front of one engine. */
export function createBatchedReads(
  store: ReadableRecords & { readonly maxKeys: number },
  options: BatchedReadsOptions,
): BatchedReads {
  const batcher = new ReadBatcher(store, options.clock, options.maxStatements ?? DEFAULT_MAX_STATEMENTS);
  return {
    maxKeys: store.maxKeys,
    getMany: (keys, call, stillValid) => batcher.getMany(keys, call, stillValid),
    list: (query: ListQuery, call: Call) => store.list(query, call),
  };
}

/** One call of `getMany` that waits for its answer. Settling it twice has no effect. */
interface Read extends Expiring {
  readonly keys: readonly Key[];
  readonly call: Call;
  readonly stillValid: StillValid | undefined;
  readonly resolve: (records: readonly Stored[]) => void;
  readonly reject: (reason: unknown) => void;
}

class ReadBatcher {
  readonly #store: ReadableRecords & { readonly maxKeys: number };
  readonly #clock: Clock;
  readonly #deadlines: DeadlineWatch;
  readonly #maxStatements: number;
  /** Bounded by the service's bound on concurrent requests: each of them waits for its read. */
  #waiting: Read[] = [];
  #statements = 0;
  #scheduled = false;

  constructor(store: ReadableRecords & { readonly maxKeys: number }, clock: Clock, maxStatements: number) {
    this.#store = store;
    this.#clock = clock;
    this.#deadlines = new DeadlineWatch(clock);
    this.#maxStatements = maxStatements;
  }

  getMany(keys: readonly Key[], call: Call, stillValid: StillValid | undefined): Promise<readonly Stored[]> {
    return new Promise((resolve, reject) => {
      const expire = (): void => reject(deadlinePassed());
      const read = { keys, call, stillValid, resolve, reject, deadlineMs: call.deadlineMs, expire };
      this.#deadlines.add(read);
      this.#waiting.push(read);
      if (this.#scheduled || this.#statements >= this.#maxStatements) return;
      this.#scheduled = true;
      setImmediate(this.#flush);
    });
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#waiting.length > 0 && this.#statements < this.#maxStatements) {
      const reads = this.#takeBatch();
      if (reads.length > 0) this.#send(reads);
    }
  };

  /** Takes reads of together at most `maxKeys` keys, but at least one, and turns away those that must not be sent. */
  #takeBatch(): Read[] {
    const now = this.#clock.monotonicMs();
    const taken: Read[] = [];
    let keys = 0;
    let i = 0;
    for (; i < this.#waiting.length; i++) {
      const read = this.#waiting[i] as Read;
      if (keys > 0 && keys + read.keys.length > this.#store.maxKeys) break;
      const refusal = refuse(read, now);
      if (refusal === null) {
        keys += read.keys.length;
        taken.push(read);
      } else {
        this.#deadlines.remove(read);
        read.reject(refusal);
      }
    }
    this.#waiting = i === this.#waiting.length ? [] : this.#waiting.slice(i);
    return taken;
  }

  #send(reads: readonly Read[]): void {
    this.#statements++;
    const statement = reads.length === 1 ? this.#sendAlone(reads[0] as Read) : this.#sendTogether(reads);
    void statement.then(() => {
      this.#statements--;
      for (const read of reads) this.#deadlines.remove(read);
      this.#flush();
    });
  }

  #sendAlone(read: Read): Promise<void> {
    return this.#store.getMany(read.keys, read.call).then(read.resolve, read.reject);
  }

  async #sendTogether(reads: readonly Read[]): Promise<void> {
    const { keys, indexes } = distinctKeys(reads);
    try {
      const records = await this.#store.getMany(keys, combineCalls(reads));
      for (const read of reads) {
        read.resolve(read.keys.map((key) => records[indexes.get(key.id) as number] as Stored));
      }
    } catch (error) {
      for (const read of reads) read.reject(error);
    }
  }
}

function refuse(read: Read, now: number): DomainError | null {
  if (read.call.signal?.aborted) {
    return new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'the caller cancelled' });
  }
  if (read.call.deadlineMs <= now) return deadlinePassed();
  if (read.stillValid?.() !== false) return null;
  return new DomainError({
    kind: 'unavailable',
    reason: 'NO_LEASE',
    message: 'the lease ran out before the read was sent',
  });
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

/** The call of a shared statement: the latest deadline, and no signal, as no single caller may cancel it. */
function combineCalls(reads: readonly Read[]): Call {
  return {
    deadlineMs: reads.reduce((latest, read) => Math.max(latest, read.deadlineMs), Number.NEGATIVE_INFINITY),
    atLeast: 0n,
    consistency: 'latency',
    caller: '',
    user: '',
    trace: shareTrace(reads.map((read) => read.call.trace)),
  };
}

function deadlinePassed(): DomainError {
  return new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the deadline passed' });
}
