// Runs the jobs of one resource together with the other instances. One of them plans (a leased task): it cuts a stage
// into chunks and says when a stage is over. All of them work chunks off, also while the planner still adds some. All
// state is in the job store: any instance goes on where another stopped.

import type { Clock, Random } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { internalCall } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Chunk, Job, JobStore } from '../stores/job-store.ts';
import type { FollowerStore, WalkRange } from '../stores/record-store.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { Backoff, isTransient, publicText } from './backoff.ts';
import { type JobSettings, type PageWork, workChunk } from './chunk-worker.ts';
import type { LiveTraffic } from './live-traffic.ts';
import { runTask, slept } from './task-lease.ts';
import { Throttle } from './throttle.ts';

/** One part of a job's walk. */
export interface JobStage {
  readonly stage: Chunk['stage'];
  /** The store that is walked. */
  readonly walked: FollowerStore;
  readonly work: PageWork;
}

/** What a kind of job does, for one job of it. */
export interface JobWork {
  /**
   * Before anything is walked; resolves to the stages that can be left out. Repeated if it throws something transient, or if the
   * planner dies before the first stage is planned; one that dies later has its word forgotten, and nothing is left out.
   */
  prepare(signal: AbortSignal): Promise<readonly Chunk['stage'][]>;
  /** In order: a stage begins when the one before is done. */
  readonly stages: readonly JobStage[];
  /** After the last stage, before the job counts as succeeded. Likewise. */
  finish(signal: AbortSignal): Promise<void>;
}

/** A kind of job. */
export interface JobKind {
  readonly kind: Job['kind'];
  /** The work of a job whose attach number is the control record's. */
  open(job: Job, control: ControlRecord): JobWork;
  /** Whether the follower's state allows the job to go on now. */
  allows(control: ControlRecord): boolean;
}

/** What the runner needs. */
export interface JobRunnerOptions {
  readonly resource: string;
  /** This life of this instance. */
  readonly owner: string;
  readonly jobs: JobStore;
  readonly kinds: readonly JobKind[];
  /** The newest control record known, valid or not. */
  readonly control: () => ControlRecord | undefined;
  /** How many instances share the work: each takes its part of the rate. */
  readonly instances: () => number;
  /** Told by each instance that took part, when the job has ended in any way. Must not throw. */
  readonly onEnded: (job: Job) => void;
  /** The callers to whom jobs give way. */
  readonly traffic: LiveTraffic;
  readonly metrics: MigrationMetrics;
  readonly settings: JobSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often running jobs are looked for, and a running one looked at. */
const LOOK_MS = 500;
/** How long a worker without a chunk, or a planner whose stage goes on, waits. */
const IDLE_MS = 100;
/** How long one call of the job store may take. */
const CALL_MS = 5000;
/** How long planning a stage may take. */
const PLANNING_MS = 3_600_000;
/** How many jobs are looked at for running ones: at most one of each kind runs, and it is among the newest. */
const NEWEST_JOBS = 20;
/** The lease of the planner's task. */
const PLANNER_LEASE_MS = 5000;
/** Chunks planned by one call, at most: small at first, so that the workers begin at once. */
const CHUNKS_AT_ONCE = 64;
/** Pauses after a failure. */
const RETRY = { firstMs: 100, maxMs: 5000 };
/** Chunk numbers of one planning; a planner that takes over begins another such block, so that its chunks are not taken for the earlier planner's. */
const BLOCK = 1 << 20;
const BLOCKS = 2047;

/** Finds the running jobs of a resource and takes part in them, until the signal aborts. */
export class JobRunner {
  readonly #options: JobRunnerOptions;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { jobs, resource, clock, log } = this.#options;
    while (await slept(clock, LOOK_MS, signal)) {
      try {
        const newest = await jobs.listJobs(resource, null, NEWEST_JOBS, internalCall(clock, CALL_MS, signal));
        const running = newest.findLast((job) => job.state === 'running');
        if (running !== undefined) await this.#takePart(running, signal);
      } catch (error) {
        if (!signal.aborted) log.warn('the jobs could not be looked at; trying again', { resource, error });
      }
    }
  }

