import type { Call } from '../stores/call.ts';
import type { ControlRecord, ControlStore, Heartbeat, StoreName, Transition } from '../stores/control-store.ts';

/** The store that is not `store`. */
export function otherStore(store: StoreName): StoreName {
  return store === 'source' ? 'target' : 'source';
}

/** The store that keeps this record: its authority's, or, once authority has moved, that of the authority before. */
export function registerOf({ authority, state }: ControlRecord): StoreName {
  return state === 'moved' ? otherStore(authority) : authority;
}

/** Whether `a` tells more than `b`: the later epoch; within one, its authority's own word rather than the one that announced it. */
export function isNewer(a: ControlRecord, b: ControlRecord | undefined): boolean {
  if (b === undefined || a.epoch !== b.epoch) return b === undefined || a.epoch > b.epoch;
  return b.state === 'moved' && a.state !== 'moved';
}

/**
 * The control records of both stores (docs/protocol.md, section 6): the decision is always in one of them, and the other one
 * is derived from it. `target` null: there is none, so authority never moves.
 */
export class Registers {
  readonly source: ControlStore;
  readonly target: ControlStore | null;

  constructor(source: ControlStore, target: ControlStore | null) {
    this.source = source;
    this.target = target;
  }

  /** The control store that has the word on this record. */
  of(record: ControlRecord): ControlStore {
    return this.named(registerOf(record));
  }

  /** Throws a RangeError where there is none: only a record that the target keeps can ask for its store. */
  named(store: StoreName): ControlStore {
    const found = store === 'source' ? this.source : this.target;
    if (found === null) throw new RangeError('there is no control store in the target');
    return found;
  }

  /** Replaces a record where it is kept. As {@link ControlStore.compareAndSet}. */
  compareAndSet(next: ControlRecord, why: Parameters<ControlStore['compareAndSet']>[1], call: Call): Promise<boolean> {
    return this.of(next).compareAndSet(next, why, call);
  }

  /** The newest of both stores' records of each resource. Where the target can't be reached, the source's own. */
  async poll(call: Call): Promise<readonly ControlRecord[]> {
    const newest = new Map<string, ControlRecord>();
    for (const [store, record] of await this.#recordsOf(call)) {
      if (registerOf(record) === store && isNewer(record, newest.get(record.resource))) {
        newest.set(record.resource, record);
      }
    }
    return [...newest.values()];
  }

  async #recordsOf(call: Call): Promise<readonly (readonly [StoreName, ControlRecord])[]> {
    const [inSource, inTarget] = await this.#ofBoth((store) => store.poll(call));
    const named = (store: StoreName) => (record: ControlRecord) => [store, record] as const;
    return [...inSource.map(named('source')), ...inTarget.map(named('target'))];
  }

  /** The heartbeat rows of both stores. An instance has a life of its own in each. */
  async heartbeats(call: Call): Promise<Readonly<Record<StoreName, readonly Heartbeat[]>>> {
    const [source, target] = await this.#ofBoth((store) => store.heartbeats(call));
    return { source, target };
  }

  /** The history of a resource in both stores, newest first. A store that can't be reached tells nothing. */
  async transitions(
    resource: string,
    before: number | null,
    limit: number,
    call: Call,
  ): Promise<readonly Transition[]> {
    const [inSource, inTarget] = await this.#ofBoth((store) => store.transitions(resource, before, limit, call));
    return [...inSource, ...inTarget].sort((a, b) => b.generation - a.generation).slice(0, limit);
  }

  /** Throws only when both fail. */
  async #ofBoth<T>(
    ask: (store: ControlStore) => Promise<readonly T[]>,
  ): Promise<readonly [readonly T[], readonly T[]]> {
    if (this.target === null) return [await ask(this.source), []];
    const [source, target] = await Promise.allSettled([ask(this.source), ask(this.target)]);
    if (source.status === 'rejected' && target.status === 'rejected') throw source.reason;
    return [source.status === 'fulfilled' ? source.value : [], target.status === 'fulfilled' ? target.value : []];
  }
}
