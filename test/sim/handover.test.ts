import { afterEach, describe, expect, it } from 'vitest';
import { createVirtualWorld, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

describe('authority', () => {
  it('goes to the target and back, with its follower in sync all the while', async () => {
    world = await createVirtualWorld();
    const [one, other] = world.instances as [(typeof world.instances)[0], (typeof world.instances)[0]];
    expect(await world.write(one, 'a', '1')).toBe('written');
    await world.toTarget();
    expect(await world.write(other, 'a', '2')).toBe('written');
    const { source, target } = await world.contents(['a']);
    expect(source).toEqual(target);
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    expect(await world.write(one, 'a', '3')).toBe('written');
    expect(await world.titleIn(world.target, 'a')).toBe('3');
    expect(world.current()?.epoch).toBe(3);
  });
});
