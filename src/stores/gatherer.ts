/*
 * Calls that arrive together share a statement, as in DataLoader: most of what a small statement costs is the work for a
 * statement, in the driver and in the server, not the row.
 *
 * Requests that reach the process in one turn of the event loop are handled in its poll phase, each in a task of its own;
 * a batch is sent in the check phase after it. While the engine already has its bound of statements from here, later
 * calls gather until one of them returns, so the batches grow with the load and not with a timer.
 */
import type { Clock } from '../domain/clock.ts';
import { DeadlineWatch, type Expiring } from '../domain/deadline-watch.ts';
import { DomainError } from '../domain/errors.ts';
import type { Call } from './call.ts';
import { shareTrace } from './shared-trace.ts';

/** One call that waits for its answer. Settling it twice has no effect. */
export interface Gathered extends Expiring {
  readonly call: Call;
  /** How many records it is about. */
  readonly size: number;
  readonly reject: (reason: unknown) => void;
  /** Asked right before it is sent: why it must not be. */
  readonly refuse?: () => DomainError | null;
}

/** How calls are gathered and sent. */
export interface GathererOptions<Waiting extends Gathered> {
  readonly clock: Clock;
  /** The most statements under way at once; calls beyond it wait and are sent together. */
  readonly maxStatements: number;
  /** The most records of one statement, unless a single call has more. */
  readonly maxSize: number;
  /** Sends calls as one and settles each of them. Must not reject. */
  readonly send: (calls: readonly Waiting[]) => Promise<void>;
}

/**
 * Gathers calls of one kind. Each keeps its own deadline, also where the statement that it shares goes on without it. Its
 * signal counts until it is sent.
 */
export class Gatherer<Waiting extends Gathered> {
  readonly #options: GathererOptions<Waiting>;
  readonly #deadlines: DeadlineWatch;
  /** Bounded by the service's bound on concurrent requests: each of them waits for its call. */
  #waiting: Waiting[] = [];
  #statements = 0;
  #scheduled = false;

  constructor(options: GathererOptions<Waiting>) {
    this.#options = options;
    this.#deadlines = new DeadlineWatch(options.clock);
  }

  add(call: Waiting): void {
    this.#deadlines.add(call);
    this.#waiting.push(call);
    if (this.#scheduled || this.#statements >= this.#options.maxStatements) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#waiting.length > 0 && this.#statements < this.#options.maxStatements) {
      const calls = this.#takeBatch();
      if (calls.length > 0) this.#send(calls);
    }
  };

  /** Takes calls of together at most `maxSize` records, but at least one, and turns away those that must not be sent. */
  #takeBatch(): Waiting[] {
    const now = this.#options.clock.monotonicMs();
    const taken: Waiting[] = [];
    let size = 0;
    let i = 0;
    for (; i < this.#waiting.length; i++) {
      const call = this.#waiting[i] as Waiting;
      if (size > 0 && size + call.size > this.#options.maxSize) break;
      const refusal = refuse(call, now);
      if (refusal === null) {
        size += call.size;
        taken.push(call);
      } else {
        this.#deadlines.remove(call);
        call.reject(refusal);
      }
    }
    this.#waiting = i === this.#waiting.length ? [] : this.#waiting.slice(i);
    return taken;
  }

  #send(calls: readonly Waiting[]): void {
    this.#statements++;
    void this.#options.send(calls).then(() => {
      this.#statements--;
      for (const call of calls) this.#deadlines.remove(call);
      this.#flush();
    });
  }
}

function refuse(gathered: Gathered, now: number): DomainError | null {
  if (gathered.call.signal?.aborted) {
    return new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'the caller cancelled' });
  }
  if (gathered.deadlineMs <= now) return deadlinePassed();
  return gathered.refuse?.() ?? null;
}

/** The call of a shared statement: the latest deadline, and no signal, as no single caller may cancel it. */
export function combineCalls(calls: readonly Gathered[]): Call {
  return {
    deadlineMs: calls.reduce((latest, { deadlineMs }) => Math.max(latest, deadlineMs), Number.NEGATIVE_INFINITY),
    atLeast: 0n,
    consistency: 'latency',
    caller: '',
    user: '',
    trace: shareTrace(calls.map(({ call }) => call.trace)),
  };
}

/** What a call gets at its deadline. */
export function deadlinePassed(): DomainError {
  return new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the deadline passed' });
}
