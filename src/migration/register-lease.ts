// The lease is what lets an instance trust a control record without asking for it on every read. Its round has an order
// that must not be changed: poll; drop an older answer; on a newer one stop using the old lease AT ONCE; then write
// the heartbeat with the generation seen; only when that succeeded count the lease, from before the poll was sent.
// Otherwise another instance that ends its wait early, because our heartbeat shows the new generation, could still
// meet a reader of ours that trusts the old state.

import type { Clock, Random } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';
import { HeartbeatWatch } from './heartbeat-watch.ts';
import type { ProtocolSettings } from './settings.ts';

/** What a lease needs. */
export interface RegisterLeaseOptions {
  readonly control: ControlStore;
  /** The instance's name, for people. */
  readonly instance: string;
  readonly settings: Pick<ProtocolSettings, 'roundMs' | 'leaseMs' | 'marginMs'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called for each newer control record that a round brings. Must not throw. */
  readonly onChange: (record: ControlRecord) => void;
  /** Called when the store was found to have forgotten this record. Must not throw. Default: nobody is told. */
  readonly onForgotten?: (record: ControlRecord) => void;
  /** The time between rounds now, in milliseconds. Default: `settings.roundMs`. */
  readonly roundMs?: () => number;
  /** Where the store has a write-ahead log: up to which minute all entries of an incarnation are closed. */
  readonly logClosedUpTo?: (incarnation: string) => number;
  /** What was seen of the source, for the heartbeat; undefined: nothing. Default: nothing. */
  readonly sourceSeen?: () => string | undefined;
  /** Whether nothing of an incarnation is left to take over, so that its row may go at the end. Default: always. */
  readonly isDone?: (incarnation: string) => boolean;
}

interface Held {
  record: ControlRecord;
  /** When this generation was first seen, on the monotonic clock. */
  seenAtMs: number;
  /** When this epoch was first seen, on the monotonic clock. */
  epochSeenAtMs: number;
  /** Until when the record may be trusted, by both clocks; 0: not at all. */
  untilMonotonicMs: number;
  untilWallMicros: bigint;
  /** From when on the wall clock: earlier means that it was set back. */
  fromWallMicros: bigint;
}

/** How long a read waits for rounds that are slow, in leases. */
const PATIENT_LEASES = 3;
/** Rounds between two counts of the living instances. */
const ROUNDS_PER_COUNT = 25;
/** How long a failing round waits before the next, at most: the authority may be restarting. */
const FAILED_ROUND_PAUSE_MS = 100;

/** The control records of one store as this instance may trust them, renewed in rounds. */
export class RegisterLease {
  readonly #options: RegisterLeaseOptions;
  readonly #held = new Map<string, Held>();
  readonly #watch: HeartbeatWatch;
  #incarnation: string;
  #beat = 0n;
  #registered = false;
  /** Grows when a round starts; a waiter for "a round begun after now" waits for a higher one to finish. */
  #started = 0;
  #finished = 0;
  #waiters: { round: number; resolve: () => void }[] = [];
  #urgent = false;
  #wake: (() => void) | undefined;
  #failing = false;
  readonly #firstRound = Promise.withResolvers<void>();
  /** Ends with the read of `fresh` that is under way. */
  #reading: Promise<unknown> = Promise.resolve();
  #nextRead: Promise<readonly ControlRecord[]> | undefined;

  constructor(options: RegisterLeaseOptions) {
    this.#options = options;
    this.#incarnation = options.random.id();
    this.#watch = new HeartbeatWatch(options.control, options.clock, options.settings);
  }

  /** Resolves when the first round has ended, well or not. */
  get firstRound(): Promise<void> {
    return this.#firstRound.promise;
  }

  /** This life of the instance: it changes when the instance was declared dead. */
  get incarnation(): string {
    return this.#incarnation;
  }

  /** How many instances are alive, as last seen by a wait or a round; at least 1. */
  get instances(): number {
    return this.#watch.alive;
  }

  /** Counts the living instances now; errors leave the count as it was. */
  async count(): Promise<number> {
    await this.#watch.count();
    return this.#watch.alive;
  }

