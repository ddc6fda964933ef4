/*
 * Authority moves from one store to the other (docs/protocol.md, section 6). The decision is one compare-and-set in the
 * register of the authority before; the other store's record is derived from it, by whoever sees it. Every step may be done
 * by another instance, and again.
 */
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { IdSequences } from '../stores/id-sequence.ts';
import type { RecordStore, SourceStore } from '../stores/record-store.ts';
import { carryIds } from './authority-ids.ts';
import { beginHandover, moved, raisedFloor, undoHandover } from './control-record.ts';
import type { Lease } from './lease.ts';
import type { LogKeeper } from './log-keeper.ts';
import type { Registers } from './registers.ts';
import type { ProtocolSettings } from './settings.ts';
import { slept } from './task-lease.ts';
import { maxVersion } from './versions.ts';

/** What a handover needs. */
export interface HandoverOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly instance: string;
  readonly registers: Registers;
  readonly lease: Lease;
  readonly source: SourceStore;
  /** As the authority. */
  readonly targetAuthority: RecordStore;
  readonly keeper: Pick<LogKeeper, 'carryAll'>;
  /** Absent: the service numbers no records. */
  readonly sequences?: IdSequences;
  /** Resolves when everything committed before the call has reached the follower. */
  readonly barrier: (call: Call) => Promise<void>;
  /** Resolves when everything that was in the source's own log before the call has been dealt with. */
  readonly captured: (call: Call) => Promise<void>;
  readonly settings: Pick<ProtocolSettings, 'skewBoundMs' | 'handoverTimeoutMs'>;
  readonly clock: Clock;
  readonly logger: Log;
}

/** How long making ready may take: nobody waits for it. */
const READY_MS = 30_000;
/** After how many time-outs an attempt counts as nobody's: who brings it to its end needs little more than one. */
const OVERDUE_TIMEOUTS = 2;
/** A look at the target's clock while it is waited for. */
const CLOCK_LOOK_MS = 10;
/** The part of a handover's time that an attempt gets which another instance has begun. */
const TAKEN_OVER_PART = 0.2;
const MICROS = 1_000n;

/** Hands authority over for one resource, in one instance. */
export class Handover {
  readonly #options: HandoverOptions;
  /** The attempt that this instance began last. */
  #attempt: string | undefined;
  /** When this instance first saw the attempt under way, on the monotonic clock. */
  #seen: { readonly generation: number; readonly atMs: number } | undefined;
  /** The highest version in the source, as this instance has found it, and when it began to look. */
  #highest: { readonly epoch: number; readonly version: bigint; readonly atMs: number } | undefined;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /**
   * What may take long and can be done while writers still write. To the target: the walk for the highest version. To the
   * source: outside changes that are in its log are overwritten first; one that comes later is met in the next epoch, as
   * the authority's content then. Throws what the source throws, and when it takes too long.
   */
  async makeReady(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { captured, source, clock } = this.#options;
    const call = internalCall(clock, READY_MS, signal);
    if (record.authority === 'target') return captured(call);
    const atMs = clock.monotonicMs();
    this.#highest = { epoch: record.epoch, version: await source.highestVersion(call), atMs };
  }

  /** Begins an attempt from `in_sync`: from its commit on writers wait. Null: the record had changed. */
  async begin(record: ControlRecord, attempt: string, reason: string): Promise<ControlRecord | null> {
    const next = beginHandover(record, attempt);
    const done = await this.#compareAndSet(next, reason);
    if (done) this.#attempt = attempt;
    return done ? next : null;
  }

