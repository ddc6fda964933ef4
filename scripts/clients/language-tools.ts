/** The tools of other languages: looked for, and installed once, by fixed versions, below `.cache/tools`. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ROOT, runCommand } from '../../stack/command.ts';
import { releaseLock, takeLock } from '../../stack/lock-file.ts';

/** npm's commands. */
export const NODE_BIN = join(ROOT, 'node_modules/.bin');

/** As long as another process may install the same tools. */
const LOCK_TIMEOUT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;
/** Fails with the cure where a language is not there, or older than its client needs. */
export async function requireVersion(need: {
  readonly command: string;
  readonly args: readonly string[];
  /** Of the lowest version that will do: major, minor. */
  readonly lowest: readonly [number, number];
  readonly cure: string;
}): Promise<void> {
  const lowest = need.lowest.join('.');
  const said = await runCommand(need.command, need.args).catch(() => undefined);
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
