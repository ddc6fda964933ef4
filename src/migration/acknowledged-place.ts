import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { internalCall } from '../stores/call.ts';
import type { ChangeLog, Checkpoint } from '../stores/change-log.ts';
import type { CaptureSettings } from './capture-settings.ts';
import type { Batch } from './fold.ts';
import { slept } from './task-lease.ts';

/** The most barriers met by one call. */
const MAX_BARRIERS_AT_ONCE = 100;
/** How long writing a checkpoint may take, in pauses between two. */
const CHECKPOINT_CALL = 5;

/** What an {@link AcknowledgedPlace} needs of its session of capture. */
export interface AcknowledgedPlaceOptions {
  readonly changeLog: ChangeLog;
  /** From where on, and for which epoch and attach number. */
  readonly checkpoint: Checkpoint;
  /** Whether the checkpoint is the epoch before's, which may have left outside changes untouched: none may get lost. */
  readonly resumed: boolean;
  /** Told at once of barriers that are met, before the other instances can see it. */
  readonly onBarriersMet: (ids: readonly string[]) => void;
  /** Repeats a call while its store is away. */
  readonly untilDone: <T>(signal: AbortSignal, attempt: () => Promise<T>) => Promise<T>;
  /** Aborted when the session is over. */
  readonly over: AbortSignal;
  readonly settings: Pick<CaptureSettings, 'checkpointMs' | 'idleCheckpointMs' | 'callMs'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Up to where a session of capture has acknowledged everything, and what is told of it: barriers at once, checkpoints
 * every now and then. A checkpoint passes a barrier only when that is met.
 */
export class AcknowledgedPlace {
  readonly #options: AcknowledgedPlaceOptions;
  #acknowledged: Pick<Checkpoint, 'position' | 'begun'>;
  /** Whether anything was done since the last checkpoint. */
  #worked = false;
  #met: string[] = [];
  #meeting: Promise<void> | null = null;

  constructor(options: AcknowledgedPlaceOptions) {
    this.#options = options;
    this.#acknowledged = options.checkpoint;
  }

  /** In the log. */
  get position(): string {
    return this.#acknowledged.position;
  }

  /** A batch, and all before it, is acknowledged. */
  advance({ position, begun, barriers }: Pick<Batch, 'position' | 'begun' | 'barriers'>, worked: boolean): void {
    if (position !== null) this.#acknowledged = { position, begun };
    if (worked || barriers.length > 0) this.#worked = true;
    if (barriers.length === 0) return;
    this.#options.onBarriersMet(barriers);
    this.#met.push(...barriers);
    this.#meeting ??= this.#meet();
  }

  /** Tells the other instances of met barriers. Never rejects. */
  async #meet(): Promise<void> {
    const { changeLog, clock, settings, log, untilDone, over } = this.#options;
    try {
      while (this.#met.length > 0) {
        const ids = this.#met.slice(0, MAX_BARRIERS_AT_ONCE);
        await untilDone(over, () => changeLog.meetBarriers(ids, internalCall(clock, settings.callMs, over)));
        this.#met = this.#met.slice(ids.length);
      }
    } catch (error) {
      if (!over.aborted) log.warn('barriers that were met could not be marked; their waiters ask again', { error });
    }
    this.#meeting = null;
  }

  /** Writes checkpoints until the signal aborts, and a last one then. Never rejects. */
  async writeCheckpoints(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#options;
    let written = this.#acknowledged;
    let writtenMs = clock.monotonicMs();
    for (let last = false; !last; ) {
      last = !(await slept(clock, settings.checkpointMs, signal));
      const next = this.#acknowledged;
      // A checkpoint is a transaction too: without this it would make the log grow for ever, and itself necessary.
      // Until the epoch's own beginning is behind it, a successor must know that the checkpoint was the epoch before's.
      if (this.#options.resumed && !next.begun) continue;
      const due = last || this.#worked || clock.monotonicMs() - writtenMs >= settings.idleCheckpointMs;
      if (!due || next.position === written.position) continue;
      await this.#meeting;
      if (last && this.#met.length > 0) return;
      if (!(await this.#writeCheckpoint(next))) continue;
      written = next;
      writtenMs = clock.monotonicMs();
    }
  }

  async #writeCheckpoint(acknowledged: Pick<Checkpoint, 'position' | 'begun'>): Promise<boolean> {
    const { changeLog, checkpoint, clock, settings, log } = this.#options;
    this.#worked = false;
    const call = internalCall(clock, settings.checkpointMs * CHECKPOINT_CALL);
    try {
      await changeLog.writeCheckpoint({ ...checkpoint, ...acknowledged }, call);
      return true;
    } catch (error) {
      this.#worked = true;
      log.warn('a checkpoint of capture could not be written; trying again', { error });
      return false;
    }
  }
}
