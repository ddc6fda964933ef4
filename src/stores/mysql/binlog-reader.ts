import type { Resource } from '../../domain/resource.ts';
import type { LogEvent, LogStop } from '../change-log.ts';
import type { LogCursor } from './binlog-columns.ts';
import { type BinlogSink, EVENT_HEADER_BYTES, EVENT_TYPE_AT, type LoggedTable } from './binlog-connection.ts';
import { MAX_STATEMENT_BYTES } from './binlog-limits.ts';
import { PartialImage, RowLayout } from './binlog-rows.ts';
import { classifyStatement, type WatchedTables } from './binlog-statements.ts';
import { compileTables, type ReadTable, type ReadTables, type RowOperation } from './binlog-tables.ts';
import { compileCascades } from './cascade-events.ts';
import type { CascadeRule } from './cascade-rules.ts';
import { type GtidPosition, MysqlGtids } from './gtid-set.ts';

/** The events of the log that are looked at (`Log_event_type`). */
const EVENT = {
  query: 2,
  xid: 16,
  beginLoadQuery: 17,
  executeLoadQuery: 18,
  tableMap: 19,
  incident: 26,
  gtid: 33,
  anonymousGtid: 34,
  xaPrepare: 38,
  partialUpdate: 39,
  transactionPayload: 40,
  taggedGtid: 42,
  mariadbGtid: 162,
} as const;

/** Row events by type: version 1 of MariaDB, version 2 of MySQL. */
const ROW_EVENTS: ReadonlyMap<number, { readonly operation: RowOperation; readonly version: 1 | 2 }> = new Map([
  [23, { operation: 'write', version: 1 }],
  [24, { operation: 'update', version: 1 }],
  [25, { operation: 'delete', version: 1 }],
  [30, { operation: 'write', version: 2 }],
  [31, { operation: 'update', version: 2 }],
  [32, { operation: 'delete', version: 2 }],
]);

/** MariaDB's compressed events, from `QUERY_COMPRESSED_EVENT` to `DELETE_ROWS_COMPRESSED_EVENT`. */
const FIRST_COMPRESSED = 165;
const LAST_COMPRESSED = 171;

/** Where a QUERY event has the lengths of its schema and its status variables, and how long it is without them. */
const QUERY_SCHEMA_LENGTH_AT = EVENT_HEADER_BYTES + 8;
const QUERY_STATUS_LENGTH_AT = EVENT_HEADER_BYTES + 11;
const QUERY_FIXED_BYTES = EVENT_HEADER_BYTES + 13;
const BEGIN = Buffer.from('BEGIN');

/** Where a GTID event has its source, its number, and, if it is long enough, when its transaction was committed. */
const GTID_SOURCE_AT = EVENT_HEADER_BYTES + 1;
const GTID_NUMBER_AT = GTID_SOURCE_AT + 16;
const GTID_COMMITTED_AT = GTID_NUMBER_AT + 8 + 17;
const MICROS_BYTES = 7;
/** The top bit of the commit time says that the original server's follows. */
const MICROS_FLAG = 0x80;

/** A table of the log while its id means it. */
interface OpenTable {
  readonly name: string;
  readonly read: ReadTable;
  readonly columns: NonNullable<LoggedTable['columns']>;
  /** The TABLE_MAP event without its header: the next one is most often the same. */
  readonly map: Buffer;
  /** Layouts by the event's bitmap of columns, which is always the same one unless a setting was changed. */
  readonly layouts: Map<string, RowLayout>;
}

/** What is read. */
export interface ReaderScope {
  readonly resource: Resource;
  /** Which changes of other tables reach the resource's. */
  readonly cascades: readonly CascadeRule[];
  /** The schema of Crossfade's own tables. */
  readonly controlSchema: string;
  /** Whether the server keeps tables' names in lower case, whatever statements and config say. */
  readonly foldsNames: boolean;
}

/** Where the reader puts what it read. */
export interface ReaderOutput {
  emit(event: LogEvent): void;
  /** So many bytes of the log were dealt with. */
  account(bytes: number): void;
  /** The ends of transactions without events wait to be told. */
  foreignCommit(): void;
  /** Nothing can follow; the last event said why. */
  stopped(): void;
  failed(error: unknown): void;
}