  /** The control record, if this instance holds a lease of it that is valid now. */
  current(resource: string): ControlRecord | undefined {
    const held = this.#held.get(resource);
    if (held === undefined || this.#options.clock.monotonicMs() >= held.untilMonotonicMs) return undefined;
    const wall = this.#options.clock.wallMicros();
    return wall >= held.fromWallMicros && wall < held.untilWallMicros ? held.record : undefined;
  }

  /** The newest control record known, valid or not: good as a write's guard, never for a read. */
  latest(resource: string): ControlRecord | undefined {
    return this.#held.get(resource)?.record;
  }

  /**
   * Waits for a valid lease. Throws `unavailable`/NO_LEASE when none came within one lease, or the call's deadline. While
   * rounds are slow but do not fail, it waits for up to {@link PATIENT_LEASES} leases: the authority is there, only busy.
   */
  async valid(resource: string, call: Call): Promise<ControlRecord> {
    const { clock, settings } = this.#options;
    const fromMs = clock.monotonicMs();
    const untilMs = Math.min(call.deadlineMs, fromMs + settings.leaseMs);
    const lastMs = Math.min(call.deadlineMs, fromMs + settings.leaseMs * PATIENT_LEASES);
    for (;;) {
      const record = this.current(resource);
      if (record !== undefined) return record;
      const nowMs = clock.monotonicMs();
      const tooLate = nowMs >= lastMs || (nowMs >= untilMs && this.#failing);
      if (tooLate || call.signal?.aborted) throw noLease();
      await this.#roundFinished(this.#finished + 1, nowMs < untilMs ? untilMs : lastMs);
    }
  }

  /** Waits for a round that begins after now and brings a valid lease: a fresh, linearizable read. Errors: as `valid`. */
  async renewed(resource: string, call: Call): Promise<ControlRecord> {
    const begunAfter = this.#started;
    const { clock, settings } = this.#options;
    const untilMs = Math.min(call.deadlineMs, clock.monotonicMs() + settings.leaseMs);
    for (;;) {
      const record = this.#finished > begunAfter ? this.current(resource) : undefined;
      if (record !== undefined) return record;
      if (clock.monotonicMs() >= untilMs || call.signal?.aborted) throw noLease();
      await this.#roundFinished(Math.max(begunAfter, this.#finished) + 1, untilMs);
    }
  }

  /**
   * The control record as a linearizable read that begins after now finds it; undefined: there is none. Callers that ask together share
   * the read. It says nothing about the lease and costs less than a round. Throws the store's errors.
   */
  async fresh(resource: string): Promise<ControlRecord | undefined> {
    const records = await this.#sharedRead();
    const record = records.find((one) => one.resource === resource);
    if (record !== undefined) this.observe(resource, record.generation);
    return record;
  }

  /** Tells of a generation that a write has read: if it is newer, the lease ends at once and a round begins. */
  observe(resource: string, generation: number): void {
    const held = this.#held.get(resource);
    if (held === undefined || generation <= held.record.generation) return;
    held.untilMonotonicMs = 0;
    this.poke();
  }

  /** Lets the next round begin now. */
  poke(): void {
    this.#urgent = true;
    this.#wake?.();
  }

  /**
   * Waits until no instance trusts a record older than `generation`, which must be known to be committed: one lease and margin,
   * or less when all heartbeats show it. False: the signal ended the wait.
   */
  async waitOneLease(resource: string, generation: number, signal: AbortSignal): Promise<boolean> {
    const { clock, settings } = this.#options;
    const longMs = settings.leaseMs + settings.marginMs;
    const fromMs = clock.monotonicMs();
    const epochSeenAtMs = this.#held.get(resource)?.epochSeenAtMs ?? fromMs;
    while (!signal.aborted && clock.monotonicMs() < fromMs + longMs) {
      const mayEndEarly = clock.monotonicMs() - epochSeenAtMs > longMs;
      if (mayEndEarly && (await this.#watch.allHaveSeen(resource, generation))) return true;
      await clock.sleep(settings.roundMs / 4, signal).catch(() => {});
    }
    return !signal.aborted;
  }

  /** Runs rounds until the signal aborts, then takes the heartbeat row back. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings, control, roundMs = () => settings.roundMs, isDone = () => true } = this.#options;
    while (!signal.aborted) {
      const ok = await this.#round();
      if (ok) await this.#pause(roundMs(), signal);
      else await clock.sleep(Math.min(settings.roundMs, FAILED_ROUND_PAUSE_MS), signal).catch(() => {});
    }
    // Also where the signal had aborted before any round.
    this.#firstRound.resolve();
    this.#held.clear();
    if (!isDone(this.#incarnation)) return;
    await control.removeHeartbeat(this.#incarnation, internalCall(clock, settings.leaseMs)).catch(() => {});
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#urgent) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = undefined;
  }

  async #round(): Promise<boolean> {
    this.#started += 1;
    this.#urgent = false;
    const round = this.#started;
    try {
      await this.#renew();
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing) this.#options.log.warn('the control records could not be read; retrying', { error });
      this.#failing = true;
      return false;
    } finally {
      this.#finished = round;
      this.#firstRound.resolve();
      const done = this.#waiters.filter((waiter) => waiter.round <= round);
      this.#waiters = this.#waiters.filter((waiter) => waiter.round > round);
      for (const waiter of done) waiter.resolve();
    }
  }

  async #renew(): Promise<void> {
    const { control, clock, settings } = this.#options;
    if (!this.#registered) {
      // The row stands before the first poll: whoever ends a wait early counts us from then on.
      this.#registered = await this.#writeHeartbeat();
      if (!this.#registered) this.#newLife();
    }
    const sentMs = clock.monotonicMs();
    const sentWallMicros = clock.wallMicros();
    const records = await control.poll(internalCall(clock, settings.leaseMs));
    for (const record of records) {
      const held = this.#held.get(record.resource);
      if (held !== undefined && record.generation < held.record.generation) await this.#mendLostTail(record, held);
      else this.#accept(record, sentMs);
    }
    if (!(await this.#writeHeartbeat())) {
      this.#newLife();
      return;
    }
    for (const record of records) this.#extend(record, sentMs, sentWallMicros);
    if (this.#started % ROUNDS_PER_COUNT === 0) await this.#watch.count();
  }

  #newLife(): void {
    this.#options.log.warn('this instance was declared dead while it stood still; it goes on under a new id');
    this.#incarnation = this.#options.random.id();
    this.#beat = 0n;
    this.#registered = false;
    for (const held of this.#held.values()) held.untilMonotonicMs = 0;
  }

  #writeHeartbeat(): Promise<boolean> {
    const { control, clock, settings, instance, logClosedUpTo, sourceSeen } = this.#options;
    const seen: Record<string, number> = {};
    for (const [resource, held] of this.#held) seen[resource] = held.record.generation;
    this.#beat += 1n;
    const incarnation = this.#incarnation;
    const closed = logClosedUpTo === undefined ? {} : { logClosedUpTo: logClosedUpTo(incarnation) };
    const witnessed = sourceSeen?.();
    const heartbeat = {
      incarnation,
      instance,
      beat: this.#beat,
      seen,
      ...closed,
      ...(witnessed !== undefined && { sourceSeen: witnessed }),
    };
    return control.beat(heartbeat, internalCall(clock, settings.leaseMs));
  }

  #accept(record: ControlRecord, sentMs: number): void {
    const held = this.#held.get(record.resource);
    if (held === undefined) {
      this.#held.set(record.resource, newlyHeld(record, sentMs));
    } else if (record.generation > held.record.generation) {
      const epochSeenAtMs = record.epoch === held.record.epoch ? held.epochSeenAtMs : sentMs;
      this.#held.set(record.resource, { ...newlyHeld(record, sentMs), epochSeenAtMs });
    } else {
      return;
    }
    this.#options.onChange(record);
  }

  /**
   * Polls follow one another, so an older record is a store that lost its tail (a failover, a restored backup). The
   * follower may hold what it has forgotten: `leaving` is set above everything that was seen, and the follower is attached
   * anew. That authority has moved away stays true, whatever this store has forgotten.
   */
  async #mendLostTail(found: ControlRecord, held: Held): Promise<void> {
    const { control, clock, settings, instance, log } = this.#options;
    const known = held.record.generation;
    held.untilMonotonicMs = 0;
    log.error('a store has lost control records that were committed', {
      resource: found.resource,
      knownGeneration: known,
      foundGeneration: found.generation,
    });
    const next = held.record.state === 'moved' ? held.record : aboveAllSeen(found, held.record);
    const why = { instance, reason: 'the store lost its tail', replaces: found.generation };
    await control.compareAndSet(next, why, internalCall(clock, settings.leaseMs));
    this.#options.onForgotten?.(held.record);
  }

  #extend(record: ControlRecord, sentMs: number, sentWallMicros: bigint): void {
    const held = this.#held.get(record.resource);
    if (held === undefined || held.record.generation !== record.generation) return;
    held.untilMonotonicMs = sentMs + this.#options.settings.leaseMs;
    held.fromWallMicros = sentWallMicros;
    held.untilWallMicros = sentWallMicros + BigInt(this.#options.settings.leaseMs * 1000);
  }

  #sharedRead(): Promise<readonly ControlRecord[]> {
    const { control, clock, settings } = this.#options;
    this.#nextRead ??= this.#reading.then(() => {
      const read = control.poll(internalCall(clock, settings.leaseMs));
      this.#reading = read.catch(() => {});
      this.#nextRead = undefined;
      return read;
    });
    return this.#nextRead;
  }

