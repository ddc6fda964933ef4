import { afterEach, describe, expect, it } from 'vitest';
import { beginHandover, moved } from '../../src/migration/control-record.ts';
import { Handover, type HandoverOptions } from '../../src/migration/handover.ts';
import type { MemoryInstance } from '../support/memory-instances.ts';
import { createVirtualWorld, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

const FOREVER = Number.POSITIVE_INFINITY;
const two = () => world.instances as unknown as readonly [MemoryInstance, MemoryInstance];

/** A write of each instance every 20 ms until it is stopped: what they were answered, and how long the longest took. */
function writing(note: string) {
  const stop = new AbortController();
  const answers = new Map<string, number>();
  let longestMs = 0;
  let written = 0;
  const write = async (instance: MemoryInstance): Promise<void> => {
    const { clock } = world;
    while (!stop.signal.aborted) {
      const beganMs = clock.monotonicMs();
      const answer = await world.write(instance, note, String(++written));
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      longestMs = Math.max(longestMs, clock.monotonicMs() - beganMs);
      await clock.sleep(20);
    }
  };
  const running = Promise.all(world.instances.map(write));
  return {
    get longestMs() {
      return longestMs;
    },
    async stop() {
      stop.abort();
      await world.clock.until(running);
      return Object.fromEntries(answers);
    },
  };
}

async function expectAlike(...notes: string[]): Promise<void> {
  const { source, target } = await world.contents(notes);
  expect(target).toEqual(source);
}

describe('authority', () => {
  it('goes to the target and back under writes that only wait, with its follower in sync all the while', async () => {
    world = await createVirtualWorld();
    const [one, other] = two();
    expect(await world.write(one, 'a', '1')).toBe('written');
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    const traffic = writing('b');
    await world.toTarget();
    expect(await world.write(other, 'a', '2')).toBe('written');
    // A wait can be ended early only by who has known the epoch for longer than a lease.
    await world.pass(2_000);
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    expect(await world.write(one, 'a', '3')).toBe('written');
    expect(await world.titleIn(world.target, 'a')).toBe('3');
    expect(Object.keys(await traffic.stop())).toEqual(['written']);
    expect(traffic.longestMs).toBeLessThan(500);
    expect(world.current()).toMatchObject({ epoch: 3, attach: 1 });
    await expectAlike('a', 'b');
  });

  it('may be asked back at once: what was verified before the move still counts', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    const movedMs = world.clock.monotonicMs();
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    expect(world.clock.monotonicMs() - movedMs).toBeLessThan(3_000);
  });
});

describe('a handover that can’t be done', () => {
  it('to the target: is undone in time, writers were never refused, and the next try waits', async () => {
    world = await createVirtualWorld();
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    await world.pass(10_000);
    // The clocks of the target can't be read: that it is past every version will never be known.
    for (const { faults } of world.instances) faults.target.add({ method: 'clock', fail: 'hung', times: FOREVER });
    const traffic = writing('a');
    world.setAll({ phase: 'target-authority' });
    await world.becomes('source', 'handing_over');
    await world.becomes('source', 'in_sync', 7_000);
    await world.holdBecomes('handover_backoff', 2_000);
    world.mend();
    await world.becomes('target', 'in_sync', 10_000);
    expect(Object.keys(await traffic.stop())).toEqual(['written']);
    expect(traffic.longestMs).toBeLessThan(6_000);
    expect(await world.transitions('handing_over', 'in_sync')).toBe(1);
    await expectAlike('a');
  });

  it('to the source that hangs: ends in time, and writes go on in the target', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const traffic = writing('a');
    await world.pass(500);
    world.setAll({ phase: 'synchronize' });
    await world.becomes('target', 'handing_over');
    for (const { faults } of world.instances) faults.source.add({ fail: 'hung', times: FOREVER });
    await world.waitUntil('it is over', () => two()[0].lease.current('notes')?.state !== 'handing_over', 7_000);
    expect(world.current()).toMatchObject({ authority: 'target', epoch: 2 });
    await world.pass(2_000);
    world.mend();
    await world.becomes('source', 'in_sync');
    expect(Object.keys(await traffic.stop())).toEqual(['written']);
    expect(traffic.longestMs).toBeLessThan(6_500);
    await expectAlike('a');
  });

  it('is ended by a writer whose follower misses its write: the follower leaves', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one, other] = two();
    await world.write(one, 'a', '1');
    // The write is under way when the attempt begins, and its follower never takes it.
    const slow = world.instances.map(({ faults }) => faults.source);
    for (const link of slow) link.add({ method: 'apply', fail: 'hung', times: FOREVER });
    const written = world.write(other, 'a', '2');
    await world.clock.pass(0);
    const record = one.lease.current('notes');
    if (record === undefined) throw new Error('no lease');
    const begun = world.targetControl.compareAndSet(
      beginHandover(record, 'attempt'),
      { instance: 'test', reason: 'test' },
      world.call(),
    );
    expect(await world.clock.until(begun)).toBe(true);
    expect(await written).toBe('written');
    expect(await world.transitions('handing_over', 'leaving')).toBe(1);
    expect(world.current()?.epoch).toBe(2);
    world.mend();
    await world.becomes('target', 'in_sync');
    await expectAlike('a');
  });

  it('never moves without the wait for one lease', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    const [one] = two();
    const record = one.lease.current('notes');
    if (record === undefined) throw new Error('no lease');
    const begun = beginHandover(record, 'attempt');
    const wrote: string[] = [];
    const options = {
      resource: 'notes',
      instance: 'test',
      registers: { compareAndSet: async (next: { state: string }) => void wrote.push(next.state) },
      lease: { waitOneLease: async () => false, poke: () => {} },
      source: world.source,
      targetAuthority: world.target,
      keeper: { carryAll: async () => {} },
      settings: { skewBoundMs: 50, handoverTimeoutMs: 5_000 },
      clock: world.clock,
      logger: { info: () => {}, warn: () => {}, error: () => {} },
    } as unknown as HandoverOptions;
    expect(await world.clock.until(new Handover(options).finish(begun, new AbortController().signal))).toBe(false);
    expect(wrote).toEqual(['in_sync']);
  });
});

