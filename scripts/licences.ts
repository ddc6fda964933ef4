/**
 * Writes the licences of what the image ships: the packages that the service needs at run time, those that are bundled
 * into the dashboard, and the vendored protos. With `--check` it writes nothing and fails where the file is not what it
 * would write. A licence that is not among the known ones fails either way: a person has to look at it first.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { InitOpts, ModuleInfos } from 'license-checker-rseidelsohn';
import { ROOT } from '../stack/command.ts';

const FILE = 'deploy/image/THIRD-PARTY-LICENCES.txt';
/** Each lets a program that contains such a package be given to others under Apache-2.0, with its text. */
const KNOWN = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];
/** Files of packages whose licence's text stands in the head of a source file alone. */
const TEXT_IN_SOURCE: Readonly<Record<string, string>> = { '@bufbuild/protobuf': 'dist/esm/wire/varint.js' };
const RULE = '-'.repeat(100);

interface Shipped {
  /** `name@version (licence)`, and where it comes from. */
  readonly title: string;
  readonly licence: string;
  readonly text: string;
}

/** `name@version` of each package in the image's bill of materials. */
function shippedNames(): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-licences-'));
  try {
    const bill = join(folder, 'sbom.cdx.json');
    execFileSync(process.execPath, ['deploy/image/bill-of-materials.ts', bill], { cwd: ROOT });
    const { components } = JSON.parse(readFileSync(bill, 'utf8')) as { components: { 'bom-ref': string }[] };
    return components.map((component) => component['bom-ref']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function packages(): Promise<Shipped[]> {
  const { init } = createRequire(import.meta.url)('license-checker-rseidelsohn') as {
    init(options: InitOpts, done: (error: Error | null, found: ModuleInfos) => void): void;
  };
  const found = await promisify(init)({ start: ROOT });
  return shippedNames()
    .sort()
    .map((name) => {
      const info = found[name];
      if (info === undefined) throw new Error(`${name} is not installed: run npm ci`);
      const licence = String(info.licenses);
      const title = `${name} (${licence})${info.repository === undefined ? '' : `, ${info.repository}`}`;
      return { title, licence, text: packageText(name, info.path ?? '', info.licenseFile) };
    });
}

/** The text that comes with the package; a README that only names the licence is none. */
function packageText(name: string, folder: string, file: string | undefined): string {
  const inSource = TEXT_IN_SOURCE[name.slice(0, name.lastIndexOf('@'))];
  if (inSource !== undefined) return headOf(readFileSync(join(folder, inSource), 'utf8'));
  if (file === undefined || /^readme/i.test(basename(file))) return '';
  const notice = readdirSync(folder).find((each) => /^notice/i.test(each));
  const texts = [file, ...(notice === undefined ? [] : [join(folder, notice)])];
  return texts.map((each) => readFileSync(each, 'utf8').replaceAll('\r\n', '\n').trim()).join('\n\n');
}

function headOf(source: string): string {
  const lines = source.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n')
    .trim();
}

function vendoredProtos(): Shipped[] {
  const origins = {
    buf: 'proto/buf (https://github.com/bufbuild/protovalidate)',
    google: 'proto/google (https://github.com/googleapis/googleapis)',
    grpc: 'proto/grpc (https://github.com/grpc/grpc-proto)',
  };
  return Object.entries(origins).map(([folder, title]) => {
    const text = readFileSync(join(ROOT, 'proto', folder, 'LICENSE'), 'utf8').trim();
    return { title: `${title} (Apache-2.0)`, licence: 'Apache-2.0', text };
  });
}

function refuseUnknown(shipped: readonly Shipped[]): void {
  const unknown = shipped.filter(({ licence }) => {
    const ids = licence.replaceAll(/[()]/g, '').split(/ (?:AND|OR) /);
    return !ids.every((id) => KNOWN.includes(id));
  });
  if (unknown.length === 0) return;
  const titles = unknown.map(({ title }) => title).join('\n  ');
  throw new Error(`licences that nobody has looked at (scripts/licences.ts):\n  ${titles}`);
}

/** Packages with the same text share it. */
function write(shipped: readonly Shipped[]): string {
  const apache = readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim();
  const texts = Map.groupBy(shipped, ({ licence, text }) => text || (licence === 'Apache-2.0' ? apache : ''));
  const parts = [...texts].map(([text, of]) => {
    const titles = of.map(({ title }) => title).join('\n');
    return `${titles}\n\n${text || 'The package names its licence, and brings no text of it: https://spdx.org/licenses/'}\n`;
  });
  const head = `What this image ships besides Crossfade, Node.js and the base image's packages, with its licences.
The list by machine is sbom.cdx.json beside this file. Written by npm run licences.\n`;
  return [head, ...parts].join(`\n${RULE}\n\n`);
}

const shipped = [...(await packages()), ...vendoredProtos()];
refuseUnknown(shipped);
const text = write(shipped);
if (!process.argv.includes('--check')) {
  writeFileSync(join(ROOT, FILE), text);
} else if (readFileSync(join(ROOT, FILE), 'utf8') === text) {
  console.log(`${FILE} is current: ${shipped.length} entries`);
} else {
  console.error(`stale: ${FILE}: npm run licences`);
  process.exitCode = 1;
}
