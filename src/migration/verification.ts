import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import type { Stored } from '../stores/record-store.ts';
import type { ComparisonOutcome, MigrationMetrics } from '../telemetry/migration-metrics.ts';
import type { PageResult } from './chunk-worker.ts';
import { getAll } from './get-all.ts';
import { unindexedOf } from './index-check.ts';
import type { JobKind } from './job-runner.ts';
import { type FoundDifference, isSuspect, type LookOptions, lookAgain } from './look.ts';
import { closeGoneMismatches } from './mismatches.ts';
import type { Roles } from './roles.ts';

/** What verifications need. */
export interface VerificationOptions extends Omit<LookOptions, 'authority' | 'follower'> {
  /** Who is what while a record holds. */
  readonly rolesOf: (control: ControlRecord) => Roles;
  readonly jobs: JobStore;
  readonly metrics: MigrationMetrics;
}

/** How long looking once more at the open mismatches may take, for one page of them. */
const RECHECK_MS = 60_000;

/**
 * The comparison of every record, both ways (docs/protocol.md, section 8). Workers' pages share barriers. What differs for
 * certain is recorded as a mismatch, by key and field paths; open mismatches that are gone are closed at the end.
 * With `compareWithItself` the authority is compared with itself, and differences are counted, not recorded.
 */
export function createVerification(options: VerificationOptions): JobKind {
  return {
    kind: 'verification',
    allows: (control) => control.state !== 'detached',
    open: (job, control) => {
      const roles = options.rolesOf(control);
      const pages = new Pages({ ...options, ...roles }, job, control);
      const { authority, follower } = roles;
      const forth = {
        stage: 'source',
        walked: authority,
        work: (records, call) => pages.compare(records, call),
      } as const satisfies Stage;
      const back = {
        stage: 'follower',
        walked: follower,
        work: (records, call) => pages.findExtra(records, call),
      } as const satisfies Stage;
      return {
        prepare: async () => [],
        stages: job.compareWithItself ? [forth] : [forth, back],
        finish: async (signal) => {
          if (job.compareWithItself) return;
          const call = () => internalCall(options.clock, RECHECK_MS, signal);
          await closeGoneMismatches({ ...options, ...roles }, control.floor, call);
        },
      };
    },
  };
}

type Stage = ReturnType<JobKind['open']>['stages'][number];

/** The work on the pages of one verification. */
class Pages {
  readonly #options: VerificationOptions & Roles;
  readonly #look: LookOptions;
  readonly #job: Job;
  readonly #floor: bigint;

  constructor(options: VerificationOptions & Roles, job: Job, control: ControlRecord) {
    this.#options = options;
    this.#job = job;
    this.#floor = control.floor;
    this.#look = { ...options, follower: job.compareWithItself ? options.authority : options.follower };
  }

  /** A page of the authority's walk, read before the barrier, with the same keys of the follower. */
  async compare(records: readonly Stored[], call: Call): Promise<PageResult> {
    const { resource, barriers } = this.#options;
    if (records.length === 0) return { rows: 0, mismatches: 0 };
    await barriers.pass(call);
    const keys = records.map((record) => record.key);
    const others = await getAll(this.#look.follower, keys, call);
    const unindexed = await unindexedOf(this.#look, { authority: records, follower: others }, call);
    const suspects = records.filter((record, index) => {
      const other = others[index] ?? { key: record.key, row: null, version: 0n };
      return unindexed.has(record.key.id) || isSuspect(resource, record, other, this.#floor);
    });
    this.#count('match', records.length - suspects.length);
    return { rows: records.length, mismatches: await this.#settle(suspects, call) };
  }

  /** A page of the follower's walk: records that the authority does not have. */
  async findExtra(records: readonly Stored[], call: Call): Promise<PageResult> {
    const live = records.filter((record) => record.row !== null);
    const keys = live.map((record) => record.key);
    const suspects = (await getAll(this.#options.authority, keys, call)).filter((found) => found.row === null);
    return { rows: 0, mismatches: await this.#settle(suspects, call) };
  }

  /** Looks again at what may differ, and records what does. Returns how many do. */
  async #settle(suspects: readonly Stored[], call: Call): Promise<number> {
    if (suspects.length === 0) return 0;
    const keys = suspects.map((record) => record.key);
    const { differences, equal, raced } = await lookAgain(this.#look, keys, this.#floor, call);
    this.#count('raced', equal.length + raced.length);
    for (const difference of differences) await this.#record(difference, call);
    return differences.length;
  }

  async #record({ key, kind, fieldPaths }: FoundDifference, call: Call): Promise<void> {
    const { jobs, resource } = this.#options;
    this.#count(kind === 'different' ? 'mismatch' : kind, 1);
    if (this.#job.compareWithItself) return;
    const mismatch = { resource: resource.id, key: key.bytes, kind, fieldPaths, foundBy: 'verification' } as const;
    await jobs.recordMismatch(mismatch, call);
  }

  #count(outcome: ComparisonOutcome, times: number): void {
    const { metrics, resource } = this.#options;
    for (let i = 0; i < times; i++) metrics.compared(resource.id, 'verification', outcome);
  }
}
