import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { HttpRoute } from '../rpc/connect-server.ts';
import { createStaticRoutes, redirectRoute, type StaticFile } from '../rpc/static-files.ts';
import { StartError } from './start-error.ts';

/** Where the page is built. */
const FOLDER = join(import.meta.dirname, '../dashboard/gen');
/** Where it is served. */
const PATH = '/dashboard/';
const INDEX = 'index.html';

/** What is served of the folder; other files are not for browsers. */
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** The dashboard's page: every file that there is at the start, and the ways that lead to it. Throws a StartError if it was not built. */
export async function openDashboardPage(): Promise<Map<string, HttpRoute>> {
  const names = await readdir(FOLDER).catch((): string[] => []);
  if (!names.includes(INDEX)) {
    throw new StartError([
      `the dashboard's page is not there (${FOLDER}): npm run generate makes it, dashboard.enabled: false does without`,
    ]);
  }
  const files = await Promise.all(names.map(readStatic));
  const routes = await createStaticRoutes(files.filter((file) => file !== null));
  const toPage = redirectRoute(PATH);
  return new Map([['/', toPage], [PATH.slice(0, -1), toPage], ...routes]);
}

/** Null: it is nothing for browsers. */
async function readStatic(name: string): Promise<StaticFile | null> {
  const contentType = contentTypes[extname(name)];
  if (contentType === undefined) return null;
  const content = await readFile(join(FOLDER, name));
  return { path: name === INDEX ? PATH : `${PATH}${name}`, contentType, content };
}
