import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { countsOver, foundDiffering, quantiles, ratesOver, total } from '../../../src/dashboard/charts/columns.ts';
import { flowOf, progressOf, wantedReadShare } from '../../../src/dashboard/flow.ts';
import { type DashboardState, ratesOf, take } from '../../../src/dashboard/model.ts';
import { Samples } from '../../../src/dashboard/samples.ts';
import {
  DashboardFlagState,
  DashboardFlagsSchema,
  type DashboardSample,
  DashboardSampleSchema,
  WatchDashboardResponseSchema,
} from '../../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import {
  FollowerState,
  JobSchema,
  JobState,
  MigrationSchema,
  Store,
} from '../../../src/gen/crossfade/v1alpha1/migrations_pb.ts';

const NAME = 'migrations/medications';
const message = (init: object) => create(WatchDashboardResponseSchema, init);
const begin = (init: object = {}) =>
  message({ instance: { name: 'one', sampleLimit: 3 }, resourceCount: 2, resources: [{ name: NAME }], ...init });
const sample = (sourceReads: number, targetReads = 0, seconds = 5) =>
  create(DashboardSampleSchema, {
    endTime: { seconds: 1n },
    seconds,
    measures: { source: { answeredReadCount: sourceReads }, target: { answeredReadCount: targetReads } },
  });

const samplesOf = (...samples: readonly DashboardSample[]) => {
  const all = new Samples(10);
  for (const one of samples) all.add(one);
  return all;
};

describe('what the page knows', () => {
  const known = (state: DashboardState | undefined) => state?.resources.get(NAME);

  it('begins with the message that names the instance, and again with each that does', () => {
    expect(take(undefined, message({ resources: [{ name: NAME }] }))).toBeUndefined();
    const state = take(undefined, begin({ resources: [{ name: NAME, samples: [sample(1)] }] }));
    expect(known(state)?.samples.length).toBe(1);
    expect(known(take(state, begin()))?.samples.length).toBe(0);
  });

  it('keeps what a message does not tell', () => {
    let state = take(
      undefined,
      begin({ resources: [{ name: NAME, migration: { epoch: 4n }, transitions: { transitions: [{}] } }] }),
    );
    state = take(state, message({ resourceCount: 2, resources: [{ name: NAME, mismatches: { mismatches: [{}] } }] }));
    expect(known(state)?.migration?.epoch).toBe(4n);
    expect(known(state)?.transitions).toHaveLength(1);
    expect(known(state)?.mismatches).toHaveLength(1);
  });

  it('is whole when as many resources were told of as there are', () => {
    let state = take(undefined, begin());
    expect(state?.complete).toBe(false);
    state = take(state, message({ resourceCount: 2, resources: [{ name: 'migrations/encounters' }] }));
    expect(state?.complete).toBe(true);
  });

  it('has no more samples than the instance keeps, the newest', () => {
    let state = take(undefined, begin());
    for (let index = 0; index < 10; index++) {
      state = take(state, message({ resources: [{ name: NAME, samples: [sample(index)] }] }));
    }
    expect([...(known(state)?.samples.column('sourceReads') ?? [])]).toEqual([7, 8, 9]);
    expect(known(state)?.samples.taken).toBe(10);
  });
});

describe('rates', () => {
  it('are those of the last ten seconds', () => {
    const rates = ratesOf(samplesOf(sample(1_000_000), sample(75, 25), sample(75, 25)));
    expect(rates).toMatchObject({ sourceReads: 15, targetReads: 5, targetShare: 25 });
  });

  it('are none where nothing was counted', () => {
    expect(ratesOf(samplesOf())).toMatchObject({ sourceReads: 0, targetShare: undefined });
    expect(ratesOver(samplesOf(sample(5, 0, 0)), ['sourceReads'])).toEqual([null]);
  });
});

