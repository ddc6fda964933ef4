/** What a scenario's traffic and the two stores say about the promises: pure, so that it can be tested without servers. */
import type { Judgement } from '../../examples/hospital/demo/judge.ts';
import { type Bar, bar, sum, zero } from '../../examples/hospital/demo/report.ts';
import type { Counts, PharmacyResult, StageResult } from '../../examples/hospital/pharmacy/messages.ts';
import type { Side } from '../../examples/hospital/pharmacy/tally.ts';

/** Failures that a scenario expects: everything else is a violation. */
export interface Allowance {
  readonly stages: readonly string[];
  /** Only of callers of this instance. Default: of both. */
  readonly side?: Side;
  /** Codes of gRPC by name, `Unavailable`. Default: none. */
  readonly writes?: readonly string[];
  readonly reads?: readonly string[];
}

/** Failures by kind that no allowance covers. */
export interface Unexpected {
  readonly writes: Counts;
  readonly reads: Counts;
}

/** Counts what failed although nothing says that it may. */
export function unexpectedFailures(
  stages: Readonly<Record<string, StageResult>>,
  allowances: readonly Allowance[],
): Unexpected {
  const unexpected = { writes: {} as Record<string, number>, reads: {} as Record<string, number> };
  for (const [stage, { sides }] of Object.entries(stages)) {
    for (const [side, { failedWrites, failedReads }] of sides.entries()) {
      const here = allowances.filter((one) => one.stages.includes(stage) && (one.side ?? side) === side);
      collect(
        unexpected.writes,
        failedWrites,
        here.flatMap(({ writes = [] }) => writes),
      );
      collect(
        unexpected.reads,
        failedReads,
        here.flatMap(({ reads = [] }) => reads),
      );
    }
  }
  return unexpected;
}

function collect(into: Record<string, number>, failures: Counts, allowedCodes: readonly string[]): void {
  for (const [kind, count] of Object.entries(failures)) {
    if (allowedCodes.includes(codeOf(kind))) continue;
    into[kind] = (into[kind] ?? 0) + count;
  }
}

/** A failure's kind is its code, a space, and its reason. */
function codeOf(kind: string): string {
  return kind.split(' ', 1)[0] ?? '';
}

/** The bars that every scenario is held to. `judgement` null: the stores could not be compared. */
export function commonBars(
  traffic: PharmacyResult,
  judgement: Judgement | null,
  allowances: readonly Allowance[],
): Bar[] {
  const unexpected = unexpectedFailures(traffic.stages, allowances);
  return [
    bar('acknowledged writes lost', judgement?.lostWrites === 0, found(judgement?.lostWrites)),
    bar('records that differ between the stores', judgement?.mismatches === 0, found(judgement?.mismatches)),
    zero('stale reads', traffic.staleReads),
    failures('failed writes that may not fail', unexpected.writes),
    failures('failed reads that may not fail', unexpected.reads),
  ];
}

function found(count: number | undefined): string {
  return count === undefined ? 'not known' : String(count);
}

function failures(name: string, kinds: Counts): Bar {
  const list = Object.entries(kinds).map(([kind, count]) => `${count} × ${kind}`);
  return bar(name, sum(kinds) === 0, list.length === 0 ? '0' : list.join('; '));
}
