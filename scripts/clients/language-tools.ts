/** The tools of other languages: looked for, and installed once, by fixed versions, below `.cache/tools`. */
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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

/**
 * Installs into `folder`, once, and returns where that is without links. A mark says that it was done to its end, and where: programs of an
 * environment of Python's name the folder that they were installed in, so one that was moved is installed anew. One process at a time.
 */
export async function installOnce(folder: string, install: (place: string) => Promise<void>): Promise<string> {
  await mkdir(dirname(folder), { recursive: true });
  const place = join(await realpath(dirname(folder)), basename(folder));
  if (await isInstalled(place)) return place;
  const lock = `${place}.lock`;
  const giveUpAt = Date.now() + LOCK_TIMEOUT_MS;
  while (!takeLock(lock)) {
    if (Date.now() > giveUpAt) throw new Error(`${lock} is held by another process; if none installs, remove it`);
    await setTimeout(LOCK_POLL_MS);
  }
  try {
    if (await isInstalled(place)) return place;
    await rm(place, { recursive: true, force: true });
    await mkdir(place, { recursive: true });
    await install(place);
    await writeFile(markOf(place), place);
    return place;
  } finally {
    releaseLock(lock);
  }
}

async function isInstalled(place: string): Promise<boolean> {
  return (await readFile(markOf(place), 'utf8').catch(() => undefined)) === place;
}

function markOf(place: string): string {
  return join(place, 'installed');
}
