/** A page as a person has it, and what is held of every page. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

/** How a person looks at it. */
export interface Look {
  readonly colours: 'light' | 'dark';
  readonly width: 1280 | 360;
}

export const LOOKS = [
  { colours: 'light', width: 1280 },
  { colours: 'dark', width: 1280 },
  { colours: 'light', width: 360 },
  { colours: 'dark', width: 360 },
] as const satisfies readonly Look[];

const HEIGHTS = { 1280: 900, 360: 740 } as const;
const PICTURES = join(import.meta.dirname, '../../test-results/dashboard');
const DOCUMENTS = join(import.meta.dirname, '../../docs/images');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Time for charts to draw and for dialogs to be where they stay. */
const SETTLE_MS = 400;

/** What went wrong in a page, as its test must not have it. */
export interface Watched {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors of the console and of scripts, violations of the policy, requests to elsewhere. */
  readonly troubles: string[];
}

/** Opens a page in a context of its own. `origin`: where alone requests may go. */
export async function openPage(browser: Browser, origin: string, look: Look): Promise<Watched> {
  const viewport = { width: look.width, height: HEIGHTS[look.width] };
  const context = await browser.newContext({ colorScheme: look.colours, viewport });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) troubles.push(`a request to ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return { context, page, troubles };
}

/** Goes to a resource's place, or to the list of all, and waits until it is shown. */
export async function goTo(page: Page, address: string, resource?: string): Promise<void> {
  await page.goto(`${address}#/${resource === undefined ? '' : `migrations/${resource}`}`);
  await page.getByRole('heading', { level: 2, name: resource ?? 'Migrations', exact: true }).waitFor();
  await page.getByText('live', { exact: true }).waitFor();
}

/**
 * Looks at a state in every shape: no violation of WCAG A or AA, no scrolling sideways, no trouble; and keeps a picture of each.
 * `documented` is the name of the document's picture.
 */
export async function lookAt(
  browser: Browser,
  place: { page: string; url: string },
  state: string,
  resource?: string,
): Promise<void> {
  const { context, page, troubles } = await openPage(browser, place.url, LOOKS[0]);
  await goTo(page, place.page, resource);
  for (const look of LOOKS) {
    await page.emulateMedia({ colorScheme: look.colours });
    await page.setViewportSize({ width: look.width, height: HEIGHTS[look.width] });
    await page.waitForTimeout(SETTLE_MS);
    await takePicture(page, `${state}-${look.colours}-${look.width}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    expect(await violations(page), `${state}, ${look.colours}, ${look.width}`).toEqual([]);
  }
  expect(troubles).toEqual([]);
  await context.close();
}

/** The rules of WCAG 2 A and AA that the page breaks, with where. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const results = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResults> } };
    return axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  });
  return results.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(' ')} (${node.failureSummary})`).join('; ')}`,
  );
}

/** Keeps a picture of the whole page. */
export async function takePicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** Whether the documents' pictures are to be made anew. */
export const makesPictures = process.env.CROSSFADE_PICTURES === '1';

/** Makes a picture of the documents anew, of what fits the window. */
export async function documentPicture(
  browser: Browser,
  place: { page: string; url: string },
  name: string,
  look: Look & { readonly height: number },
  resource?: string,
): Promise<void> {
  const { context, page } = await openPage(browser, place.url, look);
  await page.setViewportSize({ width: look.width, height: look.height });
  await goTo(page, place.page, resource);
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(DOCUMENTS, `${name}.png`), animations: 'disabled' });
  await context.close();
}
