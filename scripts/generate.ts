/**
 * Writes what is generated: the server's own TypeScript and, for each example, a descriptor image that the service loads; the dashboard's
 * page; the references among the documents; and the clients of each language. With `--check` it writes nothing, and fails and names what is not what it would write.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../stack/command.ts';
import { buf } from './clients/buf.ts';
import type { ClientLanguage } from './clients/language.ts';
import { languages } from './clients/languages.ts';
import * as dashboard from './dashboard.ts';
import * as docs from './docs.ts';

const help = `npm run generate -- [--only NAMES] [--check]

  --only NAMES   of these, separated by commas: NAMES_OF_ALL. Default: all
  --check        writes nothing; fails, and says which are stale`;

/** Something that is generated as a whole. */
type Part = Pick<ClientLanguage, 'name' | 'FOLDERS' | 'generate'> & { readonly files: readonly string[] };

/** Descriptor images and the proto modules that they are built from. */
const IMAGES = [
  { module: 'examples/hospital/proto', image: 'examples/hospital/hospital.binpb' },
  { module: 'test/support/protos', image: 'test/support/protos/all-types.binpb' },
].filter(({ module }) => existsSync(join(ROOT, module)));

const server: Part = {
  name: 'server',
  FOLDERS: ['src/gen'],
  files: IMAGES.map(({ image }) => image),
  generate: async (target) => {
    await buf(['generate', '--output', target]);
    for (const { module, image } of IMAGES) {
      await mkdir(dirname(join(target, image)), { recursive: true });
      await buf([
        'build',
        module,
        '--as-file-descriptor-set',
        '--exclude-source-info',
        '--output',
        join(target, image),
      ]);
    }
  },
};

const all: readonly Part[] = [
  server,
  { name: 'dashboard', ...dashboard, files: [] },
  { name: 'docs', FOLDERS: [], files: docs.FILES, generate: docs.generate },
  ...languages.map((language) => ({ ...language, files: [] })),
];

async function filesBelow(root: string, { FOLDERS, files }: Part): Promise<string[]> {
  const found = files.filter((file) => existsSync(join(root, file)));
  for (const folder of FOLDERS) {
    if (!existsSync(join(root, folder))) continue;
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      // What Python compiles beside them is nobody's.
      if (entry.isFile() && !entry.parentPath.endsWith('__pycache__'))
        found.push(relative(root, join(entry.parentPath, entry.name)));
    }
  }
  return found;
}

/** Says of a part whether it is what would be written now. */
async function isCurrent(part: Part): Promise<boolean> {
  const fresh = await mkdtemp(join(tmpdir(), 'crossfade-generate-'));
  try {
    await part.generate(fresh);
    const files = new Set([...(await filesBelow(ROOT, part)), ...(await filesBelow(fresh, part))]);
    const stale: string[] = [];
    for (const file of [...files].sort()) {
      const [here, there] = await Promise.all([contents(join(ROOT, file)), contents(join(fresh, file))]);
      if (here === undefined || there === undefined || !here.equals(there)) stale.push(file);
    }
    for (const file of stale) console.error(`stale: ${file}`);
    if (stale.length > 0) console.error(`${part.name} is stale: npm run generate -- --only ${part.name}`);
    else console.log(`${part.name}: ${files.size} generated files are current`);
    return stale.length === 0;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function contents(file: string): Promise<Buffer | undefined> {
  return existsSync(file) ? await readFile(file) : undefined;
}

/** Does it for each part, however the others end; a part that fails, as where a tool is missing, says why. */
async function forEach(parts: readonly Part[], work: (part: Part) => Promise<boolean>): Promise<number> {
  let failed = 0;
  for (const part of parts) {
    const isDone = await work(part).catch((error: unknown) => {
      console.error(`${part.name} can't be generated: ${error instanceof Error ? error.message : error}`);
      return false;
    });
    if (!isDone) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

async function main(args: string[]): Promise<number> {
  const options = { only: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args, options });
  const names = values.only?.split(',') ?? all.map(({ name }) => name);
  const parts = all.filter(({ name }) => names.includes(name));
  const unknown = names.filter((name) => !all.some((part) => part.name === name));
  if (values.help || unknown.length > 0) {
    for (const name of unknown) console.error(`--only: there is no ${name}`);
    console.log(help.replace('NAMES_OF_ALL', all.map(({ name }) => name).join(', ')));
    return values.help ? 0 : 2;
  }
  if (values.check) return forEach(parts, isCurrent);
  return forEach(parts, async (part) => {
    await part.generate(ROOT);
    return true;
  });
}

process.exitCode = await main(process.argv.slice(2));
