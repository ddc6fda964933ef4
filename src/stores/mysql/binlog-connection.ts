import type { EventEmitter } from 'node:events';
import ZongJi from '@vlasky/zongji';
import type { ConnectionOptions } from 'mysql2';
import { DomainError } from '../../domain/errors.ts';
import { COLUMN_TYPE, type LoggedColumn } from './binlog-columns.ts';
import { HEARTBEAT_MS, MAX_SILENT_BEATS, WRITE_TIMEOUT_SECONDS } from './binlog-limits.ts';
import { CONNECT_TIMEOUT_MS } from './limits.ts';
import type { MysqlAddress } from './link.ts';

/** A TABLE_MAP event. */
export interface LoggedTable {
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  /** Null: the log was written without the columns' names (`binlog_row_metadata` was not FULL). */
  readonly columns: readonly LoggedColumn[] | null;
}

/** Who takes what the server sends. Called in the log's order; what it throws ends the connection as `internal`. */
export interface BinlogSink {
  /**
   * One event, whose header begins at `start` and whose body ends at `end`, without the checksum. True: it is dealt with.
   * False: it is decoded first, and comes as one of the calls below. The bytes are good during the call only.
   */
  event(bytes: Buffer, start: number, end: number): boolean;
  table(table: LoggedTable): void;
  /** A transaction begins, in a server whose GTID event is not MySQL's plain one. `standalone`: it is one statement. */
  gtid(gtid: string, standalone: boolean, committedAtMicros: bigint): void;
  /** The connection is of no more use. Called once, not after `close`. */
  failed(error: unknown): void;
}

/** Where in an event's header, of {@link EVENT_HEADER_BYTES}, its type is. Before it: seconds since 1970. */
export const EVENT_TYPE_AT = 4;
export const EVENT_HEADER_BYTES = 19;
/** The event at the beginning of each file. It ends with the kind of checksums that events have, 0 for none, and its own. */
const FORMAT_DESCRIPTION = 15;
const CHECKSUM_BYTES = 4;
/** The first byte of a packet that carries an event; an error's is 0xff, an end's 0xfe. */
const EVENT_PACKET = 0;
const ERROR_PACKET = 0xff;

/** A packet as mysql2 hands it to a command. */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  asError(encoding: string): Error;
}

/** The parts of a mysql2 connection that are used. */
interface DumpConnection {
  readonly stream: { destroy(): void };
  readonly clientEncoding: string;
  query(sql: string, callback: (error: unknown) => void): void;
  pause(): void;
  resume(): void;
}

/** A command of mysql2: gets packets until it returns true. */
interface Command {
  execute(packet: Packet | undefined, connection: DumpConnection): boolean;
}

/** An event as zongji decodes it: the parts that are read. */
interface DecodedEvent {
  getEventName(): string;
  readonly timestamp: number;
  readonly gtid?: string;
  readonly standalone?: boolean;
  readonly tableId?: number;
  readonly schemaName?: string;
  readonly tableName?: string;
  readonly columnTypes?: readonly number[];
  readonly columnsMetadata?: readonly (ColumnMetadata | undefined)[];
  /** By column; undefined where it is no number. A YEAR counts as one. */
  readonly signedness?: readonly (boolean | undefined)[];
  hasSelfDescribingMetadata?(): boolean;
  buildColumnSchemas?(): readonly ColumnSchema[];
}

interface ColumnMetadata {
  readonly type?: number;
  readonly size?: number;
  readonly max_length?: number;
  readonly length_size?: number;
  readonly precision?: number;
  readonly decimals?: number;
  readonly bits?: number;
}

interface ColumnSchema {
  readonly COLUMN_NAME: string;
  readonly CHARACTER_SET_NAME: string | null;
  readonly UNSIGNED?: boolean;
  readonly ENUM_VALUES?: readonly string[];
  readonly SET_VALUES?: readonly string[];
}

