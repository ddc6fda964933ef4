import { createRiakClient } from '../../src/stores/riak/client.ts';
import { createRiakRecordStore } from '../../src/stores/riak/record-store.ts';
import { BUCKET_TYPE, startRiak } from '../support/riak/servers.ts';
import { describeLoneRecords } from './lone-records-contract.ts';
import { describeRecordStore, type RecordStoreHarness } from './record-store-contract.ts';

const exceptions = {
  writes: 'Riak has no write that is conditional on what is there, so it can’t be the authority: docs/riak.md',
};

/** The contract's versions are of years ago: their markers must not be taken for expired ones. */
const HUNDRED_YEARS_SECONDS = 100 * 365 * 86_400;

async function createHarness(): Promise<RecordStoreHarness> {
  const riak = await startRiak();
  const client = createRiakClient({ nodes: riak.nodes });
  let opened = 0;
  return {
    open: async (resource) => {
      const place = { bucketType: BUCKET_TYPE, bucket: `${resource.id} ${++opened}` };
      const store = createRiakRecordStore({ client, resource, place, markerTtlSeconds: HUNDRED_YEARS_SECONDS });
      return { store };
    },
    close: async () => {
      client.close();
      await riak.close();
    },
  };
}

describeRecordStore('Riak', createHarness, exceptions);
describeLoneRecords('Riak', createHarness, exceptions);
