import { DomainError } from '../../domain/errors.ts';
import { createKeyCodec, type Key, type KeyCodec, type KeyValue, MAX_KEY_BYTES } from '../../domain/key.ts';
import { type ColumnType, type Resource, sameValue, type Value } from '../../domain/resource.ts';
import type { LogEvent } from '../change-log.ts';
import type { LogCursor, LoggedColumn } from './binlog-columns.ts';
import { isShortString, type RowLayout, type WantedColumn } from './binlog-rows.ts';

/** What a row event did. */
export type RowOperation = 'write' | 'update' | 'delete';

/** Takes events out of the rows of one event, from the cursor up to `end`. */
export type ReadRows = (
  operation: RowOperation,
  before: RowLayout,
  after: RowLayout,
  cursor: LogCursor,
  end: number,
) => void;

/** A table whose rows are read. */
export interface ReadTable {
  /** Which columns are read, in the order in which `rows` gets them. */
  readonly wanted: readonly WantedColumn[];
  /** Throws a RangeError if a table in the log can't be this one. */
  check(columns: readonly LoggedColumn[]): void;
  readonly rows: ReadRows;
}

/** The tables that concern one resource. */
export interface ReadTables {
  readonly resource: ReadTable;
  /** Crossfade's own, by name. */
  readonly control: Readonly<Record<'crossfade_version' | 'crossfade_barrier' | 'crossfade_control', ReadTable>> & {
    /** Only of a resource whose records remember requests. */
    readonly crossfade_request?: ReadTable;
  };
  /** A transaction begins. */
  begin(): void;
}

const NAME: ColumnType = { kind: 'string', maxChars: 40, maxBytes: 40, padSpace: false };
const BYTES: ColumnType = { kind: 'bytes', maxBytes: MAX_KEY_BYTES, fixed: false };
const UINT32: ColumnType = { kind: 'int', bits: 32, unsigned: true };
const UINT64: ColumnType = { kind: 'int', bits: 64, unsigned: true };

/** Compiles what is read of each table. `emit` gets the events, in the log's order; `onRemoved` each deleted row, after its event. */
export function compileTables(
  resource: Resource,
  emit: (event: LogEvent) => void,
  onRemoved: ((row: readonly Value[]) => void) | null = null,
): ReadTables {
  const codec = createKeyCodec(resource);
  const bumps = new Bumps(codec);
  const version = controlTable(
    resource,
    [wanted('key', BYTES), wanted('version', UINT64)],
    true,
    ([, bytes, version]) => {
      const key = codec.fromBytes(bytes as Buffer);
      bumps.add(key);
      emit({ type: 'bump', key, version: version as bigint });
    },
  );
  const memory = [wanted('key', BYTES), wanted('requests', BYTES)];
  const requests = controlTable(resource, memory, true, ([, bytes, remembered]) => {
    // The event's bytes are not ours to keep.
    emit({ type: 'requests', key: codec.fromBytes(bytes as Buffer), requests: Buffer.from(remembered as Buffer) });
  });
  const barrier = controlTable(resource, [wanted('id', NAME)], false, ([, id]) => {
    emit({ type: 'barrier', id: id as string });
  });
  const numbers = [wanted('epoch', UINT32), wanted('attach', UINT32), wanted('generation', UINT32)];
  const control = controlTable(resource, numbers, true, ([, epoch, attach, generation]) => {
    emit({ type: 'control', epoch: epoch as number, attach: attach as number, generation: generation as number });
  });
  return {
    resource: resourceTable(resource, bumps, emit, onRemoved),
    control: {
      crossfade_version: version,
      crossfade_barrier: barrier,
      crossfade_control: control,
      ...(resource.remembersRequests && { crossfade_request: requests }),
    },
    begin: () => bumps.clear(),
  };
}

function resourceTable(
  resource: Resource,
  bumps: Bumps,
  emit: (event: LogEvent) => void,
  onRemoved: ((row: readonly Value[]) => void) | null,
): ReadTable {
  const { keyLength } = resource;
  const removed = (values: readonly Value[]): void => emit({ type: 'change', key: bumps.keyOf(values), row: null });
  return {
    wanted: resource.columns.map(({ mysqlName, type }) => ({ name: mysqlName, type })),
    check: () => {},
    rows: (operation, before, after, cursor, end) => {
      cursor.unrepresentable = null;
      while (cursor.at < end) {
        if (operation === 'delete') {
          const gone = onRemoved === null ? before.readFirst(cursor, keyLength) : before.read(cursor);
          removed(gone);
          onRemoved?.(gone);
          continue;
        }
        const old = operation === 'update' ? before.readFirst(cursor, keyLength) : null;
        const row = after.read(cursor);
        if (old !== null && !sameKey(old, row)) removed(old);
        // An outside change is read again when it is touched, and the row may be correct by then.
        if (cursor.unrepresentable !== null && bumps.any) throw unrepresentable(cursor.unrepresentable);
        emit({ type: 'change', key: bumps.keyOf(row), row });
      }
    },
  };
}

/** A table of Crossfade's own: rows of other resources are skipped unread. `updates`: whether updates count too. */
function controlTable(
  resource: Resource,
  columns: readonly WantedColumn[],
  updates: boolean,
  take: (row: readonly Value[]) => void,
): ReadTable {
  const id = Buffer.from(resource.id, 'latin1');
  return {
    wanted: [wanted('resource', NAME), ...columns],
    check: ([first]) => {
      if (!isShortString(first, 'resource')) throw new RangeError('a table of Crossfade does not begin with resource');
    },
    rows: (operation, before, after, cursor, end) => {
      const counts = operation === 'write' || (updates && operation === 'update');
      while (cursor.at < end) {
        if (operation !== 'write') before.skip(cursor);
        if (operation === 'delete') continue;
        if (counts && after.startsWith(cursor, id)) take(after.read(cursor));
        else after.skip(cursor);
      }
    },
  };
}

/** The bumps of the transaction under way. */
class Bumps {
  readonly #codec: KeyCodec;
  #last: Key | null = null;

  constructor(codec: KeyCodec) {
    this.#codec = codec;
  }

  /** Whether there was one: the service made the transaction. */
  get any(): boolean {
    return this.#last !== null;
  }

  add(key: Key): void {
    this.#last = key;
  }

  clear(): void {
    this.#last = null;
  }

  /** The key of a row: most often that of the bump before it, which need not be encoded again. */
  keyOf(row: readonly Value[]): Key {
    const last = this.#last;
    return last !== null && sameKey(last.values, row) ? last : this.#codec.fromRow(row);
  }
}

function unrepresentable(column: string): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: `The column ${column} holds what its type can't show. Correct the row in MySQL.`,
    metadata: { field: column },
  });
}

/** Whether a row, or a longer one, begins with these key values. */
function sameKey(values: readonly (Value | KeyValue)[], row: readonly Value[]): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!sameValue(values[i] as Value, row[i] as Value)) return false;
  }
  return true;
}

function wanted(name: string, type: ColumnType): WantedColumn {
  return { name, type };
}
