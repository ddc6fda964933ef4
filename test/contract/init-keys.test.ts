/** Tables of sample schemas with all kinds of keys: from init to a verified copy, and authority there and back. */
import { afterAll, describe, expect, it } from 'vitest';
import { Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { closeInit, serveSample } from '../support/init-service.ts';
import { WORLD_SQL } from '../support/sample-schemas.ts';

const LONG_MS = 180_000;

afterAll(closeInit);

describe('a table without a parent', { timeout: LONG_MS }, () => {
  it('is copied and verified, and authority moves to Cassandra and back', async () => {
    const sample = await serveSample(
      `CREATE TABLE products (product_no INT NOT NULL AUTO_INCREMENT, title VARCHAR(40) NOT NULL, PRIMARY KEY (product_no));
       INSERT INTO products VALUES ${Array.from({ length: 400 }, (_, i) => `(${i * 3 + 3}, 'product ${i}')`).join(', ')}`,
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

describe('keys of sample schemas', { timeout: LONG_MS }, () => {
  it('of texts in a collation without case, and of two columns, are copied and verified', async () => {
    const sample = await serveSample(
      `${WORLD_SQL}
       INSERT INTO country (Code, Name) VALUES ('DEU', 'Germany'), ('fra', 'France'), ('ÅLA', 'Åland'), ('', 'Nowhere'), ('a/b', 'Half');
       INSERT INTO city (ID, Name, CountryCode) VALUES (1, 'Köln', 'deu'), (7, 'Nice', 'FRA'), (12, 'Lyon', 'fra');
       INSERT INTO countrylanguage (CountryCode, Language) VALUES ('DEU', 'German'), ('deu', 'Low German'), ('fra', 'Français');`,
      'country,city,countrylanguage',
    );
    for (const id of ['countries', 'cities', 'countrylanguages']) {
      await sample.inSync(id);
      await sample.verify(id);
    }
    const list = async (): Promise<unknown> =>
      ((await sample.call('Countries/ListCountries', {})).countries as { name: string }[]).map(({ name }) => name);
    const names = ['%', 'DEU', 'a%2Fb', 'fra', 'ÅLA'].map((code) => `countries/${code}`);
    expect(await list()).toEqual(names);
    expect(await sample.call('Countries/GetCountry', { name: 'countries/deu' })).toMatchObject({ code: 'not_found' });
    const country = { countryName: 'Again' };
    expect(await sample.call('Countries/CreateCountry', { countryId: 'deu', country })).toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining('another spelling'),
    });
    const renamed = sample.database.run("UPDATE country SET Code = 'deu' WHERE Code = 'DEU'");
    await renamed;
    await sample.verify('countries');
    sample.flags.target = true;
    expect(await list()).toEqual(['countries/%', 'countries/a%2Fb', 'countries/deu', 'countries/fra', 'countries/ÅLA']);
    const parent = 'countries/deu';
    const listed = await sample.call('Countrylanguages/ListCountrylanguages', { parent });
    expect(listed.countrylanguages).toMatchObject([{ name: `${parent}/countrylanguages/Low German` }]);
  });

  it('of dates, decimals and times are copied and verified', async () => {
    const sample = await serveSample(
      `CREATE TABLE salaries (emp_no INT NOT NULL, salary INT NOT NULL, from_date DATE NOT NULL, PRIMARY KEY (emp_no, from_date));
       INSERT INTO salaries VALUES ${Array.from({ length: 300 }, (_, i) => `(${i % 40}, ${i}, '${1985 + Math.floor(i / 40)}-06-26')`).join(', ')};
       CREATE TABLE titles (emp_no INT NOT NULL, title VARCHAR(50) NOT NULL, from_date DATE NOT NULL, PRIMARY KEY (emp_no, title, from_date));
       INSERT INTO titles VALUES (1, 'Senior Engineer', '1986-06-26'), (1, 'senior staff', '1995-12-03'), (2, 'Staff', '1996-08-03');
       CREATE TABLE rates (day DATETIME(3) NOT NULL, rate DECIMAL(8,4) NOT NULL, note VARCHAR(9), PRIMARY KEY (day, rate));
       INSERT INTO rates VALUES ('1969-12-31 23:59:59.999', -1.5, 'a'), ('1969-12-31 23:59:59.999', 1.25, 'b'), ('2024-02-29', 0, NULL);`,
      'salaries,titles,rates',
    );
    for (const id of ['salaries', 'titles', 'rates']) {
      await sample.inSync(id);
      await sample.verify(id);
    }
    const rates = await sample.call('Rates/ListRates', { parent: 'days/1969-12-31T23:59:59.999' });
    const names = ['-1.5000', '1.2500'].map((rate) => `days/1969-12-31T23:59:59.999/rates/${rate}`);
    expect((rates.rates as { name: string }[]).map(({ name }) => name)).toEqual(names);
    const salary = { salary: 7 };
    const created = await sample.call('Salaries/CreateSalary', { parent: 'emps/1', salaryId: '2050-01-01', salary });
    expect(created).toMatchObject({ name: 'emps/1/salaries/2050-01-01', salary: 7 });
    await sample.verify('salaries');
  });

  it('in tables that would be called alike, and as the requests, are copied and verified each on its own', async () => {
    const tables = ['order', 'orders', 'таблица', 'таблицы', 'requests'];
    const sample = await serveSample(
      tables
        .map(
          (table, i) =>
            `CREATE TABLE \`${table}\` (id INT PRIMARY KEY, n INT NULL); INSERT INTO \`${table}\` VALUES (1, ${i})`,
        )
        .join(';'),
      tables.join(','),
    );
    const ids = ['orders', 'order_records', 'tables', 'table_records', 'requests'];
    for (const id of ids) {
      await sample.inSync(id);
      await sample.verify(id);
    }
    sample.flags.target = true;
    const methods = [
      'Orders/GetOrder',
      'OrderRecords/GetOrderRecord',
      'Tables/GetTable',
      'TableRecords/GetTableRecord',
    ];
    const names = ['orders/1', 'orderRecords/1', 'tables/1', 'tableRecords/1'];
    for (const [i, method] of methods.entries()) {
      expect(await sample.call(method, { name: names[i] })).toMatchObject(i === 0 ? { name: names[i] } : { n: i });
    }
    const created = {
      requestRecordId: '7',
      requestRecord: { n: 7 },
      requestId: '5ee8bbf3-74b5-4a6f-8b4f-6e8a2a4cbd4a',
    };
    const made = await sample.call('Requests/CreateRequestRecord', created);
    expect(made).toMatchObject({ name: 'requests/7', n: 7 });
    expect(await sample.call('Requests/CreateRequestRecord', created)).toEqual(made);
  });

  it('in tables and columns of any name are copied and verified', async () => {
    const sample = await serveSample(
      `CREATE TABLE \`Größe %?\`\`x\` (\`näme %s\` VARCHAR(20) NOT NULL, \`a\`\`b ?\` INT NOT NULL, \`数 %\` INT NULL, PRIMARY KEY (\`näme %s\`, \`a\`\`b ?\`));
       INSERT INTO \`Größe %?\`\`x\` VALUES ('50%', 1, 2), ('-', 1, NULL), ('ü/ö', 3, 4)`,
      'Größe %?`x',
    );
    const id = /flags crossfade\.(\w+)\.\*/.exec(sample.report)?.[1] ?? '';
    await sample.inSync(id);
    await sample.database.run("UPDATE `Größe %?``x` SET `数 %` = 9 WHERE `näme %s` = '-'");
    await sample.verify(id);
  });
});
