import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { describeControlStore } from './control-store-contract.ts';

describeControlStore('the control store in memory', async () => {
  // One object serves all instances.
  const control = createMemoryControlStore(new MemoryDatabase({ clock: systemClock, random: systemRandom }));
  return { control, other: control, close: async () => {} };
});
