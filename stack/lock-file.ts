/** Lock files between processes: a file that names its holder's process id, taken over when the holder is gone. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Takes the lock at `path`, or returns false when a living process has it. A lock whose holder is gone is removed, and
 * false returned all the same: the caller tries again, against everyone else who does.
 */
export function takeLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!holderLives(path)) releaseLock(path);
    return false;
  }
}

/** Gives the lock at `path` back. */
export function releaseLock(path: string): void {
  rmSync(path, { force: true });
}

function holderLives(path: string): boolean {
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    // An empty file is a lock being written this moment.
    if (!Number.isInteger(holder) || holder <= 0) return true;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    // Only a holder that does not exist is gone: another user's is alive, and a lock that vanished is someone's business.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
