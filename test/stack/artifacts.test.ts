import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cached, checkTools, isCached } from '../../stack/artifacts.ts';
import { sharedLibrary } from '../../stack/shared-library.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-test-'));
  vi.stubEnv('CROSSFADE_CACHE', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const signal = () => AbortSignal.timeout(10_000);

test('a folder is made once, and appears whole or not at all', async () => {
  const broken = cached('thing', signal(), async (partial) => {
    await writeFile(join(partial, 'half'), '');
    throw new Error('the line went down');
  });
  await expect(broken).rejects.toThrow('the line went down');
  expect(isCached('thing')).toBe(false);
  expect(await readdir(folder)).toEqual([]);

  const make = vi.fn((partial: string) => writeFile(join(partial, 'file'), 'whole'));
  expect(await cached('thing', signal(), make)).toBe(join(folder, 'thing'));
  expect(await cached('thing', signal(), make)).toBe(join(folder, 'thing'));
  expect(make).toHaveBeenCalledTimes(1);
  expect(await readFile(join(folder, 'thing', 'file'), 'utf8')).toBe('whole');
});

test('several processes that ask at once share one making', async () => {
  const artifacts = fileURLToPath(new URL('../../stack/artifacts.ts', import.meta.url));
  const script = `
    import { appendFileSync } from 'node:fs';
    import { cached } from ${JSON.stringify(artifacts)};
    await cached('thing', AbortSignal.timeout(10_000), async (partial) => {
      appendFileSync(${JSON.stringify(join(folder, 'made'))}, 'x');
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
  `;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  await Promise.all([run(), run(), run()]);
  expect(await readFile(join(folder, 'made'), 'utf8')).toBe('x');
  expect(isCached('thing')).toBe(true);
});

test('a lock whose holder is gone holds nobody up', async () => {
  // The largest process id that Linux can give out is below this one.
  await writeFile(join(folder, 'thing.lock'), '4999999');
  await cached('thing', signal(), async () => {});
  expect(isCached('thing')).toBe(true);
});

test('missing tools are named together, each with its cure', async () => {
  vi.stubEnv('PATH', folder);
  const check = checkTools({ java: true, maven: true });
  await expect(check).rejects.toThrow(/Java 17[\s\S]*apt install openjdk-17[\s\S]*Maven[\s\S]*apt install maven/);
});

test('a Java that is too old is told apart from one that is missing', async () => {
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'java'), '#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n', {
    mode: 0o755,
  });
  vi.stubEnv('PATH', `${join(folder, 'bin')}:/usr/bin:/bin`);
  await expect(checkTools({ java: true, maven: false })).rejects.toThrow('`java -version` says 11');
});

test('a written shared library is one that the loader takes and whose functions can be called', async () => {
  const library = join(folder, 'libexample.so.1');
  await writeFile(library, sharedLibrary('libexample.so.1', ['first', 'second']), { mode: 0o755 });
  // Preloaded into some program, it is mapped and its symbols are bound; a broken file is reported on standard error.
  const { stderr } = await promisify(execFile)('/bin/true', [], { env: { LD_PRELOAD: library, LD_BIND_NOW: '1' } });
  expect(stderr).toBe('');
});
