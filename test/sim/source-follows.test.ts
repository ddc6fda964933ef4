import { afterEach, describe, expect, it } from 'vitest';
import type { MemoryInstance } from '../support/memory-instances.ts';
import { createVirtualWorld, noteKey, noteRow, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

const two = () => world.instances as unknown as readonly [MemoryInstance, MemoryInstance];
const attach = () => world.current()?.attach;

async function expectAlike(...notes: string[]): Promise<void> {
  const { source, target } = await world.contents(notes);
  expect(target).toEqual(source);
}

describe('the source, as the follower,', () => {
  it.each(['refused', 'hung'] as const)(
    'may be away (%s): one demotion, no read fails, and it comes back by itself',
    async (fail) => {
      world = await createVirtualWorld();
      await world.toTarget();
      await world.pass(10_000);
      const [one, other] = two();
      for (const note of ['a', 'b', 'c']) await world.write(one, note, '1');
      // Half of the reads want the source.
      world.setAll({ target: false });
      expect(await world.read(other, 'a')).toBe('1');
      world.cut('source', fail);
      const beganMs = world.clock.monotonicMs();
      expect(await world.write(one, 'a', '2')).toBe('written');
      expect(world.clock.monotonicMs() - beganMs).toBeLessThan(2_500);
      expect(await world.read(other, 'a')).toBe('2');
      for (let n = 3; n < 40; n++) {
        const againMs = world.clock.monotonicMs();
        expect(await world.write(n % 2 === 0 ? one : other, 'a', String(n))).toBe('written');
        expect(world.clock.monotonicMs() - againMs).toBeLessThan(100);
        expect(await world.read(one, 'a')).toBe(String(n));
        await world.pass(100);
      }
      expect(await world.write(other, 'b', null)).toBe('written');
      world.mend();
      await world.becomes('target', 'in_sync');
      expect(attach()).toBe(1);
      expect(await world.transitions('in_sync', 'leaving')).toBe(1);
      expect(await world.titleIn(world.source, 'a')).toBe('39');
      await expectAlike('a', 'b', 'c');
      expect(await world.openEntries()).toBe(0);
      // What it missed is in it, so authority may go back.
      world.setAll({ phase: 'synchronize' });
      await world.becomes('source', 'in_sync');
      await expectAlike('a', 'b', 'c');
    },
  );

  it('needs no new copy where it fails right after the move, before capture has a checkpoint of the epoch', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    const [one] = two();
    world.cut('source', 'refused');
    expect(await world.write(one, 'a', '1')).toBe('written');
    world.mend();
    await world.becomes('target', 'in_sync');
    expect(attach()).toBe(1);
    await expectAlike('a');
  });

  it('is attached anew when its log shows that it lost its tail', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one] = two();
    await world.write(one, 'a', '1');
    world.database.stopLog('notes', 'source_lost_its_tail');
    await world.waitUntil('it is attached anew', () => attach() === 2);
    await world.becomes('target', 'in_sync');
    expect(await world.transitions('in_sync', 'leaving')).toBe(1);
    await expectAlike('a');
  });

  it.each(['while the service runs', 'while no instance is there'])(
    'is attached anew when a backup was restored %s',
    async (when) => {
      world = await createVirtualWorld();
      const [one, other] = two();
      await world.write(one, 'a', '1');
      world.setAll({ phase: 'synchronize' });
      await world.becomes('source', 'in_sync');
      const backup = world.database.control.get('notes');
      if (backup === undefined) throw new Error('no record');
      await world.toTarget();
      await world.write(one, 'a', '2');
      await world.pass(10_000);
      if (when === 'while no instance is there') {
        for (const instance of [one, other]) {
          world.instances.splice(0, 1);
          await world.clock.until(instance.stop());
        }
        await world.pass(60_000);
      }
      world.database.control.set('notes', backup);
      world.source.outsideWrite(noteKey('a'), noteRow('a', '1'));
      world.database.purgeLog(world.database.position);
      if (when === 'while no instance is there') {
        for (const name of ['new', 'newer']) (await world.start(name)).flags.phase = 'target-authority';
      }
      await world.waitUntil('it is attached anew', () => attach() === 2);
      await world.becomes('target', 'in_sync');
      expect(await world.titleIn(world.source, 'a')).toBe('2');
      expect(await world.write(world.instances[0] as MemoryInstance, 'a', '3')).toBe('written');
      expect(await world.titleIn(world.source, 'a')).toBe('3');
      expect(world.database.control.get('notes')).toMatchObject({ state: 'moved', epoch: 2, attach: attach() });
      world.setAll({ phase: 'synchronize' });
      await world.becomes('source', 'in_sync');
      await expectAlike('a');
    },
  );

  it('is attached anew, and outside changes in what was purged are overwritten, when its log has a gap', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one] = two();
    await world.write(one, 'a', '1');
    for (const { faults } of world.instances) {
      faults.rest.add({ method: 'stream', fail: 'refused', times: Number.POSITIVE_INFINITY });
    }
    // The link of the stream breaks at what follows; capture can only begin again after it was purged.
    world.database.stopLog('notes', 'log_purged');
    world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
    world.mend();
    await world.waitUntil('it is attached anew', () => attach() === 2);
    await world.becomes('target', 'in_sync');
    expect(await world.titleIn(world.source, 'a')).toBe('1');
  });
});

