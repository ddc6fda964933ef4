/**
 * What of the documents is generated: the reference of the config (in docs/configuration.md, between marks), its JSON schema for
 * editors, and the reference of the published API. Part of `npm run generate`, and of its check.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../stack/command.ts';
import { buf } from './clients/buf.ts';
import { apiReference } from './docs/api-reference.ts';
import { configJsonSchema } from './docs/config-json-schema.ts';
import { configReference } from './docs/config-reference.ts';

const CONFIG_PAGE = 'docs/configuration.md';
const CONFIG_SCHEMA = 'crossfade.schema.json';
const API_PAGE = 'docs/reference/api.md';

/** The files that `generate` writes. */
export const FILES: readonly string[] = [CONFIG_PAGE, CONFIG_SCHEMA, API_PAGE];

/** Writes them below `target`, at the paths that they have below the repository. What people wrote in them stays. */
export async function generate(target: string): Promise<void> {
  const schema = configJsonSchema();
  const texts: Record<string, string> = {
    [CONFIG_PAGE]: configReference(await readFile(join(ROOT, CONFIG_PAGE), 'utf8'), schema),
    [CONFIG_SCHEMA]: `${JSON.stringify(schema.published, undefined, 2)}\n`,
    [API_PAGE]: apiReference(await publishedDescriptors()),
  };
  for (const [file, text] of Object.entries(texts)) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), text);
  }
}

/** The published protos with their comments, as a FileDescriptorSet. */
async function publishedDescriptors(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-docs-'));
  try {
    const image = join(folder, 'proto.binpb');
    await buf(['build', 'proto', '--as-file-descriptor-set', '--output', image]);
    return await readFile(image);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
