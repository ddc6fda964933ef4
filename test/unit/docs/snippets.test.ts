import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig } from '../../../src/app/config.ts';
import { configSchema } from '../../../src/app/config-schema.ts';
import { ROOT } from '../../../stack/command.ts';
import { type Block, readPages } from '../../docs/pages.ts';

const BUF_MS = 120_000;

const blocks = readPages().flatMap((page) => page.blocks);
const place = ({ page, line }: Block) => `${page}:${line}`;
const configKeys = new Set(Object.keys(configSchema.shape));

/** A block of which every key is one of the config. Others are of other programs, and may hold several documents. */
function isConfig({ language, text }: Block): boolean {
  if (language !== 'yaml') return false;
  const [only, ...more] = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  const isMap = typeof only === 'object' && only !== null && more.length === 0;
  return isMap && Object.keys(only).every((key) => configKeys.has(key));
}

/** What a config can't do without, for blocks that show a part of one. */
const LEAST = {
  descriptors: 'records.binpb',
  resources: [{ type: 'hospital.v1.Medication' }],
  stores: { mysql: { host: '127.0.0.1', user: 'crossfade' } },
};

describe('configs in the documents', () => {
  const configs = blocks.filter(isConfig);

  it('are there', () => expect(configs.length).toBeGreaterThan(1));

  it.each(configs.map((block) => [place(block), block] as const))('%s is one that the service takes', (_, block) => {
    const whole = JSON.stringify({ ...LEAST, ...(parse(block.text) as object) });
    // The variables that it names are set.
    const env = new Proxy({}, { get: () => 'a secret of enough characters' });
    expect(parseConfig(whole, 'crossfade.yaml', env).resources).toHaveLength(1);
  });
});

describe('protos in the documents', { timeout: BUF_MS }, () => {
  const protos = blocks.filter(({ language }) => language === 'proto');

  it('are there', () => expect(protos.length).toBeGreaterThan(0));

  it.each(protos.map((block) => [place(block), block] as const))('%s compiles', async (_, block) => {
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-docs-proto-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await cp(join(ROOT, 'proto'), folder, { recursive: true });
    await writeFile(join(folder, 'documented.proto'), wholeProto(block.text));
    const buf = join(ROOT, 'node_modules/.bin/buf');
    await promisify(execFile)(buf, ['build', folder, '--path', join(folder, 'documented.proto')]);
  });
});

/** With the head that the document leaves out, and without the lines that stand for what it leaves out. */
function wholeProto(text: string): string {
  const imports = ['crossfade/v1alpha1/options.proto', 'google/api/resource.proto', 'google/api/field_behavior.proto'];
  const head = ['syntax = "proto3";', 'package documented.v1;', ...imports.map((file) => `import "${file}";`)];
  return [...head, ...text.split('\n').filter((line) => line.trim() !== '…')].join('\n');
}

describe('data in the documents', () => {
  it('can be parsed: JSON, YAML', () => {
    const isBroken = ({ language, text }: Block) =>
      (language === 'json' && !isJson(text)) ||
      (language === 'yaml' && parseAllDocuments(text).some(({ errors }) => errors.length > 0));
    expect(blocks.filter(isBroken).map(place)).toEqual([]);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
