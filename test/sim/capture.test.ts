import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Key } from '../../src/domain/key.ts';
import { createCapturing, createMemoryWorld, type MemoryWorld, noteKey, noteRow } from '../support/memory-migration.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

const a = noteKey('o', 'a');
const b = noteKey('o', 'b');

let clock: VirtualClock;
let world: MemoryWorld;
let instances: ReturnType<typeof createCapturing>[];

beforeEach(async () => {
  clock = new VirtualClock();
  world = await createMemoryWorld({ clock, random: seededRandom(1) });
  instances = [];
});

afterEach(async () => {
  for (const instance of instances) instance.stop.abort();
  await clock.until(Promise.all(instances.map((instance) => instance.ended)));
});

function start(owner: string, more?: Parameters<typeof createCapturing>[2]) {
  const instance = createCapturing(world, owner, more);
  instances.push(instance);
  return instance;
}

async function storedAs(key: Key) {
  const [stored] = await world.follower.getMany([key], world.call());
  return stored;
}

describe('capture', () => {
  it('applies the own changes at their version and ignores bumps without a change', async () => {
    const one = start('one');
    await world.attach();
    const written = await world.write(a, 'x');
    await world.write(a, 'x');
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toEqual({ key: a, row: noteRow(a, 'x'), version: written.version });
  });

  it('carries deletes as markers', async () => {
    const one = start('one');
    await world.attach();
    await world.write(a, 'x');
    const deleted = await world.write(a, null);
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toEqual({ key: a, row: null, version: deleted.version });
  });

  it('touches what outside writers change and applies the content at the new version', async () => {
    const one = start('one');
    await world.attach();
    world.authority.outsideWrite(a, noteRow(a, 'outside'));
    await clock.until(one.barriers.pass(world.call()));
    const [stored] = await world.authority.getMany([a], world.call());
    expect(stored?.version).toBeGreaterThan(world.record().floor);
    expect(await storedAs(a)).toEqual(stored);
    expect(one.capture.status()).toMatchObject({ applied: 1, touched: 1, stoppedReason: '' });
  });

  it('leaves what was committed before the attach to the bulk copy', async () => {
    world.authority.outsideWrite(a, noteRow(a, 'before'));
    await world.attach();
    world.authority.outsideWrite(b, noteRow(b, 'after'));
    const one = start('one');
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toMatchObject({ row: null, version: 0n });
    expect(await storedAs(b)).toMatchObject({ row: noteRow(b, 'after') });
  });

  it('carries a backlog in calls of bounded size, the records of one parent together', async () => {
    await world.attach();
    const parents = ['p', 'q', 'r'];
    for (let i = 0; i < 12; i++) await world.write(noteKey(parents[i % 3] as string, `own-${i}`), 'x');
    for (let i = 0; i < 6; i++) {
      const key = noteKey(parents[i % 3] as string, `outside-${i}`);
      world.authority.outsideWrite(key, noteRow(key, 'y'));
    }
    const applied = vi.spyOn(world.follower, 'apply');
    const touched = vi.spyOn(world.authority, 'touchMany');
    const one = start('one', { settings: { applyBatch: 4, touchBatch: 2 } });
    await clock.until(one.barriers.pass(world.call()));
    const sizes = applied.mock.calls.map(([copies]) => copies.length).sort((x, y) => y - x);
    expect(sizes).toEqual([4, 4, 4, 2, 2, 2]);
    for (const keys of [
      ...applied.mock.calls.map(([copies]) => copies.map(({ key }) => key)),
      touched.mock.calls.map(([keys]) => keys)[0],
    ]) {
      expect(new Set(keys?.map(({ values }) => values[0])).size).toBe(1);
    }
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
  });

  it('meets no barrier while something before it has not reached the follower', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    one.followerFaults.add({ method: 'apply', fail: 'refused', times: Number.POSITIVE_INFINITY });
    world.authority.outsideWrite(a, noteRow(a, 'outside'));
    const passed = one.barriers.pass(world.call(8000));
    await expect(clock.until(passed)).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    expect(one.capture.status().held).not.toBe('');
    one.followerFaults.lift();
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toMatchObject({ row: noteRow(a, 'outside') });
    expect(one.capture.status().held).toBe('');
  });

  it('holds its place and a bounded number of rows while the follower is down', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    one.followerFaults.add({ method: 'apply', fail: 'hung', times: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 20_000; i++) await world.write(noteKey('o', String(i)), 'x');
    const before = one.capture.status().position;
    await clock.pass(60_000);
    expect(Number(one.capture.status().position) - Number(before)).toBeLessThan(100);
    expect(one.capture.status().lagMs).toBeGreaterThan(50_000);
    one.followerFaults.lift();
    await clock.until(one.barriers.pass(world.call()));
    expect((await world.contents(world.follower)).size).toBe(20_000);
  });

  it('goes on where it was after a restart, and skips nothing', async () => {
    const one = start('one');
    await world.attach();
    await world.write(a, 'x');
    await clock.until(one.barriers.pass(world.call()));
    one.stop.abort();
    await clock.until(one.ended);
    await world.write(b, 'y');
    const two = start('two');
    await clock.until(two.barriers.pass(world.call()));
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
    expect(two.capture.status().applied).toBeLessThanOrEqual(1);
  });

  it('is taken over when its instance can no longer renew its task, which stops before that', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    const two = start('two');
    await clock.pass(2000);
    expect([one.capture.running, two.capture.running]).toEqual([true, false]);
    one.authorityFaults.add({ method: 'leaseTask', fail: 'hung', times: Number.POSITIVE_INFINITY });
    let both = false;
    for (let i = 0; i < 500; i++) {
      await clock.pass(20);
      both ||= one.capture.running && two.capture.running;
    }
    expect(both).toBe(false);
    expect([one.capture.running, two.capture.running]).toEqual([false, true]);
    await world.write(a, 'x');
    await clock.until(two.barriers.pass(world.call()));
    expect(await storedAs(a)).toMatchObject({ row: noteRow(a, 'x') });
  });

  it('lets another instance try when its own link to the follower stays broken', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    const two = start('two');
    one.followerFaults.add({ method: 'apply', fail: 'refused', times: Number.POSITIVE_INFINITY });
    await world.write(a, 'x');
    await clock.until(two.barriers.pass(world.call(30_000)));
    expect(await storedAs(a)).toMatchObject({ row: noteRow(a, 'x') });
    expect([one.capture.running, two.capture.running]).toEqual([false, true]);
  });

  it('reports a gap and stops when the log was purged; a new attach starts it again', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    one.stop.abort();
    await clock.until(one.ended);
    for (let i = 0; i < 10; i++) await world.write(noteKey('o', String(i)), 'x');
    world.database.purgeLog(world.database.position - 1);
    const two = start('two');
    await clock.pass(2000);
    expect(two.gaps).toMatchObject([{ attach: 1, reason: 'log_purged' }]);
    expect(two.capture.running).toBe(false);
    expect(two.capture.status().stoppedReason).not.toBe('');
    expect((await world.jobs.readTask('capture/notes', world.call()))?.status).toContain('the log begins');
    await world.attach();
    await clock.until(two.barriers.pass(world.call()));
    expect(two.capture.status().stoppedReason).toBe('');
  });

  it('acknowledges everything before the place where the log stops', async () => {
    const one = start('one');
    await world.attach();
    await world.write(a, 'x');
    world.authority.outsideWrite(b, noteRow(b, 'y'));
    world.database.stopLog('notes', 'table_truncated');
    await clock.pass(1000);
    expect(one.gaps).toMatchObject([{ reason: 'table_truncated' }]);
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
  });

  it('takes an attach without a checkpoint for a gap', async () => {
    const one = start('one');
    world.database.control.set('notes', { ...world.record(), state: 'syncing', attach: 1, generation: 2 });
    await clock.pass(4000);
    expect(one.gaps).toEqual([]);
    await clock.pass(4000);
    expect(one.gaps).toMatchObject([{ attach: 1, reason: 'checkpoint_lost' }]);
  });

  it('stops with an attach and begins with the next, though it learns of it late', async () => {
    let seen = world.record();
    const one = start('one', { sees: () => seen });
    await world.attach();
    seen = world.record();
    await clock.until(one.barriers.pass(world.call()));
    await world.attach();
    world.authority.outsideWrite(a, noteRow(a, 'x'));
    await clock.pass(3000);
    expect(one.gaps).toEqual([]);
    seen = world.record();
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toMatchObject({ row: noteRow(a, 'x') });
  });

  it('waits with its touches while authority is being handed over, and misses none when that is undone', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    await world.toState('joining', 'in_sync', 'handing_over');
    world.authority.outsideWrite(a, noteRow(a, 'x'));
    await clock.pass(5000);
    expect(await storedAs(a)).toMatchObject({ row: null, version: 0n });
    expect(one.capture.running).toBe(true);
    await world.toState('in_sync');
    await clock.until(one.barriers.pass(world.call()));
    expect(await storedAs(a)).toMatchObject({ row: noteRow(a, 'x') });
  });

  it('stops for good at what the follower refuses', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    one.followerFaults.add({
      method: 'apply',
      fail: 'refused',
      error: new TypeError('a value that must not be shown'),
      times: Number.POSITIVE_INFINITY,
    });
    await world.write(a, 'x');
    await clock.pass(60_000);
    expect(one.capture.running).toBe(false);
    expect(one.capture.status().stoppedReason).toContain('an unexpected error');
    expect(one.gaps).toEqual([]);
  });

  it('writes no more than a checkpoint every five seconds while nothing changes', async () => {
    const one = start('one');
    await world.attach();
    await clock.until(one.barriers.pass(world.call()));
    const checkpoint = one.authorityFaults;
    let written = 0;
    checkpoint.choose = (method) => {
      if (method === 'writeCheckpoint') written += 1;
      return null;
    };
    for (let i = 0; i < 100; i++) {
      world.database.commit('other', [{ type: 'barrier', id: 'of another resource' }]);
      await clock.pass(200);
    }
    expect(written).toBeGreaterThanOrEqual(3);
    expect(written).toBeLessThanOrEqual(5);
  });
});

