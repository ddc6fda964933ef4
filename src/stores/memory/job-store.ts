import type { Clock, Random } from '../../domain/clock.ts';
import type { Chunk, Job, JobStore, Mismatch } from '../job-store.ts';
import { checkCall } from './database.ts';

interface Time {
  readonly clock: Clock;
  readonly random: Random;
}

interface Lease {
  readonly owner: string;
  readonly untilMicros: bigint;
}

interface ChunkState {
  chunk: Chunk;
  lease: Lease | null;
  done: boolean;
}

interface JobState {
  job: Omit<Job, 'rows' | 'chunks' | 'doneChunks' | 'mismatches' | 'workers'>;
  mismatches: number;
  readonly chunks: Map<string, ChunkState>;
}

/** Leased tasks, jobs, chunks and mismatches in memory. One object serves all instances. */
export function createMemoryJobStore(time: Time): JobStore {
  const jobs = new Map<string, JobState>();
  return {
    ...createTasks(time.clock),
    ...createJobs(time, jobs),
    ...createChunks(time.clock, jobs),
    ...createMismatches(time.clock),
  };
}

function createTasks(clock: Clock): Pick<JobStore, 'leaseTask' | 'releaseTask' | 'readTask'> {
  const tasks = new Map<string, { lease: Lease | null; status: string }>();
  return {
    leaseTask: async (task, owner, leaseMs, status, call) => {
      checkCall(clock, call);
      if (isTaken(clock, tasks.get(task)?.lease ?? undefined, owner)) return false;
      tasks.set(task, { lease: newLease(clock, owner, leaseMs), status });
      return true;
    },
    releaseTask: async (task, owner, call) => {
      checkCall(clock, call);
      const held = tasks.get(task);
      if (held?.lease?.owner === owner) held.lease = null;
    },
    readTask: async (task, call) => {
      checkCall(clock, call);
      const held = tasks.get(task);
      if (held === undefined) return null;
      const { lease, status } = held;
      return { owner: lease !== null && lease.untilMicros > clock.wallMicros() ? lease.owner : null, status };
    },
  };
}

type Jobs = Pick<JobStore, 'createJob' | 'getJob' | 'newestJob' | 'listJobs' | 'updateJob'>;

function createJobs({ clock, random }: Time, jobs: Map<string, JobState>): Jobs {
  return {
    createJob: async (init, call) => {
      checkCall(clock, call);
      for (const { job } of jobs.values()) {
        if (job.resource === init.resource && job.kind === init.kind && job.state === 'running')
          return describe(clock, jobs, job.id);
      }
      const createdAtMicros = clock.wallMicros();
      const id = `${createdAtMicros.toString(16).padStart(16, '0')}${random.id().slice(0, 16)}`;
      const start = { state: 'running', stage: 'planning', expectedRows: 0, endedAtMicros: null, error: '' } as const;
      jobs.set(id, { job: { id, createdAtMicros, ...start, ...init }, mismatches: 0, chunks: new Map() });
      return describe(clock, jobs, id);
    },
    getJob: async (id, call) => {
      checkCall(clock, call);
      return jobs.has(id) ? describe(clock, jobs, id) : null;
    },
    newestJob: async (resource, kind, call) => {
      checkCall(clock, call);
      const ids = [...jobs.values()].filter(({ job }) => job.resource === resource && job.kind === kind);
      const newest = ids
        .map(({ job }) => job.id)
        .sort()
        .at(-1);
      return newest === undefined ? null : describe(clock, jobs, newest);
    },
    listJobs: async (resource, before, limit, call) => {
      checkCall(clock, call);
      const ids = [...jobs.keys()].filter((id) => jobs.get(id)?.job.resource === resource);
      const older = ids
        .filter((id) => before === null || id < before)
        .sort()
        .reverse();
      return older.slice(0, limit).map((id) => describe(clock, jobs, id));
    },
    updateJob: async (id, change, call) => {
      checkCall(clock, call);
      const state = jobs.get(id);
      if (state?.job.state !== 'running') return false;
      const ends = change.state !== undefined && change.state !== 'running';
      state.job = { ...state.job, ...change, endedAtMicros: ends ? clock.wallMicros() : null };
      return true;
    },
  };
}

function describe(clock: Clock, jobs: ReadonlyMap<string, JobState>, id: string): Job {
  const state = jobs.get(id);
  if (state === undefined) throw new RangeError(`no job ${id}`);
  const chunks = [...state.chunks.values()];
  return {
    ...state.job,
    rows: chunks.reduce((sum, { chunk }) => sum + chunk.rows, 0),
    chunks: chunks.length,
    doneChunks: chunks.filter(({ done }) => done).length,
    mismatches: state.mismatches,
    workers: new Set(chunks.flatMap(({ lease, done }) => (done || !isHeld(clock, lease) ? [] : [lease?.owner]))).size,
  };
}

