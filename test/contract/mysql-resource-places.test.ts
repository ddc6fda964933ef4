import { afterAll, beforeAll, expect, it } from 'vitest';
import { refuseForeignPlaces } from '../../src/app/refuse-foreign-places.ts';
import type { Resource } from '../../src/domain/resource.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { notesResource } from '../support/resources.ts';

let database: TestDatabase;
let pool: MysqlPool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createMysqlPool({ ...database.address, controlSchema: database.name });
  await setUpSchema(pool, testCall());
});

afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

const { cassandra: _, ...unmoved } = notesResource;
const at = (id: string, schema: string, table: string, target?: string): Resource => ({
  ...unmoved,
  id,
  mysql: { schema, table },
  ...(target !== undefined && { cassandra: { keyspace: 'ks', table: target } }),
});

it('lets the same tables start again, also together with new ones', async () => {
  await refuseForeignPlaces(pool, [at('customers', 'shop', 'customer', 'customers')]);
  await refuseForeignPlaces(pool, [at('orders', 'shop', 'orders'), at('customers', 'shop', 'customer', 'customers')]);
});

it('refuses an id that is another table’s, or another target’s, and names both and the cure', async () => {
  const other = refuseForeignPlaces(pool, [at('customers', 'films', 'customer', 'customers')]);
  await expect(other).rejects.toMatchObject({
    mistakes: [
      expect.stringMatching(
        /^customers: .*shop\.customer -> ks\.customers, and here it is films\.customer -> .*storage\.id/,
      ),
    ],
  });
  const target = refuseForeignPlaces(pool, [at('customers', 'shop', 'customer', 'clients')]);
  await expect(target).rejects.toThrow('ks.clients');
});

it('takes a target that comes later, and lets it be left out again', async () => {
  await refuseForeignPlaces(pool, [at('orders', 'shop', 'orders', 'orders')]);
  await refuseForeignPlaces(pool, [at('orders', 'shop', 'orders')]);
  await expect(refuseForeignPlaces(pool, [at('orders', 'shop', 'orders', 'others')])).rejects.toThrow('ks.orders');
});