describe('a handover whose instance dies', () => {
  it.each(['source', 'target'] as const)(
    'right after it began in the %s: another one brings it to its end',
    async (from) => {
      world = await createVirtualWorld();
      world.setAll({ phase: from === 'source' ? 'synchronize' : 'target-authority' });
      await world.becomes(from, 'in_sync');
      await world.pass(5_000);
      const [one, other] = two();
      await world.write(one, 'a', '1');
      const dying = await controlling();
      const left = dying === one ? other : one;
      // It comes no further than to the beginning.
      dying.faults.target.add({ method: 'clock', fail: 'hung', times: FOREVER });
      world.setAll({ phase: from === 'source' ? 'target-authority' : 'synchronize' });
      await world.waitUntil('it is begun', () => left.lease.current('notes')?.state === 'handing_over');
      await world.crash(dying);
      const answer = await world.write(left, 'a', '2', { deadlineMs: world.clock.monotonicMs() + 20_000 });
      expect(answer).toBe('written');
      await world.becomes(from === 'source' ? 'target' : 'source', 'in_sync');
      await expectAlike('a');
    },
  );

  it('after the decision, before the new authority’s record stands: whoever sees it installs it', async () => {
    world = await createVirtualWorld();
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    await world.pass(5_000);
    const [one] = two();
    await world.write(one, 'a', '1');
    world.setAll({ phase: undefined });
    // Somebody decided, and was never heard of again.
    const decide = async () => {
      const record = world.database.control.get('notes');
      if (record === undefined) throw new Error('no record');
      const why = { instance: 'dead', reason: 'test' };
      await world.control.compareAndSet(beginHandover(record, 'attempt'), why, world.call());
      await world.control.compareAndSet(moved(beginHandover(record, 'attempt'), record.floor), why, world.call());
    };
    await world.clock.until(decide());
    expect(await world.write(one, 'a', '2')).toBe('written');
    await world.becomes('target', 'in_sync', 2_000);
    await expectAlike('a');
  });

  it('while nobody can control (the source, with the tasks, is down): writers do not wait for ever', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(5_000);
    await world.crash(await controlling());
    const [one] = world.instances as [MemoryInstance];
    await world.pass(500);
    const record = one.lease.current('notes');
    if (record === undefined) throw new Error('no lease');
    world.cut('source', 'hung');
    const begun = world.targetControl.compareAndSet(
      beginHandover(record, 'of a dead instance'),
      { instance: 'dead', reason: 'test' },
      world.call(),
    );
    expect(await world.clock.until(begun)).toBe(true);
    await world.pass(1_000);
    expect(await world.write(one, 'a', '1', { deadlineMs: world.clock.monotonicMs() + 15_000 })).toBe('written');
    expect(await world.transitions('handing_over', 'in_sync')).toBe(1);
    world.mend();
    await world.becomes('target', 'in_sync');
    await expectAlike('a');
  });
});

/** The instance that controls. */
async function controlling(): Promise<MemoryInstance> {
  const task = await world.clock.until(world.jobs.readTask('controller/notes', world.call()));
  const found = world.instances.find(({ owner }) => owner === task?.owner);
  if (found === undefined) throw new Error('nobody controls');
  return found;
}