  async #takePart(job: Job, signal: AbortSignal): Promise<void> {
    const { control, kinds, log, resource } = this.#options;
    const now = control();
    const kind = kinds.find((one) => one.kind === job.kind);
    if (now === undefined || kind === undefined || now.attach < job.attach) return;
    if (now.attach > job.attach || now.state === 'detached') {
      await this.#end(job, 'cancelled', 'the follower was attached anew or detached meanwhile', signal);
      return;
    }
    log.info('taking part in a job', { resource, jobId: job.id, kind: job.kind });
    const run = new JobRun(this.#options, kind, job, now);
    const { metrics } = this.#options;
    metrics.jobRunning(resource, job.kind, true);
    const ended = await run.run(signal).finally(() => metrics.jobRunning(resource, job.kind, false));
    if (ended === null) return;
    metrics.jobEnded(resource, job.kind, ended.state);
    log.info('a job has ended', { resource, jobId: job.id, kind: job.kind, state: ended.state, rows: ended.rows });
    this.#options.onEnded(ended);
  }

  async #end(job: Job, state: 'cancelled', error: string, signal: AbortSignal): Promise<void> {
    const { jobs, clock } = this.#options;
    await jobs.updateJob(job.id, { state, error }, internalCall(clock, CALL_MS, signal));
  }
}

/** One instance's part in one job. */
class JobRun {
  readonly #options: JobRunnerOptions;
  readonly #kind: JobKind;
  readonly #work: JobWork;
  /** The roles of the stores are those of this epoch. */
  readonly #epoch: number;
  readonly #throttle: Throttle;
  readonly #over = new AbortController();
  #job: Job;

  constructor(options: JobRunnerOptions, kind: JobKind, job: Job, control: ControlRecord) {
    this.#options = options;
    this.#kind = kind;
    this.#job = job;
    this.#work = kind.open(job, control);
    this.#epoch = control.epoch;
    this.#throttle = new Throttle(options.clock);
    this.#setRate();
  }