describe('a writer past the service, while the target is the authority,', () => {
  it('is found, overwritten with what the authority has, and counted', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one] = two();
    await world.write(one, 'a', '1');
    expect(await world.captureStatus()).toMatchObject({ touched: 0, outsideAtMicros: '' });
    world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
    world.source.outsideWrite(noteKey('b'), noteRow('b', 'outside'));
    await world.waitUntil('both are overwritten', async () => {
      return (await world.titleIn(world.source, 'a')) === '1' && (await world.titleIn(world.source, 'b')) === null;
    });
    await world.pass(5_000);
    const { touched, outsideAtMicros } = await world.captureStatus();
    expect(touched).toBe(2);
    expect(Number(outsideAtMicros)).toBeGreaterThan(0);
    await expectAlike('a', 'b');
    // Copies of the service are not taken for one.
    for (let n = 0; n < 10; n++) await world.write(one, 'a', String(n));
    await world.pass(5_000);
    expect((await world.captureStatus()).touched).toBe(2);
  });

  it('does not slip through while authority goes back', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one] = two();
    await world.write(one, 'a', '1');
    // Whoever captures can't touch for a while.
    for (const { faults } of world.instances) {
      faults.target.add({ method: 'touchMany', fail: 'refused', times: 30 });
    }
    world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    await world.pass(5_000);
    expect(await world.titleIn(world.source, 'a')).toBe('1');
    await expectAlike('a');
  });

  it.each(['to the source', 'to the target'])(
    'does not leave the stores apart by a change in the middle of a move %s',
    async (way) => {
      world = await createVirtualWorld();
      await world.toTarget();
      await world.pass(10_000);
      const [one] = two();
      await world.write(one, 'a', '1');
      if (way === 'to the target') {
        world.setAll({ phase: 'synchronize' });
        await world.becomes('source', 'in_sync');
        await world.pass(10_000);
      }
      // After every barrier, before the control record says that the epoch is over: nothing but the log can show it.
      const compareAndSet = world.control.compareAndSet;
      let isDone = false;
      world.control.compareAndSet = async (next, why, call) => {
        if (!isDone && next.epoch === (way === 'to the target' ? 4 : 3)) {
          isDone = true;
          world.source.outsideWrite(noteKey('a'), noteRow('a', 'outside'));
        }
        return compareAndSet(next, why, call);
      };
      world.setAll({ phase: way === 'to the target' ? 'target-authority' : 'synchronize' });
      await world.waitUntil('it is written', () => isDone);
      await world.becomes(way === 'to the target' ? 'target' : 'source', 'in_sync');
      await world.pass(10_000);
      await expectAlike('a');
      expect((await world.captureStatus()).touched).toBeGreaterThan(0);
    },
  );
});