  /**
   * Brings an attempt to its end, whoever began it: authority has moved, or everything is as it was before. True: it has
   * moved. Never takes much longer than the time-out of a handover.
   */
  async finish(record: ControlRecord, signal: AbortSignal): Promise<boolean> {
    const { clock, settings, logger, resource } = this.#options;
    if (this.#seen?.generation !== record.generation) {
      this.#seen = { generation: record.generation, atMs: clock.monotonicMs() };
    }
    // Writers have waited for as long as it took to see that the instance which began it is gone; what it did besides, as
    // capture, may be missing for longer.
    const timeoutMs =
      record.attempt === this.#attempt ? settings.handoverTimeoutMs : settings.handoverTimeoutMs * TAKEN_OVER_PART;
    const leftMs = this.#seen.atMs + timeoutMs - clock.monotonicMs();
    let why = 'it was not done in time';
    if (leftMs > 0) {
      try {
        const floor = await this.#prepare(record, internalCall(clock, leftMs, signal));
        const next = moved(record, floor);
        if (!(await this.#compareAndSet(next, 'everything is in the other store'))) return false;
        await this.install(next, signal);
        return true;
      } catch (error) {
        logger.warn('authority could not be handed over; it stays where it was', { resource, error });
        why = 'a step of it failed';
      }
    }
    await this.#compareAndSet(undoHandover(record), `the handover is undone: ${why}`);
    return false;
  }

  /** Puts everything that the authority committed into the other store, and resolves to the floor of the next epoch. */
  async #prepare(record: ControlRecord, call: Call): Promise<bigint> {
    const { lease, keeper, barrier, source, targetAuthority, settings, sequences } = this.#options;
    const carrySequence = () => sequences && carryIds(sequences, record, call);
    const skewMicros = BigInt(settings.skewBoundMs) * MICROS;
    if (record.authority === 'source') {
      // No write commits any more, and no id is taken, so all may be waited for at once.
      const highest = maxVersion(record.floor, await this.#highestVersion(record, call));
      await Promise.all([barrier(call), this.#targetIsPast(highest + skewMicros + MICROS, call), carrySequence()]);
      // A bump without a change (a refusal, an update that changes nothing) was given out, and never came to the follower
      // if that was not in sync then: the floor makes up for it.
      return highest;
    }
    const waited = await lease.waitOneLease(record, call.signal ?? new AbortController().signal);
    if (!waited) throw new RangeError('this instance ends');
    await keeper.carryAll(record, call);
    // Not before the wait: an id that was taken under an older lease counts.
    await carrySequence();
    const [sourceMicros, targetMicros] = await Promise.all([source.clock(call), targetAuthority.clock(call)]);
    return raisedFloor(record.floor, maxVersion(sourceMicros, targetMicros), skewMicros);
  }

  /**
   * Waits until the target's slowest clock is past every version in use: an update that it stamped with an earlier time would
   * answer "applied" and change nothing.
   */
  async #targetIsPast(past: bigint, call: Call): Promise<void> {
    const { targetAuthority, clock } = this.#options;
    for (;;) {
      const now = await targetAuthority.clock(call);
      if (now > past) return;
      const waitMs = Math.max(CLOCK_LOOK_MS, Number((past - now) / MICROS));
      if (clock.monotonicMs() + waitMs >= call.deadlineMs) throw new RangeError('the target’s clock is behind');
      await clock.sleep(waitMs, call.signal);
    }
  }

  /**
   * No less than the highest version in use. A version is the clock's, or one above the record's own or the floor: since it was
   * looked for, none has risen further than the clock has gone, or by one a microsecond, faster than anybody writes.
   */
  async #highestVersion({ epoch, floor }: ControlRecord, call: Call): Promise<bigint> {
    const { source, clock } = this.#options;
    const known = this.#highest;
    if (known?.epoch !== epoch) return source.highestVersion(call);
    const now = await source.clock(call);
    const sinceMicros = BigInt(Math.ceil(clock.monotonicMs() - known.atMs)) * MICROS;
    return maxVersion(now, maxVersion(known.version, floor) + sinceMicros);
  }

  /**
   * An attempt that nobody ends is undone, also where no instance controls: writers wait for it. Called by every instance that
   * sees it; resolves when it is over, or the signal aborts.
   */
  async undoWhenOverdue(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { lease, clock, settings, logger, resource } = this.#options;
    const pauseMs = settings.handoverTimeoutMs * OVERDUE_TIMEOUTS;
    while (await slept(clock, pauseMs, signal)) {
      if (lease.latest(resource)?.generation !== record.generation) return;
      try {
        await this.#compareAndSet(undoHandover(record), 'the handover is undone: nobody has brought it to its end');
        return;
      } catch (error) {
        logger.warn('a handover that nobody ends could not be undone; trying again', { resource, error });
      }
    }
  }

  /**
   * Installs the record of the new authority in its own store, only over a lower epoch, until it stands there or the signal
   * aborts. Done by every instance that sees `moved`.
   */
  async install(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { registers, lease, instance, clock, settings, logger, resource } = this.#options;
    const register = registers.named(record.authority);
    const call = () => internalCall(clock, settings.handoverTimeoutMs, signal);
    while (!signal.aborted) {
      try {
        await register.ensure([resource], call());
        const current = (await register.poll(call())).find((one) => one.resource === resource);
        if (current !== undefined && current.epoch >= record.epoch) break;
        const replaces = current?.generation ?? 0;
        const generation = Math.max(replaces, record.generation) + 1;
        const next: ControlRecord = { ...record, state: 'in_sync', generation };
        const why = { instance, reason: `epoch ${record.epoch} begins`, replaces };
        if (await register.compareAndSet(next, why, call())) break;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('the new authority’s record could not be installed; trying again', { resource, error });
        await clock.sleep(settings.handoverTimeoutMs / INSTALL_TRIES, signal).catch(() => {});
      }
    }
    lease.poke();
  }

  async #compareAndSet(next: ControlRecord, reason: string): Promise<boolean> {
    const { registers, instance, clock, settings, lease } = this.#options;
    const done = await registers.compareAndSet(
      next,
      { instance, reason },
      internalCall(clock, settings.handoverTimeoutMs),
    );
    lease.poke();
    return done;
  }
}

/** Tries of an installation within one time-out of a handover. */
const INSTALL_TRIES = 50;
