// One lease on each store's control records, and which of the two counts for a resource: the one of the later epoch. As
// soon as a round brings a record of a later epoch, nothing of the earlier one is trusted any more: this is the same step, so
// that a heartbeat never shows the new epoch while a read still believes the old one.

import type { Call } from '../stores/call.ts';
import type { ControlRecord, ControlStore, StoreName } from '../stores/control-store.ts';
import { noLease, RegisterLease, type RegisterLeaseOptions } from './register-lease.ts';
import { isNewer, otherStore, type Registers, registerOf } from './registers.ts';

/** What a lease needs; `logClosedUpTo`, `isDone` and `sourceSeen` are of the target alone. */
export interface LeaseOptions extends Omit<RegisterLeaseOptions, 'control' | 'roundMs' | 'onForgotten'> {
  readonly registers: Pick<Registers, 'source' | 'target'>;
  /** Called for each newer control record that has the word on its resource, `moved` too. Must not throw. */
  readonly onChange: (record: ControlRecord) => void;
  /** Called when the source, as the follower, was found to have lost its tail: it has forgotten this `moved` record. */
  readonly onSourceLost?: (record: ControlRecord) => void;
}

/** Rounds are this many times as frequent while authority is being handed over: writers wait for them. */
const HASTE = 5;
/** And this many times as rare in a store that has no word on anything: enough not to be declared dead. */
const LEISURE = 3;
/** How long a wait may take in all, in leases: as long as a lease waits for slow rounds. */
const PATIENT_LEASES = 3;
/** A pause, in parts of a round, while authority is on its way from one store to the other. */
const ROUND_PARTS = 8;

