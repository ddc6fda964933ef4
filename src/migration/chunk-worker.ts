// Works off the leased chunks of a job, page by page. While one page is being worked on the next is being read; a page
// that was not finished within the chunk's lease, or that failed, is read again from the saved cursor: what it held may
// be out of date by then.

import type { Clock, Random } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { Chunk, Job, JobStore } from '../stores/job-store.ts';
import type { FollowerStore, Stored, WalkPage } from '../stores/record-store.ts';
import { Backoff, isTransient } from './backoff.ts';
import type { LiveTraffic } from './live-traffic.ts';
import type { Throttle } from './throttle.ts';

/** What became of a page. */
export interface PageResult {
  /** Rows to count as progress. */
  readonly rows: number;
  /** Mismatches found in it. */
  readonly mismatches: number;
}

/** The work on one page: durable when it resolves, and harmless when repeated. */
export type PageWork = (records: readonly Stored[], call: Call) => Promise<PageResult>;

/** Times and bounds of chunked jobs. Milliseconds unless the name says otherwise. */
export interface JobSettings {
  /** Workers of one instance. */
  readonly workers: number;
  /** Rows of a chunk, as planned. */
  readonly chunkRows: number;
  /** The most rows of a page. */
  readonly pageRows: number;
  /** The most rows of a page while callers are served: what comes at once must not hold them up. */
  readonly pageRowsBesideCallers: number;
  /** The lease of a chunk. */
  readonly chunkLeaseMs: number;
  /** How long a read of a page may take. */
  readonly readMs: number;
  /**
   * The part of its time that an instance works on a job while callers are served, by one worker; the others wait. 1: the
   * worker never rests.
   */
  readonly shareBesideCallers: Readonly<Record<Job['kind'], number>>;
}

/** The defaults. */
export const defaultJobSettings: JobSettings = {
  workers: 4,
  chunkRows: 2000,
  pageRows: 1000,
  chunkLeaseMs: 30_000,
  readMs: 10_000,
  // A copy is waited for, and Cassandra has no readers yet; a verification has all the time.
  shareBesideCallers: { backfill: 1, verification: 0.25 },
  pageRowsBesideCallers: 200,
};

/** What a worker needs. */
export interface ChunkWorkerOptions {
  readonly jobs: JobStore;
  /** The store that the chunk's stage walks. */
  readonly walked: FollowerStore;
  readonly work: PageWork;
  /** Of this worker alone. */
  readonly owner: string;
  readonly throttle: Throttle;
  readonly traffic: LiveTraffic;
  /** The part of its time that the worker works while callers are served. */
  readonly share: number;
  readonly settings: JobSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Progress is saved, and the lease renewed, when this part of the lease is over. */
const SAVE_PART = 0.1;
/** The part of a lease that is left unused, so that a page ends before another worker may have the chunk. */
const MARGIN_PART = 0.1;
/** How long a throttled page may wait, as a part of the lease. */
const THROTTLE_PART = 0.05;
/** The longest rest after a page, as a part of the lease. */
const REST_PART = 0.2;
/** Pauses between tries of a page. */
const RETRY = { firstMs: 50, maxMs: 2000 };
/** How often a page that fails in a way that retries do not mend is tried all the same. */
const MAX_TRIES_OF_A_REFUSAL = 4;

/** How a chunk was left. `lost`: another worker may have it. */
export type ChunkEnd = 'done' | 'lost';

/**
 * Works one leased chunk to its end. `leasedAtMs`: before its lease was asked for. Throws when a page is refused for
 * good, and the signal's reason when that aborts; the chunk is then given back.
 */
export async function workChunk(
  options: ChunkWorkerOptions,
  chunk: Chunk,
  leasedAtMs: number,
  signal: AbortSignal,
): Promise<ChunkEnd> {
  const worker = new ChunkWorker(options, chunk, leasedAtMs);
  try {
    return await worker.run(signal);
  } catch (error) {
    await worker.giveBack();
    throw error;
  }
}

class ChunkWorker {
  readonly #options: ChunkWorkerOptions;
  readonly #chunk: Chunk;
  #leasedAtMs: number;
  /** Up to where the work is done. */
  #cursor: string | null;
  /** Whether the last page is done, and only the saving is left. */
  #finished = false;
  /** Done since the progress was saved. */
  #unsaved: PageResult = { rows: 0, mismatches: 0 };

