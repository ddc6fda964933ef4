import { join } from 'node:path';
import { NODE_BIN, ROOT, run } from './language-tools.ts';

/** Runs buf in the repository, with the plugins that npm installs. Throws with what it printed. */
export async function buf(...args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${NODE_BIN}:${process.env.PATH}` };
  await run(join(NODE_BIN, 'buf'), args, { cwd: ROOT, env });
}
