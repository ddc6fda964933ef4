import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import type { Key } from '../../src/domain/key.ts';
import type { Resource, Row } from '../../src/domain/resource.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import { describeLoneRecords } from './lone-records-contract.ts';
import { describeRecordStore, type OpenStore } from './record-store-contract.ts';
import { describeSourceStore } from './source-store-contract.ts';

const createSource = async () => ({
  open: async (resource: Resource) => {
    const database = new MemoryDatabase({ clock: systemClock, random: systemRandom });
    database.control.set(resource.id, {
      resource: resource.id,
      epoch: 1,
      authority: 'source',
      floor: 0n,
      attach: 1,
      state: 'in_sync',
      generation: 1,
      copiedAttach: 1,
      attempt: null,
    });
    const store = createMemoryRecordStore({ database, resource });
    const setControl: NonNullable<OpenStore['authority']>['setControl'] = async (change) => {
      const current = database.control.get(resource.id);
      if (current !== undefined) database.control.set(resource.id, { ...current, ...change });
    };
    const outsideWrite = async (key: Key, row: Row | null): Promise<void> => store.outsideWrite(key, row);
    return { store, authority: { store, setControl, guard: () => ({ epoch: 1, attach: 1 }), outsideWrite } };
  },
  close: async () => {},
});

describeRecordStore('the source in memory', createSource, {
  uniqueValues: 'it is there for simulations, none of which has a unique index',
});
describeLoneRecords('the source in memory', createSource);
describeSourceStore('the source in memory', createSource);
