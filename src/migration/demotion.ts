import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { ControlView } from '../stores/record-store.ts';
import { step } from './control-record.ts';
import type { Lease } from './lease.ts';
import type { Registers } from './registers.ts';
import type { ProtocolSettings } from './settings.ts';

/** What a demotion needs. */
export interface DemotionOptions {
  readonly resource: string;
  readonly instance: string;
  readonly registers: Registers;
  readonly lease: Lease;
  readonly settings: ProtocolSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** Takes the follower out of the promise when it misses a write, and brings `leaving` to its end. */
export class Demotion {
  readonly #options: DemotionOptions;
  /** The compare-and-set under way, shared by all writers that want the same. */
  #underWay: Promise<boolean> | undefined;
  #ending: number | undefined;

  constructor(options: DemotionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when a write that the follower did not acknowledge may be acknowledged: when a fresh read of the control
   * record, begun after now, shows it past `leaving`. `seen` is what the write committed under.
   * Throws `unknown`/FOLLOWER_NOT_ACKNOWLEDGED at the call's deadline: the write is committed, and capture carries it.
   */
  async passed(seen: ControlView, call: Call): Promise<void> {
    const { lease, resource, clock, settings } = this.#options;
    // A cancelled wait ends at once: nothing below would give the event loop a turn any more.
    while (clock.monotonicMs() < call.deadlineMs && !call.signal?.aborted) {
      const record = await lease.renewed(resource, call).catch(() => undefined);
      if (record === undefined) continue;
      if (isPast(record, seen)) return;
      if (record.state === 'leaving') await clock.sleep(settings.roundMs / 8, call.signal).catch(() => {});
      else await this.#demote(record, 'the follower missed a write');
    }
    throw new DomainError({
      kind: 'unknown',
      reason: 'FOLLOWER_NOT_ACKNOWLEDGED',
      message: 'the write is committed, but the follower did not acknowledge it before the deadline',
    });
  }

  /** Takes a readable follower out on purpose, for example when its log has a gap. Safe to call at any time. */
  async demote(record: ControlRecord, reason: string): Promise<void> {
    if (record.state === 'in_sync' || record.state === 'joining') await this.#demote(record, reason);
  }

  async #demote(record: ControlRecord, reason: string): Promise<void> {
    this.#underWay ??= this.#compareAndSet(record, reason).finally(() => {
      this.#underWay = undefined;
    });
    await this.#underWay;
    this.#options.lease.poke();
  }

  async #compareAndSet(record: ControlRecord, reason: string): Promise<boolean> {
    const { registers, instance, clock, settings, log, resource } = this.#options;
    const next = step(record, record.state === 'joining' ? 'syncing' : 'leaving');
    const call = internalCall(clock, settings.leaseMs);
    const done = await registers.compareAndSet(next, { instance, reason }, call).catch(() => false);
    if (done) log.warn('the follower is no longer read', { resource, state: next.state, reason });
    return done;
  }

  /**
   * Called with each newer control record. Whoever sees `leaving` waits until nobody trusts the follower any more and
   * turns it into `syncing`; all instances do, and the compare-and-set lets one win.
   */
  onChange(record: ControlRecord, signal: AbortSignal): void {
    if (record.state !== 'leaving' || this.#ending === record.generation) return;
    this.#ending = record.generation;
    void this.#endLeaving(record, signal);
  }

  async #endLeaving(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { lease, registers, resource, instance, clock, settings } = this.#options;
    if (!(await lease.waitOneLease(record, signal))) return;
    const next = step(record, 'syncing');
    const why = { instance, reason: 'nobody reads the follower any more' };
    while (!signal.aborted && lease.latest(resource)?.generation === record.generation) {
      const done = await registers
        .compareAndSet(next, why, internalCall(clock, settings.leaseMs, signal))
        .catch(() => undefined);
      lease.poke();
      if (done !== undefined) return;
      await clock.sleep(settings.roundMs, signal).catch(() => {});
    }
  }
}

/**
 * Whether a control record shows that nobody can read a follower that lacks a write which read `seen`. `in_sync` never
 * shows it: it may have been reached without this write (`joining` whose barrier came before it, an undone handover). A later
 * epoch does: all that was committed before it is in the store that is the authority now.
 */
export function isPast(record: ControlRecord, seen: ControlView): boolean {
  if (record.epoch > seen.epoch) return true;
  switch (record.state) {
    case 'syncing':
    case 'detached':
      return true;
    case 'joining':
      return record.generation > seen.generation;
    case 'in_sync':
      return seen.state === 'leaving' && record.generation > seen.generation;
    case 'leaving':
    case 'handing_over':
    case 'moved':
      return false;
  }
}
