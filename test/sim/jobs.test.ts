import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import type { Key } from '../../src/domain/key.ts';
import { createBackfill } from '../../src/migration/backfill.ts';
import { defaultJobSettings } from '../../src/migration/chunk-worker.ts';
import { JobRunner } from '../../src/migration/job-runner.ts';
import { LiveTraffic } from '../../src/migration/live-traffic.ts';
import { repair } from '../../src/migration/repair.ts';
import { createVerification } from '../../src/migration/verification.ts';
import type { Job } from '../../src/stores/job-store.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { noMetrics } from '../../src/telemetry/migration-metrics.ts';
import {
  createCapturing,
  createMemoryWorld,
  type MemoryWorld,
  noteKey,
  noteRow,
  resource,
} from '../support/memory-migration.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let world: MemoryWorld;
let stops: { readonly stop: AbortController; readonly ended: Promise<void> }[];
let capturing: ReturnType<typeof createCapturing>;

beforeEach(async () => {
  clock = new VirtualClock();
  world = await createMemoryWorld({ clock, random: seededRandom(1) });
  capturing = createCapturing(world, 'capturing');
  stops = [capturing];
});

afterEach(async () => {
  for (const { stop } of stops) stop.abort();
  await clock.until(Promise.all(stops.map(({ ended }) => ended)));
});

