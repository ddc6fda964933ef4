import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** Longest line that is read, in characters: Synthea's are below 600, more means that it is not one of its files. */
const MAX_LINE_CHARACTERS = 16_384;

/**
 * Reads columns of a CSV file with a header line as a stream, some thousand rows at a time: memory stays flat however
 * long the file is, and no row costs a turn of the event loop. Fields may be quoted as in RFC 4180, but must not
 * contain line breaks. An empty field is the empty string.
 *
 * @param path a CSV file, gunzipped on the way if its name ends in `.gz`
 * @param columns the columns that the rows shall have, in any order; the file's others are left out
 * @param signal ends the reading with an AbortError
 * @throws Error if the file can't be read, has no such column, or has a line that does not fit its header
 */
export async function* readCsv<const C extends string>(
  path: string,
  columns: readonly C[],
  signal?: AbortSignal,
): AsyncGenerator<Record<C, string>[]> {
  let toRow: ((line: string) => Record<C, string>) | undefined;
  for await (const lines of readLines(path, signal)) {
    const header = toRow === undefined ? lines.shift() : undefined;
    if (header !== undefined) toRow = rowReader(splitLine(header), columns);
    if (toRow !== undefined && lines.length > 0) yield lines.map(toRow);
  }
  if (toRow === undefined) throw new Error(`${path} has no header line`);
}

/** Yields the lines of a file, a chunk's worth at a time. */
async function* readLines(path: string, signal: AbortSignal | undefined): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of openText(path, signal)) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS)
      throw new Error(`${path} has a line of over ${MAX_LINE_CHARACTERS} characters`);
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}

function openText(path: string, signal: AbortSignal | undefined): Readable {
  const file = createReadStream(path, signal ? { signal } : {});
  if (!path.endsWith('.gz')) return file.setEncoding('utf8');
  const text = createGunzip().setEncoding('utf8');
  // A failure reaches the reader too: pipeline destroys the last stream with it.
  pipeline(file, text).catch(() => {});
  return text;
}

/** Compiles a function that picks the columns out of a line of a file with the given header. */
function rowReader<C extends string>(header: readonly string[], columns: readonly C[]) {
  const places = columns.map((column) => ({ column, index: header.indexOf(column) }));
  const missing = places.find(({ index }) => index < 0);
  if (missing) throw new Error(`the CSV file has no column ${missing.column}`);
  return (line: string): Record<C, string> => {
    const fields = splitLine(line);
    if (fields.length !== header.length) throw new Error(`a line of the CSV file has ${fields.length} fields`);
    const row: Partial<Record<C, string>> = {};
    for (const { column, index } of places) row[column] = fields[index] ?? '';
    return row as Record<C, string>;
  };
}

/** The fields of one line, without their quotes. */
function splitLine(line: string): string[] {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (!text.includes('"')) return text.split(',');
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let separator = ','; separator === ','; ) {
    const match = pattern.exec(text);
    if (match === null) throw new Error('a line of the CSV file has a quote out of place');
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    separator = match[3] ?? '';
  }
  return fields;
}
