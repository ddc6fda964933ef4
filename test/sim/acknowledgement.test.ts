import { afterEach, expect, it } from 'vitest';
import { createVirtualWorld, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

it('a write that waits for the end of `leaving` and is cancelled gives the event loop back at once', async () => {
  world = await createVirtualWorld({ names: ['one'] });
  const [one] = world.instances as [(typeof world.instances)[0]];
  world.setAll({ phase: 'synchronize' });
  await world.becomes('source', 'in_sync');
  one.faults.target.add({ method: 'apply', fail: 'refused', times: Number.POSITIVE_INFINITY });
  const cancelled = new AbortController();
  const written = world.write(one, 'a', '1', {
    signal: cancelled.signal,
    deadlineMs: world.clock.monotonicMs() + 8_000,
  });
  const aborting = world.clock.sleep(100).then(() => cancelled.abort());
  const beganMs = world.clock.monotonicMs();
  expect(await written).toBe('FOLLOWER_NOT_ACKNOWLEDGED');
  await aborting;
  expect(world.clock.monotonicMs() - beganMs).toBeLessThan(2_000);
});
