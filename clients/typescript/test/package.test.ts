/** The package as a stranger has it: packed, installed into a fresh project, checked by its types, and run. */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../stack/command.ts';
import { serviceEnv } from './service-env.ts';

const CLIENT = join(import.meta.dirname, '..');
const BIN = join(CLIENT, '../../node_modules/.bin');
const run = (command: string, args: readonly string[], cwd: string) => runCommand(command, args, { cwd });

let folder: string;
let project: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-package-'));
  project = join(folder, 'project');
  await mkdir(project);
  await run('npm', ['pack', '--silent', '--pack-destination', folder], CLIENT);
  const [archive] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  const packages = [join(folder, archive ?? ''), '@types/node@24.19.2'];
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], project);
  await cp(join(CLIENT, 'example/main.ts'), join(project, 'main.ts'));
  await cp(join(CLIENT, 'example/browser/main.ts'), join(project, 'page.ts'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function typeCheck(file: string, options: object): Promise<void> {
  // Everything is checked, the types of the package too.
  const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, target: 'es2022', ...options };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.json'], project);
}

describe('the package', () => {
  it('holds what was built, with types, and nothing else', async () => {
    const files = await readdir(join(project, 'node_modules/@crossfade/client'), { recursive: true });
    expect(files).toEqual(expect.arrayContaining(['dist/src/session.js', 'dist/src/session.d.ts', 'README.md']));
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((file) => file.startsWith('test') || file.startsWith('example'))).toEqual([]);
  });

  it('has types that a program of Node takes', async () => {
    await typeCheck('main.ts', { module: 'nodenext', types: ['node'] });
  });

  it('has types that a program of a browser takes, without those of Node', async () => {
    const lib = ['es2022', 'dom', 'dom.iterable'];
    await typeCheck('page.ts', { module: 'esnext', moduleResolution: 'bundler', lib, types: [] });
  });

  it('refuses what its types do not know', async () => {
    await writeFile(
      join(project, 'wrong.ts'),
      "import { createSession } from '@crossfade/client';\ncreateSession({ addresses: 'http://127.0.0.1' });\n",
    );
    await expect(typeCheck('wrong.ts', { module: 'nodenext', types: ['node'] })).rejects.toThrow(/TS2322/);
  });

  it('runs the example', async () => {
    const output = await run(process.execPath, ['main.ts', serviceEnv('ADDRESS'), serviceEnv('PATIENT')], project);
    expect(output).toMatch(/^patients\/\S+ {2}\S/);
    expect(output).toContain('note     with water');
    expect(output).toContain('deleted  RECORD_NOT_FOUND');
  });
});
