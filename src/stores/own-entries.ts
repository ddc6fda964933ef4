import type { Clock, Random } from '../domain/clock.ts';
import type { LeftEntries, LogEntry } from './write-ahead-log.ts';

/** The log's unit of time, in microseconds. */
export const MINUTE_MICROS = 60_000_000n;

/** The minute since 1970 of a clock. */
export function minuteOf(clock: Clock): number {
  return Number(clock.wallMicros() / MINUTE_MICROS);
}

/** The first minute that is not older than half the time that entries are kept (docs/protocol.md, section 5). */
export function oldestTrusted(clock: Clock, ttlSeconds: number): number {
  const trustedMinutes = Math.floor(ttlSeconds / 2 / 60);
  return minuteOf(clock) - trustedMinutes;
}

/** Minutes ahead of this machine's clock in which another instance, whose clock is ahead, may have appended. */
const MINUTES_AHEAD = 2;

/** The last minute in which an incarnation may have appended, that says it has closed all up to one. */
export function lastMinute(clock: Clock, closedUpTo: number): number {
  return Math.max(minuteOf(clock), closedUpTo) + MINUTES_AHEAD;
}

interface Life {
  /** No entry goes into this minute or an earlier one. */
  closedUpTo: number;
  /** The ids of the open entries of each minute that has any; without those that were left. */
  readonly open: Map<number, Set<string>>;
  /** How many were left open in each minute that has any. */
  readonly left: Map<number, number>;
}

/**
 * The entries that this process has appended, and which of them are open. Entries that were ever begun count, whether they
 * arrived or not. Those that are left open, while the follower is away for hours, are only counted, by the minute; the
 * others are bounded by the requests under way and by what its log lets wait to be closed.
 */
export class OwnEntries {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lives = new Map<string, Life>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A new entry, open, in the minute of now, or, where the clock went back, in the first that is not closed. */
  begin(incarnation: string): LogEntry {
    const life = this.#lifeOf(incarnation);
    const minute = Math.max(minuteOf(this.#clock), life.closedUpTo + 1);
    const entry = { incarnation, minute, id: this.#random.id() };
    const open = life.open.get(minute);
    if (open === undefined) life.open.set(minute, new Set([entry.id]));
    else open.add(entry.id);
    return entry;
  }

  /** The entry is closed for good. Nothing, if it is another process's. */
  end({ incarnation, minute, id }: LogEntry): void {
    const life = this.#lives.get(incarnation);
    const open = life?.open.get(minute);
    open?.delete(id);
    if (open?.size === 0) life?.open.delete(minute);
  }

  /** The entry stays open; from now on it is only counted, until {@link OwnEntries.carried}. */
  leave(entry: LogEntry): void {
    const life = this.#lives.get(entry.incarnation);
    if (!life?.open.get(entry.minute)?.has(entry.id)) return;
    this.end(entry);
    life.left.set(entry.minute, (life.left.get(entry.minute) ?? 0) + 1);
  }

  /** So many of those that were left in a minute are closed. */
  carried({ incarnation, minute, count }: LeftEntries): void {
    const life = this.#lives.get(incarnation);
    const still = (life?.left.get(minute) ?? 0) - count;
    if (still > 0) life?.left.set(minute, still);
    else life?.left.delete(minute);
  }

  /** As {@link WriteAheadLog.closedUpTo}. */
  closedUpTo(incarnation: string): number {
    const life = this.#lifeOf(incarnation);
    let closed = minuteOf(this.#clock) - 1;
    for (const minutes of [life.open, life.left]) {
      for (const minute of minutes.keys()) if (minute <= closed) closed = minute - 1;
    }
    life.closedUpTo = Math.max(life.closedUpTo, closed);
    return life.closedUpTo;
  }

  /** One for each time that the instance was declared dead: too few to forget. */
  #lifeOf(incarnation: string): Life {
    let life = this.#lives.get(incarnation);
    if (life === undefined) {
      life = { closedUpTo: 0, open: new Map(), left: new Map() };
      this.#lives.set(incarnation, life);
    }
    return life;
  }
}