  constructor(options: ChunkWorkerOptions, chunk: Chunk, leasedAtMs: number) {
    this.#options = options;
    this.#chunk = chunk;
    this.#leasedAtMs = leasedAtMs;
    this.#cursor = chunk.cursor;
  }

  async run(signal: AbortSignal): Promise<ChunkEnd> {
    const backoff = new Backoff(RETRY, this.#options);
    for (let refusals = 0; ; ) {
      signal.throwIfAborted();
      try {
        return await this.#pages(signal, () => backoff.reset());
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error)) refusals += 1;
        if (refusals >= MAX_TRIES_OF_A_REFUSAL) throw error;
        this.#options.log.warn('a page of a job failed; it is read again', { jobId: this.#chunk.jobId, error });
        await backoff.pause(signal);
        if (!(await this.#saveIfDue(signal))) return 'lost';
      }
    }
  }

  /** Lets another worker have the chunk at once. */
  async giveBack(): Promise<void> {
    await this.#save(false, 0, internalCall(this.#options.clock, this.#options.settings.readMs)).catch(() => false);
  }

  async #pages(signal: AbortSignal, onPage: () => void): Promise<ChunkEnd> {
    let reading: Promise<WalkPage> | null = this.#finished ? null : this.#read(this.#cursor, signal);
    while (reading !== null) {
      const beganMs = this.#options.clock.monotonicMs();
      const page: WalkPage = await reading;
      reading = page.next === null ? null : this.#read(page.next, signal);
      // Looked at only after the work on this page, which may fail first.
      reading?.catch(() => {});
      const result = await this.#options.work(page.records, this.#callWithinLease(signal));
      this.#unsaved = {
        rows: this.#unsaved.rows + result.rows,
        mismatches: this.#unsaved.mismatches + result.mismatches,
      };
      this.#cursor = page.next;
      this.#finished = reading === null;
      onPage();
      if (!this.#finished && !(await this.#saveIfDue(signal))) return 'lost';
      await this.#giveWay(beganMs, signal);
    }
    return (await this.#save(true, 0, this.#callWithinLease(signal))) ? 'done' : 'lost';
  }

  /** Rests after a page while callers are served, the longer the longer the page took: on a busy machine it takes long. */
  async #giveWay(beganMs: number, signal: AbortSignal): Promise<void> {
    const { clock, share, traffic, settings } = this.#options;
    if (share >= 1 || !traffic.busy) return;
    const restMs = (clock.monotonicMs() - beganMs) * (1 / share - 1);
    await clock.sleep(Math.min(restMs, settings.chunkLeaseMs * REST_PART), signal);
  }

  async #read(after: string | null, signal: AbortSignal): Promise<WalkPage> {
    const { walked, throttle, traffic, settings, clock } = this.#options;
    const most = traffic.busy ? Math.min(settings.pageRowsBesideCallers, settings.pageRows) : settings.pageRows;
    const rows = throttle.portion(most, settings.chunkLeaseMs * THROTTLE_PART);
    await throttle.take(rows, signal);
    const page = await walked.walk(this.#chunk.range, after, rows, internalCall(clock, settings.readMs, signal));
    throttle.giveBack(rows - page.records.length);
    return page;
  }

  #callWithinLease(signal: AbortSignal): Call {
    const { settings, clock } = this.#options;
    const untilMs = this.#leasedAtMs + settings.chunkLeaseMs * (1 - MARGIN_PART);
    return internalCall(clock, untilMs - clock.monotonicMs(), signal);
  }

  /** False: the lease is lost. */
  async #saveIfDue(signal: AbortSignal): Promise<boolean> {
    const { settings, clock } = this.#options;
    if (clock.monotonicMs() - this.#leasedAtMs < settings.chunkLeaseMs * SAVE_PART) return true;
    return await this.#save(false, settings.chunkLeaseMs, this.#callWithinLease(signal));
  }

  async #save(done: boolean, leaseMs: number, call: Call): Promise<boolean> {
    const { jobs, owner, clock } = this.#options;
    const askedMs = clock.monotonicMs();
    const { rows: addRows, mismatches: addMismatches } = this.#unsaved;
    const progress = { cursor: this.#cursor, addRows, addMismatches, done, leaseMs };
    if (!(await jobs.saveChunk(this.#chunk, owner, progress, call))) return false;
    this.#unsaved = { rows: 0, mismatches: 0 };
    this.#leasedAtMs = askedMs;
    return true;
  }
}
