import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Resource } from '../../src/domain/resource.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import { createMysqlIdSequence } from '../../src/stores/mysql/id-sequence.ts';
import { testCall } from '../support/calls.ts';
import { createMysqlHarness, type MysqlHarness } from '../support/mysql-harness.ts';
import { describeIdSequence } from './id-sequence-contract.ts';

let harness: MysqlHarness;
beforeAll(async () => {
  harness = await createMysqlHarness(() => []);
});
afterAll(() => harness?.close());

/** A resource over a new table, with a control record; `type` is the id column's. */
async function openTable(type = 'BIGINT UNSIGNED') {
  const id = `t_${randomBytes(4).toString('hex')}`;
  const { pool, database } = harness;
  // What a comment holds is no counter.
  await database.run(`CREATE TABLE ${id} (shop INT NOT NULL, no ${type} NOT NULL AUTO_INCREMENT COMMENT ') ENGINE=InnoDB AUTO_INCREMENT=99',
    title VARCHAR(20) NULL, PRIMARY KEY (shop, no), KEY (no)) COMMENT 'x AUTO_INCREMENT=77'`);
  const column = (name: string) => ({ mysqlName: name, type: { kind: 'int', bits: 64, unsigned: true } });
  const mysql = { schema: database.name, table: id };
  const resource = { id, mysql, keyLength: 2, columns: [column('shop'), column('no')] } as unknown as Resource;
  const control = createMysqlControlStore({ pool });
  await control.ensure([id], testCall());
  const sequence = createMysqlIdSequence({ pool, resource });
  const setState = (state: string) =>
    database.run(`UPDATE ${harness.control.name}.crossfade_control SET state = '${state}' WHERE resource = '${id}'`);
  return { sequence, other: createMysqlIdSequence({ pool, resource }), id, setState };
}

describeIdSequence('a sequence in MySQL', async () => {
  const { sequence, other } = await openTable();
  return { one: sequence, other };
});

describe('a sequence in MySQL', () => {
  it('begins above what the table’s counter has given, also where the record is gone', async () => {
    const { sequence, id } = await openTable();
    expect(await sequence.next(testCall())).toBe(1n);
    await harness.database.run(`INSERT INTO ${id} VALUES (1, 41, 'a'), (2, 57, 'b'); DELETE FROM ${id} WHERE no = 57`);
    expect(await sequence.next(testCall())).toBe(58n);
    expect(await sequence.take(10, testCall())).toBe(58n);
  });

  it('keeps ahead of outside programs, and of ids that an UPDATE has put above the counter', async () => {
    const { sequence, id } = await openTable('INT');
    expect(await sequence.take(5, testCall())).toBe(1n);
    await harness.database.run(
      `INSERT INTO ${id} (shop, no) VALUES (1, 300); INSERT INTO ${id} (shop) VALUES (1), (1)`,
    );
    expect(await sequence.take(5, testCall())).toBe(303n);
    await harness.database.run(`UPDATE ${id} SET no = 900 WHERE no = 300`);
    expect(await sequence.take(5, testCall())).toBe(901n);
  });

  it('knows negative ids, and the greatest of all', async () => {
    const signed = await openTable('BIGINT');
    await harness.database.run(`INSERT INTO ${signed.id} VALUES (1, -5, NULL)`);
    expect(await signed.sequence.next(testCall())).toBe(1n);
    const unsigned = await openTable();
    await harness.database.run(`INSERT INTO ${unsigned.id} VALUES (1, 18446744073709551614, NULL)`);
    expect(await unsigned.sequence.take(1, testCall())).toBe(2n ** 64n - 1n);
    expect(await unsigned.sequence.take(1, testCall())).toBe(2n ** 64n);
  });

  it('gives nothing while authority leaves MySQL or is away, and is told what comes next all the same', async () => {
    const { sequence, setState } = await openTable();
    expect(await sequence.take(50, testCall())).toBe(1n);
    for (const state of ['handing_over', 'moved']) {
      await setState(state);
      expect(await sequence.take(1, testCall())).toBeNull();
      expect(await sequence.next(testCall())).toBe(51n);
    }
    await sequence.raiseTo(60n, testCall());
    await setState('in_sync');
    expect(await sequence.take(1, testCall())).toBe(60n);
  });

  it('waits, in a take, for the control record’s change, and is on one side of it', async () => {
    const { sequence, id } = await openTable();
    const control = createMysqlControlStore({ pool: harness.pool });
    const [record] = (await control.poll(testCall())).filter(({ resource }) => resource === id);
    if (record === undefined) throw new Error('no control record');
    const next = { ...record, state: 'handing_over', generation: record.generation + 1, attempt: 'a' } as const;
    const takes = Array.from({ length: 8 }, () => sequence.take(10, testCall()));
    const handed = control.compareAndSet(next, { instance: 'one', reason: 'a test' }, testCall());
    const counted = handed.then(() => sequence.next(testCall()));
    const given = (await Promise.all(takes)).filter((first) => first !== null);
    expect(await handed).toBe(true);
    expect(await counted).toBe(1n + 10n * BigInt(given.length));
  });
});
