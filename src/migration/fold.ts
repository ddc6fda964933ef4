// Folds the log into batches. A service transaction bumps a key's version before it changes the record, and is bounded:
// its changes are held until it ends, as only the last image is the content at that version. An outside transaction is
// not bounded: only its keys are kept, and go out while it streams, as a touch reads the content anyway.

import type { Key } from '../domain/key.ts';
import type { Cascade, LogEvent } from '../stores/change-log.ts';
import type { Copy, Guard } from '../stores/record-store.ts';
import { isLaterAttach } from './control-record.ts';

/** What one stretch of the log asks for. It is acknowledged when all of it is, and everything before. */
export interface Batch {
  /** The service's own changes, by key id: to be applied as they are. */
  readonly copies: ReadonlyMap<string, Copy>;
  /** Keys that outside writers changed, by id: to be touched, then applied. */
  readonly touches: ReadonlyMap<string, Key>;
  /**
   * Keys whose records remember requests of which the log has no whole copy, by id: one changed nothing, or the record was deleted. They
   * are touched, but they are the service's own.
   */
  readonly rereads: ReadonlyMap<string, Key>;
  /** Changes of parents, by id: the records that they reach are to be touched when all else is done, and everything before. */
  readonly cascades: ReadonlyMap<string, Cascade>;
  /** Barriers within the stretch. */
  readonly barriers: readonly string[];
  /** After the last transaction that ends within it; null: none does. */
  readonly position: string | null;
  /** Whether the attach's own control event is behind its end. */
  readonly begun: boolean;
  /** When the first of its transactions that asks for anything was committed, by the server's clock; 0: not known. */
  readonly committedAtMicros: bigint;
}

/** Bounds of a {@link Fold}. */
export interface FoldOptions {
  readonly guard: Guard;
  /** Whether the attach's own control event lies before the stream's beginning. */
  readonly begun: boolean;
  /**
   * Whether what lies before that event was the epoch before's, of the same attach: then outside changes count there too.
   * Default: false.
   */
  readonly resumed?: boolean;
  /** The most records of a batch. */
  readonly maxRecords: number;
  /** The most content of a batch, in bytes, roughly; one record may be larger. */
  readonly maxBytes: number;
  /** Whether records remember requests: then a marker must say what, and the log does not. Default: false. */
  readonly remembersRequests?: boolean;
  /** Whether the follower is known to have this key at this version or a newer one; `exactly`: at this one. */
  readonly alreadyAcknowledged: (keyId: string, version: bigint, exactly: boolean) => boolean;
}

/**
 * The most keys of one transaction that are held as its own changes. Beyond it the keys are touched, as an outside
 * writer's: always right, only dearer.
 */
const MAX_OWN_KEYS = 10_000;

