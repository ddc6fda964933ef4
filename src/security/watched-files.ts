import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../domain/log.ts';

/** Files that belong together, such as a certificate and its key, and what is done with them. */
export interface WatchedFilesOptions {
  readonly paths: readonly string[];
  /**
   * Takes their contents, in the order of the paths, at once and after each change. What it throws at the first time goes
   * to the caller; later the contents before hold, and it is asked again with the next look.
   */
  readonly use: (contents: readonly Buffer[]) => void;
  readonly log: Log;
  /** How often the files are looked at, in milliseconds. Default {@link LOOK_MS}. */
  readonly lookMs?: number;
}

/**
 * Often enough that a renewed certificate is in use long before the old one ends. By polling: notifications do not come
 * through for mounted secrets, whose files are links that are exchanged.
 */
const LOOK_MS = 5_000;

/** Reads files, and again whenever one of them changes. */
export class WatchedFiles {
  readonly #options: WatchedFilesOptions;
  #stamp = '';
  #failing = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(options: WatchedFilesOptions) {
    this.#options = options;
  }

  /** Reads the files and begins to watch them. Rejects with the error of the file, or with what `use` throws. */
  static async open(options: WatchedFilesOptions): Promise<WatchedFiles> {
    const files = new WatchedFiles(options);
    await files.#read();
    files.#schedule();
    return files;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), this.#options.lookMs ?? LOOK_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { log, paths } = this.#options;
    try {
      if (await this.#read()) log.info('files were read again after a change', { files: paths.join(' ') });
      this.#failing = false;
    } catch (error) {
      // Once: a certificate is replaced before its key, and only the next look finds both.
      if (!this.#failing) log.warn('changed files cannot be used: what was read before holds', { paths, error });
      this.#failing = true;
    }
    this.#schedule();
  }

  async #read(): Promise<boolean> {
    const { paths, use } = this.#options;
    // Before the contents: a change in between is then seen by the next look.
    const stamps = await Promise.all(paths.map(stampOf));
    const stamp = stamps.join();
    if (stamp === this.#stamp) return false;
    use(await Promise.all(paths.map((path) => readFile(path))));
    this.#stamp = stamp;
    return true;
  }
}

async function stampOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path);
  return `${ino}/${mtimeMs}/${size}`;
}
