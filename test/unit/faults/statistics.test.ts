import { describe, expect, it } from 'vitest';
import { Pace } from '../../../examples/hospital/pharmacy/pace.ts';
import { PAUSE_MS, StageTally } from '../../../examples/hospital/pharmacy/stage-tally.ts';
import type { ControlRecord } from '../../../src/stores/control-store.ts';
import { firstControlRecord } from '../../../src/stores/control-store.ts';
import { isCounted } from '../../faults/forget-demotions.ts';
import { stepOf } from '../../faults/handover-steps.ts';
import { helpText, parseOptions } from '../../faults/options.ts';
import { scenarios } from '../../faults/scenarios.ts';
import { failedRequests, median, p99Ratio, seenPauseMs } from '../../faults/statistics.ts';

describe('the figures of a stage', () => {
  const tallyOf = (tookMs: readonly number[]) => {
    const tally = new StageTally();
    for (const ms of tookMs) tally.acknowledged(ms, 1);
    return tally;
  };
  const resultOf = (tally: StageTally) => ({
    all: tally.figures(),
    sides: [tally.figures(), tally.figures()] as const,
  });

  it('has a median of an odd and of an even number, and none of nothing', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('shows as a pause the longest write or the longest time without any', () => {
    const tally = tallyOf([5]);
    tally.acknowledged(7, PAUSE_MS);
    tally.acknowledged(900, 3);
    expect(seenPauseMs(resultOf(tally))).toBe(900);
    tally.acknowledged(1, 1_200);
    expect(seenPauseMs(resultOf(tally))).toBe(1_200);
    expect(tally.figures().pauses).toBe(2);
  });

  it('compares the p99 of two stages', () => {
    expect(p99Ratio(resultOf(tallyOf([10, 10])), resultOf(tallyOf([10, 15])))).toBe(1.5);
  });

  it('counts failures, and those of unknown outcome among them', () => {
    const tally = tallyOf([]);
    tally.writeFailed('Unknown X', true, 40);
    tally.writeFailed('Unavailable Y', false, 20);
    tally.readFailed('Unavailable Y', 5);
    expect(failedRequests(resultOf(tally))).toBe(3);
    expect(tally.figures()).toMatchObject({
      unknownWrites: 1,
      longestFailureMs: 40,
      failedReads: { 'Unavailable Y': 1 },
    });
  });
});

describe('an even pace', () => {
  it('hands out turns at its rate', () => {
    const pace = new Pace(100);
    expect([pace.take(1_000), pace.take(1_000), pace.take(1_000)].map((ms) => ms - 900)).toEqual([0, 10, 20]);
  });

  it('catches up a little after a pause, and no more', () => {
    const pace = new Pace(100);
    pace.take(1_000);
    expect(pace.take(5_000)).toBe(4_900);
  });
});

describe('steps of a handover', () => {
  const record = (change: Partial<ControlRecord>): ControlRecord => ({ ...firstControlRecord('notes'), ...change });

  it('are known by the record that stands in the register', () => {
    expect(stepOf(record({ state: 'handing_over', attempt: 'one' }))).toBe('handing_over');
    expect(stepOf(record({ state: 'moved', epoch: 2 }))).toBe('moved');
    expect(stepOf(record({ state: 'in_sync', epoch: 2 }))).toBe('installed');
  });

  it('are no other changes', () => {
    expect(stepOf(record({ state: 'in_sync' }))).toBeNull();
    expect(stepOf(record({ state: 'leaving', epoch: 2 }))).toBeNull();
  });
});

describe('what the controller counts as failures of the follower', () => {
  it('is every demotion and every undone handover', () => {
    expect(isCounted('in_sync', 'leaving')).toBe(true);
    expect(isCounted('handing_over', 'leaving')).toBe(true);
    expect(isCounted('joining', 'syncing')).toBe(true);
    expect(isCounted('handing_over', 'in_sync')).toBe(true);
    expect(isCounted('leaving', 'syncing')).toBe(false);
    expect(isCounted('joining', 'in_sync')).toBe(false);
  });
});

describe('the command line of the faults', () => {
  it('takes names, a seed and a rate', () => {
    const options = parseOptions(['--only', 'handovers,links', '--seed', '7', '--quick'], scenarios);
    expect(options).toMatchObject({ only: ['handovers', 'links'], seed: 7, rate: 300, quick: true });
  });

  it('says which scenarios there are when one is not', () => {
    expect(() => parseOptions(['--only', 'earthquake'], scenarios)).toThrow(
      'there is no earthquake; there are: handovers',
    );
    expect(() => parseOptions(['--rate', '0'], scenarios)).toThrow('--rate must be a whole number from 1');
  });

  it('names every scenario in its help', () => {
    for (const { name } of scenarios) expect(helpText(scenarios)).toContain(name);
  });
});
