import type { Key } from '../../domain/key.ts';
import type { Resource, Row, Value } from '../../domain/resource.ts';
import type { Seen } from '../conditional-writes.ts';
import type { MemoryTable } from './table.ts';

/** One value of a row, with when it was written. Null is a tombstone. */
interface Cell {
  readonly value: Value;
  readonly timestamp: bigint;
}

/** What a write sets of a row; what is left out stays as it is. */
export interface CellChange {
  /** All columns behind the key. */
  readonly columns?: readonly Value[];
  readonly version?: bigint | null;
  readonly deleted?: boolean | null;
  readonly writeId?: Uint8Array | null;
  readonly requests?: Uint8Array | undefined;
}

interface Cells {
  readonly columns: readonly Cell[];
  readonly version: Cell;
  readonly deleted: Cell;
  readonly writeId: Cell;
  readonly requests: Cell;
}

/**
 * Rows as Cassandra keeps them: every cell by itself, the one with the greater timestamp wins. A row is there while one of its
 * cells is not null, so one of nothing but its key can't be told from none; nothing expires. What comes of the cells is
 * kept in a {@link MemoryTable}, for reads. Every method is one synchronous step.
 */
export class MemoryCells {
  readonly #rows = new Map<string, Cells>();
  readonly #table: MemoryTable;
  readonly #none: Cells;

  constructor(resource: Resource, table: MemoryTable) {
    const never: Cell = { value: null, timestamp: -1n };
    this.#table = table;
    this.#none = {
      columns: resource.columns.slice(resource.keyLength).map(() => never),
      version: never,
      deleted: never,
      writeId: never,
      requests: never,
    };
  }

  /** The row as a linearizable read sees it. */
  see(key: Key): Seen {
    const { columns, version, deleted, writeId, requests } = this.#rows.get(key.id) ?? this.#none;
    const values = columns.map(({ value }) => value);
    const isThere = [...values, version.value, deleted.value, writeId.value].some((value) => value !== null);
    return {
      key,
      row: isThere && deleted.value !== true ? [...key.values, ...values] : null,
      version: version.value as bigint | null,
      writeId: writeId.value as Buffer | null,
      ...(requests.value !== null && { requests: requests.value as Buffer }),
    };
  }

  /** Writes cells at a timestamp. */
  write(key: Key, change: CellChange, timestamp: bigint): void {
    const before = this.#rows.get(key.id) ?? this.#none;
    const written = (cell: Cell, value: Value | undefined): Cell =>
      value === undefined ? cell : winnerOf(cell, { value, timestamp });
    this.#rows.set(key.id, {
      columns: before.columns.map((cell, i) => written(cell, change.columns?.[i])),
      version: written(before.version, change.version),
      deleted: written(before.deleted, change.deleted),
      writeId: written(before.writeId, change.writeId),
      requests: written(before.requests, change.requests),
    });
    const { row, version, requests } = this.see(key);
    this.#table.set(key, row, version ?? 0n);
    if (requests !== undefined) this.#table.setRequests(key, requests);
  }

  /** The columns of a row behind its key; of a marker all null. */
  columnsOf(row: Row | null): readonly Value[] {
    const { columns } = this.#none;
    return row === null ? columns.map(() => null) : row.slice(row.length - columns.length);
  }
}

/** At one timestamp a tombstone wins, and otherwise the greater value, whichever comes first. */
function winnerOf(a: Cell, b: Cell): Cell {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b;
  if (a.value === null || b.value === null) return a.value === null ? a : b;
  return isGreater(a.value, b.value) ? a : b;
}

/** The two are of one column's type. */
function isGreater(a: NonNullable<Value>, b: NonNullable<Value>): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) > 0;
  return a > b;
}
