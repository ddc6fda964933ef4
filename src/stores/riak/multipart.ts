import { internal } from './errors.ts';

/** One part of a `multipart/mixed` answer: one sibling ("HTTP Fetch Object", "Get all siblings in one request"). */
export interface Part {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const LINE_END = '\r\n';
const HEAD_END = Buffer.from('\r\n\r\n');

/** The parts of an answer. Throws `internal` if it is none. */
export function parseMultipart(contentType: string, body: Buffer): readonly Part[] {
  const boundary = /;\s*boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!contentType.toLowerCase().startsWith('multipart/mixed') || boundary === undefined) throw noMultipart();
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = body.indexOf(delimiter);
  // Each step goes on behind a delimiter, so there are no more than the body has bytes.
  while (at >= 0) {
    const begin = at + delimiter.length;
    if (body.toString('latin1', begin, begin + 2) === '--') return parts;
    const next = body.indexOf(Buffer.from(`${LINE_END}--${boundary}`), begin);
    if (next < 0) break;
    parts.push(parsePart(body.subarray(begin + LINE_END.length, next)));
    at = next + LINE_END.length;
  }
  throw noMultipart();
}

function parsePart(part: Buffer): Part {
  const end = part.indexOf(HEAD_END);
  if (end < 0) throw noMultipart();
  const headers = new Map<string, string>();
  for (const line of part.toString('latin1', 0, end).split(LINE_END)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: part.subarray(end + HEAD_END.length) };
}

function noMultipart(): Error {
  return internal('Riak answered several siblings in a form that is not multipart/mixed.');
}
