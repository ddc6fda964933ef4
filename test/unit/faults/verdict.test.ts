import { describe, expect, it } from 'vitest';
import type { PharmacyResult, StageResult } from '../../../examples/hospital/pharmacy/messages.ts';
import { StageTally } from '../../../examples/hospital/pharmacy/stage-tally.ts';
import { commonBars, unexpectedFailures } from '../../faults/verdict.ts';

/** A stage with one failed write of this kind through each side, and one failed read through the second. */
function stageWith(kind: string): StageResult {
  const [all, first, second] = [new StageTally(), new StageTally(), new StageTally()];
  for (const tally of [all, first, second]) tally.writeFailed(kind, false, 10);
  for (const tally of [all, second]) tally.readFailed(kind, 10);
  return { all: all.figures(), sides: [first.figures(), second.figures()] };
}

const stages = { calm: stageWith('Internal'), storm: stageWith('Unavailable NO_LEASE') };

describe('the verdict on failures', () => {
  it('counts every failure that nothing allows', () => {
    expect(unexpectedFailures(stages, [])).toEqual({
      writes: { Internal: 2, 'Unavailable NO_LEASE': 2 },
      reads: { Internal: 1, 'Unavailable NO_LEASE': 1 },
    });
  });

  it('allows codes in the stages that are named, apart for reads and writes', () => {
    const allowance = { stages: ['storm'], writes: ['Unavailable'] };
    expect(unexpectedFailures(stages, [allowance])).toEqual({
      writes: { Internal: 2 },
      reads: { Internal: 1, 'Unavailable NO_LEASE': 1 },
    });
  });

  it('allows them through one instance alone where that is said', () => {
    const allowance = { stages: ['storm'], side: 0 as const, writes: ['Unavailable'], reads: ['Unavailable'] };
    expect(unexpectedFailures(stages, [allowance])).toEqual({
      writes: { Internal: 2, 'Unavailable NO_LEASE': 1 },
      reads: { Internal: 1, 'Unavailable NO_LEASE': 1 },
    });
  });

  it('does not take one code for another that begins like it', () => {
    const unknown = { storm: stageWith('UnknownThing') };
    expect(unexpectedFailures(unknown, [{ stages: ['storm'], writes: ['Unknown'] }]).writes).toEqual({
      UnknownThing: 2,
    });
  });
});

describe('the bars of every scenario', () => {
  const traffic = { stages: {}, staleReads: 0 } as unknown as PharmacyResult;
  const judgement = { sourceRecords: 1, targetRecords: 1, mismatches: 0, lostWrites: 0, examples: [] };
  const broken = (result: PharmacyResult, judged: typeof judgement | null) =>
    commonBars(result, judged, [])
      .filter(({ ok }) => !ok)
      .map(({ name }) => name);

  it('are met by a run in which nothing happened', () => {
    expect(broken(traffic, judgement)).toEqual([]);
  });

  it('are broken by a lost write, a difference, a stale read and a failure', () => {
    const bad = { stages, staleReads: 1 } as unknown as PharmacyResult;
    expect(broken(bad, { ...judgement, mismatches: 1, lostWrites: 1 })).toHaveLength(5);
  });

  it('are broken where the stores could not be compared', () => {
    expect(broken(traffic, null)).toEqual(['acknowledged writes lost', 'records that differ between the stores']);
  });
});
