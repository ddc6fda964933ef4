/*
 * Keeps the target's write-ahead log while the target is the authority (docs/protocol.md, section 5): carries what this
 * instance left open, takes over the logs of dead instances, and says when all that was open has been closed.
 *
 * To carry an entry is to fence its keys (so that nothing late can still apply under it), copy them, and close it. Only
 * entries that nobody works under may be carried: this process's own that are not in hand; those of an incarnation that is
 * declared dead; and all of them once nobody can hold a lease under which writes are let through.
 */
import type { Clock } from '../domain/clock.ts';
import type { Key, KeyCodec } from '../domain/key.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord, ControlStore, Heartbeat } from '../stores/control-store.ts';
import { MINUTE_MICROS, oldestTrusted } from '../stores/own-entries.ts';
import type { OpenEntry, WriteAheadLog } from '../stores/write-ahead-log.ts';
import type { Lease } from './lease.ts';
import type { OwnHand } from './logged-store.ts';
import type { Roles } from './roles.ts';
import { slept } from './task-lease.ts';

/** What a keeper needs. */
export interface LogKeeperOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly keys: KeyCodec;
  readonly log: WriteAheadLog;
  /** The target's. */
  readonly control: ControlStore;
  readonly lease: Pick<Lease, 'incarnation' | 'current' | 'latest'>;
  readonly hand: OwnHand;
  /** Who is what while a record holds. */
  readonly rolesOf: (record: ControlRecord) => Roles;
  readonly clock: Clock;
  readonly logger: Log;
}

/** Entries of one page. */
const PAGE = 500;
/** Keys that are fenced and copied together. */
const MAX_KEYS = 200;
/** How long one call may take. */
const CALL_MS = 10_000;
/** How often what was left is looked at. */
const LOOK_MS = 100;
/** How often the logs of the dead are looked for. */
const DEAD_LOOK_MS = 1_000;
/** A pause after a failure: the follower may be down for long. */
const FAILED_MS = 1_000;

/** What a walk over open entries has found. */
export interface OpenEntries {
  readonly entries: readonly OpenEntry[];
  /** Part of the log may have expired: only a new attach is certain. */
  readonly tooOld: boolean;
}

/** Makes the call of one step of some work. */
type NextCall = () => Call;

/** Keeps the log for one resource, in one instance. */
export class LogKeeper {
  readonly #options: LogKeeperOptions;
  #deadLookedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the control record under which something too old was met. */
  #tooOldFloor: bigint | undefined;

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  /** Whether a part of the log may have expired before it was carried, and no attach since has made up for it. */
  get tooOld(): boolean {
    const { lease, resource } = this.#options;
    return this.#tooOldFloor !== undefined && lease.latest(resource)?.floor === this.#tooOldFloor;
  }

