/** The `buf` of this checkout, for tests of what is written for it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

const BUF = join(import.meta.dirname, '../../node_modules/.bin/buf');
const TIMEOUT_MS = 60_000;

/** Runs buf in a folder and answers its exit code and everything that it has printed. */
export function runBuf(folder: string, ...args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(BUF, args, { cwd: folder, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}
