import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '@connectrpc/connect';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Migrations } from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { launchChromium } from '../../stack/chromium.ts';
import { createTokenKey, ISSUER, jwksOf, signToken, type TokenKey } from '../support/tokens.ts';
import { type Bed, createBed, MIGRATION } from './bed.ts';
import { openPage, takePicture, violations } from './looks.ts';

const ROWS = 50;
const KEY = 'crossfade-token';

describe('the dashboard of a service that wants to know who looks', () => {
  let bed: Bed;
  let browser: Browser;
  let folder: string;
  let key: TokenKey;

  beforeAll(async () => {
    browser = await launchChromium(inject('chromium'));
    folder = await mkdtemp(join(tmpdir(), 'crossfade-dashboard-'));
    key = await createTokenKey('one');
    const jwksFile = join(folder, 'jwks.json');
    await writeFile(jwksFile, JSON.stringify(await jwksOf(key)));
    const security = {
      jwt: { jwksFile, issuer: ISSUER, audience: 'crossfade' },
      roles: [
        { callers: ['reader'], resources: ['*'], verbs: ['read'] },
        { callers: ['operator'], resources: ['*'], verbs: ['read', 'migrate'] },
        { callers: ['root'], resources: ['*'], verbs: ['read', 'migrate', 'admin'] },
      ],
    };
    bed = await createBed({ rows: ROWS, security });
  });

  afterAll(async () => {
    await browser?.close();
    await bed?.end();
    await rm(folder, { recursive: true });
  });

  /** Opens the page, and gives it a token of this caller. */
  async function enter(subject: string, keep = false) {
    const watched = await openPage(browser, bed.url, { colours: 'light', width: 1280 });
    const { page } = watched;
    await page.goto(`${bed.page}#/${MIGRATION}`);
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
    await page.getByLabel('Bearer token').fill(`Bearer ${await signToken(key, { sub: subject })}`);
    if (keep) await page.getByLabel('Keep it until this tab is closed').check();
    await page.getByRole('button', { name: 'Show the dashboard' }).click();
    return watched;
  }

  const buttons = ['Verify now', 'Start a copy', 'Repair all', 'Fence the source', 'Decommission …'];

  it('asks for a token before it shows anything, and takes a wrong one for wrong', async () => {
    const { context, page } = await openPage(browser, bed.url, { colours: 'dark', width: 360 });
    await page.goto(bed.page);
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
    expect(await page.getByLabel('Bearer token').evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await page.textContent('body')).not.toContain('medications');
    expect(await violations(page)).toEqual([]);
    await takePicture(page, 'token-dark-360');
    await page.getByLabel('Bearer token').fill('nonsense');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('alert').first().textContent()).not.toContain('wants to know');
    await context.close();
  });

  it('shows a reader everything and lets them change nothing; the service would refuse', async () => {
    const { context, page } = await enter('reader');
    await page.getByRole('heading', { level: 2, name: 'medications' }).waitFor();
    await page.getByText('reader', { exact: true }).waitFor();
    for (const name of buttons) expect(await page.getByRole('button', { name }).count(), name).toBe(0);
    const token = await signToken(key, { sub: 'reader' });
    const migrations = createSession({
      addresses: [bed.url],
      protocol: 'connect',
      token,
      tokenInClear: true,
      retries: 0,
    }).client(Migrations);
    for (const refused of [
      migrations.startVerification({ name: MIGRATION }),
      migrations.repairMismatches({ parent: MIGRATION }),
      migrations.fenceSource({ name: MIGRATION }),
      migrations.decommissionMigration({ name: MIGRATION, confirmation: 'medications' }),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: Code.PermissionDenied });
    }
    await context.close();
  });

  it('lets an administrator fence, and forgets a token when the page is loaded again', async () => {
    const { context, page } = await enter('root');
    await page.getByRole('button', { name: 'Fence the source' }).waitFor();
    expect(await page.evaluate((name) => sessionStorage.getItem(name), KEY)).toBeNull();
    await page.reload();
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
    await context.close();
  });

  it('keeps a token for the tab if asked to, until it is told to forget it', async () => {
    const { context, page } = await enter('operator', true);
    await page.getByText('operator', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Fence the source' }).count()).toBe(0);
    await page.reload();
    await page.getByText('operator', { exact: true }).waitFor();
    expect(await page.evaluate(() => Object.keys(localStorage).join())).not.toContain('token');
    await page.getByRole('button', { name: 'Forget token' }).click();
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
    expect(await page.evaluate((name) => sessionStorage.getItem(name), KEY)).toBeNull();
    await context.close();
  });
});
