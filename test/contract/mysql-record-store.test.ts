import { describe, expect, it, onTestFinished } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { integer } from '../../src/stores/mysql/link.ts';
import { compileLookup } from '../../src/stores/mysql/record-lookups.ts';
import { createRecordTables } from '../../src/stores/mysql/record-tables.ts';
import { testCall } from '../support/calls.ts';
import { createMysqlHarness } from '../support/mysql-harness.ts';
import { mysqlTable, peopleResource, placeResource, testResources } from '../support/resources.ts';
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

describe('a lookup in MySQL', () => {
  it('is answered by the index, also where few records are asked for in key order', async () => {
    const harness = await createMysqlHarness((schema) => [mysqlTable(placeResource(peopleResource, schema))]);
    onTestFinished(harness.close);
    const { store, resource } = await harness.open(peopleResource);
    const keys = createKeyCodec(resource);
    const copies = Array.from({ length: 500 }, (_, n) => {
      const key = keys.fromValues([n, 'p']);
      const row = [
        ...key.values,
        `mail ${n}`,
        `city ${n % 9}`,
        '1990-01-01',
        BigInt(n),
        '1.00',
        1_600_000_000_000_000n,
      ];
      return { key, row, version: 5n };
    });
    await store.apply(copies, testCall());
    const client = harness.pool.client('authority');
    const tables = createRecordTables(resource, harness.pool.controlSchema);
    for (const index of resource.indexes ?? []) {
      const { first, parameters, binds } = compileLookup(tables, index);
      const values = parameters.map((i) => binds[i]?.(copies[7]?.row[index.columns[i] as number] ?? null) ?? null);
      const { rows } = await client.read(`EXPLAIN ${first}`, [...values, integer(10)], testCall());
      const plan = rows[0] ?? [];
      // MariaDB's has no column for partitions before it, and none for filtered rows.
      expect(plan[plan.length > 10 ? 6 : 5]).toBe(index.mysqlKeys[0]);
    }
  });
});
