/** Where Chromium is, and how it is started: for tests of pages, and for pictures of them. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { runCommand } from './command.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALL_TIMEOUT_MS = 300_000;
const CURE = 'install Chromium (Debian: apt-get install chromium), or name one by CHROMIUM_PATH';

/** Nothing that goes out by itself, and no sandbox where the tests run as root. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-precise-memory-info',
];

/**
 * The path of a Chromium: CHROMIUM_PATH, or one on the PATH. Root on a Debian gets one by apt-get. Throws with the cure where there is
 * none.
 */
export async function findChromium(): Promise<string> {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') {
    if (await isProgram(named)) return named;
    throw new Error(`CHROMIUM_PATH names no program: ${named}`);
  }
  const found = await findOnPath();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !(await isProgram('/usr/bin/apt-get')))
    throw new Error(`Chromium is not here: ${CURE}`);
  process.stderr.write('Chromium is not here: apt-get installs it\n');
  await install();
  const installed = await findOnPath();
  if (installed === undefined) throw new Error(`apt-get brought no Chromium: ${CURE}`);
  return installed;
}

/** Starts it, without a window. Default: the one that {@link findChromium} finds. `more`: further arguments of its own. */
export async function launchChromium(executablePath?: string, ...more: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath ?? (await findChromium()), args: [...ARGUMENTS, ...more] });
}

async function findOnPath(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const path of NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    if (await isProgram(path)) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    await runCommand('apt-get', args, { env, timeoutMs: INSTALL_TIMEOUT_MS }).catch((cause: unknown) => {
      throw new Error(`apt-get ${args[0]} failed: ${CURE}`, { cause });
    });
  }
}
