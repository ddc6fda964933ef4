/**
 * What a record holds, as the journal knows it: `=` and the note, {@link NO_NOTE}, or null where there is no record.
 * Every write brings a note that no other write ever had, so the note says which write a read has seen.
 */
export type Content = string | null;

/** A record without a note. */
export const NO_NOTE = 'none';

/** The content of a record with this note. */
export function contentOf(note: string | null | undefined): Content {
  return note === null || note === undefined ? NO_NOTE : `=${note}`;
}

/** One write of one record. */
export interface WriteEntry {
  readonly content: Content;
  /** On the monotonic clock, before the request was sent. */
  readonly sentMs: number;
  /** After its acknowledgement came; infinite while that is not so. */
  acknowledgedMs: number;
  /** `unknown`: it may have been committed, and may be still. `refused`: it was not. */
  state: 'under_way' | 'acknowledged' | 'unknown' | 'refused';
}

/** A read that returned something older than what was acknowledged before the read began. */
export interface StaleRead {
  readonly name: string;
  readonly beganMs: number;
  readonly found: Content;
  readonly acknowledged: Content;
  readonly acknowledgedMs: number;
}

/** What must be in the stores in the end: one of these contents. */
export interface FinalContent {
  readonly name: string;
  readonly allowed: readonly Content[];
}

/**
 * Every write of every record in order, and the judgement of reads by it. Writes of one record come one at a time, and a
 * record whose last write has an unknown outcome must not be written again: that write may still take effect later.
 */
export class RecordJournal {
  readonly #records = new Map<string, WriteEntry[]>();
  readonly #byParent = new Map<string, string[]>();

  /** Takes in a record as it was before the first write. */
  know(name: string, content: Content): void {
    const entry: WriteEntry = { content, sentMs: -Infinity, acknowledgedMs: -Infinity, state: 'acknowledged' };
    this.#records.set(name, [entry]);
    const parent = parentOf(name);
    const siblings = this.#byParent.get(parent);
    if (siblings === undefined) this.#byParent.set(parent, [name]);
    else siblings.push(name);
  }

  /** Notes a write that is about to be sent. */
  begin(name: string, content: Content, sentMs: number): WriteEntry {
    if (!this.#records.has(name)) this.know(name, null);
    const entry: WriteEntry = { content, sentMs, acknowledgedMs: Infinity, state: 'under_way' };
    this.#records.get(name)?.push(entry);
    return entry;
  }

  /** All records of a parent that exist or ever did. */
  namesOf(parent: string): readonly string[] {
    return this.#byParent.get(parent) ?? [];
  }

  /**
   * Judges a read that has just ended: it must show the last write that was acknowledged before it began, or a later one.
   * Null: it does.
   */
  judge(name: string, found: Content, beganMs: number): StaleRead | null {
    const entries = this.#records.get(name);
    if (entries === undefined) return null;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i];
      if (entry === undefined || entry.state === 'refused') continue;
      if (entry.content === found) return null;
      if (entry.acknowledgedMs > beganMs) continue;
      const { content: acknowledged, acknowledgedMs } = entry;
      return { name, beganMs, found, acknowledged, acknowledgedMs };
    }
    return null;
  }

  /** What each record that was written must hold in the end. */
  finalContents(): FinalContent[] {
    const finals: FinalContent[] = [];
    for (const [name, entries] of this.#records) {
      if (entries.length < 2) continue;
      finals.push({ name, allowed: allowedContents(entries) });
    }
    return finals;
  }
}

function allowedContents(entries: readonly WriteEntry[]): Content[] {
  const allowed: Content[] = [];
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry === undefined || entry.state === 'refused') continue;
    allowed.push(entry.content);
    if (entry.state === 'acknowledged') break;
  }
  return allowed;
}

/** `patients/{patient}` of a medication's name. */
export function parentOf(name: string): string {
  return name.slice(0, name.indexOf('/', 'patients/'.length));
}
