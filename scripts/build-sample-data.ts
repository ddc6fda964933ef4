/**
 * Makes the committed sample of the example hospital from a folder with Synthea's CSV export:
 *
 *     node scripts/build-sample-data.ts FOLDER
 *
 * FOLDER holds medications.csv and encounters.csv, gzipped or not. The result depends on nothing else (but the version of zlib).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { readCsv } from '../examples/hospital/read-csv.ts';

const OUTPUT_FOLDER = fileURLToPath(new URL('../examples/hospital/data/', import.meta.url));

/** Most bytes that the sample may take in the repository. */
const MAX_SAMPLE_BYTES = 10_000_000;

/** Most rows of one file that are held in memory: a sample is small, a full export belongs elsewhere. */
const MAX_ROWS = 1_000_000;

/** Synthea gives medications no key: they are numbered from here on, in the order of its export. */
const FIRST_MEDICATION_ID = 100_000_001;

const MEDICATION = [
  ...([
    'START',
    'STOP',
    'PATIENT',
    'PAYER',
    'ENCOUNTER',
    'CODE',
    'DESCRIPTION',
    'BASE_COST',
    'PAYER_COVERAGE',
  ] as const),
  ...(['DISPENSES', 'TOTALCOST', 'REASONCODE', 'REASONDESCRIPTION'] as const),
] as const;

/** Without ORGANIZATION and PROVIDER: random UUIDs that the example has no use for, and 0.7 MB. */
const ENCOUNTER = [
  ...(['Id', 'START', 'STOP', 'PATIENT', 'PAYER', 'ENCOUNTERCLASS', 'CODE', 'DESCRIPTION'] as const),
  ...(['BASE_ENCOUNTER_COST', 'TOTAL_CLAIM_COST', 'PAYER_COVERAGE', 'REASONCODE', 'REASONDESCRIPTION'] as const),
] as const;

/** Reads all rows of a table of the export. */
async function readTable<const C extends string>(name: string, columns: readonly C[]): Promise<Record<C, string>[]> {
  const plain = join(folder, `${name}.csv`);
  const rows: Record<C, string>[] = [];
  for await (const batch of readCsv(existsSync(plain) ? plain : `${plain}.gz`, columns)) {
    rows.push(...batch);
    if (rows.length > MAX_ROWS) throw new Error(`${name} has more than ${MAX_ROWS} rows`);
  }
  return rows;
}

/** Puts the rows of a patient together, in the order of the tables' keys, which loads and compresses well. */
function byPatient(a: { readonly PATIENT: string }, b: { readonly PATIENT: string }): number {
  return a.PATIENT < b.PATIENT ? -1 : a.PATIENT > b.PATIENT ? 1 : 0;
}

function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Writes a table and returns the bytes it takes. */
function writeTable(name: string, rows: readonly Record<string, string>[]): number {
  const header = Object.keys(rows[0] ?? {}).join(',');
  const lines = rows.map((row) => Object.values(row).map(quote).join(','));
  const compressed = gzipSync(`${header}\n${lines.join('\n')}\n`, { level: constants.Z_BEST_COMPRESSION });
  writeFileSync(join(OUTPUT_FOLDER, `${name}.csv.gz`), compressed);
  console.log(`${name}.csv.gz: ${rows.length} rows, ${compressed.length} bytes`);
  return compressed.length;
}

const folder = process.argv[2] ?? '';
if (folder === '')
  throw new Error("usage: node scripts/build-sample-data.ts FOLDER, the folder with Synthea's CSV files");
const medications = (await readTable('medications', MEDICATION))
  .map((row, index) => ({ ID: String(FIRST_MEDICATION_ID + index), ...row }))
  .sort(byPatient);
const encounters = (await readTable('encounters', ENCOUNTER))
  .map(({ Id, ...row }) => ({ ID: Id, ...row }))
  .sort(byPatient);
const bytes = writeTable('medications', medications) + writeTable('encounters', encounters);
if (bytes > MAX_SAMPLE_BYTES) throw new Error(`the sample takes ${bytes} bytes, more than ${MAX_SAMPLE_BYTES}`);
