// One instance at a time has a task. Its lease runs by the server's clock from some moment after the request was sent,
// so counting it from before the request, by the own monotonic clock, and ending it a margin early makes sure that
// this instance has stopped before another can begin.

import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { internalCall } from '../stores/call.ts';
import type { JobStore } from '../stores/job-store.ts';

/** What holding a task needs. */
export interface TaskLeaseOptions {
  readonly jobs: JobStore;
  /** The task's name, `capture/medications`. */
  readonly task: string;
  /** This life of this instance. */
  readonly owner: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** JSON of at most 8,000 characters, kept beside the lease at each renewal. */
  readonly status?: () => string;
}

/** Renewals within one lease: two may fail before the lease is lost. */
const RENEWALS_PER_LEASE = 3;
/** The part of a lease by which it ends early for its owner. */
const MARGIN_PART = 0.15;
/** How long giving a task back may take, in milliseconds. */
const RELEASE_TIMEOUT_MS = 1000;

/**
 * Runs `work` if the task is free (or this owner's), with a signal that aborts when the lease is lost or `signal` aborts; `work` must
 * end soon after. Resolves to false if another owner has the task, else to true after `work` ended and the task was given back. Work
 * that fails once its lease is lost has been cut off, and is no failure: whoever has the task next goes on with it.
 */
export async function runTask(
  options: TaskLeaseOptions,
  signal: AbortSignal,
  work: (owned: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const lease = new TaskLease(options);
  if (!(await lease.acquire(signal))) return false;
  const over = new AbortController();
  const kept = lease.keep(over.signal);
  try {
    await work(AbortSignal.any([signal, lease.lost]));
  } catch (error) {
    if (signal.aborted || !lease.lost.aborted) throw error;
  } finally {
    over.abort();
    await kept;
    await lease.release();
  }
  return true;
}

class TaskLease {
  readonly #options: TaskLeaseOptions;
  readonly #lost = new AbortController();
  #untilMs = 0;

  constructor(options: TaskLeaseOptions) {
    this.#options = options;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async acquire(signal: AbortSignal): Promise<boolean> {
    return await this.#renew(this.#options.leaseMs, signal);
  }

  /** Renews until `over` aborts or the lease is lost. Never rejects. */
  async keep(over: AbortSignal): Promise<void> {
    await Promise.all([this.#renewals(over), this.#expiry(over)]);
  }

  async release(): Promise<void> {
    const { jobs, task, owner, clock, log, leaseMs, status } = this.#options;
    if (this.#lost.signal.aborted) return;
    const call = internalCall(clock, RELEASE_TIMEOUT_MS);
    try {
      // The last status stays readable after the task was given back: it may say why.
      if (status !== undefined) await jobs.leaseTask(task, owner, leaseMs, status(), call);
      await jobs.releaseTask(task, owner, call);
    } catch (error) {
      log.warn('a task could not be given back; its lease runs out by itself', { task, error });
    }
  }

  async #renewals(over: AbortSignal): Promise<void> {
    const { clock, leaseMs, log, task } = this.#options;
    while (await slept(clock, leaseMs / RENEWALS_PER_LEASE, over)) {
      if (this.#lost.signal.aborted) return;
      try {
        const leftMs = Math.max(0, this.#untilMs - clock.monotonicMs());
        if (await this.#renew(leftMs, over)) continue;
        this.#lose();
        return;
      } catch (error) {
        if (!over.aborted) log.warn('the lease of a task could not be renewed; trying again', { task, error });
      }
    }
  }

  /** Ends the lease in time also when a renewal hangs. */
  async #expiry(over: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const leftMs = this.#untilMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      if (!(await slept(clock, leftMs, over))) return;
    }
    this.#lose();
  }

  #lose(): void {
    if (this.#lost.signal.aborted) return;
    this.#options.log.warn('the lease of a task was lost; its work stops here', { task: this.#options.task });
    this.#lost.abort();
  }

  async #renew(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { jobs, task, owner, leaseMs, clock, status } = this.#options;
    const sentMs = clock.monotonicMs();
    const call = internalCall(clock, timeoutMs, signal);
    if (!(await jobs.leaseTask(task, owner, leaseMs, status?.() ?? '', call))) return false;
    this.#untilMs = sentMs + leaseMs * (1 - MARGIN_PART);
    return true;
  }
}

/** False: the signal aborted. */
export async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await clock.sleep(ms, signal);
    return !signal.aborted;
  } catch {
    return false;
  }
}
