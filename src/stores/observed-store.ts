import { type Clock, systemClock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { StoreMetrics } from '../telemetry/metrics.ts';
import { attributes } from '../telemetry/names.ts';
import type { AttributeValue, TraceScope } from '../telemetry/trace-scope.ts';
import type { Call } from './call.ts';
import type { FollowerStore, RecordStore, SourceStore } from './record-store.ts';

/** Where an observed store stands. */
export interface ObservedOptions {
  readonly store: 'source' | 'target';
  /** The schema or keyspace, and the table in it. */
  readonly namespace: string;
  readonly table: string;
  readonly metrics: StoreMetrics;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The outcome of a call that ended without an error, in metrics. */
const OK = 'ok';
/** The reason of an error that is not a DomainError. */
const UNEXPECTED = 'INTERNAL';

/**
 * Puts a span and a latency around every call of a store. Spans are made only for requests that are recorded, and say
 * what was asked of which table: never a statement, a key or a value.
 */
export function observed(store: SourceStore, options: ObservedOptions): SourceStore;
export function observed(store: RecordStore, options: ObservedOptions): RecordStore;
export function observed(store: FollowerStore, options: ObservedOptions): FollowerStore;
export function observed(
  store: FollowerStore | RecordStore | SourceStore,
  options: ObservedOptions,
): FollowerStore | RecordStore | SourceStore {
  const observer = new StoreObserver(store.engine, options);
  const follower: FollowerStore = {
    engine: store.engine,
    maxKeys: store.maxKeys,
    getMany: (keys, call) => observer.call('getMany', call, (inner) => store.getMany(keys, inner), keys.length),
    list: (query, call) => observer.call('list', call, (inner) => store.list(query, inner)),
    lookup: (query, call) => observer.call('lookup', call, (inner) => store.lookup(query, inner)),
    apply: (copies, call, guard) =>
      observer.call('apply', call, (inner) => store.apply(copies, inner, guard), copies.length),
    split: (chunkRows, call) => observer.iterate('split', call, (inner) => store.split(chunkRows, inner)),
    walk: (range, after, limit, call) => observer.call('walk', call, (inner) => store.walk(range, after, limit, inner)),
    clock: (call) => observer.call('clock', call, (inner) => store.clock(inner)),
    ...(store.rivals && { rivals: observedRivals(observer, store.rivals) }),
    ...(store.unindexed && { unindexed: observedUnindexed(observer, store.unindexed) }),
  };
  if (!('write' in store)) return follower;
  const authority: RecordStore = {
    ...follower,
    write: (change, guard, call) =>
      observer.call('write', call, async (inner) => {
        const written = await store.write(change, guard, inner);
        if (inner.trace.recording) inner.trace.set(attributes.writeOutcome, written.outcome);
        return written;
      }),
    writeMany: (changes, guard, call) =>
      observer.call('writeMany', call, (inner) => store.writeMany(changes, guard, inner), changes.length),
    touchMany: (keys, guard, call) =>
      observer.call('touchMany', call, (inner) => store.touchMany(keys, guard, inner), keys.length),
  };
  if (!('highestVersion' in store)) return authority;
  return {
    ...authority,
    highestVersion: (call) => observer.call('highestVersion', call, (inner) => store.highestVersion(inner)),
  };
}

function observedRivals(
  observer: StoreObserver,
  rivals: NonNullable<FollowerStore['rivals']>,
): NonNullable<FollowerStore['rivals']> {
  return (copies, call) => observer.call('rivals', call, (inner) => rivals(copies, inner), copies.length);
}

function observedUnindexed(
  observer: StoreObserver,
  unindexed: NonNullable<FollowerStore['unindexed']>,
): NonNullable<FollowerStore['unindexed']> {
  return (records, call) => observer.call('unindexed', call, (inner) => unindexed(records, inner), records.length);
}

class StoreObserver {
  readonly #options: ObservedOptions;
  readonly #clock: Clock;
  readonly #attributes: readonly (readonly [string, AttributeValue])[];

  constructor(engine: FollowerStore['engine'], options: ObservedOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#attributes = [
      [attributes.store, options.store],
      [attributes.dbSystem, engine],
      [attributes.dbNamespace, options.namespace],
      [attributes.dbCollection, options.table],
    ];
  }

  /** `batch` is how many records a call of many is about. */
  async call<Answer>(operation: string, call: Call, run: (call: Call) => Promise<Answer>, batch = 1): Promise<Answer> {
    const beganMs = this.#clock.monotonicMs();
    const span = call.trace.recording ? this.#startSpan(operation, call.trace, batch) : null;
    let outcome = OK;
    try {
      return await run(span === null ? call : { ...call, trace: span });
    } catch (error) {
      outcome = reasonOf(error);
      span?.fail(outcome);
      throw error;
    } finally {
      span?.end();
      this.#options.metrics.storeCall(this.#options.store, operation, outcome, this.#clock.monotonicMs() - beganMs);
    }
  }

  /** The span and the latency last until the caller has had enough. */
  async *iterate<Item>(operation: string, call: Call, run: (call: Call) => AsyncIterable<Item>): AsyncGenerator<Item> {
    const beganMs = this.#clock.monotonicMs();
    const span = call.trace.recording ? this.#startSpan(operation, call.trace, 1) : null;
    let outcome = OK;
    try {
      yield* run(span === null ? call : { ...call, trace: span });
    } catch (error) {
      outcome = reasonOf(error);
      span?.fail(outcome);
      throw error;
    } finally {
      span?.end();
      this.#options.metrics.storeCall(this.#options.store, operation, outcome, this.#clock.monotonicMs() - beganMs);
    }
  }

  #startSpan(operation: string, trace: TraceScope, batch: number): TraceScope {
    const span = trace.child(`${this.#options.store} ${operation}`, 'client');
    for (const [name, value] of this.#attributes) span.set(name, value);
    span.set(attributes.dbOperation, operation);
    // The convention: a batch of one is no batch.
    if (batch > 1) span.set(attributes.dbBatchSize, batch);
    return span;
  }
}

function reasonOf(error: unknown): string {
  return isDomainError(error) ? error.reason : UNEXPECTED;
}