/** One instance that takes part in jobs. */
function startRunner(owner: string, settings: Partial<typeof defaultJobSettings> = {}) {
  const { random, jobs } = world;
  const followerFaults = createFaults();
  const follower = injectFaults(world.follower, { faults: followerFaults, clock, role: 'follower' });
  const { barriers } = capturing;
  const rolesOf = () => ({ authority: world.authority, follower });
  const lease = { waitOneLease: async () => true };
  const options = { resource, rolesOf, barriers, lease, jobs, metrics: noMetrics, clock };
  const ended: Job[] = [];
  const traffic = new LiveTraffic(clock);
  const runner = new JobRunner({
    resource: resource.id,
    owner,
    jobs,
    kinds: [createBackfill(options), createVerification(options)],
    control: world.record,
    instances: () => 1,
    traffic,
    onEnded: (job) => ended.push(job),
    metrics: noMetrics,
    settings: { ...defaultJobSettings, chunkRows: 100, pageRows: 40, ...settings },
    clock,
    random,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  const stop = new AbortController();
  const running = { stop, ended: runner.run(stop.signal) };
  stops.push(running);
  return { ...running, jobs: ended, followerFaults, options, traffic };
}

function createJob(kind: Job['kind'], more: Partial<Job> = {}): Promise<Job> {
  const { attach } = world.record();
  const init = { resource: resource.id, kind, attach, compareWithItself: false, rowsPerSecondLimit: 0, ...more };
  return world.jobs.createJob(init, world.call());
}

async function finished(id: string, maxMs = 600_000): Promise<Job> {
  for (let waited = 0; waited < maxMs; waited += 100) {
    const job = await world.jobs.getJob(id, world.call());
    if (job !== null && job.state !== 'running') return job;
    await clock.pass(100);
  }
  throw new Error('the job did not end');
}

function fill(count: number): Key[] {
  const keys = Array.from({ length: count }, (_, i) => noteKey(`owner ${i % 10}`, `note ${i}`));
  for (const key of keys) world.authority.outsideWrite(key, noteRow(key, 'before'));
  return keys;
}

async function expectAlike(): Promise<void> {
  expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
}

describe('the bulk copy', () => {
  it('brings every record and trace to the follower, and marks what only the follower has', async () => {
    const keys = fill(1000);
    const gone = keys[3] as Key;
    await world.attach();
    const deleted = await world.write(gone, null);
    const stale = noteKey('owner 3', 'only in the follower');
    await world.follower.apply([{ key: stale, row: noteRow(stale, 'stale'), version: 5n }], world.call());
    await world.attach();
    const one = startRunner('one');
    const job = await finished((await createJob('backfill')).id);
    expect(job).toMatchObject({ state: 'succeeded', stage: 'done', error: '' });
    expect(job.rows).toBeGreaterThanOrEqual(999);
    expect(job.expectedRows).toBeGreaterThanOrEqual(999);
    await clock.pass(1000);
    expect(one.jobs.map((ended) => ended.id)).toEqual([job.id]);
    await expectAlike();
    const [marker] = await world.follower.getMany([stale], world.call());
    expect(marker).toEqual({ key: stale, row: null, version: world.record().floor });
    // A late write of the earlier attach must lose against the trace of the deletion.
    await world.follower.apply([{ key: gone, row: noteRow(gone, 'late'), version: deleted.version }], world.call());
    await expectAlike();
  });

  it('walks the follower only where it holds something from before', async () => {
    fill(300);
    await world.attach();
    const walked: string[] = [];
    const { addChunks } = world.jobs;
    world.jobs.addChunks = (jobId, stage, ...rest) => {
      walked.push(stage);
      return addChunks(jobId, stage, ...rest);
    };
    await world.write(noteKey('owner 1', 'of this attach'), 'x');
    startRunner('one');
    expect(await finished((await createJob('backfill')).id)).toMatchObject({ state: 'succeeded', rows: 301 });
    expect(walked).not.toContain('follower');
    await world.attach();
    expect(await finished((await createJob('backfill')).id)).toMatchObject({ state: 'succeeded', rows: 301 });
    expect(walked).toContain('follower');
    await expectAlike();
  });

  it('is shared by instances, resumed after both die, and right under live writes', async () => {
    const random = seededRandom(7);
    const keys = fill(1500);
    await world.attach();
    const first = [startRunner('one', { workers: 2 }), startRunner('two', { workers: 2 })];
    for (const runner of first) runner.followerFaults.choose = () => ({ answerMs: 300 });
    const { id } = await createJob('backfill');
    const disturb = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const key = keys[Math.floor(random.uniform() * keys.length)] as Key;
        const title = random.uniform() < 0.3 ? null : `live ${i}`;
        if (random.uniform() < 0.5) world.authority.outsideWrite(key, title === null ? null : noteRow(key, title));
        else await world.write(key, title);
        await clock.pass(5);
      }
    };
    await disturb(350);
    for (const { stop } of first) stop.abort();
    await clock.until(Promise.all(first.map(({ ended }) => ended)));
    const half = await world.jobs.getJob(id, world.call());
    expect(half?.state).toBe('running');
    expect(half?.doneChunks).toBeGreaterThan(0);
    startRunner('three');
    await disturb(300);
    expect(await finished(id)).toMatchObject({ state: 'succeeded' });
    await clock.until(capturing.barriers.pass(world.call()));
    await expectAlike();
  });

  it('waits with its pages while the follower is down', async () => {
    fill(500);
    await world.attach();
    const one = startRunner('one');
    one.followerFaults.add({ method: 'apply', fail: 'refused', times: Number.POSITIVE_INFINITY });
    const { id } = await createJob('backfill');
    await clock.pass(120_000);
    expect(await world.jobs.getJob(id, world.call())).toMatchObject({ state: 'running', rows: 0 });
    one.followerFaults.lift();
    expect(await finished(id)).toMatchObject({ state: 'succeeded', rows: 500 });
    await expectAlike();
  });

  it('fails with a text for operators when the follower refuses a page for good', async () => {
    fill(50);
    await world.attach();
    const one = startRunner('one');
    const error = new TypeError('a value that must not be shown');
    one.followerFaults.add({ method: 'apply', fail: 'refused', error, times: Number.POSITIVE_INFINITY });
    const job = await finished((await createJob('backfill')).id);
    expect(job).toMatchObject({ state: 'failed', error: 'an unexpected error; the log has it' });
  });

  it('keeps to the rate that is asked for, and takes a change of it', async () => {
    fill(1000);
    await world.attach();
    startRunner('one');
    const { id } = await createJob('backfill', { rowsPerSecondLimit: 100 });
    await clock.pass(5000);
    const slow = await world.jobs.getJob(id, world.call());
    expect(slow?.rows).toBeLessThanOrEqual(700);
    expect(slow?.state).toBe('running');
    await world.jobs.updateJob(id, { rowsPerSecondLimit: 0 }, world.call());
    expect(await finished(id, 20_000)).toMatchObject({ state: 'succeeded', rows: 1000 });
  });

  it('gives way to callers: one worker goes on, for its share of the time', async () => {
    fill(400);
    await world.attach();
    const one = startRunner('one', { shareBesideCallers: { backfill: 0.25, verification: 0.25 } });
    let together = 0;
    let most = 0;
    one.followerFaults.choose = (method) => {
      if (method !== 'apply') return null;
      together += 1;
      most = Math.max(most, together);
      void clock.sleep(100).then(() => {
        together -= 1;
      });
      return { answerMs: 100 };
    };
    const calling = new AbortController();
    const callers = (async () => {
      for (; !calling.signal.aborted; await clock.sleep(50)) one.traffic.began(clock.monotonicMs());
    })();
    const { id } = await createJob('backfill');
    await clock.pass(3000);
    const beside = await world.jobs.getJob(id, world.call());
    // Pages of 40 rows: 100 ms of work, 300 ms of rest.
    expect(beside?.rows).toBeGreaterThan(0);
    expect(beside?.rows).toBeLessThanOrEqual(320);
    expect(most).toBe(1);
    calling.abort();
    await clock.until(callers);
    expect(await finished(id, 3000)).toMatchObject({ state: 'succeeded', rows: 400 });
    expect(most).toBeGreaterThan(1);
  });

  it('makes headway at one row a second', async () => {
    fill(60);
    await world.attach();
    startRunner('one');
    const { id } = await createJob('backfill', { rowsPerSecondLimit: 1 });
    expect(await finished(id)).toMatchObject({ state: 'succeeded', rows: 60 });
  });

  it('goes on when its planner’s lease is lost, as on a machine that is too busy to renew it', async () => {
    fill(300);
    await world.attach();
    const { jobs } = world;
    let losses = 0;
    const leaseTask: typeof jobs.leaseTask = async (task, ...rest) => {
      const ofPlanner = task.startsWith('plan/');
      if (ofPlanner && losses > 0 && losses < 20) {
        losses += 1;
        throw new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'too busy' });
      }
      if (ofPlanner) losses += 1;
      return await jobs.leaseTask(task, ...rest);
    };
    world = { ...world, jobs: { ...jobs, leaseTask } };
    startRunner('one');
    const job = await finished((await createJob('backfill', { rowsPerSecondLimit: 20 })).id);
    expect(losses).toBeGreaterThan(3);
    expect(job).toMatchObject({ state: 'succeeded', error: '' });
    await expectAlike();
  });

  it('stops when it is cancelled', async () => {
    fill(500);
    await world.attach();
    const one = startRunner('one');
    one.followerFaults.choose = () => ({ answerMs: 200 });
    const { id } = await createJob('backfill');
    await clock.pass(1200);
    await world.jobs.updateJob(id, { state: 'cancelled' }, world.call());
    await clock.pass(2000);
    const before = await world.contents(world.follower);
    await clock.pass(10_000);
    expect(await world.contents(world.follower)).toEqual(before);
    expect(one.jobs).toMatchObject([{ id, state: 'cancelled' }]);
  });

  it('is cancelled by a new attach', async () => {
    fill(500);
    await world.attach();
    const one = startRunner('one');
    one.followerFaults.choose = () => ({ answerMs: 500 });
    const { id } = await createJob('backfill');
    await clock.pass(1500);
    await world.attach();
    expect(await finished(id)).toMatchObject({ state: 'cancelled' });
  });

  it('copies nothing into a follower that can be read', async () => {
    fill(100);
    await world.attach();
    await clock.until(capturing.barriers.pass(world.call()));
    await world.toState('joining', 'in_sync');
    startRunner('one');
    await createJob('backfill');
    await clock.pass(10_000);
    expect((await world.contents(world.follower)).size).toBe(0);
  });

  it('has no hole when its planner dies half way and the table has moved since', async () => {
    fill(2000);
    await world.attach();
    const dying = startRunner('one', { workers: 0 });
    const { id } = await createJob('backfill');
    const { addChunks } = world.jobs;
    world.jobs.addChunks = async (...args) => {
      await addChunks(...args);
      if (((await world.jobs.getJob(id, world.call()))?.chunks ?? 0) > 5) {
        dying.stop.abort();
        await clock.sleep(1);
      }
    };
    await clock.pass(5000);
    world.jobs.addChunks = addChunks;
    const half = await world.jobs.getJob(id, world.call());
    expect(half).toMatchObject({ state: 'running', stage: 'planning' });
    // Other boundaries than before, as if many records had gone.
    startRunner('two', { chunkRows: 230 });
    expect(await finished(id)).toMatchObject({ state: 'succeeded' });
    await clock.until(capturing.barriers.pass(world.call()));
    await expectAlike();
  });
});

