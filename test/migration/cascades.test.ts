import { afterEach, describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import {
  createJob,
  createRealWorld,
  finished,
  type RealWorld,
  type RealWorldOptions,
  startInstance,
} from '../support/real-migration.ts';
import { intType, stringType, testResource } from '../support/resources.ts';

let world: RealWorld;
let instances: ReturnType<typeof startInstance>[] = [];

afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  instances = [];
  await world.drop();
});

/** Attaches, copies, and starts an instance that captures. */
async function begin(options: RealWorldOptions, rowsSql: string) {
  world = await createRealWorld(options);
  await world.database.run(rowsSql);
  return await attach();
}

async function attach() {
  await world.attach();
  const instance = startInstance(world, `instance ${instances.length}`);
  instances.push(instance);
  const job = await finished(world, (await createJob(world, 'backfill')).id);
  expect(job).toMatchObject({ state: 'succeeded', error: '' });
  await world.toState('in_sync');
  return instance;
}

type Instance = Awaited<ReturnType<typeof attach>>;

async function expectAlike(instance: Instance): Promise<Map<string, string>> {
  await instance.barriers.pass(world.call());
  expect(instance.gaps).toEqual([]);
  const contents = await world.contents(world.follower);
  expect(contents).toEqual(await world.contents(world.authority));
  const job = await finished(world, (await createJob(world, 'verification')).id);
  expect(job).toMatchObject({ state: 'succeeded', mismatches: 0, error: '' });
  return contents;
}

const rowsOf = async (): Promise<string[]> => [...(await world.contents(world.follower)).values()].sort();

/** A foreign key outside the key, as all of a film rental's are. */
const cards: Resource = testResource(
  'cards',
  { owner: intType(32), card: intType(32) },
  { shelf: intType(32), title: stringType(40) },
);
const cardsSql = (actions: string): string => `
  CREATE TABLE shelves (id INT PRIMARY KEY, place VARCHAR(20));
  CREATE TABLE cards (owner INT, card INT, shelf INT, title VARCHAR(40) COLLATE utf8mb4_bin, PRIMARY KEY (owner, card),
    CONSTRAINT card_shelf FOREIGN KEY (shelf) REFERENCES shelves (id) ${actions});`;
const CARDS = `INSERT INTO shelves VALUES (1, 'a'), (2, 'b'), (3, 'c');
  INSERT INTO cards VALUES (1, 1, 1, 'x'), (1, 2, 2, 'x'), (2, 1, 1, 'x'), (2, 2, NULL, 'x'), (3, 1, 3, 'x');`;

/** The parent is the partition, as of an employee's salaries; another one is not. */
const salaries: Resource = testResource(
  'salaries',
  { emp_no: intType(32), from_day: intType(32) },
  { dept_no: intType(32), salary: intType(32) },
);
const SALARIES_SQL = `
  CREATE TABLE employees (emp_no INT PRIMARY KEY, name VARCHAR(20));
  CREATE TABLE departments (dept_no INT PRIMARY KEY);
  CREATE TABLE salaries (emp_no INT, from_day INT, dept_no INT, salary INT, PRIMARY KEY (emp_no, from_day),
    CONSTRAINT of_employee FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT of_department FOREIGN KEY (dept_no) REFERENCES departments (dept_no) ON DELETE CASCADE);`;
const SALARIES = `INSERT INTO employees VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
  INSERT INTO departments VALUES (10), (20);
  INSERT INTO salaries VALUES (1, 1, 10, 5), (1, 2, 10, 6), (2, 1, 10, 7), (3, 1, 20, 8), (3, 2, NULL, 9);`;