function isHeld(clock: Clock, lease: Lease | null): boolean {
  return lease !== null && lease.untilMicros > clock.wallMicros();
}

type Chunks = Pick<JobStore, 'addChunks' | 'leaseChunk' | 'saveChunk' | 'openChunks'>;

function createChunks(clock: Clock, jobs: ReadonlyMap<string, JobState>): Chunks {
  const open = (jobId: string, stage: Chunk['stage']): ChunkState[] =>
    [...(jobs.get(jobId)?.chunks.values() ?? [])].filter(({ chunk, done }) => chunk.stage === stage && !done);
  return {
    addChunks: async (jobId, stage, added, call) => {
      checkCall(clock, call);
      const chunks = jobs.get(jobId)?.chunks;
      for (const { sequence, range } of added) {
        const chunk: Chunk = { jobId, stage, sequence, range, cursor: null, rows: 0 };
        if (!chunks?.has(chunkId(chunk))) chunks?.set(chunkId(chunk), { chunk, lease: null, done: false });
      }
    },
    leaseChunk: async (jobId, stage, owner, leaseMs, call) => {
      checkCall(clock, call);
      if (jobs.get(jobId)?.job.state !== 'running') return null;
      const now = clock.wallMicros();
      const free = open(jobId, stage).find(({ lease }) => lease === null || lease.untilMicros <= now);
      if (free === undefined) return null;
      free.lease = newLease(clock, owner, leaseMs);
      return free.chunk;
    },
    saveChunk: async (chunk, owner, progress, call) => {
      checkCall(clock, call);
      const job = jobs.get(chunk.jobId);
      const state = job?.chunks.get(chunkId(chunk));
      if (job === undefined || state === undefined || state.done) return false;
      if (state.lease?.owner !== owner || state.lease.untilMicros <= clock.wallMicros()) return false;
      state.chunk = { ...state.chunk, cursor: progress.cursor, rows: state.chunk.rows + progress.addRows };
      state.done = progress.done;
      state.lease = newLease(clock, owner, progress.leaseMs);
      job.mismatches += progress.addMismatches;
      return true;
    },
    openChunks: async (jobId, stage, call) => {
      checkCall(clock, call);
      return open(jobId, stage).length;
    },
  };
}

type Mismatches = Pick<JobStore, 'recordMismatch' | 'closeMismatches' | 'listMismatches' | 'countOpenMismatches'>;

function createMismatches(clock: Clock): Mismatches {
  let mismatches: readonly Mismatch[] = [];
  return {
    recordMismatch: async (found, call) => {
      checkCall(clock, call);
      const createdAtMicros = clock.wallMicros();
      const known = mismatches.find((one) => one.open && one.resource === found.resource && one.key.equals(found.key));
      if (known === undefined) {
        mismatches = [...mismatches, { ...found, id: mismatches.length + 1, createdAtMicros, open: true }];
      } else {
        mismatches = mismatches.map((one) => (one === known ? { ...one, ...found } : one));
      }
    },
    closeMismatches: async (resource, keys, call) => {
      checkCall(clock, call);
      const closed = (one: Mismatch): boolean =>
        one.resource === resource && keys.some((key) => key.bytes.equals(one.key));
      mismatches = mismatches.map((one) => (closed(one) ? { ...one, open: false } : one));
    },
    listMismatches: async (resource, { after, limit, openOnly, newestFirst = false }, call) => {
      checkCall(clock, call);
      const wanted = (one: Mismatch): boolean => one.resource === resource && one.id > after && (one.open || !openOnly);
      const found = mismatches.filter(wanted);
      return (newestFirst ? found.reverse() : found).slice(0, limit);
    },
    countOpenMismatches: async (resource, call) => {
      checkCall(clock, call);
      return mismatches.filter((one) => one.resource === resource && one.open).length;
    },
  };
}

function chunkId(chunk: Pick<Chunk, 'stage' | 'sequence'>): string {
  return `${chunk.stage}/${chunk.sequence}`;
}

function newLease(clock: Clock, owner: string, leaseMs: number): Lease {
  return { owner, untilMicros: clock.wallMicros() + BigInt(Math.ceil(leaseMs * 1000)) };
}

function isTaken(clock: Clock, lease: Lease | undefined, owner: string): boolean {
  return lease !== undefined && lease.owner !== owner && lease.untilMicros > clock.wallMicros();
}
