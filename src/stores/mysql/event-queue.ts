import type { LogEvent } from '../change-log.ts';
import { MAX_READ_AHEAD_BYTES, MAX_READ_AHEAD_EVENTS } from './binlog-limits.ts';

/** What a queue asks of the connection that fills it. */
export interface QueueSource {
  /** The queue is full: send no more for now. */
  pause(): void;
  /** There is room again. */
  resume(): void;
}

/** What a queue was left with. */
type End = { readonly error: unknown } | 'ended' | null;

/**
 * Events between the connection, which is pushed by the network, and a consumer, which pulls. Bounded: past its bounds it
 * pauses the connection.
 */
export class EventQueue {
  readonly #source: QueueSource;
  #events: LogEvent[] = [];
  #bytes = 0;
  #paused = false;
  #end: End = null;
  #wake: (() => void) | null = null;

  constructor(source: QueueSource) {
    this.#source = source;
  }

  push(event: LogEvent): void {
    if (this.#end !== null) return;
    this.#events.push(event);
    if (this.#wake !== null) this.notify();
  }

  /** Accounts for an event of the log after its events were pushed, and pauses the connection if that was enough. */
  account(bytes: number): void {
    this.#bytes += bytes;
    if (this.#paused || this.#events.length === 0) {
      if (this.#events.length === 0) this.#bytes = 0;
      return;
    }
    if (this.#events.length < MAX_READ_AHEAD_EVENTS && this.#bytes < MAX_READ_AHEAD_BYTES) return;
    this.#paused = true;
    this.#source.pause();
  }

  /** Nothing follows. What was pushed can still be taken. */
  end(): void {
    this.#end ??= 'ended';
    this.notify();
  }

  /** Nothing follows because of an error, which `take` throws after what was pushed before. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.notify();
  }

  /** Drops what was not taken, and ends. */
  discard(): void {
    this.#end = 'ended';
    this.#events = [];
    this.notify();
  }

  /** Lets a waiting `take` look again. */
  notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /**
   * Everything pushed so far, at least one event, as soon as there is one; null: the end. `last` adds an event behind the
   * others, if it has one.
   */
  async take(last: () => LogEvent | null): Promise<readonly LogEvent[] | null> {
    for (;;) {
      const added = this.#end === null ? last() : null;
      if (added !== null) this.#events.push(added);
      if (this.#events.length > 0) return this.#empty();
      if (this.#end === 'ended') return null;
      if (this.#end !== null) throw this.#end.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #empty(): readonly LogEvent[] {
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#source.resume();
    }
    return events;
  }
}
