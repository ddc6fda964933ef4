// One reign of capture: from a checkpoint on, for one epoch and attach number, by the instance that has the task. The
// order that must hold: rows are applied (or touched and applied) concurrently; a batch is acknowledged only when it
// and all before it is; what follows from that is acknowledged-place.ts.

import pLimit, { type LimitFunction } from 'p-limit';
import type { Random } from '../domain/clock.ts';
import type { Key, KeyCodec } from '../domain/key.ts';
import { internalCall } from '../stores/call.ts';
import type { LogEvent, LogStop } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Copy, FollowerStore, Guard, RecordStore } from '../stores/record-store.ts';
import { AcknowledgedPlace, type AcknowledgedPlaceOptions } from './acknowledged-place.ts';
import { Backoff, isTransient, publicText } from './backoff.ts';
import type { CaptureSettings } from './capture-settings.ts';
import { CascadeFollower, UnboundedCascade } from './cascade-follower.ts';
import { isLaterAttach } from './control-record.ts';
import { type Batch, Fold, type FoldOptions } from './fold.ts';
import { InFlight } from './in-flight.ts';
import type { HoldOutside } from './outside-writes.ts';
import { applyTouched, touchKeys } from './touch.ts';

/** Pauses between tries of one call: short, as the follower may be back at any moment. */
const RETRY = { firstMs: 50, maxMs: 1000 };
/** How often a call that fails in a way that retries do not mend is tried all the same. */
const MAX_TRIES_OF_A_REFUSAL = 4;

/** What a session needs. */
export interface CaptureSessionOptions extends Omit<AcknowledgedPlaceOptions, 'untilDone' | 'over'> {
  readonly authority: RecordStore;
  readonly follower: FollowerStore;
  readonly keys: KeyCodec;
  readonly keyLength: number;
  /** The newest control record known. */
  readonly control: () => ControlRecord | undefined;
  /** Whether the service's own changes are in the log for the first time, not as copies of what the authority has. */
  readonly carriesOwn: boolean;
  readonly alreadyAcknowledged: FoldOptions['alreadyAcknowledged'];
  readonly remembersRequests?: boolean | undefined;
  /** Takes outside changes where the target is the authority, in place of a touch; null: they are touched. */
  readonly holdOutside: HoldOutside | null;
  /** Told of each acknowledged batch. `lagMs` null: not known. */
  readonly onAcknowledged: (applied: number, touched: number, lagMs: number | null) => void;
  readonly settings: CaptureSettings;
  readonly random: Random;
}

/** Why a session ended by itself. */
export type SessionEnd =
  /** The log can't be carried on. */
  | { readonly kind: 'gap'; readonly reason: LogStop; readonly message: string }
  /** The control record has another epoch or attach number, or lets nothing be touched. */
  | { readonly kind: 'superseded' }
  /** A store refuses something for ever. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The signal aborted, or the log's link broke: to be begun again from the checkpoint. */
  | { readonly kind: 'interrupted'; readonly error?: unknown };

/** How far a session is. */
export interface SessionProgress {
  /** Up to where everything is acknowledged. */
  readonly position: string;
  /** When the oldest transaction that is not acknowledged was committed; null: none, or not known. */
  readonly waitingSinceMicros: bigint | null;
  /** Why nothing moves: the reason of the last failed call of a store; empty while all goes well. */
  readonly held: string;
}

/** Captures from a checkpoint until something ends it. Used once. */
export class CaptureSession {
  readonly #options: CaptureSessionOptions;
  readonly #fold: Fold;
  readonly #inFlight: InFlight<Batch>;
  /** While the target is the authority, the source's own changes are copies of what it has; only outside ones count. */
  readonly #carriesOwn: boolean;
  readonly #over = new AbortController();
  #end: SessionEnd | null = null;
  readonly #place: AcknowledgedPlace;
  readonly #carried = new Set<Promise<void>>();
  readonly #touches: LimitFunction;
  readonly #applies: LimitFunction;
  readonly #cascades: CascadeFollower;
  /** How many records the cascades of a batch have reached, as far as they were looked for. */
  readonly #cascaded = new WeakMap<Batch, number>();
  #held = '';

