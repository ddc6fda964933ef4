import type { Clock } from '../domain/clock.ts';
import type { Job } from '../stores/job-store.ts';

interface Seen {
  rows: number;
  atMs: number;
  rate: number;
}

/** A rate is taken over at least this long, so that chunks that end together do not make it jump. */
const WINDOW_MS = 900;
/** The most jobs whose rates are remembered. */
const MAX_JOBS = 100;

/** Rows a second of running jobs, from what was seen of them between calls. */
export class RowRates {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The rate over the last second or so; of a job that has ended, or is seen for the first time, its mean. */
  of(job: Job): number {
    const nowMs = this.#clock.monotonicMs();
    if (job.state !== 'running') {
      this.#seen.delete(job.id);
      return meanRate(job, job.endedAtMicros);
    }
    const seen = this.#seen.get(job.id);
    if (seen === undefined) {
      const rate = meanRate(job, this.#clock.wallMicros());
      this.#remember(job.id, { rows: job.rows, atMs: nowMs, rate });
      return rate;
    }
    const sinceMs = nowMs - seen.atMs;
    if (sinceMs < WINDOW_MS) return seen.rate;
    const rate = ((job.rows - seen.rows) * 1000) / sinceMs;
    this.#seen.set(job.id, { rows: job.rows, atMs: nowMs, rate });
    return rate;
  }

  #remember(id: string, seen: Seen): void {
    this.#seen.set(id, seen);
    const oldest = this.#seen.keys().next();
    if (this.#seen.size > MAX_JOBS && !oldest.done) this.#seen.delete(oldest.value);
  }
}

function meanRate(job: Job, endMicros: bigint | null): number {
  const micros = endMicros === null ? 0 : Number(endMicros - job.createdAtMicros);
  return micros <= 0 ? 0 : (job.rows * 1_000_000) / micros;
}