/** Turns the events of the binary log into those of the port, for one resource. One object for one stream. */
export class BinlogReader implements BinlogSink {
  readonly #output: ReaderOutput;
  readonly #position: GtidPosition;
  readonly #scope: ReaderScope;
  readonly #watched: WatchedTables;
  readonly #compiled: ReadTables;
  /** By {@link BinlogReader.#tableName}. */
  readonly #tables: ReadonlyMap<string, ReadTable>;
  readonly #open = new Map<number, OpenTable>();
  readonly #cursor: LogCursor = { bytes: Buffer.alloc(0), at: 0, unrepresentable: null };
  readonly #source = Buffer.alloc(16);
  #sourceText = '';
  #number = 0;
  /** The transaction under way, unless it is a plain one of MySQL's, which `#sourceText` and `#number` name. */
  #gtid: string | null = null;
  #inTransaction = false;
  #inStatements = false;
  #emitted = false;
  #committedAtMicros = 0n;
  #foreignMicros: bigint | null = null;
  /** The bytes of the TABLE_MAP event that is being decoded. */
  #map: Buffer | null = null;
  #stopped = false;

  /** `position` is where to begin, and grows. */
  constructor(scope: ReaderScope, position: GtidPosition, output: ReaderOutput) {
    const { resource, cascades, controlSchema } = scope;
    this.#output = output;
    this.#position = position;
    this.#scope = scope;
    const emit = (event: LogEvent): void => this.#emit(event);
    const { others, removed } = compileCascades(resource, cascades, { emit, foldsNames: scope.foldsNames });
    this.#compiled = compileTables(resource, emit, removed);
    const control = Object.entries(this.#compiled.control);
    this.#watched = {
      table: resource.mysql,
      control: control.map(([table]) => ({ schema: controlSchema, table })),
      parents: others.map(({ name }) => name),
    };
    this.#tables = new Map([
      ...others.map(({ name, read }) => [this.#tableName(name.schema, name.table), read] as const),
      [this.#tableName(resource.mysql.schema, resource.mysql.table), this.#compiled.resource],
      ...control.map(([table, read]) => [this.#tableName(controlSchema, table), read] as const),
    ]);
  }

  event(bytes: Buffer, start: number, end: number): boolean {
    if (this.#stopped) return true;
    const type = bytes[start + EVENT_TYPE_AT] ?? 0;
    const rows = ROW_EVENTS.get(type);
    if (rows !== undefined) this.#rows(bytes, start, end, rows);
    else if (type === EVENT.tableMap) return this.#tableMap(bytes, start, end);
    else if (type === EVENT.query) this.#query(bytes, start, end);
    else if (type === EVENT.taggedGtid || type === EVENT.mariadbGtid) return false;
    else if (type === EVENT.gtid) this.#plainGtid(bytes, start, end);
    else if (type === EVENT.xid || type === EVENT.xaPrepare) this.#commit();
    else this.#other(type, bytes, start);
    this.#output.account(end - start);
    return true;
  }

  /** A TABLE_MAP event that was not seen before. */
  table({ id, schema, table, columns }: LoggedTable): void {
    const name = this.#tableName(schema, table);
    const read = this.#tables.get(name);
    const map = this.#map;
    this.#map = null;
    if (read === undefined || map === null) return;
    if (columns === null) {
      this.#stop('log_format', 'rows were logged without the names of their columns: binlog_row_metadata must be FULL');
      return;
    }
    // A table gets a new id whenever the server opens it anew, and TABLE_MAP comes again before each statement's rows.
    for (const [other, open] of this.#open) if (open.name === name) this.#open.delete(other);
    this.#open.set(id, { name, read, columns, map, layouts: new Map() });
  }

  gtid(gtid: string, standalone: boolean, committedAtMicros: bigint): void {
    this.#gtid = gtid;
    this.#begin(committedAtMicros);
    // A transaction of MariaDB has no BEGIN, a statement by itself no COMMIT.
    this.#inStatements = this.#position.flavour === 'mariadb' && !standalone;
  }

  failed(error: unknown): void {
    this.#output.failed(error);
  }

  /** The end of the last transaction, if it had no events and was not told yet. */
  takeForeignCommit(): LogEvent | null {
    if (this.#foreignMicros === null) return null;
    const committedAtMicros = this.#foreignMicros;
    this.#foreignMicros = null;
    return { type: 'commit', position: this.#position.toString(), committedAtMicros };
  }

  #emit(event: LogEvent): void {
    this.#emitted = true;
    this.#foreignMicros = null;
    this.#output.emit(event);
  }

  #plainGtid(bytes: Buffer, start: number, end: number): void {
    const sourceAt = start + GTID_SOURCE_AT;
    if (this.#source.compare(bytes, sourceAt, sourceAt + 16) !== 0 || this.#sourceText === '') {
      bytes.copy(this.#source, 0, sourceAt, sourceAt + 16);
      this.#sourceText = uuidText(this.#source);
    }
    this.#number = Number(bytes.readBigUInt64LE(start + GTID_NUMBER_AT));
    this.#gtid = null;
    const at = start + GTID_COMMITTED_AT;
    this.#begin(at + MICROS_BYTES <= end ? readMicros(bytes, at) : BigInt(bytes.readUInt32LE(start)) * 1_000_000n);
    this.#inStatements = false;
  }

  #begin(committedAtMicros: bigint): void {
    this.#committedAtMicros = committedAtMicros;
    this.#inTransaction = true;
    this.#emitted = false;
    this.#compiled.begin();
  }

  #commit(): void {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    this.#inStatements = false;
    if (this.#gtid !== null) this.#position.add(this.#gtid);
    else if (this.#position instanceof MysqlGtids) this.#position.addNumber(this.#sourceText, this.#number);
    if (this.#emitted) {
      this.#emitted = false;
      this.#output.emit({
        type: 'commit',
        position: this.#position.toString(),
        committedAtMicros: this.#committedAtMicros,
      });
      return;
    }
    this.#foreignMicros = this.#committedAtMicros;
    this.#output.foreignCommit();
  }

  #query(bytes: Buffer, start: number, end: number): void {
    const schemaAt = start + QUERY_FIXED_BYTES + bytes.readUInt16LE(start + QUERY_STATUS_LENGTH_AT);
    const textAt = schemaAt + (bytes[start + QUERY_SCHEMA_LENGTH_AT] ?? 0) + 1;
    if (end - textAt === BEGIN.length && BEGIN.compare(bytes, textAt, end) === 0) {
      this.#inStatements = true;
      return;
    }
    const lastAt = Math.min(end, textAt + MAX_STATEMENT_BYTES);
    this.#statement(bytes.toString('utf8', textAt, lastAt), bytes.toString('utf8', schemaAt, textAt - 1));
  }

  #statement(text: string, schema: string): void {
    const found = classifyStatement(text, schema, this.#watched);
    switch (found.type) {
      case 'begin':
        this.#inStatements = true;
        break;
      case 'end':
        this.#commit();
        break;
      case 'stop':
        this.#stop(found.reason, found.message);
        break;
      case 'harmless':
        // A statement of its own: its GTID had no BEGIN.
        if (!this.#inStatements) this.#commit();
        break;
    }
  }

  /** True: the table does not concern the resource, or is known as it is. */
  #tableMap(bytes: Buffer, start: number, end: number): boolean {
    const bodyAt = start + EVENT_HEADER_BYTES;
    const id = bytes.readUIntLE(bodyAt, 6);
    const open = this.#open.get(id);
    if (open !== undefined && open.map.compare(bytes, bodyAt, end) === 0) return true;
    this.#open.delete(id);
    // The id and flags, then each name with its length before and a zero behind it.
    const schemaAt = bodyAt + 9;
    const tableAt = schemaAt + (bytes[schemaAt - 1] ?? 0) + 2;
    const schema = bytes.toString('utf8', schemaAt, tableAt - 2);
    const table = bytes.toString('utf8', tableAt, tableAt + (bytes[tableAt - 1] ?? 0));
    if (!this.#tables.has(this.#tableName(schema, table))) return true;
    this.#map = Buffer.from(bytes.subarray(bodyAt, end));
    return false;
  }

  #rows(
    bytes: Buffer,
    start: number,
    end: number,
    { operation, version }: { operation: RowOperation; version: 1 | 2 },
  ): void {
    const bodyAt = start + EVENT_HEADER_BYTES;
    const open = this.#open.get(bytes.readUIntLE(bodyAt, 6));
    if (open === undefined) return;
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.at = bodyAt + 8;
    if (version === 2) cursor.at += bytes.readUInt16LE(cursor.at);
    const bitmapBytes = (readCount(cursor) + 7) >> 3;
    const first = this.#layout(open, cursor, bitmapBytes);
    const second = operation === 'update' && first !== null ? this.#layout(open, cursor, bitmapBytes) : first;
    if (first !== null && second !== null) open.read.rows(operation, first, second, cursor, end);
  }

  /** The layout of the bitmap at the cursor; null: the log was stopped. */
  #layout(open: OpenTable, cursor: LogCursor, bitmapBytes: number): RowLayout | null {
    const bitmap = cursor.bytes.toString('latin1', cursor.at, cursor.at + bitmapBytes);
    cursor.at += bitmapBytes;
    const known = open.layouts.get(bitmap);
    if (known !== undefined) return known;
    try {
      open.read.check(open.columns);
      const layout = new RowLayout(open.columns, open.read.wanted, Buffer.from(bitmap, 'latin1'));
      open.layouts.set(bitmap, layout);
      return layout;
    } catch (error) {
      if (error instanceof PartialImage) {
        this.#stop('log_format', 'rows were logged without all of their columns: binlog_row_image must be FULL');
      } else if (error instanceof RangeError) {
        this.#stop('definition_changed', `the table in the log is not the one there is now: ${error.message}`);
      } else throw error;
      return null;
    }
  }

  #other(type: number, bytes: Buffer, start: number): void {
    switch (type) {
      case EVENT.anonymousGtid:
        this.#stop('log_format', 'a transaction was logged without a GTID: gtid_mode must be ON');
        break;
      case EVENT.transactionPayload:
        this.#stop('log_format', 'a transaction was logged compressed: binlog_transaction_compression must be OFF');
        break;
      case EVENT.beginLoadQuery:
      case EVENT.executeLoadQuery:
        this.#stop('log_format', 'LOAD DATA was logged as a statement: binlog_format must be ROW');
        break;
      case EVENT.incident:
        this.#stop('log_purged', 'the server says that its log lost changes');
        break;
      case EVENT.partialUpdate:
        if (!this.#open.has(bytes.readUIntLE(start + EVENT_HEADER_BYTES, 6))) break;
        this.#stop('log_format', 'JSON was logged in parts: binlog_row_value_options must be empty');
        break;
      default:
        if (type < FIRST_COMPRESSED || type > LAST_COMPRESSED) break;
        this.#stop('log_format', 'events were logged compressed: log_bin_compress must be OFF');
    }
  }

  #stop(reason: LogStop, message: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#output.emit({ type: 'stopped', reason, message });
    this.#output.stopped();
  }

  #tableName(schema: string, table: string): string {
    const name = `${schema}\0${table}`;
    return this.#scope.foldsNames ? name.toLowerCase() : name;
  }
}

/** A count as the protocol packs it: one byte, or 252 and two bytes. A table has at most 4,096 columns. */
function readCount(cursor: LogCursor): number {
  const first = cursor.bytes[cursor.at] ?? 0;
  cursor.at += 1;
  if (first < 251) return first;
  cursor.at += 2;
  return cursor.bytes.readUInt16LE(cursor.at - 2);
}

function readMicros(bytes: Buffer, at: number): bigint {
  const high = (bytes[at + MICROS_BYTES - 1] ?? 0) & ~MICROS_FLAG;
  return BigInt(bytes.readUIntLE(at, 6) + high * 2 ** 48);
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
