import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { count, duration, milliseconds, percent, rate, time } from '../../../src/dashboard/format.ts';
import { standingOf } from '../../../src/dashboard/steps.ts';
import { followerSentence, holdTitle, holdWords, storeNames, trafficSentence } from '../../../src/dashboard/words.ts';
import { DashboardFactsSchema } from '../../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { FollowerState, MigrationSchema, Phase, Store } from '../../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { holdReasons } from '../../../src/migration/phase.ts';

const names = { source: 'MySQL', target: 'Cassandra' };
const states = Object.values(FollowerState);

describe("the dashboard's words", () => {
  it('explain every reason for which the controller waits', () => {
    expect(Object.keys(holdWords).sort()).toEqual([...holdReasons].sort());
  });

  it('name a reason that they do not know by itself', () => {
    expect(holdTitle('a_new_reason')).toBe('a new reason');
  });

  it('call stores by their engine, and by their role where nothing was told', () => {
    const facts = create(DashboardFactsSchema, { source: { engine: 'mysql' }, target: { engine: 'elsewhere' } });
    expect(storeNames(facts)).toEqual({ source: 'MySQL', target: 'elsewhere' });
    expect(storeNames(undefined)).toEqual({ source: 'Source', target: 'Target' });
  });

  it('have a sentence for every state of the follower, with either authority', () => {
    for (const authority of [Store.SOURCE, Store.TARGET]) {
      const sentences = states.map((followerState) => {
        const migration = create(MigrationSchema, { authority, followerState });
        return `${trafficSentence(migration, names, 25)} ${followerSentence(migration, names)}`;
      });
      expect(new Set(sentences).size).toBe(states.length);
    }
  });
});

describe('the steps of the pattern', () => {
  const standing = (migration: object, share: number | undefined) =>
    standingOf(create(MigrationSchema, migration), share);
  const source = { authority: Store.SOURCE };

  it('are reached by the authority, the state of the follower and where reads go', () => {
    expect(standing({ ...source, followerState: FollowerState.DETACHED }, 0).reached).toBe(0);
    expect(standing({ ...source, followerState: FollowerState.SYNCING }, 0).reached).toBe(1);
    expect(standing({ ...source, followerState: FollowerState.JOINING }, 50).reached).toBe(1);
    expect(standing({ ...source, followerState: FollowerState.IN_SYNC }, 0).reached).toBe(2);
    expect(standing({ ...source, followerState: FollowerState.IN_SYNC }, 1).reached).toBe(3);
    expect(standing({ ...source, followerState: FollowerState.IN_SYNC }, undefined).reached).toBe(3);
    expect(standing({ authority: Store.TARGET, followerState: FollowerState.SYNCING }, 0).reached).toBe(4);
    expect(standing({ authority: Store.TARGET, followerState: FollowerState.DETACHED }, 0).reached).toBe(5);
  });

  it('are wanted by the flags, or none is', () => {
    const wanted = (wantedPhase: Phase, share = 0) => standing({ ...source, wantedPhase }, share).wanted;
    expect(wanted(Phase.UNSPECIFIED)).toBeUndefined();
    expect([wanted(Phase.SOURCE_ONLY), wanted(Phase.SYNCHRONIZE), wanted(Phase.SYNCHRONIZE, 5)]).toEqual([0, 2, 3]);
    expect([wanted(Phase.TARGET_AUTHORITY), wanted(Phase.TARGET_ONLY)]).toEqual([4, 5]);
  });
});

describe("the dashboard's figures", () => {
  it('are rounded as people read them', () => {
    expect([count(1234567n), rate(0.44), rate(1234.4)]).toEqual(['1,234,567', '0.4/s', '1,234/s']);
    expect([0, 0.2, 25.4, 99.7, 100].map(percent)).toEqual(['0 %', '< 1 %', '25 %', '> 99 %', '100 %']);
    const latencies = [0.42, 3.14, 182.4, 1_449, 12_000, undefined];
    expect(latencies.map(milliseconds)).toEqual(['0.42 ms', '3.1 ms', '182 ms', '1.4 s', '12 s', '–']);
  });

  it('say durations in the two largest units', () => {
    const seconds = [-1, 59.4, 200, 3_600, 7_500, 90_000, undefined];
    expect(seconds.map(duration)).toEqual(['0 s', '59 s', '3 min 20 s', '1 h', '2 h 5 min', '1 d 1 h', '–']);
  });

  it('say the day only of other days', () => {
    const now = new Date(2031, 4, 4, 12, 0, 0);
    expect(time(new Date(2031, 4, 4, 9, 5, 1), now)).toBe('09:05:01');
    expect(time(new Date(2031, 4, 3, 9, 5, 1), now)).toContain('03 May');
  });
});