describe('what foreign keys change by themselves', { timeout: 120_000 }, () => {
  it('comes into the follower where a parent has new values outside the key, several times in a row too', async () => {
    const one = await begin({ resource: cards, tablesSql: cardsSql('ON UPDATE CASCADE') }, CARDS);
    await world.database.run(`UPDATE shelves SET id = 11 WHERE id = 1; UPDATE shelves SET place = 'z';
      UPDATE shelves SET id = 12 WHERE id = 2; UPDATE shelves SET id = 13 WHERE id = 12; UPDATE shelves SET id = 2 WHERE id = 13`);
    await world.database.run('UPDATE shelves SET id = id + 100 ORDER BY id DESC');
    const contents = await expectAlike(one);
    expect([...contents.values()].sort()).toEqual(
      ['1|1|111|x', '1|2|102|x', '2|1|111|x', '2|2||x', '3|1|103|x'].sort(),
    );
    // The rows that had a shelf, and the null that was none of it not once.
    expect(one.capture.status().touched).toBeGreaterThanOrEqual(4);
  });

  it('is not there without the watching', async () => {
    const one = await begin(
      { resource: cards, tablesSql: cardsSql('ON UPDATE CASCADE'), watchesParents: false },
      CARDS,
    );
    await world.database.run('UPDATE shelves SET id = 11 WHERE id = 1');
    await one.barriers.pass(world.call());
    expect(await world.contents(world.follower)).not.toEqual(await world.contents(world.authority));
  });

  it('comes into the follower where the foreign key is set to null', async () => {
    const one = await begin({ resource: cards, tablesSql: cardsSql('ON DELETE SET NULL ON UPDATE SET NULL') }, CARDS);
    await world.database.run('DELETE FROM shelves WHERE id = 1; UPDATE shelves SET id = 33 WHERE id = 3');
    await expectAlike(one);
    expect(await rowsOf()).toEqual(['1|1||x', '1|2|2|x', '2|1||x', '2|2||x', '3|1||x']);
  });

  it('comes into the follower where rows go, or go to another partition, with their parent', async () => {
    const one = await begin({ resource: salaries, tablesSql: SALARIES_SQL }, SALARIES);
    await world.database.run('DELETE FROM employees WHERE emp_no = 1; DELETE FROM employees WHERE emp_no = 4');
    await world.database.run('UPDATE employees SET emp_no = 5 WHERE emp_no = 3');
    await world.database.run(
      'UPDATE employees SET emp_no = 6 WHERE emp_no = 5; UPDATE employees SET emp_no = 7 WHERE emp_no = 6',
    );
    await expectAlike(one);
    expect(await rowsOf()).toEqual(['2|1|10|7', '7|1|20|8', '7|2||9']);
  });

  it('comes into the follower in the middle of other changes of one transaction, and of the service’s own', async () => {
    const one = await begin({ resource: salaries, tablesSql: SALARIES_SQL }, SALARIES);
    const key = createKeyCodec(salaries).fromValues([2, 2]);
    const row = [2, 2, null, 70];
    const change = { key, kind: 'create', row, columns: [2, 3] } as const;
    await world.authority.write(change, world.record(), world.call());
    await world.database.run(`START TRANSACTION;
      INSERT INTO salaries VALUES (1, 3, 10, 1), (2, 3, 20, 1); UPDATE salaries SET salary = 0 WHERE emp_no = 1;
      DELETE FROM employees WHERE emp_no IN (1, 2); INSERT INTO employees VALUES (1, 'new');
      INSERT INTO salaries VALUES (1, 2, 20, 100); UPDATE salaries SET salary = 1 WHERE emp_no = 3; COMMIT`);
    await expectAlike(one);
    expect(await rowsOf()).toEqual(['1|2|20|100', '3|1|20|1', '3|2||1']);
  });

  it('comes through a table between, whose own change is not in the log', async () => {
    const lines = testResource('lines', { customer: intType(32), line: intType(32) }, { amount: intType(32) });
    const tablesSql = `
      CREATE TABLE customers (id INT PRIMARY KEY);
      CREATE TABLE accounts (customer INT PRIMARY KEY,
        CONSTRAINT account_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE);
      CREATE TABLE \`lines\` (customer INT, line INT, amount INT, PRIMARY KEY (customer, line),
        CONSTRAINT line_account FOREIGN KEY (customer) REFERENCES accounts (customer) ON DELETE CASCADE ON UPDATE CASCADE);`;
    const one = await begin(
      { resource: lines, tablesSql },
      `INSERT INTO customers VALUES (1), (2), (3); INSERT INTO accounts VALUES (1), (2), (3);
       INSERT INTO \`lines\` VALUES (1, 1, 1), (1, 2, 2), (2, 1, 3), (3, 1, 4)`,
    );
    await world.database.run('DELETE FROM customers WHERE id = 1; UPDATE customers SET id = 9 WHERE id = 3');
    await world.database.run('DELETE FROM accounts WHERE customer = 2');
    await expectAlike(one);
    expect(await rowsOf()).toEqual(['9|1|4']);
  });

  it('is a gap where nothing tells which rows it has reached, and a new attach mends it', async () => {
    const one = await begin({ resource: salaries, tablesSql: SALARIES_SQL }, SALARIES);
    await world.database.run('DELETE FROM departments WHERE dept_no = 10');
    await expect.poll(() => one.gaps, { timeout: 20_000 }).toHaveLength(1);
    expect(one.gaps[0]).toMatchObject({ reason: 'cascade', message: expect.stringContaining('of_department') });
    await one.stop();
    await world.toState('leaving');
    await world.toState('syncing');
    await expectAlike(await attach());
    expect(await rowsOf()).toEqual(['3|1|20|8', '3|2||9']);
  });

  it('comes into the follower where rows go while they are being copied', async () => {
    world = await createRealWorld({ resource: salaries, tablesSql: SALARIES_SQL });
    await world.database.run(SALARIES);
    await world.attach();
    const one = startInstance(world, 'one');
    instances.push(one);
    await one.barriers.pass(world.call());
    let isCopying = false;
    one.followerFaults.choose = (method) => {
      if (method !== 'apply' || isCopying) return null;
      isCopying = true;
      return { requestMs: 3_000 };
    };
    const { id } = await createJob(world, 'backfill');
    await expect.poll(() => isCopying, { timeout: 20_000 }).toBe(true);
    await world.database.run('DELETE FROM employees WHERE emp_no = 1');
    await one.barriers.pass(world.call());
    expect(await finished(world, id)).toMatchObject({ state: 'succeeded' });
    await world.toState('in_sync');
    await expectAlike(one);
    expect(await rowsOf()).toEqual(['2|1|10|7', '3|1|20|8', '3|2||9']);
  });
});