  /** Carries what is left, here and by the dead, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, resource } = this.#options;
    let failing = false;
    while (await slept(clock, failing ? FAILED_MS : LOOK_MS, signal)) {
      try {
        await this.#look(signal);
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted) {
          logger.warn('open entries of the write-ahead log could not be carried yet; trying again', {
            resource,
            error,
          });
        }
        failing = true;
      }
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { lease, resource, hand, log, clock } = this.#options;
    const record = lease.current(resource);
    if (record === undefined) return;
    const { left } = hand;
    if (left.length > 0) {
      // The source became the authority only after everything that was open had been carried.
      if (record.authority === 'target') await this.#carryOwn(record, signal);
      // Another instance may have carried some of them; only this makes their own log count them as closed, and say in the
      // heartbeat up to where all is. Those of an earlier life are its successor's, whoever that is.
      log.carried(left);
      hand.carried(left);
    }
    if (record.authority !== 'target') return;
    if (clock.monotonicMs() - this.#deadLookedAtMs < DEAD_LOOK_MS) return;
    this.#deadLookedAtMs = clock.monotonicMs();
    await this.#takeOver(record, signal);
  }

  async #carryOwn(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { lease, hand } = this.#options;
    const { incarnation } = lease;
    const own = { incarnation, logClosedUpTo: this.#options.log.closedUpTo(incarnation) };
    const next = this.#calls(signal);
    await this.#eachPage(own, next, async (page) => {
      await this.#carry(
        record,
        page.filter((entry) => this.#isMine(entry) && !hand.holds(entry.id)),
        next,
      );
    });
  }

  /** Of the dead alone: their rows go when all their entries are closed, of all resources. */
  async #takeOver(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { control } = this.#options;
    const next = this.#calls(signal);
    for (const row of await control.heartbeats(next())) {
      if (!row.dead) continue;
      let others = 0;
      const tooOld = await this.#eachPage(row, next, async (page) => {
        const mine = page.filter((entry) => this.#isMine(entry));
        others += page.length - mine.length;
        await this.#carry(record, mine, next);
      });
      // Until the follower is attached anew the row stays, so that every instance learns of it.
      if (others === 0 && !tooOld) await control.removeHeartbeat(row.incarnation, next());
    }
  }

  /**
   * Carries every open entry of every incarnation. Only while no instance can hold a lease under which writes are let
   * through: after one lease of `handing_over` (docs/protocol.md, section 6, step 2).
   */
  async carryAll(record: ControlRecord, call: Call): Promise<void> {
    const next = this.#calls(call.signal, call.deadlineMs);
    const { entries, tooOld } = await this.open(call);
    if (tooOld) throw new RangeError('a part of the write-ahead log is too old');
    await this.#carry(record, entries, next);
  }

  /** All entries of the resource that are open now, of every incarnation. */
  async open(call: Call): Promise<OpenEntries> {
    const { control } = this.#options;
    const next = this.#calls(call.signal, call.deadlineMs);
    const found: OpenEntry[] = [];
    let tooOld = false;
    for (const row of await control.heartbeats(next())) {
      tooOld = (await this.#eachPage(row, next, async (page) => void found.push(...page))) || tooOld;
    }
    return { entries: found.filter((entry) => this.#isMine(entry)), tooOld };
  }

  /** Each step has {@link CALL_MS}, but never more than the whole. */
  #calls(signal?: AbortSignal, deadlineMs = Number.POSITIVE_INFINITY): NextCall {
    return () => {
      const call = internalCall(this.#options.clock, CALL_MS, signal);
      return { ...call, deadlineMs: Math.min(call.deadlineMs, deadlineMs) };
    };
  }

  #isMine({ resource }: OpenEntry): boolean {
    return resource === this.#options.resource;
  }

  /** Whether anything was too old. */
  async #eachPage(
    row: Pick<Heartbeat, 'incarnation' | 'logClosedUpTo'>,
    nextCall: NextCall,
    work: (page: readonly OpenEntry[]) => Promise<void>,
  ): Promise<boolean> {
    const { log } = this.#options;
    const { incarnation } = row;
    // A row without it was written by a life that has not appended yet.
    if (row.logClosedUpTo === undefined) return false;
    let tooOld = false;
    let after: string | null = null;
    do {
      const query = { incarnation, closedUpTo: row.logClosedUpTo, after, limit: PAGE };
      const page = await log.openEntries(query, nextCall());
      tooOld ||= page.tooOld || page.entries.some((entry) => entry.tooOld && this.#isMine(entry));
      if (page.entries.length > 0) await work(page.entries);
      after = page.next;
    } while (after !== null);
    return tooOld && this.#noteTooOld();
  }

  /**
   * What has expired was written before the oldest minute that is trusted. The walk of an attach since then has met it; else
   * a new attach is asked for. Without this distinction one would follow the other until all that is old has been carried.
   */
  #noteTooOld(): boolean {
    const { lease, resource, clock, log } = this.#options;
    const record = lease.latest(resource);
    const trustedMicros = BigInt(oldestTrusted(clock, log.ttlSeconds)) * MINUTE_MICROS;
    if (record === undefined || record.floor >= trustedMicros) return false;
    this.#tooOldFloor = record.floor;
    return true;
  }

  /** Fences, copies, closes entries of the resource. Where nothing follows there is nothing to copy. */
  async #carry(record: ControlRecord, entries: readonly OpenEntry[], nextCall: NextCall): Promise<void> {
    for (let at = 0; at < entries.length; ) {
      const batch: OpenEntry[] = [];
      for (let keys = 0; at < entries.length && keys < MAX_KEYS; at++) {
        const entry = entries[at] as OpenEntry;
        batch.push(entry);
        keys += entry.keys.length;
      }
      await this.#carryBatch(record, batch, nextCall);
    }
  }

  async #carryBatch(record: ControlRecord, batch: readonly OpenEntry[], nextCall: NextCall): Promise<void> {
    const { log, keys, lease, resource, rolesOf } = this.#options;
    if (record.state !== 'detached') {
      const roles = rolesOf(record);
      const distinct = new Map<string, Key>();
      for (const entry of batch)
        for (const bytes of entry.keys) distinct.set(bytes.toString('latin1'), keys.fromBytes(bytes));
      const ready = async () => lease.current(resource)?.generation === record.generation;
      const guard = { ...record, fencing: true, ready };
      const fenced = await roles.authority.touchMany([...distinct.values()], guard, nextCall());
      if (fenced.some(({ outcome }) => outcome === 'control_changed'))
        throw new RangeError('the control record changed');
      await roles.follower.apply(
        fenced.map(({ stored }) => stored),
        nextCall(),
      );
    }
    await Promise.all(batch.map((entry) => log.close(entry, nextCall())));
  }
}
