/** Free TCP ports on loopback that no other caller on this machine gets at the same time. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { releaseLock, takeLock } from './lock-file.ts';

/** Below the range from which Linux takes ports for outgoing connections (32768 and up). */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** Ports that are tried before giving up. */
const MAX_TRIES = 500;

const held = new Set<number>();
const lockFolder = join(tmpdir(), `crossfade-ports-${userInfo().uid}`);

/**
 * Reserves a free port for as long as this process lives, or until releasePort.
 *
 * Between the test that a port is free and the server's own bind, another process could be given the same port: so a
 * lock file names the holder's process id, and a lock whose holder is gone is taken over.
 *
 * @param hosts addresses on which the port must be free; default 127.0.0.1
 */
export async function reservePort(hosts: readonly string[] = ['127.0.0.1']): Promise<number> {
  mkdirSync(lockFolder, { recursive: true });
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!takeLock(lockFile(port))) continue;
    process.off('exit', releaseAll).once('exit', releaseAll);
    held.add(port);
    if (await freeOnAll(port, hosts)) return port;
    releasePort(port);
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} after ${MAX_TRIES} tries`);
}

/** Gives a port back. */
export function releasePort(port: number): void {
  held.delete(port);
  releaseLock(lockFile(port));
}

function releaseAll(): void {
  for (const port of held) releaseLock(lockFile(port));
}

function lockFile(port: number): string {
  return join(lockFolder, String(port));
}

async function freeOnAll(port: number, hosts: readonly string[]): Promise<boolean> {
  for (const host of hosts) if (!(await canBind(port, host))) return false;
  return true;
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
