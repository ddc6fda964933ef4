import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStaticRoutes, redirectRoute } from '../../src/rpc/static-files.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const SCRIPT = 'export const answer = 42;\n'.repeat(200);
const PAGE = '<!doctype html><title>t</title>';
const SCRIPT_PATH = '/dashboard/app.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe('files that are served from memory', () => {
  let servers: Servers;

  beforeAll(async () => {
    const medications = await loadMedications();
    const routes = await createStaticRoutes([
      { path: '/dashboard/', contentType: 'text/html; charset=utf-8', content: Buffer.from(PAGE) },
      { path: SCRIPT_PATH, contentType: 'text/javascript; charset=utf-8', content: Buffer.from(SCRIPT) },
    ]);
    servers = await startServers({
      medications,
      records: memoryRecords(medications.resource),
      routes: [...routes, ['/', redirectRoute('/dashboard/')]],
    });
  });
  afterAll(() => servers.stop());

  /** As it goes over the wire: no path is tidied up, nothing is decompressed, no redirect is followed. */
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpRequest({ host: '127.0.0.1', port: servers.httpPort, path, headers, method }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
        );
      });
      asked.on('error', reject);
      asked.end();
    });

  it('come as they are to whoever asks for no compression', async () => {
    const { status, headers, body } = await ask(SCRIPT_PATH);
    expect({ status, text: body.toString() }).toEqual({ status: 200, text: SCRIPT });
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-length': String(SCRIPT.length),
      'cache-control': 'no-cache',
      vary: 'accept-encoding',
    });
    expect(headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['identity', undefined],
    ['br;q=0', undefined],
    ['gzip;q=0.5, BR;q=0.1', 'br'],
  ])('come compressed as asked by %s: %s', async (accepted, encoding) => {
    const { headers, body } = await ask(SCRIPT_PATH, { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    const decode = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? ''] ?? ((same: Buffer) => same);
    expect(decode(body).toString()).toBe(SCRIPT);
    expect(headers['content-length']).toBe(String(body.length));
    if (encoding !== undefined) expect(body.length).toBeLessThan(SCRIPT.length / 10);
  });

  it('are not sent again to whoever has them, in the encoding that it has', async () => {
    const tags = new Set<string>();
    for (const encoding of ['br', 'gzip', 'identity']) {
      const first = await ask(SCRIPT_PATH, { 'accept-encoding': encoding });
      const etag = first.headers.etag ?? '';
      tags.add(etag);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await ask(SCRIPT_PATH, { 'accept-encoding': encoding, 'if-none-match': known });
        expect({ status: again.status, size: again.body.length }).toEqual({ status: 304, size: 0 });
        expect(again.headers).toMatchObject({ etag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
      }
      const other = await ask(SCRIPT_PATH, { 'accept-encoding': encoding, 'if-none-match': '"other"' });
      expect(other.status).toBe(200);
    }
    expect(tags.size).toBe(3);
  });

  it('tell a HEAD what a GET would get', async () => {
    const get = await ask(SCRIPT_PATH, { 'accept-encoding': 'br' });
    const head = await ask(SCRIPT_PATH, { 'accept-encoding': 'br' }, 'HEAD');
    expect({ status: head.status, size: head.body.length }).toEqual({ status: 200, size: 0 });
    expect(head.headers).toMatchObject({ etag: get.headers.etag, 'content-length': String(get.body.length) });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuse %s', async (method) => {
    const { status, headers } = await ask(SCRIPT_PATH, {}, method);
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
  });

  it.each([
    '/dashboard/nothing.js',
    '/dashboard/../package.json',
    '/dashboard/%2e%2e/package.json',
    '/dashboard//app.js',
    '/dashboard/app.js/',
    '/dashboard/app.js%00.html',
    '/dashboard/gen',
  ])('are all that there is: %s is not found', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it('let a browser run nothing but what comes from here', async () => {
    for (const path of ['/dashboard/', SCRIPT_PATH, '/dashboard/?resource=notes']) {
      const { status, headers } = await ask(path);
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      const policy = new Map(
        (headers['content-security-policy'] as string).split('; ').map((rule) => {
          const [name = '', ...sources] = rule.split(' ');
          return [name, sources.join(' ')] as const;
        }),
      );
      expect(Object.fromEntries(policy)).toEqual({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self' data:",
        'connect-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
      });
    }
  });

  it('are found from the root', async () => {
    const { status, headers } = await ask('/');
    expect({ status, location: headers.location }).toEqual({ status: 308, location: '/dashboard/' });
  });
});