describe('verification', () => {
  async function copied(count: number): Promise<Key[]> {
    const keys = fill(count);
    await world.attach();
    startRunner('copier');
    expect(await finished((await createJob('backfill')).id)).toMatchObject({ state: 'succeeded' });
    await clock.until(capturing.barriers.pass(world.call()));
    await world.toState('joining', 'in_sync');
    return keys;
  }

  async function openMismatches() {
    return await world.jobs.listMismatches(resource.id, { after: 0, limit: 100, openOnly: true }, world.call());
  }

  /** Changes the follower behind everybody's back. */
  async function tamper(key: Key, title: string | null, version: bigint): Promise<void> {
    const row = title === null ? null : noteRow(key, title);
    await world.follower.apply([{ key, row, version }], world.call());
  }

  it('finds nothing between equal stores', async () => {
    await copied(500);
    const job = await finished((await createJob('verification')).id);
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 0, rows: 500 });
  });

  it('finds planted differences of each kind, and repair mends and closes them', async () => {
    const keys = await copied(500);
    const [different, missing, same] = keys as [Key, Key, Key];
    const extra = noteKey('owner 1', 'extra');
    const above = world.record().floor + 1n;
    await tamper(different, 'tampered', above);
    await tamper(missing, null, above);
    await tamper(extra, 'extra', above);
    await tamper(same, 'before', above);
    const job = await finished((await createJob('verification')).id);
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 4 });
    const found = new Map((await openMismatches()).map((one) => [one.key.toString('latin1'), one]));
    expect(found.get(different.id)).toMatchObject({ kind: 'different', fieldPaths: ['title'] });
    expect(found.get(missing.id)).toMatchObject({ kind: 'missing_in_follower' });
    expect(found.get(extra.id)).toMatchObject({ kind: 'extra_in_follower' });
    expect(found.get(same.id)).toMatchObject({ kind: 'different', fieldPaths: [] });
    const { options } = startRunner('repairer');
    const repaired = await clock.until(repair({ ...options, control: world.record }, null, world.call()));
    expect(repaired).toEqual({ repaired: 4, open: 0 });
    await expectAlike();
    expect(await openMismatches()).toEqual([]);
  });

  it('finds what the follower missed', async () => {
    const keys = await copied(300);
    await world.write(keys[5] as Key, 'newer');
    await clock.until(capturing.barriers.pass(world.call()));
    // An own change that neither its writer nor capture applied: sabotage that skips it in the log.
    const key = keys[7] as Key;
    const { commit } = world.database;
    world.database.commit = () => {};
    await world.write(key, 'never carried');
    world.database.commit = commit;
    const job = await finished((await createJob('verification')).id);
    expect(job.mismatches).toBe(1);
    expect(await openMismatches()).toMatchObject([{ kind: 'different', fieldPaths: ['title'] }]);
  });

  it('closes mismatches that are gone when it looks again', async () => {
    const keys = await copied(100);
    const key = keys[0] as Key;
    await tamper(key, 'tampered', world.record().floor + 1n);
    await finished((await createJob('verification')).id);
    expect(await openMismatches()).toHaveLength(1);
    await world.write(key, 'mended by the next write');
    await finished((await createJob('verification')).id);
    expect(await openMismatches()).toEqual([]);
  });

  it.each([1, 2, 3])('finds no false difference under live traffic, seed %i', async (seed) => {
    const random = seededRandom(seed);
    const keys = await copied(400);
    const slow = () => ({ requestMs: random.uniform() * 20, answerMs: random.uniform() * 5 });
    capturing.followerFaults.choose = slow;
    capturing.authorityFaults.choose = slow;
    const { id } = await createJob('verification');
    let live = true;
    const traffic = (async () => {
      for (let i = 0; live; i++) {
        const key = keys[Math.floor(random.uniform() ** 3 * keys.length)] as Key;
        const title = random.uniform() < 0.2 ? null : `live ${i}`;
        if (random.uniform() < 0.5) world.authority.outsideWrite(key, title === null ? null : noteRow(key, title));
        else {
          const stored = await world.write(key, title);
          await clock.sleep(random.uniform() * 3);
          await world.follower.apply([stored], world.call());
        }
        await clock.sleep(random.uniform() * 3);
      }
    })();
    const job = await finished(id);
    live = false;
    await clock.until(traffic);
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 0 });
  });

  it('knows its noise floor: a store compared with itself shows no difference', async () => {
    await copied(300);
    await tamper(noteKey('owner 1', 'extra'), 'extra', 5n);
    const job = await finished((await createJob('verification', { compareWithItself: true })).id);
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 0, rows: 300 });
    expect(await openMismatches()).toEqual([]);
  });

  it('waits for barriers instead of guessing while capture is away', async () => {
    await copied(100);
    capturing.stop.abort();
    await clock.until(capturing.ended);
    const { id } = await createJob('verification');
    await clock.pass(120_000);
    expect(await world.jobs.getJob(id, world.call())).toMatchObject({ state: 'running', mismatches: 0 });
    const again = createCapturing(world, 'again');
    stops.push(again);
    expect(await finished(id)).toMatchObject({ state: 'succeeded', mismatches: 0 });
  });

  it('refuses a repair without a follower', async () => {
    const { options } = startRunner('repairer');
    const refused = repair({ ...options, control: world.record }, null, world.call());
    await expect(refused).rejects.toMatchObject({ kind: 'failed_precondition', reason: 'MIGRATION_STATE' });
  });
});
