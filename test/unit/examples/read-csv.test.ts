import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCsv } from '../../../examples/hospital/read-csv.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-csv-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function fileWith(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function readAll<const C extends string>(path: string, columns: readonly C[], signal?: AbortSignal) {
  const rows: Record<C, string>[] = [];
  for await (const batch of readCsv(path, columns, signal)) rows.push(...batch);
  return rows;
}

describe('reading CSV', () => {
  it('picks the columns that were asked for, by name and not by place', async () => {
    const path = await fileWith('order.csv', 'A,B,C\n1,2,3\n4,5,6\n');
    expect(await readAll(path, ['C', 'A'])).toEqual([
      { C: '3', A: '1' },
      { C: '6', A: '4' },
    ]);
  });

  it('takes quotes off, with commas and doubled quotes inside, and leaves empty fields empty', async () => {
    const path = await fileWith('quotes.csv', 'A,B,C\n"x, y","say ""hi""",\n"",,z\n');
    expect(await readAll(path, ['A', 'B', 'C'])).toEqual([
      { A: 'x, y', B: 'say "hi"', C: '' },
      { A: '', B: '', C: 'z' },
    ]);
  });

  it('reads files with CRLF and without a last line break', async () => {
    const path = await fileWith('crlf.csv', 'A,B\r\n1,2\r\n3,4');
    expect(await readAll(path, ['B'])).toEqual([{ B: '2' }, { B: '4' }]);
  });

  it('keeps lines whole that two chunks of the file share, and characters of several bytes too', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},"täglich, 饭后 💊 ${i}"`);
    const path = await fileWith('long.csv.gz', gzipSync(`N,TEXT\n${lines.join('\n')}\n`));
    const rows = await readAll(path, ['N', 'TEXT']);
    expect(rows).toHaveLength(20_000);
    expect(rows.filter(({ N, TEXT }, i) => N !== String(i) || TEXT !== `täglich, 饭后 💊 ${i}`)).toEqual([]);
  });

  it('fails on a gzipped file that was cut short, instead of ending early', async () => {
    const whole = gzipSync(Array.from({ length: 5_000 }, (_, i) => `${i},${Math.sin(i)}`).join('\n'));
    const path = await fileWith('cut.csv.gz', whole.subarray(0, whole.length / 2));
    await expect(readAll(path, ['0'])).rejects.toThrow(/end of file/);
  });

  it.each([
    ['a column that is not there', 'A,B\n1,2\n', 'the CSV file has no column X'],
    ['a line that is too short', 'X,B\n1,2\n1\n', 'a line of the CSV file has 1 fields'],
    ['a line that is too long', 'X,B\n1,2,3\n', 'a line of the CSV file has 3 fields'],
    ['a quote that is not closed', 'X,B\n"1,2\n', 'a line of the CSV file has a quote out of place'],
    ['a quote within a field', 'X,B\n1"1",2\n', 'a line of the CSV file has a quote out of place'],
    ['a file without a line', '', 'has no header line'],
    ['a line without end', `X\n${'x'.repeat(20_000)}`, 'has a line of over 16384 characters'],
  ])('refuses %s', async (_name, content, message) => {
    const path = await fileWith('refused.csv', content);
    await expect(readAll(path, ['X'])).rejects.toThrow(message);
  });

  it('fails on a file that is not there', async () => {
    await expect(readAll(join(folder, 'absent.csv.gz'), ['X'])).rejects.toThrow(/ENOENT/);
  });

  it('stops when its signal aborts', async () => {
    const path = await fileWith('aborted.csv', 'X\n1\n');
    await expect(readAll(path, ['X'], AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});
