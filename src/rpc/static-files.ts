import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { HttpRoute } from './connect-server.ts';

/** A file as it is served. */
export interface StaticFile {
  /** Its whole path on the port: `/dashboard/app.js`. */
  readonly path: string;
  /** `text/html; charset=utf-8`. */
  readonly contentType: string;
  readonly content: Buffer;
}

/** The encodings, the best first. */
type Encoding = 'br' | 'gzip' | 'identity';

interface Variant {
  readonly encoding: Encoding;
  readonly body: Buffer;
  readonly etag: string;
}

/** Hex digits of a content's hash in its ETag: 64 bits. */
const ETAG_DIGITS = 16;

/**
 * What a page may do that comes from here: its own scripts and styles, and calls of this port. Nothing inline, nothing from elsewhere,
 * no frame around it, no form, and no window of another origin that can reach it.
 */
const SECURITY_HEADERS: OutgoingHttpHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/**
 * Routes for files that are in memory, compressed once. Only these paths exist, so no request can name another file. Clients keep what
 * they got and ask by its ETag whether it is still so.
 */
export async function createStaticRoutes(files: readonly StaticFile[]): Promise<Map<string, HttpRoute>> {
  const routes = await Promise.all(
    files.map(async (file) => [file.path, staticRoute(file, await variantsOf(file.content))] as const),
  );
  return new Map(routes);
}

/** A route that sends callers elsewhere on this port, by a path. */
export function redirectRoute(location: string): HttpRoute {
  return (request, response) => {
    if (refusesMethod(request, response)) return;
    response.writeHead(308, { ...SECURITY_HEADERS, location, 'cache-control': 'no-cache' }).end();
  };
}

function staticRoute({ contentType }: StaticFile, variants: readonly Variant[]): HttpRoute {
  return (request, response) => {
    if (refusesMethod(request, response)) return;
    const accepted = acceptedEncodings(request.headers['accept-encoding']);
    const { encoding, body, etag } = variants.find((one) => accepted(one.encoding)) ?? (variants.at(-1) as Variant);
    const headers = { ...SECURITY_HEADERS, etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      'content-type': contentType,
      'content-length': body.length,
      ...(encoding !== 'identity' && { 'content-encoding': encoding }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

function refusesMethod({ method }: IncomingMessage, response: ServerResponse): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  response.writeHead(405, { ...SECURITY_HEADERS, allow: 'GET, HEAD' }).end();
  return true;
}

/** The content in each encoding that makes it smaller, the best first; as it is at the end. */
async function variantsOf(content: Buffer): Promise<readonly Variant[]> {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const [br, gz] = await Promise.all([compressBrotli(content, quality), compressGzip(content, { level: 9 })]);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, ETAG_DIGITS);
  const smaller = (
    [
      ['br', br],
      ['gzip', gz],
    ] as const
  ).filter(([, body]) => body.length < content.length);
  return [
    ...smaller.map(([encoding, body]) => ({ encoding, body, etag: `"${hash}-${encoding}"` })),
    { encoding: 'identity', body: content, etag: `"${hash}"` },
  ];
}

/** RFC 9110, section 12.5.3, as far as a server with these encodings needs it. */
function acceptedEncodings(header: string | undefined): (encoding: Encoding) => boolean {
  const weights = new Map<string, number>();
  for (const part of (header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return (encoding) => (weights.get(encoding) ?? weights.get('*') ?? (encoding === 'identity' ? 1 : 0)) > 0;
}

/** Whether the client has this content already; proxies may have marked the tag as weak. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? '').split(',').some((tag) => [etag, '*'].includes(tag.trim().replace(/^W\//, '')));
}