  constructor(options: CaptureSessionOptions) {
    const { checkpoint, settings, alreadyAcknowledged, resumed } = options;
    this.#options = options;
    this.#carriesOwn = options.carriesOwn;
    this.#touches = pLimit(settings.touchesInFlight);
    this.#applies = pLimit(settings.appliesInFlight);
    this.#place = new AcknowledgedPlace({
      ...options,
      untilDone: (signal, attempt) => this.#untilDone(signal, attempt),
      over: this.#over.signal,
    });
    this.#cascades = new CascadeFollower({
      ...options,
      callMs: settings.callMs,
      searchesInFlight: settings.touchesInFlight,
      untilDone: (signal, attempt) => this.#untilDone(signal, attempt),
      takeOutside: async (keys, signal) => {
        for (const some of slices(keys, (key) => key.id, settings.touchBatch)) await this.#takeOutside(some, signal);
      },
    });
    this.#fold = new Fold({
      guard: checkpoint,
      begun: checkpoint.begun,
      resumed,
      remembersRequests: options.remembersRequests ?? false,
      maxRecords: settings.foldRecords,
      maxBytes: settings.foldBytes,
      alreadyAcknowledged,
    });
    this.#inFlight = new InFlight(settings.batchesInFlight, (batch) => this.#acknowledge(batch));
  }

  /** How far it is. */
  progress(): SessionProgress {
    const oldest = this.#inFlight.oldest?.committedAtMicros ?? 0n;
    return {
      position: this.#place.position,
      waitingSinceMicros: oldest === 0n ? null : oldest,
      held: this.#held,
    };
  }

  /** Runs until the log stops, the attach ends, a store refuses something, or the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    const running = AbortSignal.any([signal, this.#over.signal]);
    const checkpoints = this.#place.writeCheckpoints(running);
    try {
      await this.#consume(running);
    } catch (error) {
      this.#finish({ kind: 'interrupted', ...(!signal.aborted && { error }) });
    } finally {
      this.#finish({ kind: 'interrupted' });
      await Promise.all([checkpoints, ...this.#carried]);
    }
    return this.#end ?? { kind: 'interrupted' };
  }

  #finish(end: SessionEnd): void {
    this.#end ??= end;
    this.#over.abort();
  }

  async #consume(signal: AbortSignal): Promise<void> {
    for await (const events of this.#options.changeLog.stream(this.#place.position, signal)) {
      for (const event of events) await this.#take(event, signal);
      this.#dispatchIfQuiet(signal);
      if (signal.aborted) return;
    }
  }

  async #take(event: LogEvent, signal: AbortSignal): Promise<void> {
    if (event.type === 'stopped') {
      await this.#endInGap(event, signal);
      return;
    }
    this.#fold.take(event);
    const { unbounded } = this.#fold;
    if (unbounded !== null) {
      await this.#endInGap({ reason: 'cascade', message: unbounded.unbounded ?? '' }, signal);
      return;
    }
    if (this.#fold.superseded) this.#finish({ kind: 'superseded' });
    if (!this.#fold.full) return;
    await this.#inFlight.room(signal);
    this.#dispatch(signal);
  }

  async #endInGap(
    { reason, message }: { readonly reason: LogStop; readonly message: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#inFlight.room(signal);
    this.#dispatch(signal);
    await this.#inFlight.idle(signal);
    this.#finish({ kind: 'gap', reason, message });
  }

  /**
   * Hands the batch on as it is while little is under way; under load it grows instead until it is full, and newer versions of a key
   * take the older ones' place.
   */
  #dispatchIfQuiet(signal: AbortSignal): void {
    if (this.#fold.pending && this.#inFlight.size < this.#options.settings.batchesInFlight / 2) this.#dispatch(signal);
  }

  #dispatch(signal: AbortSignal): void {
    if (signal.aborted) return;
    const batch = this.#fold.cut();
    const { done, turn } = this.#inFlight.begin(batch);
    const { copies, touches, rereads, cascades } = batch;
    if (copies.size + touches.size + rereads.size + cascades.size === 0) {
      done();
      return;
    }
    const carried = this.#carry(batch, turn, signal).then((all) => {
      this.#carried.delete(carried);
      if (!all) return;
      done();
      this.#dispatchIfQuiet(signal);
    });
    this.#carried.add(carried);
  }

  /** False: the session is over and the batch is given up. Never rejects. */
  async #carry(batch: Batch, turn: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      const { touchBatch, applyBatch } = this.#options.settings;
      const touches = slices([...batch.touches.values()], (key) => key.id, touchBatch);
      const rereads = this.#carriesOwn ? slices([...batch.rereads.values()], (key) => key.id, touchBatch) : [];
      const copies = this.#carriesOwn ? slices([...batch.copies.values()], (copy) => copy.key.id, applyBatch) : [];
      await Promise.all([
        ...touches.map((keys) => this.#takeOutside(keys, signal)),
        ...rereads.map((keys) => this.#touch(keys, signal)),
        ...copies.map((some) => this.#apply(some, signal)),
      ]);
      if (batch.cascades.size > 0) {
        await turn(signal);
        this.#cascaded.set(batch, await this.#cascades.follow([...batch.cascades.values()], signal));
      }
      return !signal.aborted;
    } catch (error) {
      this.#finish(signal.aborted ? { kind: 'interrupted' } : endOf(error));
      return false;
    }
  }

  async #apply(copies: readonly Copy[], signal: AbortSignal): Promise<void> {
    const { follower, clock, settings } = this.#options;
    await this.#applies(() =>
      this.#untilDone(signal, () => follower.apply(copies, internalCall(clock, settings.callMs, signal))),
    );
  }

  #takeOutside(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    return this.#options.holdOutside === null ? this.#touch(keys, signal) : this.#hold(keys, signal);
  }

  /** Has outside changes recorded; a record that is being written just then is looked at again. */
  async #hold(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    const { holdOutside, clock, settings } = this.#options;
    const backoff = new Backoff(RETRY, this.#options);
    for (let left = keys; left.length > 0; ) {
      const looked = left;
      const found = await this.#touches(() =>
        this.#untilDone(signal, async () => holdOutside?.(looked, internalCall(clock, settings.callMs, signal))),
      );
      left = found ?? [];
      if (left.length > 0) await backoff.pause(signal);
    }
  }

  /** Touches until all keys are, then applies what the touches read. */
  async #touch(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    const { authority, clock, settings } = this.#options;
    let left = keys;
    const backoff = new Backoff(RETRY, this.#options);
    while (left.length > 0) {
      if (this.#isSuperseded()) {
        this.#finish({ kind: 'superseded' });
        signal.throwIfAborted();
      }
      const touching = left;
      const touched = await this.#touches(() =>
        this.#untilDone(signal, () =>
          touchKeys(authority, touching, this.#guard(), internalCall(clock, settings.callMs, signal)),
        ),
      );
      await applyTouched(touched, () => this.#apply(touched.copies, signal));
      left = touched.refused;
      if (touched.guardLost) {
        this.#finish({ kind: 'superseded' });
        signal.throwIfAborted();
      }
      if (left.length > 0) await backoff.pause(signal);
    }
  }

  /** Whether authority has moved, or the follower was attached anew: what is left to touch is the successor's. */
  #isSuperseded(): boolean {
    const { control, checkpoint } = this.#options;
    const now = control();
    return now !== undefined && isLaterAttach(now, checkpoint);
  }

  /** An authority that keeps no control record beside its records believes what it is told. */
  #guard(): Guard {
    const { control, checkpoint } = this.#options;
    const now = control();
    return now?.epoch === checkpoint.epoch && now.attach === checkpoint.attach ? now : checkpoint;
  }

  /** Repeats a call while its store is away: capture holds its place, it never skips. */
  async #untilDone<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(RETRY, this.#options);
    for (let refusals = 0; ; ) {
      signal.throwIfAborted();
      try {
        const result = await attempt();
        this.#held = '';
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error)) refusals += 1;
        if (refusals >= MAX_TRIES_OF_A_REFUSAL) throw error;
        if (this.#held === '') this.#options.log.warn('capture holds: a store does not take what it must', { error });
        this.#held = publicText(error);
        await backoff.pause(signal);
      }
    }
  }

  #acknowledge(batch: Batch): void {
    const { clock, onAcknowledged } = this.#options;
    const touched = batch.touches.size + (this.#cascaded.get(batch) ?? 0);
    const rows = (this.#carriesOwn ? batch.copies.size : 0) + touched;
    if (rows > 0) {
      const lagMicros = clock.wallMicros() - batch.committedAtMicros;
      const lagMs = batch.committedAtMicros === 0n ? null : Math.max(0, Number(lagMicros) / 1000);
      onAcknowledged(rows, touched, lagMs);
    }
    this.#place.advance(batch, rows > 0);
  }
}

/** What a failure that retries do not mend ends a session as. */
function endOf(error: unknown): SessionEnd {
  if (error instanceof UnboundedCascade) return { kind: 'gap', reason: 'cascade', message: error.message };
  return { kind: 'refused', message: publicText(error) };
}

/** Slices of at most `size`, in the order of the keys where there are several: so those of one partition go together. */
function slices<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string,
  size: number,
): readonly (readonly Item[])[] {
  if (items.length <= size) return items.length === 0 ? [] : [items];
  const sorted = items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => sorted.slice(i * size, (i + 1) * size));
}
