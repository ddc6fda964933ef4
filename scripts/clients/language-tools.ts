/** Running the tools of other languages, and installing them once, by fixed versions, below `.cache/tools`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { releaseLock, takeLock } from '../../stack/lock-file.ts';

/** The repository. */
export const ROOT = join(import.meta.dirname, '../..');
/** npm's commands. */
export const NODE_BIN = join(ROOT, 'node_modules/.bin');

/** Long enough to download and build a tool on a slow machine. */
const COMMAND_TIMEOUT_MS = 600_000;
/** As long as another process may install the same tools. */
const LOCK_TIMEOUT_MS = COMMAND_TIMEOUT_MS;
const LOCK_POLL_MS = 200;
/** Of what a command printed, the part that its failure quotes; and what it may print at most. */
const QUOTED_CHARACTERS = 20_000;
const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Where a command runs. */
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command and returns what it printed. Its failure is an error with the end of its output. */
export async function run(command: string, args: readonly string[], where: Surroundings = {}): Promise<string> {
  try {
    const { cwd = ROOT, env = process.env } = where;
    const options = { cwd, env, timeout: COMMAND_TIMEOUT_MS, maxBuffer: MOST_OUTPUT_BYTES };
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().slice(-QUOTED_CHARACTERS);
    throw new Error(`${command} ${args[0] ?? ''} failed: ${said === '' ? message : said}`, { cause: error });
  }
}

/** Fails with the cure where a language is not there, or older than its client needs. */
export async function requireVersion(need: {
  readonly command: string;
  readonly args: readonly string[];
  /** Of the lowest version that will do: major, minor. */
  readonly lowest: readonly [number, number];
  readonly cure: string;
}): Promise<void> {
  const lowest = need.lowest.join('.');
  const said = await run(need.command, need.args).catch(() => undefined);
  if (said === undefined) throw new Error(`${need.command} is not there, or does not run: ${need.cure}`);
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(said) ?? [];
  const isEnough =
    Number(major) > need.lowest[0] || (Number(major) === need.lowest[0] && Number(minor) >= need.lowest[1]);
  if (!isEnough) throw new Error(`${need.command} is ${major}.${minor}, and ${lowest} is needed: ${need.cure}`);
}

/** Installs into `folder`, once: a mark says that it was done to its end. One process at a time. */
export async function installOnce(folder: string, install: () => Promise<void>): Promise<void> {
  const mark = join(folder, 'installed');
  if (existsSync(mark)) return;
  await mkdir(dirname(folder), { recursive: true });
  const lock = `${folder}.lock`;
  const giveUpAt = Date.now() + LOCK_TIMEOUT_MS;
  while (!takeLock(lock)) {
    if (Date.now() > giveUpAt) throw new Error(`${lock} is held by another process; if none installs, remove it`);
    await setTimeout(LOCK_POLL_MS);
  }
  try {
    if (existsSync(mark)) return;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await install();
    await writeFile(mark, '');
  } finally {
    releaseLock(lock);
  }
}
