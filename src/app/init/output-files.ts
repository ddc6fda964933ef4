import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a file of the folder becomes. */
export interface FileChange {
  readonly path: string;
  readonly content: Uint8Array;
  /** `edited`: it is there, and not as an earlier run wrote it. */
  readonly state: 'new' | 'same' | 'changed' | 'edited';
}

/** A file's content; null: there is none. */
export async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What a file's content is known by in the lock file. */
export function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Compares what is to be written with what is there. @param written hashes by path, from the lock file. */
export async function compareFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  written: Readonly<Record<string, string>>,
): Promise<FileChange[]> {
  return await Promise.all(
    [...files].map(async ([path, content]): Promise<FileChange> => {
      const there = await readIfThere(join(folder, path));
      if (there === null) return { path, content, state: 'new' };
      if (there.equals(content)) return { path, content, state: 'same' };
      return { path, content, state: written[path] === hashOf(there) ? 'changed' : 'edited' };
    }),
  );
}

/** Writes what is not there as it must be. */
export async function writeFiles(folder: string, changes: readonly FileChange[]): Promise<void> {
  for (const { path, content, state } of changes) {
    if (state === 'same') continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
