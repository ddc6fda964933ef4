import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { releasePort, reservePort } from '../../stack/ports.ts';

const reserved: number[] = [];
afterEach(() => {
  for (const port of reserved.splice(0)) releasePort(port);
});

async function reserve(hosts?: readonly string[]): Promise<number> {
  const port = await reservePort(hosts);
  reserved.push(port);
  return port;
}

test('ports lie below the range of outgoing connections', async () => {
  for (let count = 0; count < 20; count++) {
    const port = await reserve();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_768);
  }
});

test('a reserved port can be bound by a server', async () => {
  const port = await reserve();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  server.close();
});

test('a port is free on every address that is asked for', async () => {
  const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
  const port = await reserve(hosts);
  for (const host of hosts) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    server.close();
  }
});

test('processes that ask at the same time get different ports', async () => {
  const script = `
    import { reservePort } from ${JSON.stringify(fileURLToPath(new URL('../../stack/ports.ts', import.meta.url)))};
    const ports = [];
    for (let count = 0; count < 200; count++) ports.push(await reservePort());
    console.log(JSON.stringify(ports));
    process.stdin.resume();
  `;
  const run = promisify(execFile);
  const runs = [1, 2, 3].map(() =>
    run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 }),
  );
  const children = runs.map((each) => each.child);
  const lines = await Promise.all(
    children.map(
      (child) => new Promise<string>((resolve) => child.stdout?.once('data', (text) => resolve(String(text)))),
    ),
  );
  // All three hold theirs until here.
  for (const child of children) child.stdin?.end();
  await Promise.all(runs);
  const ports = lines.flatMap((line) => JSON.parse(line) as number[]);
  expect(new Set(ports).size).toBe(600);
});
