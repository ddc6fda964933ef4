/** The TypeScript client: protoc-gen-es, driven by buf; tested by Vitest, as a package, in Node and in a browser. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runCommand } from '../../stack/command.ts';
import { buf } from './buf.ts';

const CLIENT = 'clients/typescript';

export const FOLDERS: readonly string[] = [`${CLIENT}/gen`];

export async function generate(target: string): Promise<void> {
  await buf(['generate', '--template', 'buf.gen.clients.yaml', '--output', target]);
}

/** With this Node, which runs TypeScript. */
export async function test(env: NodeJS.ProcessEnv): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-tests-'));
  try {
    const report = join(folder, 'report.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [
      'run',
      '--config',
      'vitest.config.ts',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    await runCommand(process.execPath, [vitest, ...args], { cwd: join(ROOT, CLIENT), env });
    const { numPassedTests: passed } = JSON.parse(await readFile(report, 'utf8')) as { numPassedTests: number };
    if (passed === 0) throw new Error('no test of the TypeScript client ran');
    return passed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
