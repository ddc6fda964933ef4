import type { Content, FinalContent } from './record-journal.ts';
import type { StageFigures } from './stage-tally.ts';

/** A record as the pharmacy finds it: its name and content. */
export type KnownRecord = readonly [name: string, content: Content];

/** What the demo tells the pharmacy's process. */
export type PharmacyRequest =
  | { readonly type: 'start'; readonly options: PharmacyOptions; readonly records: readonly KnownRecord[] }
  /** From now on everything counts for this stage. */
  | { readonly type: 'stage'; readonly stage: string }
  | { readonly type: 'stop' };

/** What the pharmacy's process tells the demo. */
export type PharmacyEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'stage-begun'; readonly stage: string }
  | { readonly type: 'progress'; readonly progress: PharmacyProgress }
  | { readonly type: 'result'; readonly result: PharmacyResult };

/** How the pharmacy works. */
export interface PharmacyOptions {
  /** The gRPC addresses of the two instances. */
  readonly instances: readonly [string, string];
  /** Loops that write and read at once. */
  readonly workers: number;
  readonly seed: number;
  /** A stage that has so many writes goes on at a lower rate. */
  readonly stageWrites: number;
  /** How often a call that may safely be sent again is. 0: whatever fails counts as failed. */
  readonly retries: number;
  /** Whether instances are killed: then a write cut off in flight is no failure, its outcome is unknown. */
  readonly unknownIsExpected: boolean;
  /** At most so many writes a second by all loops together. Default: as many as they can. */
  readonly writesPerSecond?: number;
  /** Values and new ids count from here: traffic over records that an earlier one wrote needs others. Default: 0. */
  readonly firstNumber?: number;
}

/** Where the traffic is, told ten times a second. */
export interface PharmacyProgress {
  readonly stage: string;
  /** Acknowledged writes with a unique value in this stage. */
  readonly stageWrites: number;
  /** The same of all stages. */
  readonly writes: number;
  readonly reads: number;
  /** When the last read answered by the target ended, in milliseconds of CLOCK_MONOTONIC; 0: none in this stage. */
  readonly lastTargetReadMs: number;
  /** Stale reads and failures by kind, of all stages. */
  readonly problems: Counts;
}

/** Quantiles in milliseconds. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Counts by a name. */
export type Counts = Readonly<Record<string, number>>;

/** Everything that the pharmacy saw. */
export interface PharmacyResult {
  /** Acknowledged writes that carry a unique value. */
  readonly acknowledgedWrites: number;
  readonly acknowledgedDeletes: number;
  readonly writesByStage: Counts;
  /** Updates refused because somebody else had changed the record since it was read: as the API promises. */
  readonly etagConflicts: number;
  readonly unknownWrites: number;
  readonly failedWrites: Counts;
  readonly failedReads: Counts;
  readonly staleReads: number;
  /** The first of them, in words. */
  readonly staleExamples: readonly string[];
  /** Reads that began within 100 ms of an acknowledgement through the other instance, by the store that answered. */
  readonly freshReads: { readonly source: number; readonly target: number };
  readonly reads: number;
  readonly readsBySource: Counts;
  readonly readsByReason: Counts;
  readonly latencyMs: { readonly source: Quantiles; readonly target: Quantiles; readonly write: Quantiles };
  readonly longestWriteMs: number;
  readonly longestGapMs: number;
  readonly finals: readonly FinalContent[];
  /** By stage; `sides`: of the callers of the one and of the other instance. */
  readonly stages: Readonly<Record<string, StageResult>>;
}

/** One stage as all callers saw it, and as those of each instance did. */
export interface StageResult {
  readonly all: StageFigures;
  readonly sides: readonly [StageFigures, StageFigures];
}
