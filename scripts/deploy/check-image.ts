/** Builds the image in a folder, looks at what is in it, and lets it serve from the real stores. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../stack/command.ts';
import { buildImage } from './build-image.ts';
import type { Dockerfile } from './dockerfile.ts';
import type { Report } from './report.ts';

const DOCS = 'usr/share/doc/crossfade';
/** Grows only on purpose: the service's packages and its own files, without Node. In MB. */
const MAX_APP_MB = 90;

/** Takes the Dockerfile's steps in `folder`, and reports on the result; returns the image's root. */
export async function checkImage(dockerfile: Dockerfile, folder: string, report: Report): Promise<string> {
  const startedAt = performance.now();
  const root = await buildImage(dockerfile, { context: ROOT, folder, onStep: (line) => report.note(line) });
  report.note(`every step taken in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  await checkPackages(root, report);
  await checkDocs(root, report);
  await checkTools(root, report);
  await checkSize(root, report);
  return root;
}

/** `name@version` of what is installed, from the lock file that npm leaves behind, each looked for on the disk. */
async function installed(root: string): Promise<Map<string, { dev?: boolean }>> {
  const lock = JSON.parse(await readFile(join(root, 'app/node_modules/.package-lock.json'), 'utf8'));
  const found = new Map<string, { dev?: boolean }>();
  for (const [path, { version, dev }] of Object.entries<{ version: string; dev?: boolean }>(lock.packages)) {
    await stat(join(root, 'app', path, 'package.json'));
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    found.set(`${name}@${version}`, dev === undefined ? {} : { dev });
  }
  return found;
}

async function checkPackages(root: string, report: Report): Promise<void> {
  const packages = await installed(root);
  const development = [...packages].filter(([, { dev }]) => dev).map(([name]) => name);
  report.check('no development package is in the image', development);
  const bill = JSON.parse(await readFile(join(root, DOCS, 'sbom.cdx.json'), 'utf8'));
  const listed = new Set((bill.components as { 'bom-ref': string }[]).map((component) => component['bom-ref']));
  const bundled: string[] = JSON.parse(await readFile(join(ROOT, 'deploy/image/bundled.json'), 'utf8'));
  const unlisted = [...packages.keys()].filter((name) => !listed.has(name));
  const extra = [...listed].filter(
    (name) => !packages.has(name) && !bundled.includes(name.slice(0, name.lastIndexOf('@'))),
  );
  report.check(`the bill of materials lists the ${packages.size} packages that are there, and what is bundled`, [
    ...unlisted.map((name) => `${name} is not listed`),
    ...extra.map((name) => `${name} is listed and not there`),
  ]);
}

async function checkDocs(root: string, report: Report): Promise<void> {
  const files = await readdir(join(root, DOCS));
  const missing = ['LICENSE', 'THIRD-PARTY-LICENCES.txt', 'sbom.cdx.json'].filter((file) => !files.includes(file));
  report.check(`licences and the bill of materials are in /${DOCS}`, missing);
}

async function checkTools(root: string, report: Report): Promise<void> {
  const programs = await readdir(join(root, 'usr/local/bin'));
  const others = programs.filter((name) => name !== 'node');
  report.check('no package manager is in the image', others);
  const top = (await readdir(join(root, 'app'))).filter(
    (name) => !['health-check.ts', 'node_modules', 'package.json', 'proto', 'src'].includes(name),
  );
  report.check('nothing is in /app but the service', top);
}

async function checkSize(root: string, report: Report): Promise<void> {
  const parts = { packages: 'app/node_modules', source: 'app/src', protos: 'app/proto', papers: DOCS };
  const sizes: string[] = [];
  let total = 0;
  for (const [name, folder] of Object.entries(parts)) {
    const bytes = await sizeOf(join(root, folder));
    total += bytes;
    sizes.push(`${name} ${(bytes / 1e6).toFixed(1)} MB`);
  }
  const node = (await stat(join(root, 'usr/local/bin/node'))).size;
  report.note(
    `what is added to the base image: ${(total / 1e6).toFixed(1)} MB (${sizes.join(', ')}); node itself is ${(node / 1e6).toFixed(0)} MB of the base`,
  );
  report.check(`it is at most ${MAX_APP_MB} MB`, total <= MAX_APP_MB * 1e6 ? [] : [`${(total / 1e6).toFixed(1)} MB`]);
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
