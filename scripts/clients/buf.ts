import { delimiter, join } from 'node:path';
import { ROOT, runCommand } from '../../stack/command.ts';
import { NODE_BIN } from './language-tools.ts';

/** Runs buf in the repository, with the plugins that npm installs, and those in `tools`. Throws with what it printed. */
export async function buf(args: readonly string[], tools?: string): Promise<void> {
  const path = [...(tools === undefined ? [] : [tools]), NODE_BIN, process.env.PATH].join(delimiter);
  await runCommand(join(NODE_BIN, 'buf'), args, { cwd: ROOT, env: { ...process.env, PATH: path } });
}