  /** The job as it ended; null: the signal aborted first. */
  async run(signal: AbortSignal): Promise<Job | null> {
    const running = AbortSignal.any([signal, this.#over.signal]);
    const workers = Array.from({ length: this.#options.settings.workers }, (_, index) => this.#workOff(index, running));
    await Promise.all([this.#watch(running), this.#planAndFinish(running), ...workers]);
    return this.#job.state === 'running' ? null : this.#job;
  }

  #setRate(): void {
    const { instances } = this.#options;
    const limit = this.#job.rowsPerSecondLimit;
    this.#throttle.setRate(limit === 0 ? 0 : Math.max(1, limit / Math.max(1, instances())));
  }

  /** Looks at the job until it has ended; then all loops of this run end. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { jobs, clock, log, resource, metrics } = this.#options;
    while (await slept(clock, LOOK_MS, signal)) {
      try {
        const job = await jobs.getJob(this.#job.id, internalCall(clock, CALL_MS, signal));
        if (job !== null) this.#job = job;
        metrics.jobProgress(resource, this.#job.kind, this.#job.rows, this.#job.expectedRows);
        this.#setRate();
        if (job?.state === 'running' && !(await this.#overtaken())) continue;
        if (job?.state !== 'running') this.#over.abort();
      } catch (error) {
        if (!signal.aborted) log.warn('a job could not be looked at; trying again', { jobId: this.#job.id, error });
      }
    }
  }

  /** Ends a job whose attach is over. */
  async #overtaken(): Promise<boolean> {
    const now = this.#options.control();
    if (now === undefined || (this.#isOurs(now) && now.state !== 'detached')) return false;
    await this.#update({ state: 'cancelled', error: 'the follower was attached anew or detached, or authority moved' });
    return true;
  }

  async #update(change: Parameters<JobStore['updateJob']>[1]): Promise<boolean> {
    const { jobs, clock } = this.#options;
    return await jobs.updateJob(this.#job.id, change, internalCall(clock, CALL_MS));
  }

  async #fail(error: unknown): Promise<void> {
    const { log } = this.#options;
    log.error('a job failed', { jobId: this.#job.id, error });
    await this.#update({ state: 'failed', error: publicText(error) }).catch(() => false);
  }

  /** Whether the control record is still the job's, and its state one that the job may go on in. */
  #allowed(): boolean {
    const now = this.#options.control();
    return now !== undefined && this.#isOurs(now) && this.#kind.allows(now);
  }

  #isOurs({ attach, epoch }: ControlRecord): boolean {
    return attach === this.#job.attach && epoch === this.#epoch;
  }

  async #workOff(index: number, signal: AbortSignal): Promise<void> {
    const owner = `${this.#options.owner}/${index}`;
    const { clock, random, traffic } = this.#options;
    const backoff = new Backoff(RETRY, { clock, random });
    while (!signal.aborted) {
      try {
        const givesWay = index > 0 && traffic.busy;
        const worked = !givesWay && this.#allowed() && (await this.#workOne(owner, signal));
        if (worked) backoff.reset();
        else await clock.sleep(IDLE_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isTransient(error)) await this.#fail(error);
        await backoff.pause(signal).catch(() => {});
      }
    }
  }

  /** False: there is no chunk to take. */
  async #workOne(owner: string, signal: AbortSignal): Promise<boolean> {
    const { jobs, clock, settings } = this.#options;
    for (const { stage, walked, work } of this.#work.stages) {
      const askedMs = clock.monotonicMs();
      const call = internalCall(clock, CALL_MS, signal);
      const chunk = await jobs.leaseChunk(this.#job.id, stage, owner, settings.chunkLeaseMs, call);
      if (chunk === null) continue;
      const guarded: PageWork = (records, within) => this.#whileAllowed(() => work(records, within), signal);
      const share = settings.shareBesideCallers[this.#kind.kind];
      const options = { ...this.#options, walked, work: guarded, owner, throttle: this.#throttle, share };
      await workChunk(options, chunk, askedMs, signal);
      return true;
    }
    return false;
  }

  async #whileAllowed<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    while (!this.#allowed()) await this.#options.clock.sleep(IDLE_MS, signal);
    return await work();
  }

  /** Takes the planner's task whenever it is free, and drives the job through its stages. */
  async #planAndFinish(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    const backoff = new Backoff(RETRY, { clock, random });
    const task = { ...this.#options, task: `plan/${this.#job.id}`, leaseMs: PLANNER_LEASE_MS };
    while (!signal.aborted) {
      try {
        await runTask(task, signal, (owned) => this.#drive(owned));
        await clock.sleep(LOOK_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isTransient(error)) log.warn('planning a job was interrupted; trying again', { error });
        else await this.#fail(error);
        await backoff.pause(signal).catch(() => {});
      }
    }
  }

  /** `stage` of a job is the last one that is planned whole. */
  async #drive(signal: AbortSignal): Promise<void> {
    const { jobs, clock } = this.#options;
    const job = await jobs.getJob(this.#job.id, internalCall(clock, CALL_MS, signal));
    if (job?.state !== 'running') return;
    const planned = this.#work.stages.findIndex(({ stage }) => stage === job.stage);
    let needless: readonly Chunk['stage'][] = [];
    for (const [index, stage] of this.#work.stages.entries()) {
      if (index > planned) {
        if (index === 0) needless = await this.#whileAllowed(() => this.#work.prepare(signal), signal);
        if (needless.includes(stage.stage)) continue;
        await this.#plan(stage, signal);
        await this.#update({ stage: stage.stage });
      }
      await this.#worked(stage.stage, signal);
    }
    await this.#whileAllowed(() => this.#work.finish(signal), signal);
    await this.#update({ stage: 'done', state: 'succeeded' });
  }

  async #worked(stage: Chunk['stage'], signal: AbortSignal): Promise<void> {
    const { jobs, clock } = this.#options;
    while ((await jobs.openChunks(this.#job.id, stage, internalCall(clock, CALL_MS, signal))) > 0) {
      await clock.sleep(IDLE_MS, signal);
    }
  }

  /** A planner that takes over plans the whole stage again: the table's own boundaries may have moved, and a hole would be a lost record. */
  async #plan({ stage, walked }: JobStage, signal: AbortSignal): Promise<void> {
    const { jobs, clock, random, settings } = this.#options;
    let sequence = Math.floor(random.uniform() * BLOCKS) * BLOCK;
    let expectedRows = this.#job.expectedRows;
    let atOnce = 1;
    let batch: (WalkRange & { sequence: number })[] = [];
    const add = async (): Promise<void> => {
      signal.throwIfAborted();
      await jobs.addChunks(this.#job.id, stage, batch, internalCall(clock, CALL_MS, signal));
      if (stage === 'source') await this.#update({ expectedRows });
      atOnce = Math.min(CHUNKS_AT_ONCE, atOnce * 2);
      batch = [];
    };
    for await (const range of walked.split(settings.chunkRows, internalCall(clock, PLANNING_MS, signal))) {
      batch.push({ ...range, sequence: sequence++ });
      expectedRows += stage === 'source' ? range.expectedRows : 0;
      if (batch.length >= atOnce) await add();
    }
    if (batch.length > 0) await add();
  }
}