describe('columns of charts', () => {
  it('have a gap where nothing was measured', () => {
    const measured = create(DashboardSampleSchema, {
      endTime: { seconds: 2n },
      measures: { target: { reads: { count: 4, p50Ms: 1, p95Ms: 2, p99Ms: 3 } } },
    });
    expect(quantiles(samplesOf(sample(1), measured), 'target', 'reads')).toEqual([
      [null, 1],
      [null, 2],
      [null, 3],
    ]);
  });

  it('count as differing what differs, and not what raced or failed', () => {
    const comparisons = {
      matchCount: 9,
      racedCount: 8,
      mismatchCount: 1,
      missingCount: 2,
      extraCount: 3,
      missingInIndexCount: 4,
      errorCount: 7,
    };
    const measures = { shadowReads: comparisons, verifications: comparisons };
    const samples = samplesOf(create(DashboardSampleSchema, { endTime: { seconds: 1n }, measures }), sample(1));
    expect(countsOver(samples, foundDiffering())).toEqual([20, 0]);
    expect(total(samples, foundDiffering())).toBe(20);
  });
});

describe('where reads and writes go', () => {
  const flags = (state: DashboardFlagState, percent?: number) =>
    create(DashboardFlagsSchema, { readTarget: { state, ...(percent !== undefined && { percent }) } });
  const migration = (init: object) => create(MigrationSchema, { authority: Store.SOURCE, ...init });
  const resource = (followerState: FollowerState, init: object = {}) => {
    const state = take(
      undefined,
      begin({
        resources: [
          { name: NAME, facts: { source: {}, target: {} }, ...init, migration: migration({ followerState }) },
        ],
      }),
    );
    const flow = state?.resources.get(NAME);
    if (flow === undefined) throw new Error('no resource');
    return flow;
  };

  it('is asked for by the flag, or decided by the authority', () => {
    expect(wantedReadShare(flags(DashboardFlagState.ON, 25), migration({}))).toBe(25);
    expect(wantedReadShare(flags(DashboardFlagState.ON), migration({}))).toBeUndefined();
    expect(wantedReadShare(flags(DashboardFlagState.OFF), migration({}))).toBe(0);
    expect(wantedReadShare(flags(DashboardFlagState.ABSENT), migration({ authority: Store.TARGET }))).toBe(100);
    expect(wantedReadShare(undefined, undefined)).toBeUndefined();
  });

  it('follows the state of the follower', () => {
    const writes = (state: FollowerState) => {
      const flow = flowOf(resource(state));
      return [flow?.source.writes, flow?.target?.writes];
    };
    expect(writes(FollowerState.DETACHED)).toEqual(['direct', 'none']);
    expect(writes(FollowerState.SYNCING)).toEqual(['direct', 'none']);
    expect(writes(FollowerState.IN_SYNC)).toEqual(['direct', 'direct']);
    expect(writes(FollowerState.HANDING_OVER)).toEqual(['waiting', 'waiting']);
  });

  it('is as measured where reads were, and as the flag says where none were', () => {
    const asked = { flags: flags(DashboardFlagState.ON, 40) };
    expect(flowOf(resource(FollowerState.IN_SYNC, asked))?.target?.readPart).toBe(0.4);
    expect(flowOf(resource(FollowerState.SYNCING, asked))?.target?.readPart).toBe(0);
    const measured = { ...asked, samples: [sample(90, 10)] };
    expect(flowOf(resource(FollowerState.IN_SYNC, measured))?.target?.readPart).toBe(0.1);
  });

  it('has no target where there is none', () => {
    expect(flowOf(resource(FollowerState.DETACHED, { facts: { source: {} } }))?.target).toBeUndefined();
  });
});

describe('the progress of a job', () => {
  const progress = (init: object) => progressOf(create(JobSchema, { state: JobState.RUNNING, ...init }));

  it('is by rows, by chunks where no rows were expected, and never past the end', () => {
    expect(progress({ rowCount: 25n, expectedRowCount: 100n })).toBe(0.25);
    expect(progress({ rowCount: 250n, expectedRowCount: 100n })).toBe(1);
    expect(progress({ doneChunkCount: 1n, chunkCount: 4n })).toBe(0.25);
    expect(progress({})).toBe(0);
    expect(progress({ state: JobState.SUCCEEDED })).toBe(1);
  });
});
