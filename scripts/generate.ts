/**
 * Writes what is generated: TypeScript from `proto/` into `src/gen`, the TypeScript client's messages, for each example a
 * descriptor image that the service loads, and the references among the documents. With `--check` it writes nothing, and fails and names the files that are not what it would write.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import * as docs from './docs.ts';

const ROOT = join(import.meta.dirname, '..');
const BUF = join(ROOT, 'node_modules/.bin/buf');
const COMMAND_TIMEOUT_MS = 60_000;

/** Folders that are generated as a whole. */
const FOLDERS = ['src/gen', 'clients/typescript/gen'];
/** Descriptor images and the proto modules that they are built from. */
const IMAGES = [
  { module: 'examples/hospital/proto', image: 'examples/hospital/hospital.binpb' },
  { module: 'test/support/protos', image: 'test/support/protos/all-types.binpb' },
];

async function buf(...args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` };
  await promisify(execFile)(BUF, args, { cwd: ROOT, env, timeout: COMMAND_TIMEOUT_MS });
}

/** Writes everything below `target`, at the paths that it has below the repository. */
async function generate(target: string): Promise<void> {
  await buf('generate', '--output', target);
  await buf('generate', '--template', 'buf.gen.clients.yaml', '--output', target);
  for (const { module, image } of IMAGES.filter((each) => existsSync(join(ROOT, each.module)))) {
    await mkdir(dirname(join(target, image)), { recursive: true });
    await buf('build', module, '--as-file-descriptor-set', '--exclude-source-info', '--output', join(target, image));
  }
  await docs.generate(target);
}

async function filesBelow(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of FOLDERS) {
    if (!existsSync(join(root, folder))) continue;
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)));
    }
  }
  return [
    ...files,
    ...[...IMAGES.map((each) => each.image), ...docs.FILES].filter((file) => existsSync(join(root, file))),
  ];
}

async function check(): Promise<number> {
  const fresh = await mkdtemp(join(tmpdir(), 'crossfade-generate-'));
  try {
    await generate(fresh);
    const files = new Set([...(await filesBelow(ROOT)), ...(await filesBelow(fresh))]);
    const stale: string[] = [];
    for (const file of [...files].sort()) {
      const [here, there] = await Promise.all([contents(join(ROOT, file)), contents(join(fresh, file))]);
      if (here === undefined || there === undefined || !here.equals(there)) stale.push(file);
    }
    for (const file of stale) console.error(`stale: ${file}`);
    if (stale.length > 0) console.error('Generated files are not current: npm run generate');
    else console.log(`${files.size} generated files are current`);
    return stale.length > 0 ? 1 : 0;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function contents(file: string): Promise<Buffer | undefined> {
  return existsSync(file) ? await readFile(file) : undefined;
}

if (process.argv.includes('--check')) process.exitCode = await check();
else await generate(ROOT);
