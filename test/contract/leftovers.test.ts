import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leftoversOf } from '../../src/app/leftovers.ts';
import { createMysqlJobStore } from '../../src/stores/mysql/job-store.ts';
import { testCall } from '../support/calls.ts';
import { createMysqlHarness, type MysqlHarness } from '../support/mysql-harness.ts';
import { mysqlTable, notesResource, placeResource } from '../support/resources.ts';

/** An id of which the other one's is the beginning. */
const other = { ...notesResource, id: `${notesResource.id}_more` };

describe('what a decommission leaves in MySQL', () => {
  let harness: MysqlHarness;

  beforeAll(async () => {
    harness = await createMysqlHarness((schema) => [mysqlTable(placeResource(notesResource, schema))]);
    const { pool } = harness;
    const jobs = createMysqlJobStore({ pool });
    for (const resource of [notesResource, other]) {
      const { store } = await harness.open(resource);
      await store.prepare(testCall());
      await harness.control.run(`INSERT INTO crossfade_sequence VALUES ('${resource.id}', 7)`);
      await jobs.leaseTask(`capture/${resource.id}`, 'one', 1_000, '', testCall());
      await jobs.leaseTask(`controller/${resource.id}`, 'one', 1_000, '', testCall());
      const init = { resource: resource.id, kind: 'backfill', attach: 1, compareWithItself: false } as const;
      await jobs.createJob({ ...init, rowsPerSecondLimit: 0 }, testCall());
    }
  });
  afterAll(() => harness?.close());

  it('is dropped by the statements that it shows, and nothing of another resource is', async () => {
    const { database, control } = harness;
    const connection = await createConnection({ ...database.address, multipleStatements: true });
    const ask = async (sql: string) =>
      (await connection.query<RowDataPacket[]>(sql))[0].map((row) => Object.values(row)[0]);
    const resource = placeResource(notesResource, database.name);
    const steps = leftoversOf({ controlSchema: control.name, user: 'crossfade' }, resource).filter(
      ({ sql }) => sql !== '',
    );
    const ofOwnSchema = steps.pop();
    for (const { sql } of steps) {
      const procedures = sql.startsWith('SELECT') ? await ask(sql) : null;
      if (procedures === null) await connection.query(sql);
      else expect(procedures).toHaveLength(2);
      for (const drop of procedures ?? []) await connection.query(String(drop));
    }
    const routines = await ask(
      `SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${control.name}'`,
    );
    const ofOther = expect.stringMatching(`^cf_${other.id}_`);
    expect(routines).toEqual([ofOther, ofOther]);
    expect(await ask(`SHOW TABLES FROM ${database.name}`)).toEqual([]);
    expect(await ask(`SELECT task FROM ${control.name}.crossfade_task ORDER BY task`)).toEqual([
      `capture/${other.id}`,
      `controller/${other.id}`,
    ]);
    const withResource = await ask(
      `SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${control.name}' AND COLUMN_NAME = 'resource'`,
    );
    expect(withResource.length).toBeGreaterThan(5);
    for (const table of withResource) {
      const resources = await ask(`SELECT DISTINCT resource FROM ${control.name}.${table}`);
      expect(resources, String(table)).not.toContain(notesResource.id);
    }
    expect(await ask(`SELECT resource FROM ${control.name}.crossfade_job`)).toEqual([other.id]);
    expect(ofOwnSchema?.sql).toBe(`DROP DATABASE \`${control.name}\`;`);
    await connection.query(ofOwnSchema?.sql ?? '');
    await connection.end();
  });
});
