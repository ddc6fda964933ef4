import { listOf, type RecordName } from './record-names.ts';

/** What is known of one record, or of one list. */
interface Known {
  readonly version: bigint;
  /** Of a record: the moment at which the request was sent that gave it last. Of a list: at which it was last shown. */
  readonly moment: number;
}

/**
 * The versions that a session was given. A list's version is the greatest of it and of its records that were read or written
 * by themselves, so a list is never older than they are. Bounded: what was not heard of for the longest is forgotten first.
 */
export class KnownVersions {
  readonly #known = new Map<RecordName, Known>();
  readonly #most: number;
  #moment = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The moment as it is now; each list that is shown begins another one. */
  get moment(): number {
    return this.#moment;
  }

  /** The version to send back; 0: none was given, or it was forgotten. */
  of(name: RecordName): bigint {
    return this.#known.get(name)?.version ?? 0n;
  }

  /** Whether a list has shown a record, or that there is none, after its own version was given: it may have shown more. */
  isShownByList(name: RecordName): boolean {
    const list = listOf(name);
    return list !== name && this.#momentOf(list) > this.#momentOf(name);
  }

  /** Notes what the answer to a request gave that was sent at `moment`. */
  raise(name: RecordName, version: bigint, moment: number): void {
    const list = listOf(name);
    if (list === name) {
      this.#moment += 1;
      this.#set(list, version, this.#moment);
    } else {
      this.#set(name, version, moment);
      this.#set(list, version, this.#momentOf(list));
    }
  }

  #momentOf(name: RecordName): number {
    return this.#known.get(name)?.moment ?? 0;
  }

  /** Neither part goes back: an answer that was overtaken by a later one says nothing new. */
  #set(name: RecordName, version: bigint, moment: number): void {
    const known = this.#known.get(name) ?? { version, moment };
    this.#known.delete(name);
    this.#known.set(name, {
      version: version > known.version ? version : known.version,
      moment: Math.max(moment, known.moment),
    });
    const oldest = this.#known.keys().next();
    if (this.#known.size > this.#most && !oldest.done) this.#known.delete(oldest.value);
  }
}
