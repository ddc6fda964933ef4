import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { loadHospital } from '../../examples/hospital/load.ts';
import type { OutsideCommit, OutsideSummary } from '../../examples/hospital/outside-journal.ts';
import { startOutsideProgram } from '../../examples/hospital/outside-program.ts';
import { belongsToOutsideProgram } from '../../examples/hospital/outside-share.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

const ROWS = 5_000;
const SHARE = 0.3;
const PROGRAM = fileURLToPath(new URL('../../examples/hospital/outside-program.ts', import.meta.url));

let hospital: TestDatabase;
let connection: mysql.Connection;

/** The unique values that are in the tables, by `table/patient/id`; only records that have one. */
async function values(): Promise<Map<string, string | null>> {
  const [rows] = await connection.query<mysql.RowDataPacket[]>(
    `SELECT CONCAT('medications/', patient_id, '/', medication_id) AS record, note AS value FROM medications
     UNION ALL SELECT CONCAT('encounters/', patient_id, '/', encounter_id), remark FROM encounters`,
  );
  return new Map(rows.map((row) => [row.record as string, row.value as string | null]));
}

/** What the tables hold after the journal's transactions. */
function replay(before: ReadonlyMap<string, string | null>, journal: readonly OutsideCommit[]) {
  const after = new Map(before);
  for (const { table, patient, id, value } of journal.flatMap(({ changes }) => changes)) {
    if (value === null) after.delete(`${table}/${patient}/${id}`);
    else after.set(`${table}/${patient}/${id}`, value);
  }
  return after;
}

async function runFor(ms: number, options: { seed: number; sharedRatio?: number; during?: () => Promise<void> }) {
  const journal: OutsideCommit[] = [];
  const program = await startOutsideProgram({
    mysql: inject('mysql'),
    database: hospital.name,
    share: SHARE,
    writesPerSecond: 500,
    ...options,
    onCommit: (commit) => journal.push(commit),
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  await options.during?.();
  const summary: OutsideSummary = await program.stop();
  return { journal, summary };
}

beforeAll(async () => {
  hospital = await createTestDatabase();
  connection = await mysql.createConnection({ ...inject('mysql'), database: hospital.name });
});

afterAll(async () => {
  await connection?.end();
  await hospital?.drop();
});

describe('loading the hospital', () => {
  it('stores the rows that were asked for, tells of its progress, and loses no digit and no character', async () => {
    const told: number[] = [];
    const report = await loadHospital({
      mysql: inject('mysql'),
      database: hospital.name,
      rows: ROWS,
      onProgress: ({ rows }) => told.push(rows),
    });
    expect(report).toMatchObject({ medications: ROWS, encounters: ROWS });
    expect(Math.max(...told)).toBe(ROWS);
    const [rows] = await connection.query<mysql.RowDataPacket[]>(
      `SELECT COUNT(*) AS total, SUM(note = '') AS blank, SUM(note LIKE '%💊%') AS beyond_ascii,
       SUM((stopped_at IS NULL) = (status = 'active')) AS consistent, COUNT(DISTINCT updated_at) AS times
       FROM medications`,
    );
    const [{ total, blank, beyond_ascii, consistent, times } = {} as mysql.RowDataPacket] = rows;
    expect(total).toBe(ROWS);
    expect(Number(blank)).toBeGreaterThan(100);
    expect(Number(beyond_ascii)).toBeGreaterThan(100);
    expect(Number(consistent)).toBe(ROWS);
    expect(times).toBeGreaterThan(1_000);
  });

  it('refuses tables that hold rows already', async () => {
    const again = loadHospital({ mysql: inject('mysql'), database: hospital.name, rows: 10 });
    await expect(again).rejects.toThrow('holds rows already');
  });

  it('stops when its signal aborts', async () => {
    const other = await createTestDatabase();
    onTestFinished(() => other.drop());
    const abort = new AbortController();
    const loading = loadHospital({
      mysql: inject('mysql'),
      database: other.name,
      onProgress: () => abort.abort(new Error('enough')),
      signal: abort.signal,
    });
    await expect(loading).rejects.toThrow('enough');
  });
});

describe('the outside program', () => {
  it('leaves in the tables exactly what its journal says, and writes values to nobody else', async () => {
    const before = await values();
    const { journal, summary } = await runFor(2_000, { seed: 1, sharedRatio: 0.1 });
    expect(journal.length).toBeGreaterThan(50);
    expect(summary).toMatchObject({ commits: journal.length, unknown: 0 });
    expect(await values()).toEqual(replay(before, journal));
    const patients = new Set(journal.flatMap(({ changes }) => changes.map(({ patient }) => patient)));
    expect([...patients].filter((patient) => !belongsToOutsideProgram(patient, SHARE))).toEqual([]);
    const touched = journal.flatMap((commit) => commit.touched.map(({ patient }) => patient));
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.filter((patient) => belongsToOutsideProgram(patient, SHARE))).toEqual([]);
  });

  it('tells of moments in order, each answered after it was sent', async () => {
    const { journal } = await runFor(500, { seed: 2 });
    const moments = journal.flatMap(({ sentAt, answeredAt }) => [sentAt.monotonicMs, answeredAt.monotonicMs]);
    expect(moments).toEqual([...moments].sort((a, b) => a - b));
  });

  it('goes on after its link broke, and calls unknown only what it can not know', async () => {
    const before = await values();
    const { journal, summary } = await runFor(700, {
      seed: 3,
      during: async () => {
        const [threads] = await connection.query<mysql.RowDataPacket[]>(
          'SELECT id AS thread FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()',
          [hospital.name],
        );
        for (const { thread } of threads) await connection.query(`KILL ${Number(thread)}`);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      },
    });
    const unknown = journal.filter(({ outcome }) => outcome === 'unknown');
    expect(summary.unknown).toBe(unknown.length);
    expect(unknown.length).toBeLessThanOrEqual(1);
    expect(journal.at(-1)?.outcome).toBe('committed');
    const decided = journal.filter(({ outcome }) => outcome === 'committed');
    expect([replay(before, journal), replay(before, decided)]).toContainEqual(await values());
  });

  it('fails as soon as somebody else writes its records, instead of keeping a wrong journal', async () => {
    const program = await startOutsideProgram({
      mysql: inject('mysql'),
      database: hospital.name,
      seed: 4,
      share: SHARE,
      writesPerSecond: 500,
    });
    await connection.query('DELETE FROM medications');
    await expect(program.finished).rejects.toThrow('somebody else writes the records');
    await loadHospitalAgain();
  });

  it('as a process of its own: its journal on stdout, and the end at SIGTERM after the last transaction', async () => {
    const { host, port, user, password } = inject('mysql');
    const before = await values();
    const child = spawn(
      process.execPath,
      [PROGRAM, '--mysql', `mysql://${user}:${password}@${host}:${port}`, '--database', hospital.name, '--seed', '5'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = Promise.all([text(child.stderr), once(child, 'close')]);
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGTERM');
    const [stderr, [exitCode]] = await ended;
    const stdout = Buffer.concat(chunks).toString('utf8');
    const journal = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as OutsideCommit);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({ commits: journal.length });
    expect(await values()).toEqual(replay(before, journal));
  });
});

async function loadHospitalAgain(): Promise<void> {
  await connection.query('DELETE FROM medications');
  await connection.query('DELETE FROM encounters');
  await loadHospital({ mysql: inject('mysql'), database: hospital.name, rows: ROWS });
}
