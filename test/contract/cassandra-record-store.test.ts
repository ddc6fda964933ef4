import { createCassandraHarness } from '../support/cassandra-harness.ts';
import { testResources } from '../support/resources.ts';
import { describeLoneRecords } from './lone-records-contract.ts';
import { describeRecordStore, type RecordStoreHarness } from './record-store-contract.ts';

const exceptions = {
  sharedLock:
    'no transaction spans the control record and the record: the lease vouches for the guard, through `ready`',
  outsideDeletes: 'the version is in the row itself, so a bare DELETE takes it along',
};

async function createHarness(): Promise<RecordStoreHarness> {
  const harness = await createCassandraHarness(testResources);
  return {
    async open(resource) {
      const { store, setControl, guard, outsideWrite } = await harness.open(resource);
      return { store, authority: { store, setControl, guard, outsideWrite } };
    },
    close: harness.close,
  };
}

describeRecordStore('Cassandra', createHarness, exceptions);
describeLoneRecords('Cassandra', createHarness, {
  ...exceptions,
  batches: 'the records of one parent here are in several buckets, and a batch is of one partition',
});
