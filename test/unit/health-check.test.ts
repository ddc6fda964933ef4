import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority } from '../support/certificates.ts';

const program = join(import.meta.dirname, '../../deploy/image/health-check.ts');
/** A process of its own starts slowly on a loaded machine. */
const PROCESS_TIMEOUT_MS = 20_000;
const authority = createAuthority('check');
const own = authority.issue({ commonName: 'elsewhere', dns: ['elsewhere.example'] });

const ready: RequestListener = ({ url }, response) => response.writeHead(url === '/readyz' ? 200 : 404).end();

async function portOf(server: Server | TlsServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function check(port: number, env: Record<string, string> = {}): Promise<{ code: number; stderr: string }> {
  const variables = { PATH: process.env.PATH ?? '', HEALTH_CHECK_PORT: String(port), ...env };
  const run = promisify(execFile)(process.execPath, [program], { env: variables, timeout: PROCESS_TIMEOUT_MS });
  return run.then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }) => ({ code, stderr }),
  );
}

describe("the image's health check", () => {
  it('holds where the instance takes requests', async () => {
    expect(await check(await portOf(createServer(ready)))).toEqual({ code: 0, stderr: '' });
  });

  it('says what the instance answers where it takes none', async () => {
    const { code, stderr } = await check(await portOf(createServer((_, response) => response.writeHead(503).end())));
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'not ready: /readyz answers 503\n' });
  });

  it('fails where nobody listens, and where nobody answers', async () => {
    const port = await portOf(createServer(() => {}));
    expect((await check(port)).stderr).toContain('no answer within');
    expect((await check(9)).code).toBe(1);
  });

  it('asks by TLS where the port speaks nothing else, whoever the certificate is for', async () => {
    expect((await check(await portOf(createTlsServer(own, ready)))).code).toBe(0);
  });

  it('proves who it is where it must', async () => {
    const port = await portOf(createTlsServer({ ...own, ca: authority.cert, requestCert: true }, ready));
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-health-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'probe.pem');
    const probe = authority.issue({ commonName: 'probe' });
    await writeFile(file, `${probe.cert}${probe.key}`);
    expect((await check(port)).code).toBe(1);
    expect(await check(port, { HEALTH_CHECK_CERT: file })).toEqual({ code: 0, stderr: '' });
  });
});
