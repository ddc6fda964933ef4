/** Free TCP ports on loopback that no other caller on this machine gets at the same time. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Below the range from which Linux takes ports for outgoing connections (32768 and up). */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** Ports that are tried before giving up. */
const MAX_TRIES = 500;

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
    if (!lock(port)) continue;
    if (await freeOnAll(port, hosts)) return port;
    releasePort(port);
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} after ${MAX_TRIES} tries`);
}

/** Gives a port back. */
export function releasePort(port: number): void {
  rmSync(lockFile(port), { force: true });
}

function lockFile(port: number): string {
  return join(lockFolder, String(port));
}

function lock(port: number): boolean {
  try {
    writeFileSync(lockFile(port), String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Taken. A holder that is gone leaves its lock behind: removed here, and the port is for a later try.
    if (!holderLives(port)) releasePort(port);
    return false;
  }
}

function holderLives(port: number): boolean {
  try {
    const holder = Number(readFileSync(lockFile(port), 'utf8'));
    // An empty file is a lock being written this moment.
    if (!Number.isInteger(holder) || holder <= 0) return true;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    // Only a holder that does not exist is gone: another user's is alive, and a lock that vanished is someone's business.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
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
