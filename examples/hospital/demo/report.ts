import type { Counts, PharmacyResult, Quantiles } from '../pharmacy/messages.ts';
import type { MeasuredHandover } from './handover-stage.ts';
import type { Judgement } from './judge.ts';
import type { OutsideResult } from './outside.ts';
import { noShadows, type ShadowCounts } from './shadow-counts.ts';

/** Everything that a run measured, as `--report` writes it. */
export interface DemoReport {
  /** Whether every bar was met. */
  readonly ok: boolean;
  readonly bars: readonly Bar[];
  /** Acknowledged writes with a unique value; deletes, which carry none, come on top. */
  readonly acknowledgedWrites: number;
  readonly acknowledgedDeletes: number;
  readonly outsideCommits: number;
  readonly lostWrites: number;
  readonly staleReads: number;
  readonly failedReads: number;
  readonly failedWrites: number;
  /** Writes cut off by a kill: committed or not. 0 in a run without kills. */
  readonly unknownWrites: number;
  readonly mismatches: number;
  readonly freshReads: { readonly source: number; readonly target: number };
  readonly longestWritePauseMs: number;
  /** From the flag's change to the last read that the target answered. Null: it was never measured. */
  readonly rollbackMs: number | null;
  readonly handovers: readonly MeasuredHandover[];
  /** Whether a write to the source past the service was noticed while the target was the authority. */
  readonly outsideDetected: boolean;
  /** Whether writing to the source has ended. */
  readonly decommissioned: boolean;
  readonly bulk: { readonly rows: number; readonly rowsPerSecond: number };
  readonly latencyMs: { readonly source: Quantiles; readonly target: Quantiles; readonly write: Quantiles };
  readonly readsBySource: Counts;
  readonly readsByReason: Counts;
  readonly shadow: ShadowCounts;
  readonly writesByStage: Counts;
  readonly shadowByStage: Readonly<Record<string, ShadowCounts>>;
  readonly verification: { readonly rows: number; readonly mismatches: number };
  readonly failuresByKind: { readonly reads: Counts; readonly writes: Counts };
  readonly etagConflicts: number;
  readonly kills: number;
  readonly examples: readonly string[];
  /** Seconds by part of the run. */
  readonly durations: Counts;
}

