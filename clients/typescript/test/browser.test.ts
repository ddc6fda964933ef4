/** The client in a real browser, on a page of another origin than the service. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Code } from '@connectrpc/connect';
import { build } from 'esbuild';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../../stack/chromium.ts';
import type { BrowserSessionOptions } from '../src/browser.ts';
import type { Outcome, TestPage } from './browser-page.ts';
import { newId, serviceEnv } from './service-env.ts';

const CLIENT = join(import.meta.dirname, '..');
/** The machine that carries these tests carries both stores and the browser as well. */
const PATIENCE = { timeoutMs: 30_000, retries: 4 };

const origin = serviceEnv('ORIGIN');
const service = `http://${serviceEnv('HTTP')}`;
const parent = serviceEnv('PATIENT');
const medication = { code: 7, description: 'a drug', startTime: { seconds: 1_700_000_000n, nanos: 0 } };

let browser: Browser;
let pages: Server;
let page: Page;
let requests: Request[];
let complaints: string[];

beforeAll(async () => {
  const files = new Map([
    ['/', '<!doctype html><title>test</title><script src="/test.js"></script>'],
    ['/test.js', await bundle('test/browser-page.ts')],
    ['/example/', await readFile(join(CLIENT, 'example/browser/index.html'), 'utf8')],
    ['/example/main.js', await bundle('example/browser/main.ts')],
  ]);
  pages = await serve(files, Number(new URL(origin).port));
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  pages?.close();
});

beforeEach(async () => {
  page = await browser.newPage();
  requests = [];
  complaints = [];
  page.on('request', (request) => requests.push(request));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(origin);
});

afterEach(() => page.close());

/** Fails where anything of Node's is in it: a browser has none of that. */
async function bundle(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(CLIENT, file)],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    // As in the package, of which nothing needs to be built here.
    alias: {
      '@crossfade/client/browser': join(CLIENT, 'src/browser.ts'),
      '@crossfade/client/gen': join(CLIENT, 'gen'),
    },
  });
  return outputFiles[0]?.text ?? '';
}

function serve(files: ReadonlyMap<string, string>, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const content = files.get(request.url ?? '');
    const type = request.url?.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type }).end(content);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

const begin = (options: Partial<BrowserSessionOptions> = {}) =>
  page.evaluate((given) => crossfade.begin(given), { addresses: [service], ...PATIENCE, ...options });
const call = (method: Parameters<TestPage['call']>[0], request: object): Promise<Outcome> =>
  page.evaluate(([called, input]) => crossfade.call(called, input), [method, request] as const);
/** In the page, where the functions that are given to it run. */
declare const crossfade: TestPage;

/** What the browser sent, without its preflights. */
async function sent(method: string): Promise<readonly Record<string, string>[]> {
  const calls = requests.filter((request) => request.method() === 'POST' && request.url().endsWith(`/${method}`));
  return Promise.all(calls.map((request) => request.allHeaders()));
}

describe.each(['connect', 'grpc-web'] as const)('a session in Chromium by %s', (protocol) => {
  beforeEach(() => begin({ protocol, caller: 'page', user: 'ann' }));

  it('creates, updates, reads back and deletes, from another origin', async () => {
    const created = await call('createMedication', { parent, medicationId: newId(), medication });
    expect(created.name).toContain(`${parent}/medications/`);
    const { name = '' } = created;
    await call('updateMedication', { medication: { name, note: 'by a page' }, updateMask: { paths: ['note'] } });
    expect(await call('getMedication', { name })).toMatchObject({ name, note: 'by a page' });
    expect(await call('deleteMedication', { name })).toMatchObject({ name: '' });
    expect(await call('getMedication', { name })).toMatchObject({
      error: { code: Code.NotFound, reason: 'RECORD_NOT_FOUND', isOutcomeUnknown: false },
    });
    expect(complaints).toEqual([]);
  });

  it('is shown the version by the service, sends it back, and says who calls', async () => {
    const { name = '', version = '' } = await call('createMedication', { parent, medicationId: newId(), medication });
    expect(BigInt(version)).toBeGreaterThan(0n);
    await call('getMedication', { name });
    const [get] = await sent('GetMedication');
    expect(get).toMatchObject({
      'crossfade-version': version,
      'crossfade-caller': 'page',
      'crossfade-user': 'ann',
      origin,
    });
    await call('deleteMedication', { name });
  });

  it('asks the authority for a record after a list that may have shown more', async () => {
    const { name = '' } = await call('createMedication', { parent, medicationId: newId(), medication });
    await call('listMedications', { parent });
    await call('getMedication', { name });
    const [get] = await sent('GetMedication');
    expect(get?.['crossfade-consistency']).toBe('authority');
    await call('deleteMedication', { name });
  });
});

describe('a session in Chromium', () => {
  it('passes over an address at which nobody answers to reads, and tells of writes that their outcome is not known', async () => {
    const addresses = ['http://127.0.0.1:9', service];
    await begin({ addresses, retries: 2 });
    expect(await call('createMedication', { parent, medicationId: newId(), medication })).toMatchObject({
      error: { code: Code.Unavailable, isOutcomeUnknown: true },
    });
    expect((await call('listMedications', { parent })).error).toBeUndefined();
  });

  it('can call nothing from an origin that the service does not name', async () => {
    const files = new Map([
      ['/', '<!doctype html><title>stranger</title><script src="/test.js"></script>'],
      ['/test.js', await bundle('test/browser-page.ts')],
    ]);
    const stranger = await serve(files, 0);
    try {
      const address = stranger.address();
      await page.goto(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
      await begin();
      expect((await call('listMedications', { parent })).error?.code).toBe(Code.Unavailable);
    } finally {
      stranger.close();
    }
  });
});

describe('the example page', () => {
  it("lists a patient's medications, and shows the note that it wrote", async () => {
    await page.goto(`${origin}/example/`);
    await page.getByLabel('Service').fill(service);
    await page.getByLabel('Patient').fill(parent);
    await page.getByLabel('Note').fill('from the example');
    await page.getByRole('button').click();
    await page.getByRole('status').filter({ hasText: 'from the example' }).waitFor();
    expect(await page.getByRole('listitem').count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });
});
