import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ENCOUNTERS, type HospitalTable, MEDICATIONS } from '../../../examples/hospital/hospital-tables.ts';
import { schemaStatements } from '../../../examples/hospital/load.ts';
import { readCsv } from '../../../examples/hospital/read-csv.ts';

const MEDICATION = {
  ID: '100000007',
  PATIENT: '007e7104-87fa-f67b-8ce7-2312b271e08a',
  START: '2017-08-23T18:06:09Z',
  STOP: '',
  PAYER: '0133f751-9229-3cfd-815f-b6d4979bdd6a',
  ENCOUNTER: 'b7d2b40f-2b2e-3576-b539-d8d561ef66fd',
  CODE: '1535362',
  DESCRIPTION: "St. John's wort \\ 10%",
  BASE_COST: '129.94',
  PAYER_COVERAGE: '0.00',
  DISPENSES: '1',
  TOTALCOST: '129.94',
  REASONCODE: '',
  REASONDESCRIPTION: '',
};

/** A row as one literal for each column: none of the test's values has a comma. */
function literals(table: HospitalTable, row: Record<string, string>): Record<string, string | undefined> {
  const values = table.toValues(row).split(',');
  expect(values).toHaveLength(table.columns.length);
  return Object.fromEntries(table.columns.map((column, index) => [column, values[index]]));
}

describe('rows of the sample as SQL', () => {
  it('writes each column as its type asks for it', () => {
    expect(literals(MEDICATIONS, MEDICATION)).toMatchObject({
      patient_id: "'007e7104-87fa-f67b-8ce7-2312b271e08a'",
      medication_id: '100000007',
      payer_id: "x'0133f75192293cfd815fb6d4979bdd6a'",
      status: "'active'",
      code: '1535362',
      description: "'St. John\\'s wort \\\\ 10%'",
      started_at: "'2017-08-23 18:06:09.000000'",
      stopped_at: 'NULL',
      base_cost: '129.94',
      reason_code: 'NULL',
      reason_description: 'NULL',
    });
  });

  it('has notes on some medications: an empty one, which is not the same as none, and ones beyond ASCII', () => {
    const notes = Array.from({ length: 30 }, (_, i) => {
      return literals(MEDICATIONS, { ...MEDICATION, ID: String(100_000_000 + i) }).note ?? '';
    });
    expect(notes.filter((note) => note === 'NULL')).toHaveLength(24);
    expect(notes).toContain("''");
    expect(notes.some((note) => note.includes('💊'))).toBe(true);
  });

  it('gives updated_at the last thing that happened, with microseconds, and never a time that TIMESTAMP refuses', () => {
    const updatedAt = (row: Record<string, string>) => literals(MEDICATIONS, { ...MEDICATION, ...row }).updated_at;
    expect(updatedAt({})).toMatch(/^'2017-08-23 18:06:09\.\d{6}'$/);
    expect(updatedAt({ STOP: '2018-01-02T03:04:05Z' })).toMatch(/^'2018-01-02 03:04:05\.\d{6}'$/);
    expect(updatedAt({ START: '1931-02-12T18:54:55Z' })).toMatch(/^'1971-01-01 00:00:00\.\d{6}'$/);
    expect(updatedAt({ ID: '100000008' })).not.toBe(updatedAt({ ID: '100000009' }));
  });

  it.each([
    ['CODE', '1 OR 1'],
    ['BASE_COST', '1e3'],
    ['PATIENT', "x' OR '1"],
    ['PAYER', '0133f751'],
    ['START', '2017-08-23'],
  ])('refuses a %s that is not of its form', (column, text) => {
    expect(() => MEDICATIONS.toValues({ ...MEDICATION, [column]: text })).toThrow(RangeError);
  });
});

describe('the committed sample', () => {
  const fileOf = (table: HospitalTable) =>
    fileURLToPath(new URL(`../../../examples/hospital/data/${table.file}`, import.meta.url));

  it.each([MEDICATIONS, ENCOUNTERS])(
    '$name can be read to its end, with the rows it says and no key twice',
    async (table) => {
      const keys = new Set<string>();
      let rows = 0;
      for await (const batch of readCsv(fileOf(table), table.csvColumns)) {
        rows += batch.length;
        for (const row of batch) keys.add(row.ID ?? '');
        table.toValues(batch[0] ?? {});
      }
      expect(rows).toBe(table.sampleRows);
      expect(keys.size).toBe(rows);
    },
  );

  it('takes at most 10 MB', async () => {
    const sizes = await Promise.all([MEDICATIONS, ENCOUNTERS].map(async (table) => (await stat(fileOf(table))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10_000_000);
  });
});

describe('schema.sql', () => {
  it('is made for a database of another name without touching the one called hospital', async () => {
    const statements = await schemaStatements('other`s');
    expect(statements).toHaveLength(4);
    expect(statements[0]).toMatch(/^CREATE DATABASE IF NOT EXISTS `other``s` /);
    expect(statements[1]).toBe('USE `other``s`');
    expect(statements.join('\n')).not.toMatch(/`hospital`/);
  });

  it('has a column for each value that is loaded', async () => {
    const statements = await schemaStatements('hospital');
    for (const table of [MEDICATIONS, ENCOUNTERS]) {
      const ddl =
        statements.find((statement) => statement.startsWith(`CREATE TABLE IF NOT EXISTS ${table.name} `)) ?? '';
      for (const column of table.columns) expect(ddl).toMatch(new RegExp(`^  ${column} `, 'm'));
    }
  });
});
