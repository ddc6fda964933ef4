import { inject } from 'vitest';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import { createTestKeyspace } from '../support/databases.ts';
import { cassandraTable, placeResource, testResources } from '../support/resources.ts';
import { describeRecordStore } from './record-store-contract.ts';

describeRecordStore(
  'Cassandra',
  async () => {
    const keyspace = await createTestKeyspace();
    for (const resource of testResources) await keyspace.run(cassandraTable(placeResource(resource, keyspace.name)));
    const client = createCassandraClient(inject('cassandra'));
    return {
      async open(resource) {
        const placed = placeResource(resource, keyspace.name);
        await keyspace.run(`TRUNCATE ${keyspace.name}.${resource.id}`);
        return { store: createCassandraRecordStore({ client, resource: placed, role: 'follower' }) };
      },
      async close() {
        await client.close();
        await keyspace.drop();
      },
    };
  },
  { writes: 'authority over Cassandra comes with the handover, in lightweight transactions' },
);