/** Folds the events of one resource, in their order, into {@link Batch}es. */
export class Fold {
  readonly #options: FoldOptions;
  readonly #bumps = new Map<string, bigint>();
  readonly #own = new Map<string, Copy>();
  /** What the transaction's records remember of requests from now on. */
  readonly #remembered = new Map<string, Required<Pick<Copy, 'key' | 'requests'>>>();
  #copies = new Map<string, Copy>();
  #touches = new Map<string, Key>();
  #rereads = new Map<string, Key>();
  #cascades = new Map<string, Cascade>();
  /** Those of a service transaction under way: what it has written is carried only when it ends. */
  #heldCascades: Cascade[] = [];
  #unbounded: Cascade | null = null;
  #bytes = 0;
  #barriers: string[] = [];
  #position: string | null = null;
  #committedAtMicros = 0n;
  #begun: boolean;
  #superseded = false;

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#begun = options.begun;
  }

  /** Whether the log shows a later attach or epoch: nothing that follows is this capture's. */
  get superseded(): boolean {
    return this.#superseded;
  }

  /** A cascade of which nothing tells what it has reached: a gap. Null: there was none. */
  get unbounded(): Cascade | null {
    return this.#unbounded;
  }

  /** Whether the batch has as much as one may have. */
  get full(): boolean {
    const { maxRecords, maxBytes } = this.#options;
    const records = this.#copies.size + this.#touches.size + this.#rereads.size + this.#cascades.size;
    return records >= maxRecords || this.#bytes >= maxBytes;
  }

  /** Whether there is anything to hand on. */
  get pending(): boolean {
    if (this.#position !== null || this.#barriers.length > 0) return true;
    return this.#copies.size > 0 || this.#touches.size > 0 || this.#rereads.size > 0 || this.#cascades.size > 0;
  }

  /** Takes one event in. `stopped` is the caller's. */
  take(event: LogEvent): void {
    if (this.#superseded) return;
    switch (event.type) {
      case 'bump':
        if (this.#begun || this.#options.resumed) this.#bump(event.key, event.version);
        return;
      case 'requests':
        if (this.#begun) this.#remembered.set(event.key.id, { key: event.key, requests: event.requests });
        return;
      case 'change':
        if (this.#begun) this.#change(event.key, event.row);
        else if (this.#options.resumed && !this.#bumps.has(event.key.id)) this.#touch(event.key);
        return;
      case 'cascade':
        if (this.#begun || this.#options.resumed) this.#cascade(event.cascade);
        return;
      case 'barrier':
        if (this.#begun) this.#barriers.push(event.id);
        return;
      case 'control':
        this.#control(event);
        return;
      case 'commit':
        this.#commit(event.position, event.committedAtMicros);
        return;
      case 'stopped':
        return;
    }
  }

  /** Ends the batch and begins the next. A transaction that is not complete yet stays with its own changes. */
  cut(): Batch {
    const batch: Batch = {
      copies: this.#copies,
      touches: this.#touches,
      rereads: this.#rereads,
      cascades: this.#cascades,
      barriers: this.#barriers,
      position: this.#position,
      begun: this.#begun,
      committedAtMicros: this.#committedAtMicros,
    };
    this.#copies = new Map();
    this.#touches = new Map();
    this.#rereads = new Map();
    this.#cascades = new Map();
    this.#bytes = 0;
    this.#barriers = [];
    this.#position = null;
    this.#committedAtMicros = 0n;
    return batch;
  }

  #bump(key: Key, version: bigint): void {
    if (this.#bumps.size >= MAX_OWN_KEYS) this.#bumps.clear();
    this.#bumps.set(key.id, version);
  }

  #change(key: Key, row: Copy['row']): void {
    const version = this.#bumps.get(key.id);
    if (version === undefined) {
      this.#touch(key);
      return;
    }
    const remembered = this.#remembered.get(key.id);
    this.#remembered.delete(key.id);
    this.#own.set(key.id, { key, row, version, ...(remembered && { requests: remembered.requests }) });
    if (this.#own.size <= MAX_OWN_KEYS) return;
    for (const copy of this.#own.values()) this.#touch(copy.key);
    this.#own.clear();
    this.#bumps.clear();
  }

  #cascade(cascade: Cascade): void {
    if (cascade.unbounded !== null) this.#unbounded ??= cascade;
    // A service transaction is bounded; of an outside one only keys are kept, which go out while it streams.
    else if (this.#bumps.size > 0) this.#heldCascades.push(cascade);
    else this.#cascades.set(cascade.id, cascade);
  }

  /** A later write that the follower has says nothing of what this one left to be remembered. */
  #isAcknowledged({ key, version, requests }: Copy): boolean {
    return this.#options.alreadyAcknowledged(key.id, version, requests !== undefined);
  }

  /** A touch happens after all that is in the batch, so it carries the own changes of its key too. */
  #touch(key: Key): void {
    this.#own.delete(key.id);
    this.#copies.delete(key.id);
    this.#touches.set(key.id, key);
  }

  #control(event: Extract<LogEvent, { type: 'control' }>): void {
    const { guard } = this.#options;
    if (event.epoch === guard.epoch && event.attach === guard.attach) this.#begun = true;
    else if (isLaterAttach(event, guard)) this.#superseded = true;
  }

  #commit(position: string, committedAtMicros: bigint): void {
    for (const [id, { key }] of this.#remembered) this.#rereads.set(id, key);
    this.#remembered.clear();
    for (const [id, copy] of this.#own) {
      if (this.#touches.has(id) || this.#isAcknowledged(copy)) continue;
      const known = this.#copies.get(id);
      if (known !== undefined && known.version >= copy.version) continue;
      const { requests = known?.requests } = copy;
      if (copy.row === null && requests === undefined && this.#options.remembersRequests) {
        this.#copies.delete(id);
        this.#rereads.set(id, copy.key);
        continue;
      }
      this.#copies.set(id, requests === undefined ? copy : { ...copy, requests });
      // What is replaced counts too: an image of the log may keep all of its event in memory.
      this.#bytes += sizeOf(copy.row);
    }
    this.#own.clear();
    this.#bumps.clear();
    for (const cascade of this.#heldCascades) this.#cascades.set(cascade.id, cascade);
    this.#heldCascades = [];
    this.#position = position;
    if (this.#committedAtMicros === 0n) this.#committedAtMicros = committedAtMicros;
  }
}

/** Of a value of fixed size, as an object. */
const FIXED_BYTES = 16;

/** Characters stand in for bytes: the bound is a rough one. */
function sizeOf(row: Copy['row']): number {
  let bytes = 0;
  for (const value of row ?? []) {
    bytes += FIXED_BYTES;
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}
