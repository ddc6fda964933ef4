/** Tables of sample schemas with all kinds of keys: from init to a verified copy, and authority there and back. */
import { afterAll, describe, expect, it } from 'vitest';
import { Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { closeInit, serveSample } from '../support/init-service.ts';

const LONG_MS = 180_000;

afterAll(closeInit);

describe('a table without a parent', { timeout: LONG_MS }, () => {
  it('is copied and verified, and authority moves to Cassandra and back', async () => {
    const sample = await serveSample(
      `CREATE TABLE products (product_no INT NOT NULL, title VARCHAR(40) NOT NULL, PRIMARY KEY (product_no));
       INSERT INTO products VALUES ${Array.from({ length: 400 }, (_, i) => `(${i * 3}, 'product ${i}')`).join(', ')}`,
      'products',
    );
    expect(sample.report).toContain('buckets = 1');
    await sample.inSync('products');
    await sample.verify('products');
    const title = (name: string): unknown => ({ product: { title: name } });
    const write = async (id: number): Promise<void> => {
      const created = await sample.call('Products/CreateProduct', {
        productId: String(id),
        ...(title('new') as object),
      });
      expect(created).toMatchObject({ name: `products/${id}`, title: 'new' });
      const product = { name: `products/${id}`, title: 'newer' };
      expect(await sample.call('Products/UpdateProduct', { product })).toMatchObject({ title: 'newer' });
      expect(await sample.call('Products/DeleteProduct', { name: `products/${id - 1}` })).toEqual({});
    };
    const listed = async (): Promise<string[]> => {
      const names: string[] = [];
      let pageToken: unknown = '';
      do {
        const page = await sample.call('Products/ListProducts', { pageSize: 90, pageToken });
        names.push(...((page.products ?? []) as { name: string }[]).map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined && pageToken !== '');
      return names;
    };
    await write(31);
    const before = await listed();
    expect(before).toHaveLength(400);
    sample.flags.target = true;
    expect(await listed()).toEqual(before);
    sample.flags.phase = 'target-authority';
    await sample.inSync('products', Store.TARGET);
    await write(61);
    await sample.verify('products');
    sample.flags.phase = 'synchronize';
    await sample.inSync('products', Store.SOURCE);
    await write(91);
    await sample.verify('products');
    expect(await listed()).toHaveLength(400);
  });
});
