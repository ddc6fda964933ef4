import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bothMigrationMetrics, bothStoreMetrics } from '../../src/telemetry/both-metrics.ts';
import { bucketOf, LATENCY_BUCKETS, latencyBoundsMs, summarize } from '../../src/telemetry/latency-buckets.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import { RecentMeasures } from '../../src/telemetry/recent-measures.ts';

/** A bucket is 19 % wide, so a quantile is off by no more. */
const BUCKET_WIDTH = 2 ** 0.25;

describe('latencies in buckets', () => {
  it('are found by a logarithm where a search would find them', () => {
    const durations = fc.double({ min: 0, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(durations, (ms) => {
        const searched = latencyBoundsMs.findIndex((bound) => ms <= bound * (1 + 1e-12));
        const found = bucketOf(ms);
        // Right on a bound the logarithm may fall to either side.
        return Math.abs(found - (searched < 0 ? LATENCY_BUCKETS - 1 : searched)) <= (onBound(ms) ? 1 : 0);
      }),
    );
    expect(bucketOf(-1)).toBe(0);
    expect(bucketOf(Number.NaN)).toBe(0);
    expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(LATENCY_BUCKETS - 1);
  });

  it('give quantiles that are a bucket off at most', () => {
    const samples = fc.array(fc.double({ min: 0.06, max: 12_000, noNaN: true }), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(samples, (all) => {
        const counts = new Uint32Array(LATENCY_BUCKETS);
        for (const ms of all) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
        const { count, p50Ms, p95Ms, p99Ms } = summarize(counts) ?? { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
        const sorted = all.toSorted((a, b) => a - b);
        const near = (found: number, part: number) => {
          const exact = sorted[Math.ceil(part * all.length) - 1] ?? 0;
          return found <= exact * BUCKET_WIDTH * 1.001 && found >= exact / BUCKET_WIDTH / 1.001;
        };
        return count === all.length && near(p50Ms, 0.5) && near(p95Ms, 0.95) && near(p99Ms, 0.99);
      }),
    );
  });

  it('say nothing of nothing, and the last bound of what took longer', () => {
    const counts = new Uint32Array(LATENCY_BUCKETS);
    expect(summarize(counts)).toBeNull();
    counts[LATENCY_BUCKETS - 1] = 3;
    expect(summarize(counts)).toEqual({
      count: 3,
      p50Ms: latencyBoundsMs.at(-1),
      p95Ms: latencyBoundsMs.at(-1),
      p99Ms: latencyBoundsMs.at(-1),
    });
  });
});

function onBound(ms: number): boolean {
  return latencyBoundsMs.some((bound) => Math.abs(ms - bound) < bound * 1e-9);
}

const RESOURCE = 'notes';

function start() {
  const measures = new RecentMeasures({ samples: 4, latestSteps: 3 });
  const stores = bothStoreMetrics({ storeCall: () => {} }, measures.counters.stores);
  const migration = bothMigrationMetrics(noMetrics, measures.counters.migration);
  let micros = 0n;
  const step = () => {
    micros += 1_000_000n;
    measures.step(micros, 1);
  };
  return { measures, stores, migration, step };
}

describe('what was measured lately', () => {
  it('is counted by store and kind; calls that serve no caller are not', () => {
    const { measures, stores, migration, step } = start();
    stores.storeCall('source', 'getMany', 'ok', 2);
    stores.storeCall('source', 'list', 'ok', 4);
    stores.storeCall('target', 'lookup', 'ok', 8);
    stores.storeCall('source', 'write', 'ok', 16);
    stores.storeCall('target', 'apply', 'ok', 32);
    stores.storeCall('target', 'apply', 'FOLLOWER_UNAVAILABLE', 900);
    for (const operation of ['walk', 'split', 'clock', 'touchMany']) stores.storeCall('source', operation, 'ok', 64);
    migration.read(RESOURCE, 'source', 'flag', 3);
    migration.read(RESOURCE, 'source', 'follower_failed', 3);
    migration.read(RESOURCE, 'target', 'flag', 3);
    migration.write(RESOURCE, 'written', 20);
    migration.write(RESOURCE, 'etag_mismatch', 1);
    step();
    const [sample] = measures.samplesAfter(0);
    expect(sample).toMatchObject({
      number: 1,
      endMicros: 1_000_000n,
      seconds: 1,
      measures: {
        source: { answeredReads: 2, failedCalls: 0, reads: { count: 2 }, writes: { count: 1 }, shadowedReads: null },
        target: { answeredReads: 1, failedCalls: 1, reads: { count: 1 }, writes: { count: 1 } },
        divertedReads: 1,
        writes: { count: 1 },
        refusedWrites: 1,
        lagMs: null,
      },
    });
    // A failure's latency would make a store that refuses at once look fast.
    expect(sample?.measures?.target.writes?.p99Ms).toBeLessThan(40);
  });

  it('has every outcome of comparisons, by who compared', () => {
    const { measures, migration, step } = start();
    const outcomes = [
      'match',
      'raced',
      'mismatch',
      'missing_in_follower',
      'extra_in_follower',
      'missing_in_index',
      'error',
      'dropped',
    ] as const;
    for (const [index, outcome] of outcomes.entries()) {
      for (let i = 0; i <= index; i++) migration.compared(RESOURCE, 'shadow_read', outcome);
      migration.compared(RESOURCE, 'verification', outcome);
    }
    step();
    const { shadowReads, verifications } = measures.samplesAfter(0)[0]?.measures ?? {};
    expect(shadowReads).toEqual(Object.fromEntries(outcomes.map((outcome, index) => [outcome, index + 1])));
    expect(verifications).toEqual(Object.fromEntries(outcomes.map((outcome) => [outcome, 1])));
  });

  it('begins anew with each step, and a step without anything is as good as none', () => {
    const { measures, migration, step } = start();
    migration.write(RESOURCE, 'written', 1);
    step();
    step();
    const [first, second] = measures.samplesAfter(0);
    expect(first?.measures?.writes?.count).toBe(1);
    expect(second?.measures).toBeNull();
  });

  it('keeps no more samples than it may, and gives those that are new', () => {
    const { measures, step } = start();
    for (let i = 0; i < 10; i++) step();
    expect(measures.samplesAfter(0).map(({ number }) => number)).toEqual([7, 8, 9, 10]);
    expect(measures.samplesAfter(9).map(({ number }) => number)).toEqual([10]);
    expect(measures.samplesAfter(10)).toEqual([]);
    expect(measures.newest).toBe(10);
  });

  it('tells of the latest steps together, the one under way among them, and forgets the others', () => {
    const { measures, migration, step } = start();
    expect(measures.latest()).toBeNull();
    for (let i = 0; i < 4; i++) {
      migration.shadowLatency(RESOURCE, 'target', 1);
      step();
    }
    migration.shadowLatency(RESOURCE, 'target', 500);
    const shadowed = measures.latest()?.target.shadowedReads;
    expect(shadowed?.count).toBe(3);
    expect([...(shadowed?.histogram ?? [])].reduce((sum, one) => sum + one, 0)).toBe(3);
    expect(shadowed?.histogram[bucketOf(500)]).toBe(1);
    for (let i = 0; i < 3; i++) step();
    expect(measures.latest()).toBeNull();
  });

  it('has the longest lag of a step, measured here or told by others', () => {
    const { measures, migration, step } = start();
    migration.replicationLag(RESOURCE, 5);
    migration.replicationLag(RESOURCE, 3);
    step();
    measures.sawLag(9);
    expect(measures.latest()?.lagMs).toBe(9);
    step();
    expect(measures.samplesAfter(0).map((sample) => sample.measures?.lagMs)).toEqual([5, 9]);
  });
});