describe('capture under faults', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('brings both stores to the same content, seed %i', async (seed) => {
    const random = seededRandom(seed);
    await world.attach();
    let current = start('life 0');
    const shake = (instance: ReturnType<typeof createCapturing>): void => {
      const choose = () => {
        const chance = random.uniform();
        if (chance < 0.03) return { fail: 'refused' } as const;
        if (chance < 0.05) return { fail: 'lost' } as const;
        if (chance < 0.2) return { requestMs: random.uniform() * 200, answerMs: random.uniform() * 50 };
        return null;
      };
      instance.followerFaults.choose = choose;
      instance.authorityFaults.choose = choose;
    };
    shake(current);
    for (let i = 0; i < 600; i++) {
      const key = noteKey('o', String(Math.floor(random.uniform() * 40)));
      const title = random.uniform() < 0.2 ? null : String(i);
      if (random.uniform() < 0.5) world.authority.outsideWrite(key, title === null ? null : noteRow(key, title));
      else await world.write(key, title);
      if (random.uniform() < 0.3) await clock.pass(random.uniform() * 40);
      if (random.uniform() < 0.02) {
        current.stop.abort();
        current = start(`life ${i + 1}`);
        shake(current);
      }
    }
    for (const { followerFaults, authorityFaults } of instances) {
      followerFaults.choose = null;
      authorityFaults.choose = null;
    }
    await clock.until(current.barriers.pass(world.call(120_000)));
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
    expect(instances.flatMap((instance) => instance.gaps)).toEqual([]);
  });
});
