import { DomainError, isDomainError } from '../../domain/errors.ts';
import type { LogEvent } from '../change-log.ts';
import { BinlogConnection } from './binlog-connection.ts';
import { FOREIGN_COMMIT_DELAY_MS, PREFLIGHT_TIMEOUT_MS } from './binlog-limits.ts';
import { BinlogReader, type ReaderScope } from './binlog-reader.ts';
import { type BinlogState, gapAt, gapOf, isLogError, readBinlogState } from './binlog-state.ts';
import { translateError, unavailable } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { type GtidPosition, parseGtidPosition } from './gtid-set.ts';
import type { MysqlAddress } from './link.ts';
import type { MysqlClient } from './pool.ts';

/** What a stream reads, and as whom. */
export interface BinlogStreamOptions extends Omit<ReaderScope, 'foldsNames'> {
  readonly client: MysqlClient;
  readonly connection: MysqlAddress;
  readonly serverId: number;
}

/** The events after a position, in batches, until the signal aborts or the log can't be carried on. */
export async function* streamBinlog(
  options: BinlogStreamOptions,
  from: string,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEvent[]> {
  if (signal.aborted) return;
  const position = parsePosition(from);
  const state = await look(options.client, signal);
  if (state === null || signal.aborted) return;
  const gap = gapAt(position, state);
  if (gap !== null) {
    yield [gap];
    return;
  }
  const scope = { ...options, foldsNames: state.foldsNames };
  const own = position.flavour === state.flavour ? position : parseGtidPosition('', state.flavour);
  const stream = new BinlogStream(options, scope, own);
  const onAbort = (): void => stream.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let events = await stream.take(); events !== null; events = await stream.take()) {
      if (signal.aborted) return;
      yield events;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await stream.close();
  }
}

/** The server's log as it is now; null: the signal aborted. */
async function look(client: MysqlClient, signal: AbortSignal): Promise<BinlogState | null> {
  try {
    return await readBinlogState(client, { deadlineMs: performance.now() + PREFLIGHT_TIMEOUT_MS, signal });
  } catch (error) {
    if (signal.aborted) return null;
    if (!isDomainError(error, 'deadline_exceeded')) throw error;
    throw unavailable('authority', 'it does not answer', error);
  }
}

/** One connection with its reader and its queue. */
class BinlogStream {
  readonly #connection: BinlogConnection;
  readonly #queue: EventQueue;
  readonly #reader: BinlogReader;
  #foreignTimer: NodeJS.Timeout | null = null;

  constructor(options: BinlogStreamOptions, scope: ReaderScope, position: GtidPosition) {
    const queue = new EventQueue({ pause: () => this.#connection.pause(), resume: () => this.#connection.resume() });
    this.#queue = queue;
    this.#reader = new BinlogReader(scope, position, {
      emit: (event) => queue.push(event),
      account: (bytes) => queue.account(bytes),
      foreignCommit: () => this.#foreignCommit(),
      stopped: () => {
        this.#connection.pause();
        queue.end();
      },
      failed: (error) => this.#failed(error),
    });
    const { connection, serverId } = options;
    this.#connection = new BinlogConnection({ connection, serverId, position: position.toString() }, this.#reader);
  }

  take(): Promise<readonly LogEvent[] | null> {
    return this.#queue.take(() => this.#reader.takeForeignCommit());
  }

  abort(): void {
    this.#queue.discard();
  }

  async close(): Promise<void> {
    if (this.#foreignTimer !== null) clearTimeout(this.#foreignTimer);
    this.#queue.discard();
    await this.#connection.close();
  }

  /** A consumer that waits need not be woken for every transaction that does not concern it. */
  #foreignCommit(): void {
    this.#foreignTimer ??= setTimeout(() => {
      this.#foreignTimer = null;
      this.#queue.notify();
    }, FOREIGN_COMMIT_DELAY_MS);
  }

  #failed(error: unknown): void {
    const gap = gapOf(error);
    if (gap !== null) {
      this.#queue.push(gap);
      this.#queue.end();
    } else if (isLogError(error)) {
      this.#queue.fail(unavailable('authority', 'it ended its log', error));
    } else {
      this.#queue.fail(translateError(error, { role: 'authority', commits: false }));
    }
  }
}

function parsePosition(text: string): GtidPosition {
  try {
    return parseGtidPosition(text);
  } catch (cause) {
    const message = 'The position is none of a binary log.';
    throw new DomainError({ kind: 'internal', reason: 'INTERNAL', message, cause });
  }
}
