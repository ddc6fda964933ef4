import { readFile } from 'node:fs/promises';
import { IMPORTED_FILES } from './buf-text.ts';

/** The published protos, as the package brings them along. */
const PROTO_ROOT = new URL('../../../proto/', import.meta.url);

/** The protos that definitions import, by path. */
export async function readImportedProtos(): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await Promise.all(
    IMPORTED_FILES.map(async (path) => [path, await readFile(new URL(path, PROTO_ROOT))] as const),
  );
  return new Map(files);
}
