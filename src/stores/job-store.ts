import type { Key } from '../domain/key.ts';
import type { Call } from './call.ts';

/** A piece of long work that the instances share. Serialisable and resumable. */
export interface Job {
  /** Unique in the deployment, ascending by time. */
  readonly id: string;
  readonly resource: string;
  readonly kind: 'backfill' | 'verification';
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** `source`: walking the authority. `follower`: walking the follower for what the authority lacks. */
  readonly stage: 'planning' | 'source' | 'follower' | 'done';
  /** The attach number that the job belongs to. */
  readonly attach: number;
  readonly compareWithItself: boolean;
  /** 0: no limit. Of all instances together. */
  readonly rowsPerSecondLimit: number;
  readonly expectedRows: number;
  readonly rows: number;
  readonly chunks: number;
  readonly doneChunks: number;
  readonly mismatches: number;
  /** How many workers, of all instances together, have a chunk in hand. */
  readonly workers: number;
  readonly createdAtMicros: bigint;
  readonly endedAtMicros: bigint | null;
  readonly error: string;
}

/** One leased part of a job. */
export interface Chunk {
  readonly jobId: string;
  readonly stage: 'source' | 'follower';
  readonly sequence: number;
  readonly range: string;
  /** From where to go on; null: from the beginning. */
  readonly cursor: string | null;
  readonly rows: number;
}

/** A difference that was still there past a barrier. */
export interface Mismatch {
  readonly id: number;
  readonly resource: string;
  readonly key: Buffer;
  readonly kind: 'different' | 'missing_in_follower' | 'extra_in_follower' | 'missing_in_index';
  readonly fieldPaths: readonly string[];
  readonly foundBy: 'verification' | 'shadow_read' | 'capture';
  readonly createdAtMicros: bigint;
  readonly open: boolean;
}

/** A task as the other instances see it. */
export interface TaskView {
  readonly owner: string | null;
  /** JSON of the task's own making, at most 8,000 characters. */
  readonly status: string;
}

/** The port of leased tasks, jobs, chunks and mismatches, kept in the authority's store. */
export interface JobStore {
  /**
   * Takes or renews the lease of a named task (`capture/medications`), by the server's clock. False: another owner has it.
   * One owner at a time does capture, and one controls. `status`, kept beside the lease, tells the other instances how it goes.
   */
  leaseTask(task: string, owner: string, leaseMs: number, status: string, call: Call): Promise<boolean>;
  /** Gives a task back. */
  releaseTask(task: string, owner: string, call: Call): Promise<void>;
  /** Who has a task now (`owner` null: nobody), and the status last told; null: nobody ever had it. */
  readTask(task: string, call: Call): Promise<TaskView | null>;

  /** Creates a running job, unless one of its kind runs for the resource: that one is returned then. */
  createJob(
    init: Pick<Job, 'resource' | 'kind' | 'attach' | 'compareWithItself' | 'rowsPerSecondLimit'>,
    call: Call,
  ): Promise<Job>;
  getJob(id: string, call: Call): Promise<Job | null>;
  /** The newest job of its kind, however many of others came after it; null: there was none. */
  newestJob(resource: string, kind: Job['kind'], call: Call): Promise<Job | null>;
  /** Newest first. */
  listJobs(resource: string, before: string | null, limit: number, call: Call): Promise<readonly Job[]>;
  /** Changes a job that is running. False: it is not running any more. */
  updateJob(
    id: string,
    change: Partial<Pick<Job, 'stage' | 'state' | 'error' | 'expectedRows' | 'rowsPerSecondLimit'>>,
    call: Call,
  ): Promise<boolean>;

  /** Appends planned chunks; a chunk that exists already (same stage and sequence) is left alone. */
  addChunks(
    jobId: string,
    stage: Chunk['stage'],
    chunks: readonly { sequence: number; range: string; expectedRows: number }[],
    call: Call,
  ): Promise<void>;
  /** Leases a chunk that nobody has, or whose lease has run out; null: none is left to take. */
  leaseChunk(jobId: string, stage: Chunk['stage'], owner: string, leaseMs: number, call: Call): Promise<Chunk | null>;
  /** Saves a chunk's progress and renews its lease. False: the lease was lost, the work must be dropped. */
  saveChunk(
    chunk: Chunk,
    owner: string,
    progress: { cursor: string | null; addRows: number; addMismatches: number; done: boolean; leaseMs: number },
    call: Call,
  ): Promise<boolean>;
  /** How many chunks of a stage are not done. */
  openChunks(jobId: string, stage: Chunk['stage'], call: Call): Promise<number>;

  /** Records a mismatch, or updates the open one of the same key. */
  recordMismatch(mismatch: Omit<Mismatch, 'id' | 'createdAtMicros' | 'open'>, call: Call): Promise<void>;
  /** Closes the open mismatches of these keys. */
  closeMismatches(resource: string, keys: readonly Key[], call: Call): Promise<void>;
  /** In the order of their ids, or the other way round. `after`: only ids above it. */
  listMismatches(
    resource: string,
    query: { after: number; limit: number; openOnly: boolean; newestFirst?: boolean },
    call: Call,
  ): Promise<readonly Mismatch[]>;
  countOpenMismatches(resource: string, call: Call): Promise<number>;
}
