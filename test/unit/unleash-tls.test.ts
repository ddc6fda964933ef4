import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { readFlagServer } from '../../src/migration/flag-check.ts';
import { createUnleashFlags, flagNames, type UnleashFlags } from '../../src/migration/unleash-flags.ts';
import { createAuthority } from '../support/certificates.ts';
import { keepLog } from '../support/secure-rpc.ts';

const authority = createAuthority('flags');
let server: Server | undefined;
let flags: UnleashFlags | undefined;

afterEach(() => {
  flags?.close();
  server?.closeAllConnections();
  server?.close();
});

/** A flag server with one flag, for whoever has the token. */
async function serve(): Promise<number> {
  const { cert, key } = authority.issue({ commonName: 'unleash', ips: ['127.0.0.1'] });
  const { shadowRead: name } = flagNames('medications');
  const strategies = [{ name: 'default', parameters: {}, constraints: [] }];
  const started = createServer({ cert, key }, (request, response) => {
    const features = [
      { name, enabled: true, type: 'release', project: 'default', stale: false, strategies, variants: [] },
    ];
    response.writeHead(request.headers.authorization === 'token' ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ version: 2, features }));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
}

const subject = { recordKey: 'a', caller: '', user: '' };

it('flags come over TLS from a server whose authority is named, and from no other', async () => {
  const port = await serve();
  const log = keepLog();
  const common = {
    url: `https://127.0.0.1:${port}/api`,
    token: 'token',
    appName: 'test',
    instance: 'one',
    refreshMs: 50,
    log,
  };
  flags = createUnleashFlags(common);
  await expect.poll(() => log.lines.length).toBeGreaterThan(0);
  expect(flags.shadowRead('medications', subject)).toBe(false);
  flags.close();
  const trusting = createUnleashFlags({ ...common, ca: authority.cert });
  flags = trusting;
  await expect.poll(() => trusting.shadowRead('medications', subject)).toBe(true);
});

it('a doctor asks over TLS as an instance does', async () => {
  const port = await serve();
  const known = { url: `https://127.0.0.1:${port}/api`, token: 'token', appName: 'test' };
  const signal = AbortSignal.timeout(10_000);
  await expect(readFlagServer(known, signal)).rejects.toThrow('gives no answer');
  const answer = await readFlagServer({ ...known, ca: authority.cert }, signal);
  expect([answer.status, answer.flags.size]).toEqual([200, 1]);
  const refused = await readFlagServer({ ...known, token: 'another', ca: authority.cert }, signal);
  expect(refused.status).toBe(401);
});