/** The control records of both stores as this instance may trust them. One object serves all resources. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #source: RegisterLease;
  readonly #target: RegisterLease | null;
  /** The newest record of each resource that has the word on it. */
  readonly #newest = new Map<string, ControlRecord>();

  constructor(options: LeaseOptions) {
    this.#options = options;
    const { registers, logClosedUpTo, sourceSeen, isDone } = options;
    const { instance, settings, clock, random, log } = options;
    const leaseOf = (store: StoreName, control: ControlStore): RegisterLeaseOptions => ({
      control,
      ...{ instance, settings, clock, random, log },
      onChange: (record) => this.#take(store, record),
      roundMs: () => this.#roundMs(store),
      onForgotten: (record) => {
        if (record.state === 'moved') options.onSourceLost?.(record);
      },
    });
    const ofTarget = {
      ...(logClosedUpTo && { logClosedUpTo }),
      ...(sourceSeen && { sourceSeen }),
      ...(isDone && { isDone }),
    };
    this.#source = new RegisterLease(leaseOf('source', registers.source));
    this.#target = registers.target && new RegisterLease({ ...leaseOf('target', registers.target), ...ofTarget });
  }

  /** This life of the instance in the target: it changes when the instance was declared dead. Empty: there is no target. */
  get incarnation(): string {
    return this.#target?.incarnation ?? '';
  }

  /** How many instances are alive, as last seen; at least 1. */
  get instances(): number {
    return Math.max(this.#source.instances, this.#target?.instances ?? 1);
  }

  /** Counts the instances that beat in a store now; at least 1. */
  countIn(store: StoreName): Promise<number> {
    return this.#in(store).count();
  }

  /** The control record, if this instance holds a lease of it that is valid now. Never a `moved` one. */
  current(resource: string): ControlRecord | undefined {
    const newest = this.#newest.get(resource);
    if (newest === undefined || newest.state === 'moved') return undefined;
    return this.#in(newest.authority).current(resource);
  }

  /** The newest control record known, valid or not: good as a write's guard, never for a read. */
  latest(resource: string): ControlRecord | undefined {
    return this.#newest.get(resource);
  }

  /**
   * Waits for a valid lease. Throws `unavailable`/NO_LEASE when none came within one lease, or the call's deadline. While
   * rounds are slow but do not fail, or authority is moving, it waits for up to {@link PATIENT_LEASES} leases.
   */
  valid(resource: string, call: Call): Promise<ControlRecord> {
    const record = this.current(resource);
    if (record !== undefined) return Promise.resolve(record);
    return this.#settled(resource, call, (lease) => lease.valid(resource, call));
  }

  /** Waits for a round that begins after now and brings a valid lease: a fresh, linearizable read. Errors: as `valid`. */
  renewed(resource: string, call: Call): Promise<ControlRecord> {
    return this.#settled(resource, call, (lease) => lease.renewed(resource, call));
  }

  /** What the authority's store says about a resource now, not what may be trusted: see {@link RegisterLease.fresh}. */
  fresh(resource: string): Promise<ControlRecord | undefined> {
    return this.#in(this.#newest.get(resource)?.authority ?? 'source').fresh(resource);
  }

  /**
   * Tells of a generation that a write has read: if it is newer, the lease ends at once and a round begins. Only a write in the
   * source reads any; one in the target gives back what it was told, which is no news, and of another store's counting.
   */
  observe(resource: string, generation: number): void {
    if (this.#newest.get(resource)?.authority === 'source') this.#source.observe(resource, generation);
  }

  /** Lets the next round begin now in every store that has a word on anything. */
  poke(): void {
    for (const store of ['source', 'target'] as const) if (this.#counts(store)) this.#in(store).poke();
  }

  /**
   * Waits until no instance trusts a record older than this one, which must be known to be committed: one lease and margin,
   * or less when all heartbeats show it. False: the signal ended the wait.
   */
  waitOneLease(record: ControlRecord, signal: AbortSignal): Promise<boolean> {
    return this.#in(registerOf(record)).waitOneLease(record.resource, record.generation, signal);
  }

  /**
   * Runs rounds in both stores until the signal aborts, then takes the heartbeat rows back. The target's come first: a source
   * that was restored from a backup may not know that authority has moved.
   */
  async run(signal: AbortSignal): Promise<void> {
    const target = this.#target?.run(signal);
    await this.#target?.firstRound;
    await Promise.all([this.#source.run(signal), target]);
    this.#newest.clear();
  }

  #in(store: StoreName): RegisterLease {
    return store === 'target' && this.#target !== null ? this.#target : this.#source;
  }

  /** Whether a store's own records have the word on any resource, or are about to. */
  #counts(store: StoreName): boolean {
    for (const record of this.#newest.values()) {
      if (record.authority === store || registerOf(record) === store) return true;
    }
    return store === 'source' && this.#newest.size === 0;
  }

  #roundMs(store: StoreName): number {
    const { roundMs } = this.#options.settings;
    for (const { state } of this.#newest.values()) {
      if (state === 'handing_over' || state === 'moved') return roundMs / HASTE;
    }
    return this.#counts(store) ? roundMs : roundMs * LEISURE;
  }

  #take(store: StoreName, record: ControlRecord): void {
    if (registerOf(record) !== store) return;
    const known = this.#newest.get(record.resource);
    const supersedes = known !== undefined && registerOf(known) === store && known.generation < record.generation;
    if (!supersedes && !isNewer(record, known)) return;
    this.#newest.set(record.resource, record);
    if (record.state === 'moved') this.#in(record.authority).poke();
    this.#options.onChange(record);
  }

  /** Asks the store that has the word until what it answers is the last word, also while authority moves meanwhile. */
  async #settled(
    resource: string,
    call: Call,
    ask: (lease: RegisterLease) => Promise<ControlRecord>,
  ): Promise<ControlRecord> {
    const { clock, settings } = this.#options;
    const untilMs = Math.min(call.deadlineMs, clock.monotonicMs() + settings.leaseMs * PATIENT_LEASES);
    for (;;) {
      const store = this.#newest.get(resource)?.authority ?? 'source';
      const record = await ask(this.#in(store));
      if (record.state !== 'moved' && registerOf(record) === store && this.#newest.get(resource) === record) {
        return record;
      }
      if (clock.monotonicMs() >= untilMs || call.signal?.aborted) throw noLease();
      await clock.sleep(settings.roundMs / ROUND_PARTS, call.signal).catch(() => {});
    }
  }
}

/** The store in which a record's follower is. */
export function followerOf(record: ControlRecord): StoreName {
  return otherStore(record.authority);
}
