import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { decideTable } from '../../src/app/init/decide-table.ts';
import type { MysqlTableDescription } from '../../src/domain/table-description.ts';
import { columnTypeOf } from '../../src/schema/types.ts';
import { describeTable } from '../../src/stores/mysql/describe-table.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { testCall } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { foundTable, initSettings } from '../support/init-tables.ts';
import { refusedCharacterSets, typeNames } from '../support/type-names.ts';

describe.each(['mysql', 'mariadb'] as const)('a table with a column of every type that %s has', (flavour) => {
  const types = [
    ...typeNames(flavour),
    ...refusedCharacterSets.map((name) => {
      return { sql: `VARCHAR(20) CHARACTER SET ${name}`, documented: 'character sets', carried: false };
    }),
  ];
  let database: TestDatabase;
  let pool: MysqlPool;
  let table: MysqlTableDescription;

  beforeAll(async () => {
    database = await createTestDatabase(inject(flavour));
    pool = createMysqlPool({ ...database.address, controlSchema: database.name });
    const columns = types.map(({ sql }, i) => `c${i} ${sql} NULL`);
    await database.run(`CREATE TABLE every_type (id INT, part INT, ${columns.join(', ')}, PRIMARY KEY (id, part))`);
    const described = await describeTable(pool, { schema: database.name, table: 'every_type' }, testCall());
    if (described === null) throw new Error('the table is not there');
    table = described;
  });

  afterAll(async () => {
    await pool?.close();
    await database?.drop();
  });

  it('has each column carried, or refused by the type’s name at the start', () => {
    const refused = types.flatMap(({ sql, carried }, i) => {
      const column = table.columns.find(({ name }) => name === `c${i}`);
      if (column === undefined) throw new Error(`${sql} is not there`);
      const typed = columnTypeOf(column, null, 'plain');
      expect('type' in typed, `${sql} is carried`).toBe(carried);
      const named = `the type ${column.columnType} is not carried`;
      const otherSet = `the character set ${column.characterSet} is not carried`;
      return 'mistake' in typed ? [typed.mistake.startsWith(named) || typed.mistake.startsWith(otherSet)] : [];
    });
    expect(refused).toEqual(types.filter(({ carried }) => !carried).map(() => true));
  });

  it('has the same columns left out by init, each with why', () => {
    const decision = decideTable(
      foundTable('every_type', table.columns, { primaryKey: table.primaryKey }),
      initSettings,
    );
    if (decision.kind === 'refused') throw new Error(JSON.stringify(decision.refusal.reasons));
    const { fields, leftOut } = decision.plan;
    const namesOf = (carried: boolean): string[] =>
      types.flatMap((type, i) => (type.carried === carried ? [`c${i}`] : []));
    expect(leftOut.map(({ column }) => column)).toEqual(namesOf(false));
    expect(fields.map(({ column }) => column)).toEqual(namesOf(true));
    for (const { text } of leftOut) expect(text).toMatch(/^the (type|character set) .* is not carried/);
  });

  it('has every one of them in docs/types.md', async () => {
    const docs = await readFile(new URL('../../docs/types.md', import.meta.url), 'utf8');
    for (const { documented } of types) expect(docs).toContain(documented);
  });
});
