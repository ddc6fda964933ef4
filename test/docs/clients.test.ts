/** The commands of the clients' documents, each page as one reader types it, against `npm run dev` on its own ports. */
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../stack/command.ts';
import { accountOf } from './accounts.ts';
import { commandsOf } from './commands.ts';
import { startDev } from './dev-servers.ts';
import { readPages } from './pages.ts';
import { Reader } from './reader.ts';

/** The examples go there where nothing else is said. */
const GRPC_PORT = 15051;
const HTTP_PORT = 18080;
/** What a fresh clone has not. */
const BUILT = new Set(['node_modules', 'dist', 'target', '.venv', '__pycache__', 'build']);
/** A client's first build downloads what it needs. */
const COMMAND_MS = 10 * 60_000;

/** Of the commands, those that run a language's example: it says what it has created and deleted. */
const RUNS_EXAMPLE = /npm run example|examples\/medications|exec:java/;

const pages = readPages()
  .map((page) => commandsOf(page).filter((command) => accountOf(command)?.by === 'clients'))
  .filter((commands) => commands.length > 0);

let reader: Reader;

beforeAll(async () => {
  reader = await Reader.begin();
  await cp(join(ROOT, 'clients'), join(reader.folder, 'clients'), {
    recursive: true,
    filter: (source) => !BUILT.has(basename(source)),
  });
  await startDev(reader, GRPC_PORT, HTTP_PORT);
});
afterAll(() => reader?.end());

describe('a reader of the clients’ pages', () => {
  it('finds commands for each language', () => expect(pages.length).toBeGreaterThan(4));

  for (const commands of pages) {
    const [{ page } = { page: '' }] = commands;
    it(`gets to a first record by ${page}`, async () => {
      const terminal = reader.terminal();
      for (const { plain } of commands) {
        // That is the service which is up already.
        if (plain.includes('npm run dev')) continue;
        // Each line of the README begins in the clone.
        const command = page === 'README.md' ? `(${plain})` : plain;
        const { code, output } = await terminal.run(command, COMMAND_MS);
        expect(code, `${plain}\n${output}`).toBe(0);
        if (RUNS_EXAMPLE.test(plain)) expect(output, plain).toMatch(/created +patients\/.*deleted/s);
      }
      terminal.close();
    });
  }
});
