import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOnce, requireVersion } from '../../scripts/clients/language-tools.ts';

describe('the tools of other languages', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'crossfade-tools-')), 'tool');
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true }));

  const need = (command: string, lowest: readonly [number, number]) =>
    requireVersion({ command, args: ['--version'], lowest, cure: 'install it' });

  it('are asked for with the cure where the language is missing or too old', async () => {
    await expect(need('crossfade-no-such-language', [1, 0])).rejects.toThrow(
      'is not there, or does not run: install it',
    );
    await expect(need(process.execPath, [99, 0])).rejects.toThrow(/99\.0 is needed: install it/);
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    await expect(need(process.execPath, [major, minor + 1])).rejects.toThrow('is needed');
    await need(process.execPath, [major, minor]);
    await need(process.execPath, [major - 1, minor + 1]);
  });

  it('are installed once', async () => {
    let installs = 0;
    const install = async () => {
      installs += 1;
      await writeFile(join(folder, 'it'), '');
    };
    await Promise.all([installOnce(folder, install), installOnce(folder, install)]);
    await installOnce(folder, install);
    expect(installs).toBe(1);
    expect(existsSync(join(folder, 'it'))).toBe(true);
  });

  it('are installed anew where the folder was moved, but not where a link leads to it', async () => {
    let installs = 0;
    const install = async () => {
      installs += 1;
    };
    expect(await installOnce(folder, install)).toBe(folder);
    const link = join(folder, '../../', `${basename(dirname(folder))}-link`);
    await symlink(dirname(folder), link);
    try {
      expect(await installOnce(join(link, 'tool'), install)).toBe(folder);
      expect(installs).toBe(1);
    } finally {
      await rm(link);
    }
    await rename(folder, `${folder}-moved`);
    await installOnce(`${folder}-moved`, install);
    expect(installs).toBe(2);
  });

  it('are installed anew, into an empty folder, where an installation broke off', async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'half'), '');
    const fails = installOnce(folder, () => Promise.reject(new Error('no network')));
    await expect(fails).rejects.toThrow('no network');
    await installOnce(folder, async () => {});
    expect(existsSync(join(folder, 'half'))).toBe(false);
  });
});