/** The parts of zongji that are used: some of them are its own affair, so its version is pinned and the tests watch them. */
interface Reader {
  /** Carries the log. */
  readonly connection: DumpConnection | null;
  /** Asks questions before, and ends the server's thread after. */
  readonly ctrlConnection: EventEmitter | null;
  useChecksum: boolean;
  /** By id: grows with every id that a table had. */
  readonly tableMap: Record<number, unknown>;
  BinlogClass: new (callback: unknown) => Command;
  on(event: 'error', listener: (error: unknown) => void): void;
  on(event: 'ready', listener: () => void): void;
  on(event: 'binlog', listener: (event: DecodedEvent) => void): void;
  once(event: 'stopped', listener: () => void): void;
  start(options: { gtidSet: string; serverId: number }): void;
  stop(): void;
}

/** Where to read, and as whom. */
export interface BinlogConnectionOptions {
  readonly connection: MysqlAddress;
  /** The transactions that are not wanted: a GTID set, or MariaDB's position. */
  readonly position: string;
  /** Unique among the server's replicas. */
  readonly serverId: number;
}

/**
 * A replication connection. zongji connects, negotiates checksums and flavour, asks for the log and decodes what is rare
 * (table maps, the GTIDs of other flavours); the packets of frequent events go to the sink before they become objects. A server
 * that is silent for {@link MAX_SILENT_BEATS} heartbeats counts as gone.
 */
export class BinlogConnection {
  readonly #reader: Reader;
  readonly #sink: BinlogSink;
  readonly #watchdog: NodeJS.Timeout;
  #silentBeats = 0;
  #paused = false;
  #closed = false;

  constructor(options: BinlogConnectionOptions, sink: BinlogSink) {
    this.#sink = sink;
    this.#reader = new ZongJi(connectionOptions(options.connection)) as unknown as Reader;
    this.#reader.on('error', (error) => this.#fail(error));
    this.#reader.on('ready', () => this.#interceptPackets());
    this.#reader.on('binlog', (event) => this.#decoded(event));
    this.#watchdog = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#reader.start({ gtidSet: options.position, serverId: options.serverId });
    // Runs before what zongji sends on this connection: it asks the other one for the server's version first.
    this.#reader.connection?.query(SESSION_STATEMENT, (error) => {
      if (error !== null) this.#fail(error);
    });
  }

  /** Stops reading from the socket; events that were read already are kept back. */
  pause(): void {
    this.#paused = true;
    this.#reader.connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#silentBeats = 0;
    this.#reader.connection?.resume();
  }

  /** Closes the connections, ends the server's thread, and resolves when that was done or tried for a second. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watchdog);
    const connection = this.#reader.connection;
    await new Promise<void>((resolve) => {
      this.#reader.once('stopped', resolve);
      this.#reader.stop();
      // stop() only ends the writing half, and the server writes on.
      connection?.stream.destroy();
    });
  }

  #interceptPackets(): void {
    const handle = (packet: Packet, connection: DumpConnection): boolean => this.#packet(packet, connection);
    const Decoding = this.#reader.BinlogClass;
    this.#reader.BinlogClass = class extends Decoding {
      override execute(packet: Packet | undefined, connection: DumpConnection): boolean {
        if (packet !== undefined && handle(packet, connection)) return false;
        return super.execute(packet, connection);
      }
    };
    this.#silentBeats = 0;
    // Servers hang up on it for being idle. It is not needed: a thread whose socket is gone ends at its next heartbeat.
    this.#reader.ctrlConnection?.removeAllListeners('error').on('error', () => {});
  }

  /** True: the packet is dealt with. */
  #packet(packet: Packet, connection: DumpConnection): boolean {
    this.#silentBeats = 0;
    if (this.#closed) return true;
    const first = packet.buffer[packet.offset];
    if (first === ERROR_PACKET) {
      this.#fail(packet.asError(connection.clientEncoding));
      return true;
    }
    if (first !== EVENT_PACKET) {
      this.#fail(new Error('the server ended the log'));
      return true;
    }
    try {
      const start = packet.offset + 1;
      // Not what zongji was told when it connected: files of before and after a change of the setting differ.
      if (packet.buffer[start + EVENT_TYPE_AT] === FORMAT_DESCRIPTION) {
        this.#reader.useChecksum = packet.buffer[packet.end - CHECKSUM_BYTES - 1] !== 0;
      }
      const end = this.#reader.useChecksum ? packet.end - CHECKSUM_BYTES : packet.end;
      return this.#sink.event(packet.buffer, start, end);
    } catch (error) {
      this.#fail(undecodable(error));
      return true;
    }
  }

  #decoded(event: DecodedEvent): void {
    if (this.#closed) return;
    try {
      switch (event.getEventName()) {
        case 'tablemap':
          this.#sink.table(toLoggedTable(event));
          delete this.#reader.tableMap[event.tableId ?? 0];
          break;
        case 'gtid':
        case 'mariadbgtid':
          this.#sink.gtid(event.gtid ?? '', event.standalone ?? false, BigInt(event.timestamp) * 1000n);
          break;
      }
    } catch (error) {
      this.#fail(undecodable(error));
    }
  }

  #beat(): void {
    if (this.#paused) return;
    this.#silentBeats++;
    if (this.#silentBeats > MAX_SILENT_BEATS) this.#fail(new Error('the server is silent'));
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#sink.failed(error);
    void this.close();
  }
}

