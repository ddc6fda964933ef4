import { afterEach, describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import type { Phase } from '../../src/migration/flags.ts';
import type { MemoryInstance } from '../support/memory-instances.ts';
import { createVirtualWorld, noteKey, noteRow, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

const two = () => world.instances as unknown as readonly [MemoryInstance, MemoryInstance];

async function inSync(): Promise<void> {
  world = await createVirtualWorld();
  world.setAll({ phase: 'synchronize' });
  await world.becomes('source', 'in_sync');
}

async function expectAlike(...notes: string[]): Promise<void> {
  const { source, target } = await world.contents(notes);
  expect(target).toEqual(source);
}

/** Nothing happens for a while. */
async function stays(): Promise<void> {
  const before = world.current();
  await world.pass(30_000);
  expect(world.current()?.generation).toBe(before?.generation);
}

describe('authority does not move', () => {
  it('before a verification that began after the follower joined has ended', async () => {
    world = await createVirtualWorld();
    for (const { faults } of world.instances) {
      faults.rest.add({ method: 'leaseChunk', fail: 'refused', times: Number.POSITIVE_INFINITY });
    }
    world.setAll({ phase: 'target-authority' });
    await world.holdBecomes('backfill_running');
    world.mend();
    await world.becomes('source', 'in_sync');
    for (const { faults } of world.instances) {
      faults.rest.add({ method: 'leaseChunk', fail: 'refused', times: Number.POSITIVE_INFINITY });
    }
    await world.holdBecomes('verification_stale');
    await world.pass(10_000);
    expect(world.current()?.authority).toBe('source');
    world.mend();
    await world.becomes('target', 'in_sync');
  });

  it('while mismatches are open', async () => {
    await inSync();
    await world.pass(10_000);
    const mismatch = {
      resource: 'notes',
      key: noteKey('a').bytes,
      kind: 'different',
      fieldPaths: ['title'],
      foundBy: 'shadow_read',
    } as const;
    await world.clock.until(world.jobs.recordMismatch(mismatch, world.call()));
    world.setAll({ phase: 'target-authority' });
    await world.holdBecomes('mismatches_open');
    await stays();
    const repaired = await world.clock.until(two()[0].migration.repair(null, world.call()));
    expect(repaired).toEqual({ repaired: 1, open: 0 });
    await world.becomes('target', 'in_sync');
  });

  it('after an outside writer was seen, until a verification has begun since', async () => {
    await inSync();
    await world.pass(10_000);
    world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
    await world.waitUntil('it is carried', async () => (await world.titleIn(world.target, 'a')) === 'outside');
    await world.pass(5_000);
    world.setAll({ phase: 'target-authority' });
    await world.holdBecomes('outside_writer_seen');
    await stays();
    const init = {
      resource: 'notes',
      kind: 'verification',
      attach: 1,
      compareWithItself: false,
      rowsPerSecondLimit: 0,
    };
    await world.clock.until(world.jobs.createJob(init as never, world.call()));
    await world.becomes('target', 'in_sync');
    expect(await world.titleIn(world.target, 'a')).toBe('outside');
  });

  it('after an outside writer was seen by an instance that has died since', async () => {
    await inSync();
    await world.pass(10_000);
    world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
    await world.pass(5_000);
    const task = await world.clock.until(world.jobs.readTask('capture/notes', world.call()));
    const capturing = world.instances.find(({ owner }) => owner === task?.owner) as MemoryInstance;
    await world.crash(capturing);
    await world.pass(15_000);
    world.setAll({ phase: 'target-authority' });
    await world.holdBecomes('outside_writer_seen');
    await stays();
  });

  it('while an instance can’t reach the control records of the store that authority goes to', async () => {
    await inSync();
    await world.pass(10_000);
    const [, other] = two();
    other.faults.target.add({ method: 'beat', fail: 'refused', times: Number.POSITIVE_INFINITY });
    await world.pass(5_000);
    world.setAll({ phase: 'target-authority' });
    await world.holdBecomes('instances_not_ready');
    await world.pass(5_000);
    expect(world.current()?.authority).toBe('source');
    other.faults.target.lift();
    await world.becomes('target', 'in_sync');
  });

  it.each(['synchronize', 'target-authority', 'target-only', 'source-only'] as const)(
    'by a flag that is off, in %s',
    async (phase) => {
      world = await createVirtualWorld();
      if (phase !== 'source-only') world.setAll({ phase: phase === 'target-only' ? 'target-authority' : phase });
      const authority = phase.startsWith('target') ? 'target' : 'source';
      await world.becomes(authority, phase === 'source-only' ? 'detached' : 'in_sync');
      if (phase === 'target-only') await decommission();
      await world.pass(10_000);
      world.setAll({ phase: undefined });
      await stays();
      expect(await world.holds()).toEqual([]);
    },
  );
});

it('a verification that fails is begun again, but not without a pause', async () => {
  world = await createVirtualWorld();
  world.setAll({ phase: 'synchronize' });
  await world.becomes('source', 'in_sync');
  const error = new DomainError({ kind: 'internal', reason: 'INTERNAL', message: 'broken' });
  for (const { faults } of world.instances) {
    faults.source.add({ method: 'split', fail: 'refused', error, times: Number.POSITIVE_INFINITY });
  }
  await world.pass(600_000);
  const made = await world.clock.until(world.jobs.listJobs('notes', null, 1_000, world.call()));
  const failed = made.filter(({ state }) => state === 'failed').length;
  expect(failed).toBeGreaterThan(3);
  expect(failed).toBeLessThan(15);
});

describe('flags that differ between instances', () => {
  it('are no danger: one instance controls, and authority is one at every time', async () => {
    await inSync();
    const [one, other] = two();
    one.flags.phase = 'target-authority';
    other.flags.phase = 'synchronize';
    for (let round = 0; round < 20; round++) {
      expect(await world.write(round % 2 === 0 ? one : other, 'a', String(round))).toBe('written');
      expect(await world.read(round % 2 === 0 ? other : one, 'a')).toBe(String(round));
      await world.pass(2_000);
      // The task goes to and fro with its wish.
      const owner = (await world.clock.until(world.jobs.readTask('controller/notes', world.call())))?.owner;
      const holder = world.instances.find((instance) => instance.owner === owner);
      holder?.faults.rest.add({ method: 'leaseTask', fail: 'refused', times: 20 });
    }
    world.mend();
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    expect(world.current()?.epoch).toBeGreaterThan(2);
    await expectAlike('a');
  });
});

async function decommission(): Promise<void> {
  world.setAll({ phase: 'target-only' });
  await world.holdBecomes('confirmation_missing');
  await world.clock.until(two()[0].migration.confirmDecommission(world.call()));
  await world.becomes('target', 'detached');
}

describe('the source is given up', () => {
  const steps: Phase[] = ['synchronize', 'target-authority', 'target-only'];

  it('only after every phase before, a verification and a typed confirmation; then nothing is written to it', async () => {
    world = await createVirtualWorld();
    const [one, other] = two();
    await world.write(one, 'a', '1');
    world.setAll({ phase: 'target-only' });
    await world.holdBecomes('confirmation_missing');
    await world.becomes('target', 'in_sync');
    await stays();
    expect(await world.write(other, 'a', '2')).toBe('written');
    expect(await world.titleIn(world.source, 'a')).toBe('2');
    await decommission();
    const position = world.database.position;
    expect(await world.write(other, 'a', '3')).toBe('written');
    expect(await world.write(one, 'b', '1')).toBe('written');
    expect(await world.write(one, 'c', null)).toBe('not_found');
    expect(await world.read(one, 'a')).toBe('3');
    await world.pass(20_000);
    expect(await world.titleIn(world.source, 'a')).toBe('2');
    expect(world.database.position - position).toBe(0);
    expect(await world.openEntries()).toBe(0);
    expect(steps).toContain('target-only');
  });

  it('can’t be confirmed while the source is the authority', async () => {
    await inSync();
    const confirmed = two()[0].migration.confirmDecommission(world.call());
    await expect(world.clock.until(confirmed)).rejects.toMatchObject({ reason: 'MIGRATION_STATE' });
  });

  it('and may be asked back: it is copied anew, with markers for what only it has, and authority can return', async () => {
    world = await createVirtualWorld();
    const [one, other] = two();
    for (const note of ['a', 'b']) await world.write(one, note, '1');
    await world.toTarget();
    await decommission();
    await world.write(one, 'a', '2');
    await world.write(other, 'b', null);
    await world.write(other, 'c', '1');
    world.source.outsideWrite(noteKey('d'), noteRow('d', 'only here'));
    world.setAll({ phase: 'target-authority' });
    await world.becomes('target', 'in_sync');
    expect(world.current()).toMatchObject({ attach: 2, copiedAttach: 2 });
    expect(await world.titleIn(world.source, 'a')).toBe('2');
    expect(await world.titleIn(world.source, 'b')).toBeNull();
    expect(await world.titleIn(world.source, 'd')).toBeNull();
    world.setAll({ phase: 'source-only' });
    await world.becomes('source', 'detached');
    expect(await world.read(one, 'c')).toBe('1');
    expect(await world.write(one, 'a', '3')).toBe('written');
    expect(await world.titleIn(world.target, 'a')).toBe('2');
  });

  it('again only after another confirmation', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await decommission();
    world.setAll({ phase: 'target-authority' });
    await world.becomes('target', 'in_sync');
    world.setAll({ phase: 'target-only' });
    await world.holdBecomes('confirmation_missing');
    await stays();
    expect(world.current()?.state).toBe('in_sync');
  });
});
