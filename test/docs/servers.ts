/** The servers of `npm run stack`, by the file that they write for a reader's shell. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Reader } from './reader.ts';

/** A first start may download a quarter of a gigabyte. */
const STACK_MS = 14 * 60_000;

/** Types the command that starts them, and waits until `servers.env` is there; resolves to its text. */
export async function startServers(reader: Reader, command: string): Promise<string> {
  const program = reader.stay(command);
  await program.until('ready', () => existsSync(join(reader.folder, 'servers.env')), STACK_MS);
  return await reader.read('servers.env');
}

/** A variable of that file. */
export function variableIn(file: string, name: string): string {
  const found = new RegExp(`^export ${name}='(.*)'$`, 'm').exec(file)?.[1];
  if (found === undefined) throw new Error(`servers.env does not export ${name}`);
  return found;
}