  /** Lets a round begin at once, and resolves when the round of this number has finished, or at `untilMs`. */
  #roundFinished(round: number, untilMs: number): Promise<void> {
    const { clock } = this.#options;
    this.poke();
    const finished = new Promise<void>((resolve) => this.#waiters.push({ round, resolve }));
    const ended = new AbortController();
    const late = clock.sleep(Math.max(0, untilMs - clock.monotonicMs()), ended.signal).catch(() => {});
    return Promise.race([finished, late]).finally(() => ended.abort());
  }
}

/** Epoch and authority stay what they were: a record of an earlier epoch would make two authorities. */
function aboveAllSeen(found: ControlRecord, seen: ControlRecord): ControlRecord {
  return {
    ...seen,
    attempt: null,
    generation: seen.generation + 1,
    floor: seen.floor > found.floor ? seen.floor : found.floor,
    attach: Math.max(seen.attach, found.attach),
    copiedAttach: 0,
    state: seen.attach === 0 ? found.state : 'leaving',
  };
}

function newlyHeld(record: ControlRecord, seenAtMs: number): Held {
  return {
    record,
    seenAtMs,
    epochSeenAtMs: seenAtMs,
    untilMonotonicMs: 0,
    untilWallMicros: 0n,
    fromWallMicros: 0n,
  };
}

/** The error of a wait that was in vain. */
export function noLease(): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: 'NO_LEASE',
    message: 'this instance holds no valid lease of the control record: the authority cannot be reached; retry',
  });
}
