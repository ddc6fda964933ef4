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
  readonly rolesOf: (record: ControlRecord) => Roles | null;
  readonly clock: Clock;
  readonly logger: Log;
}

/** Entries of one page. */
const PAGE = 500;
/** Keys that are fenced and copied together. */
const MAX_KEYS = 200;
/** How long one page may take. */
const PAGE_MS = 10_000;
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

/** Keeps the log for one resource, in one instance. */
export class LogKeeper {
  readonly #options: LogKeeperOptions;
  #deadLookedAtMs = Number.NEGATIVE_INFINITY;
  /** The attach during which something too old was met; 0: none. */
  #tooOldAttach = 0;

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  /** Whether a part of the log may have expired before it was carried: the follower must be attached anew. */
  isTooOld(attach: number): boolean {
    return attach > 0 && this.#tooOldAttach === attach;
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
    const { lease, resource, hand, clock } = this.#options;
    const record = lease.current(resource);
    if (record?.authority !== 'target') return;
    const { left } = hand;
    if (left > 0) {
      await this.#carryOwn(record, signal);
      hand.carried(left);
    }
    if (clock.monotonicMs() - this.#deadLookedAtMs < DEAD_LOOK_MS) return;
    this.#deadLookedAtMs = clock.monotonicMs();
    await this.#takeOver(record, signal);
  }

  async #carryOwn(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { lease, hand } = this.#options;
    const { incarnation } = lease;
    const own = { incarnation, logClosedUpTo: this.#options.log.closedUpTo(incarnation) };
    await this.#eachPage(own, signal, async (page) => {
      await this.#carry(
        record,
        page.filter((entry) => !hand.holds(entry.id)),
        signal,
      );
    });
  }

  /** Of the dead alone: their rows go when all their entries are closed, of all resources. */
  async #takeOver(record: ControlRecord, signal: AbortSignal): Promise<void> {
    const { control, clock } = this.#options;
    for (const row of await control.heartbeats(internalCall(clock, PAGE_MS, signal))) {
      if (!row.dead) continue;
      let others = 0;
      await this.#eachPage(row, signal, async (page) => {
        const mine = page.filter((entry) => this.#isMine(entry));
        others += page.length - mine.length;
        await this.#carry(record, mine, signal);
      });
      if (others === 0) await control.removeHeartbeat(row.incarnation, internalCall(clock, PAGE_MS, signal));
    }
  }

  /**
   * Carries every open entry of every incarnation. Only while no instance can hold a lease under which writes are let
   * through: after one lease of `handing_over` (docs/protocol.md, section 6, step 2).
   */
  async carryAll(record: ControlRecord, call: Call): Promise<void> {
    const { signal = new AbortController().signal } = call;
    const { entries, tooOld } = await this.open(call);
    if (tooOld) throw new RangeError('a part of the write-ahead log is too old');
    for (let at = 0; at < entries.length; at += PAGE) await this.#carry(record, entries.slice(at, at + PAGE), signal);
  }

  /** All entries of the resource that are open now, of every incarnation. */
  async open(call: Call): Promise<OpenEntries> {
    const { control } = this.#options;
    const found: OpenEntry[] = [];
    let tooOld = false;
    for (const row of await control.heartbeats(call)) {
      const signal = call.signal ?? new AbortController().signal;
      tooOld = (await this.#eachPage(row, signal, async (page) => void found.push(...page))) || tooOld;
    }
    return { entries: found.filter((entry) => this.#isMine(entry)), tooOld };
  }

  #isMine({ resource }: OpenEntry): boolean {
    return resource === this.#options.resource;
  }

  /** Whether anything was too old. */
  async #eachPage(
    row: Pick<Heartbeat, 'incarnation' | 'logClosedUpTo'>,
    signal: AbortSignal,
    work: (page: readonly OpenEntry[]) => Promise<void>,
  ): Promise<boolean> {
    const { log, clock } = this.#options;
    const { incarnation } = row;
    // A row without it was written by a life that has not appended yet.
    if (row.logClosedUpTo === undefined) return false;
    let tooOld = false;
    let after: string | null = null;
    do {
      const query = { incarnation, closedUpTo: row.logClosedUpTo, after, limit: PAGE };
      const page = await log.openEntries(query, internalCall(clock, PAGE_MS, signal));
      tooOld ||= page.tooOld || page.entries.some((entry) => entry.tooOld && this.#isMine(entry));
      if (page.entries.length > 0) await work(page.entries);
      after = page.next;
    } while (after !== null);
    if (tooOld) this.#tooOldAttach = this.#options.lease.latest(this.#options.resource)?.attach ?? 0;
    return tooOld;
  }

  /** Fences, copies, closes. Where nothing follows there is nothing to copy. */
  async #carry(record: ControlRecord, entries: readonly OpenEntry[], signal: AbortSignal): Promise<void> {
    const mine = entries.filter((entry) => this.#isMine(entry));
    for (let at = 0; at < mine.length; ) {
      const batch: OpenEntry[] = [];
      for (let keys = 0; at < mine.length && keys < MAX_KEYS; at++) {
        const entry = mine[at] as OpenEntry;
        batch.push(entry);
        keys += entry.keys.length;
      }
      await this.#carryBatch(record, batch, signal);
    }
  }

  async #carryBatch(record: ControlRecord, batch: readonly OpenEntry[], signal: AbortSignal): Promise<void> {
    const { log, clock, keys, lease, resource } = this.#options;
    const roles = this.#options.rolesOf(record);
    if (roles === null) return;
    const call = () => internalCall(clock, PAGE_MS, signal);
    if (record.state !== 'detached') {
      const distinct = new Map<string, Key>();
      for (const entry of batch)
        for (const bytes of entry.keys) distinct.set(bytes.toString('latin1'), keys.fromBytes(bytes));
      const ready = async () => lease.current(resource)?.generation === record.generation;
      const fenced = await roles.authority.touchMany(
        [...distinct.values()],
        { ...record, fencing: true, ready },
        call(),
      );
      if (fenced.some(({ outcome }) => outcome === 'control_changed'))
        throw new RangeError('the control record changed');
      await roles.follower.apply(
        fenced.map(({ stored }) => stored),
        call(),
      );
    }
    await Promise.all(batch.map((entry) => log.close(entry, call())));
  }
}
