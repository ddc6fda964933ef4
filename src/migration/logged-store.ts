/*
 * The target as the authority (docs/protocol.md, section 5). It has no log that says which keys were changed, so every
 * write is announced in a write-ahead log first, and its entry stays open until the follower has the write:
 *
 *   append the entry  ┐
 *   read at SERIAL    ┴─> lease still the same? ─> conditional update ─> follower ─> entry closed
 *
 * An entry whose write ended without the follower is left open, and the log's keeper carries it (`log-keeper.ts`).
 */
import type { Clock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { Guard, RecordStore, Written, WrittenEntry } from '../stores/record-store.ts';
import type { LeftEntries, LogEntry, WriteAheadLog } from '../stores/write-ahead-log.ts';
import type { Lease } from './lease.ts';

/** What a logged store needs. */
export interface LoggedStoreOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly store: RecordStore;
  readonly log: WriteAheadLog;
  readonly lease: Pick<Lease, 'incarnation' | 'current'>;
  readonly hand: OwnHand;
  readonly clock: Clock;
}

/** How long closing an entry may take: the log repeats what fails. */
const CLOSE_MS = 2_000;

/** The entries of this process for one resource, from their beginning to their end. */
export class OwnHand {
  /** Those that a request works under: nobody else may close them. */
  readonly #held = new Set<string>();
  /** By incarnation and minute: counts, as the follower may be away for hours. */
  readonly #left = new Map<string, LeftEntries>();
  #closing = 0;

  /** Those that were left open and are not known to be carried. What is left from now on is not among them. */
  get left(): readonly LeftEntries[] {
    return [...this.#left.values()];
  }

  /** Whether nothing is open. */
  get isIdle(): boolean {
    return this.#held.size === 0 && this.#left.size === 0 && this.#closing === 0;
  }

  /** Whether a request works under this entry. */
  holds(id: string): boolean {
    return this.#held.has(id);
  }

  take(id: string): void {
    this.#held.add(id);
  }

  /** The request is done with the entry, which is being closed. One that fails to close stays counted. */
  close(id: string, closed: Promise<void>): void {
    this.#held.delete(id);
    this.#closing += 1;
    closed.then(
      () => {
        this.#closing -= 1;
      },
      () => {},
    );
  }

  /** The request is done with the entry, which stays open. */
  leave({ id, incarnation, minute }: LogEntry): void {
    this.#held.delete(id);
    this.#count({ incarnation, minute, count: 1 });
  }

  /** These of those that were left are carried. */
  carried(left: readonly LeftEntries[]): void {
    for (const one of left) this.#count({ ...one, count: -one.count });
  }

  #count({ incarnation, minute, count }: LeftEntries): void {
    const place = `${incarnation}/${minute}`;
    const sum = (this.#left.get(place)?.count ?? 0) + count;
    if (sum > 0) this.#left.set(place, { incarnation, minute, count: sum });
    else this.#left.delete(place);
  }
}

/** Puts the log in front of the target's writes. Its answers carry the entry, to be closed when the follower has them. */
export function createLoggedStore(options: LoggedStoreOptions): RecordStore {
  const { store } = options;
  return {
    ...store,
    write: async (change, guard, call) => {
      const entry = new Entry(options, [change.key], guard, call);
      const written = await entry.during(() => store.write(change, entry.guard, call), endsUnknown);
      return written.outcome === 'control_changed' ? written : { ...written, entry };
    },
    writeMany: async (changes, guard, call) => {
      const keys = changes.map(({ key }) => key);
      const entry = new Entry(options, keys, guard, call);
      return withEntry(await entry.during(() => store.writeMany(changes, entry.guard, call), endsUnknown), entry);
    },
    touchMany: async (keys, guard, call) => {
      if (guard.fencing || keys.length === 0) return store.touchMany(keys, guard, call);
      const entry = new Entry(options, keys, guard, call);
      const written = await entry.during(
        () => store.touchMany(keys, entry.guard, call),
        () => true,
      );
      return withEntry(written, entry);
    },
  };
}

/** One entry names all keys, and goes with the first answer. */
function withEntry(written: readonly Written[], entry: WrittenEntry): readonly Written[] {
  return written.map((one, i): Written => (i === 0 && one.outcome !== 'control_changed' ? { ...one, entry } : one));
}

/** Whether an error leaves open if the write was done: every other one says that nothing was. */
function endsUnknown(error: unknown): boolean {
  return !isDomainError(error) || error.kind === 'unknown';
}

/** One entry from its append to its end. */
class Entry implements WrittenEntry {
  /** With the question whether everything that the write stands on still holds. */
  readonly guard: Guard;
  readonly #options: LoggedStoreOptions;
  readonly #incarnation: string;
  #appended: Promise<LogEntry> | undefined;
  #begun: LogEntry | undefined;

  constructor(options: LoggedStoreOptions, keys: readonly Key[], guard: Guard, call: Call) {
    const { log, lease, resource, hand } = options;
    this.#options = options;
    this.#incarnation = lease.incarnation;
    const onBegun = (entry: LogEntry): void => {
      hand.take(entry.id);
      this.#begun = entry;
    };
    const append = (): Promise<LogEntry> =>
      log.append({ incarnation: this.#incarnation, resource, keys, onBegun }, call);
    this.guard = {
      ...guard,
      announce: (others) => {
        const entry = new Entry(options, others, guard, call);
        return { guard: entry.guard, entry };
      },
      ready: async () => {
        this.#appended ??= append();
        await this.#appended;
        return this.#holds(guard);
      },
    };
  }

  /** Does the write; closes the entry where nothing was done under it, and leaves it where that is not known. */
  async during<Result extends Written | readonly Written[]>(
    write: () => Promise<Result>,
    isDoubtful: (error: unknown) => boolean,
  ): Promise<Result> {
    try {
      const result = await write();
      const [first] = (Array.isArray(result) ? result : [result]) as readonly Written[];
      if (first?.outcome === 'control_changed') this.#end(true);
      return result;
    } catch (error) {
      this.#end(!isDoubtful(error));
      throw error;
    }
  }

  carried(): void {
    this.#end(true);
  }

  left(): void {
    this.#end(false);
  }

  /** The incarnation is unbroken and the lease valid now, under the control record that the write was begun with. */
  #holds({ epoch, generation }: Guard): boolean {
    const { lease, resource } = this.#options;
    const now = lease.current(resource);
    return lease.incarnation === this.#incarnation && now?.epoch === epoch && now.generation === generation;
  }

  #end(isDone: boolean): void {
    const { log, hand, clock } = this.#options;
    const entry = this.#begun;
    if (entry === undefined) return;
    // The log repeats a closing that fails, and closes by itself what it could not append.
    if (isDone) {
      hand.close(entry.id, log.close(entry, internalCall(clock, CLOSE_MS)));
    } else {
      log.leave(entry);
      hand.leave(entry);
    }
  }
}