/** One promise and whether it was kept. */
export interface Bar {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

/** What a run must reach. */
export interface Aims {
  readonly writes: number;
  readonly stageWrites: number;
  readonly bulkRows: number;
  readonly freshReads: number;
  readonly rollbackMs: number;
  readonly writePauseMs: number;
  readonly handoverPauseMs: number;
}

/** The bars of a whole run. */
export const fullAims: Aims = {
  writes: 30_000,
  stageWrites: 5_000,
  bulkRows: 100_000,
  freshReads: 1_000,
  rollbackMs: 2_000,
  writePauseMs: 3_000,
  handoverPauseMs: 2_000,
};

/** Those of a quick one. */
export const quickAims: Aims = { ...fullAims, writes: 1_800, stageWrites: 300, bulkRows: 10_000, freshReads: 50 };

/** What the report is made from. */
export interface Findings {
  readonly traffic: PharmacyResult;
  readonly outside: OutsideResult;
  readonly judgement: Judgement;
  readonly verification: { readonly rows: number; readonly mismatches: number; readonly succeeded: boolean };
  readonly rollbackMs: number | null;
  readonly handovers: readonly MeasuredHandover[];
  readonly outsideDetected: boolean;
  readonly decommissioned: boolean;
  readonly bulk: { readonly rows: number; readonly rowsPerSecond: number };
  readonly shadowByStage: Readonly<Record<string, ShadowCounts>>;
  /** The stages in which two stores could be compared. */
  readonly twoStoreStages: readonly string[];
  readonly kills: number;
  readonly durations: Counts;
}

/** Sums up a run and holds it to its bars. */
export function createReport(findings: Findings, aims: Aims): DemoReport {
  const { traffic, outside, judgement, verification, rollbackMs, bulk, shadowByStage } = findings;
  const bars = judgeBars(findings, aims);
  return {
    ok: bars.every(({ ok }) => ok),
    bars,
    acknowledgedWrites: traffic.acknowledgedWrites,
    acknowledgedDeletes: traffic.acknowledgedDeletes,
    outsideCommits: outside.commits,
    lostWrites: judgement.lostWrites,
    staleReads: traffic.staleReads,
    failedReads: sum(traffic.failedReads),
    failedWrites: sum(traffic.failedWrites),
    unknownWrites: traffic.unknownWrites,
    mismatches: Math.max(judgement.mismatches, verification.mismatches),
    freshReads: traffic.freshReads,
    longestWritePauseMs: longestPause(traffic),
    rollbackMs: rollbackMs === null ? null : Math.round(rollbackMs),
    handovers: findings.handovers,
    outsideDetected: findings.outsideDetected,
    decommissioned: findings.decommissioned,
    bulk,
    latencyMs: traffic.latencyMs,
    readsBySource: traffic.readsBySource,
    readsByReason: traffic.readsByReason,
    shadow: Object.values(shadowByStage).reduce(plus, noShadows),
    writesByStage: traffic.writesByStage,
    shadowByStage,
    verification: { rows: verification.rows, mismatches: verification.mismatches },
    failuresByKind: { reads: traffic.failedReads, writes: traffic.failedWrites },
    etagConflicts: traffic.etagConflicts,
    kills: findings.kills,
    examples: [...traffic.staleExamples, ...judgement.examples],
    durations: findings.durations,
  };
}

/** To the target, back, and to the target again. */
const HANDOVERS = 3;

function judgeBars(findings: Findings, aims: Aims): Bar[] {
  const { traffic, judgement, verification, rollbackMs, bulk, shadowByStage, twoStoreStages } = findings;
  const { handovers, outsideDetected } = findings;
  const stages = Object.entries(traffic.writesByStage).filter(([stage]) => stage !== '');
  const leastStage = Math.min(...stages.map(([, writes]) => writes));
  const compared = twoStoreStages.map((stage) => shadowByStage[stage]?.match ?? 0);
  const { source, target } = traffic.freshReads;
  const pauseMs = longestPause(traffic);
  return [
    zero('lost writes', judgement.lostWrites),
    zero('stale reads', traffic.staleReads),
    zero('mismatches, by verification', verification.mismatches),
    zero('mismatches, by the demo’s own scan', judgement.mismatches),
    zero('mismatches, by shadow reads', Object.values(shadowByStage).reduce(plus, noShadows).mismatch),
    zero('failed reads', sum(traffic.failedReads)),
    zero('failed writes', sum(traffic.failedWrites)),
    bar('verification ended', verification.succeeded, verification.succeeded ? 'yes' : 'no'),
    atLeast('acknowledged writes', traffic.acknowledgedWrites, aims.writes),
    atLeast('writes in each stage', leastStage, aims.stageWrites),
    atLeast('rows copied in bulk', bulk.rows, aims.bulkRows),
    atLeast('fresh reads from MySQL', source, aims.freshReads),
    atLeast('fresh reads from Cassandra', target, aims.freshReads),
    atLeast('comparisons in each stage of two stores', Math.min(...compared), 1),
    bar(
      'rollback',
      rollbackMs !== null && rollbackMs < aims.rollbackMs,
      rollbackMs === null ? 'not measured' : `${Math.round(rollbackMs)} ms, below ${aims.rollbackMs}`,
    ),
    zero(
      'failed requests while authority moved',
      handovers.reduce((total, one) => total + one.failedRequests, 0),
    ),
    bar(
      'longest pause of a handover',
      handovers.length > 0 && handovers.every((one) => one.pauseMs < aims.handoverPauseMs),
      `${Math.max(0, ...handovers.map((one) => one.pauseMs))} ms, below ${aims.handoverPauseMs}`,
    ),
    bar('authority moved', handovers.length === HANDOVERS, `${handovers.length} times, ${HANDOVERS} asked for`),
    bar('writing to the source ended', findings.decommissioned, findings.decommissioned ? 'yes' : 'no'),
    bar('a write past the service was noticed', outsideDetected, outsideDetected ? 'yes' : 'no'),
    bar('longest pause of writes', pauseMs < aims.writePauseMs, `${pauseMs} ms, below ${aims.writePauseMs}`),
  ];
}

/** A bar that nothing may pass. */
export function zero(name: string, found: number): Bar {
  return bar(name, found === 0, String(found));
}

function atLeast(name: string, found: number, least: number): Bar {
  return bar(name, found >= least, `${found}, at least ${least}`);
}

/** Any other bar. */
export function bar(name: string, ok: boolean, found: string): Bar {
  return { name, ok, found };
}

/** A write that took long, or a time in which none was acknowledged at all. */
function longestPause({ longestWriteMs, longestGapMs }: PharmacyResult): number {
  return Math.round(Math.max(longestWriteMs, longestGapMs));
}

/** All counts together. */
export function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function plus(a: ShadowCounts, b: ShadowCounts): ShadowCounts {
  return {
    match: a.match + b.match,
    raced: a.raced + b.raced,
    mismatch: a.mismatch + b.mismatch,
    other: a.other + b.other,
  };
}
