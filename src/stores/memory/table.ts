import { createIndexCodecs, type IndexCodec } from '../../domain/index-entry.ts';
import { createKeyCodec, type Key } from '../../domain/key.ts';
import type { Resource, Row } from '../../domain/resource.ts';
import type { ListQuery, LookupQuery, Stored, WalkPage, WalkRange } from '../record-store.ts';
import { NO_REQUESTS } from '../remembered-requests.ts';

interface Entry {
  readonly key: Key;
  row: Row | null;
  /** 0: never written through the service. */
  version: bigint;
  requests?: Buffer;
  /** The version at which it remembers them. */
  requestsAt?: bigint;
}

/** The records and stored versions of one resource in memory, in key order. Every method is one synchronous step. */
export class MemoryTable {
  readonly #entries = new Map<string, Entry>();
  readonly #parentLength: number;
  readonly #remembers: boolean;
  readonly #codec: ReturnType<typeof createKeyCodec>;
  readonly #indexes: readonly IndexCodec[];
  /** The ids in key order; null after a key was added. */
  #sorted: string[] | null = [];

  constructor(resource: Resource) {
    this.#parentLength = resource.parentLength;
    this.#remembers = resource.remembersRequests ?? false;
    this.#codec = createKeyCodec(resource);
    this.#indexes = createIndexCodecs(resource);
  }

  /** The record with this key, or its absence. */
  get(key: Key): Stored {
    const entry = this.#entries.get(key.id);
    return entry === undefined ? { key, row: null, version: 0n } : storedOf(entry);
  }

  /** Sets the row, and the version if one is given. */
  set(key: Key, row: Row | null, version?: bigint): void {
    const entry = this.#entries.get(key.id);
    if (entry === undefined) {
      this.#entries.set(key.id, { key, row, version: version ?? 0n });
      this.#sorted = null;
      return;
    }
    entry.row = row;
    if (version !== undefined) entry.version = version;
  }

  /** Sets what a record that is there, or was, remembers of requests, unless that is of a newer version. */
  setRequests(key: Key, requests: Buffer, version = 0n): void {
    const entry = this.#entries.get(key.id);
    if (entry === undefined || version < (entry.requestsAt ?? 0n)) return;
    entry.requests = requests;
    entry.requestsAt = version;
  }

  /** Of deleted records too; 0: none. */
  highestVersion(): bigint {
    return [...this.#entries.values()].reduce((highest, { version }) => (version > highest ? version : highest), 0n);
  }

  /** Live records of one parent in key order, or its reverse. */
  list({ parent, after, limit, descending = false }: ListQuery): Stored[] {
    const prefix = this.#codec.fromValues(parent.slice(0, this.#parentLength)).id;
    const found: Stored[] = [];
    const ids = this.#ids();
    const first = descending
      ? lastBefore(ids, after?.id, prefix)
      : firstAfter(ids, after?.id ?? prefix, after === null);
    for (let i = first; i >= 0 && i < ids.length; i += descending ? -1 : 1) {
      const entry = this.#at(ids, i);
      if (entry === undefined || found.length >= limit || !entry.key.id.startsWith(prefix)) break;
      if (entry.row !== null) found.push(storedOf(entry));
    }
    return found;
  }

  /** Live records with the same values in an index, in key order. */
  lookup({ index, values, after, limit }: LookupQuery): Stored[] {
    const codec = this.#indexes.find((one) => one.index.name === index.name);
    const found: Stored[] = [];
    const ids = this.#ids();
    for (let i = after === null ? 0 : firstAfter(ids, after.id, false); i < ids.length; i++) {
      const entry = this.#at(ids, i);
      if (found.length >= limit) break;
      if (entry?.row && codec?.has(entry.row, values)) found.push(storedOf(entry));
    }
    return found;
  }

  /** Live records whose values an index takes for the same. */
  inEntry(codec: IndexCodec, entry: Buffer): Stored[] {
    return [...this.#entries.values()].filter(({ row }) => row !== null && codec.entryOf(row)?.equals(entry));
  }

  /** Ranges of `chunkRows` entries; the first has no beginning and the last no end, so that they cover what comes later. */
  *split(chunkRows: number): Generator<WalkRange> {
    const ids = [...this.#ids()];
    let from = '';
    let i = chunkRows;
    for (; i < ids.length; i += chunkRows) {
      const to = hex(ids[i] ?? '');
      yield { range: `${from}-${to}`, expectedRows: chunkRows };
      from = to;
    }
    yield { range: `${from}-`, expectedRows: ids.length - (i - chunkRows) };
  }

  /** One page of a range `from-to` (to is exclusive), in key order. */
  walk(range: string, after: string | null, limit: number): WalkPage {
    const [from = '', to = ''] = range.split('-').map(fromHex);
    const records: Stored[] = [];
    const ids = this.#ids();
    const start = after === null ? firstAfter(ids, from, true) : firstAfter(ids, fromHex(after), false);
    for (let i = start; i < ids.length; i++) {
      const entry = this.#at(ids, i);
      if (entry === undefined || (to !== '' && entry.key.id >= to)) break;
      if (records.length >= limit) return { records, next: hex(records.at(-1)?.key.id ?? '') };
      if (entry.row !== null || entry.version > 0n) records.push(this.#walked(entry));
    }
    return { records, next: null };
  }

  /** A record that remembers requests says so in a walk also where there are none. */
  #walked(entry: Entry): Stored {
    return this.#remembers ? { ...storedOf(entry), requests: entry.requests ?? NO_REQUESTS } : storedOf(entry);
  }

  #ids(): readonly string[] {
    this.#sorted ??= [...this.#entries.keys()].sort(byBytes);
    return this.#sorted;
  }

  #at(ids: readonly string[], index: number): Entry | undefined {
    return this.#entries.get(ids[index] ?? '');
  }
}

function storedOf({ key, row, version, requests }: Entry): Stored {
  return requests === undefined ? { key, row, version } : { key, row, version, requests };
}

/** Ids hold one byte a character, so the order of their characters is the order of the keys. */
function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The index of the first id after `id`, or, if `inclusive`, of `id` itself or the first after it. */
function firstAfter(ids: readonly string[], id: string, inclusive: boolean): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = byBytes(ids[middle] ?? '', id);
    if (order < 0 || (order === 0 && !inclusive)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the last id before `id`, or, without one, of the last that begins with `prefix`; -1: there is none. */
function lastBefore(ids: readonly string[], id: string | undefined, prefix: string): number {
  if (id !== undefined) return firstAfter(ids, id, true) - 1;
  // No id has a character above a byte's, so that this one comes after all that begin with the prefix.
  return firstAfter(ids, `${prefix}\u0100`, true) - 1;
}

function hex(id: string): string {
  return Buffer.from(id, 'latin1').toString('hex');
}

function fromHex(text: string): string {
  return Buffer.from(text, 'hex').toString('latin1');
}