function undecodable(cause: unknown): DomainError {
  if (cause instanceof DomainError) return cause;
  const message = 'The binary log holds what can not be read.';
  return new DomainError({ kind: 'internal', reason: 'INTERNAL', message, cause });
}

/**
 * Heartbeats come while there is nothing else; a consumer that takes its time must not make the server hang up; and
 * checksums are understood, also when they are switched on later.
 */
const SESSION_STATEMENT = `SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', @master_heartbeat_period = ${HEARTBEAT_MS * 1_000_000},
  @source_heartbeat_period = ${HEARTBEAT_MS * 1_000_000},
  SESSION net_write_timeout = ${WRITE_TIMEOUT_SECONDS}`;

function connectionOptions(address: MysqlAddress): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    ...(address.ssl === undefined ? {} : { ssl: { ...address.ssl } }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: 'utf8mb4',
  };
}

function toLoggedTable(event: DecodedEvent): LoggedTable {
  const schemas = event.hasSelfDescribingMetadata?.() ? event.buildColumnSchemas?.() : undefined;
  const columns = schemas?.map((schema, i) =>
    toColumn(schema, event.columnTypes?.[i] ?? 0, event.columnsMetadata?.[i]),
  );
  return {
    id: event.tableId ?? 0,
    schema: event.schemaName ?? '',
    table: event.tableName ?? '',
    columns: columns === undefined ? null : withoutYears(columns, event.signedness ?? []),
  };
}

/** Each column also with the bit that is its own if no YEAR has one. */
function withoutYears(
  columns: readonly LoggedColumn[],
  signedness: readonly (boolean | undefined)[],
): readonly LoggedColumn[] {
  const bits = signedness.filter((bit) => bit !== undefined);
  if (!columns.some(({ type }) => type === COLUMN_TYPE.year)) return columns;
  let next = 0;
  return columns.map((column, i) => {
    if (signedness[i] === undefined || column.type === COLUMN_TYPE.year) return column;
    return { ...column, unsignedWithoutYears: bits[next++] ?? false };
  });
}

function toColumn(schema: ColumnSchema, type: number, metadata: ColumnMetadata = {}): LoggedColumn {
  const realType = metadata.type ?? type;
  return {
    name: schema.COLUMN_NAME,
    type: realType,
    unsigned: schema.UNSIGNED ?? false,
    charset: realType === COLUMN_TYPE.enum || realType === COLUMN_TYPE.set ? null : schema.CHARACTER_SET_NAME,
    maxBytes: metadata.max_length ?? 0,
    width: metadata.length_size ?? (metadata.bits === undefined ? (metadata.size ?? 0) : Math.ceil(metadata.bits / 8)),
    precision: metadata.precision ?? 0,
    scale: metadata.decimals ?? 0,
    members: schema.ENUM_VALUES ?? schema.SET_VALUES ?? [],
  };
}
