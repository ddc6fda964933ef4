import type { Resource } from '../../src/domain/resource.ts';
import { createMysqlHarness } from '../support/mysql-harness.ts';
import { mysqlTable, placeResource, testResources } from '../support/resources.ts';
import { describeLoneRecords } from './lone-records-contract.ts';
import { describeRecordStore } from './record-store-contract.ts';
import { describeSourceStore } from './source-store-contract.ts';

async function createHarness() {
  const harness = await createMysqlHarness((schema) =>
    testResources.map((resource) => mysqlTable(placeResource(resource, schema))),
  );
  return {
    async open(resource: Resource) {
      const { store, setControl, outsideWrite } = await harness.open(resource);
      return { store, authority: { store, setControl, guard: () => ({ epoch: 1, attach: 1 }), outsideWrite } };
    },
    close: harness.close,
  };
}

describeRecordStore('MySQL', createHarness);
describeLoneRecords('MySQL', createHarness);
describeSourceStore('MySQL', createHarness);
