import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The repository. */
export const ROOT = join(import.meta.dirname, '../..');

const BIN = join(ROOT, 'node_modules/.bin');
const COMMAND_TIMEOUT_MS = 60_000;

/** Runs buf in the repository, with the plugins that npm installs. Throws with what it printed. */
export async function buf(...args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}` };
  await promisify(execFile)(join(BIN, 'buf'), args, { cwd: ROOT, env, timeout: COMMAND_TIMEOUT_MS });
}
