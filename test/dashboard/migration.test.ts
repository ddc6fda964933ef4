import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  FollowerState,
  JobState,
  Phase,
  Store,
} from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { launchChromium } from '../../stack/chromium.ts';
import { type Bed, createBed, keepCalling, MIGRATION } from './bed.ts';
import { documentPicture, goTo, lookAt, makesPictures, openPage, type Watched } from './looks.ts';

const ROWS = 6_000;
/** Slow enough for a copy to be looked at in four shapes; and slower. */
const ROWS_PER_SECOND = 100;
const SLOW_ROWS_PER_SECOND = 40n;
/** Until the charts of the documents' pictures have something to show. */
const CHARTS_MS = 45_000;
const RESOURCE = 'medications';

describe('the dashboard, from the first look to the end of the source', () => {
  const calling = new AbortController();
  let bed: Bed;
  let browser: Browser;
  let calls: Promise<void>;
  let seen: Watched;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium(inject('chromium'));
    bed = await createBed({ rows: ROWS, rowsPerSecondLimit: ROWS_PER_SECOND });
    calls = keepCalling(bed.records(), bed.parents, calling.signal);
    seen = await openPage(browser, bed.url, { colours: 'light', width: 1280 });
    page = seen.page;
  });

  afterAll(async () => {
    calling.abort();
    await calls?.catch(() => {});
    await browser?.close();
    await bed?.end();
  });

  const region = (name: string) => page.getByRole('region', { name, exact: true });
  const picture = () => page.getByRole('img', { name: 'Where reads and writes go' });
  const dialog = () => page.getByRole('dialog');
  const shows = (text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: 20_000 });
  const look = (state: string) => lookAt(browser, bed, state, RESOURCE);
  /** Starts a verification by hand, and waits for its end. */
  const verify = async () => {
    await bed.untilDone('verification');
    await region('Verification').getByRole('button', { name: 'Verify now' }).click();
    await dialog().getByText('Nothing is changed.').waitFor();
    await dialog().getByRole('button', { name: 'Start verification' }).click();
    await dialog().waitFor({ state: 'detached' });
    await bed.untilDone('verification');
  };
  const job = async (kind: 'backfill' | 'verification') => (await bed.get())[kind];

  it('is found at the root of the port, and lists every resource', async () => {
    await page.goto(bed.url);
    await page.getByRole('heading', { name: 'Migrations' }).waitFor();
    expect(page.url()).toBe(bed.page);
    const names = await page.getByRole('heading', { level: 3 }).allTextContents();
    expect(names).toEqual(['encounters', 'medications']);
    await shows('MySQL alone is read and written; there is no target.');
    await lookAt(browser, bed, 'all');
  });

  it('shows a migration that has not begun', async () => {
    await page.getByRole('link', { name: RESOURCE, exact: true }).first().click();
    await page.getByRole('heading', { level: 2, name: RESOURCE }).waitFor();
    expect(page.url()).toBe(`${bed.page}#/${MIGRATION}`);
    await shows(
      'MySQL alone is read and written. Cassandra is not followed: nothing is written to it or read from it.',
    );
    expect(await page.locator('[aria-current="step"]').textContent()).toContain('Before');
    expect(await picture().getAttribute('aria-describedby')).toBe('picture-description');
    await expect
      .poll(() => page.locator('#picture-description').textContent())
      .toContain('Source MySQL decides: reads 100 %');
    await look('source-only');
  });

  it('shows a bulk copy, and changes its speed', async () => {
    await bed.flags.setPhase('synchronize', true);
    await bed.becomes(FollowerState.SYNCING);
    await expect.poll(async () => (await job('backfill'))?.state, { timeout: 20_000 }).toBe(JobState.RUNNING);
    await region('Bulk copy').getByRole('button', { name: 'Change speed' }).click();
    await dialog().getByLabel('Rows a second, at most').fill(String(SLOW_ROWS_PER_SECOND));
    await dialog().getByRole('button', { name: 'Change' }).click();
    await dialog().waitFor({ state: 'detached' });
    await shows(`The job walks at most ${SLOW_ROWS_PER_SECOND} rows/s.`);
    expect((await job('backfill'))?.rowsPerSecondLimit).toBe(SLOW_ROWS_PER_SECOND);
    await shows(/Cassandra is being filled from MySQL/);
    await region('Waits for').getByText('backfill_running').waitFor();
    await look('bulk-copy');
  });

  it('cancels the copy, says what that means, and starts it again', async () => {
    await region('Bulk copy').getByRole('button', { name: 'Cancel' }).click();
    await dialog().getByText('What is done stays done').waitFor();
    await dialog().getByRole('button', { name: 'Cancel the job' }).click();
    await region('Bulk copy').getByText('cancelled', { exact: true }).waitFor();
    await region('Waits for').getByText('backfill_cancelled').waitFor();
    expect((await job('backfill'))?.state).toBe(JobState.CANCELLED);
    await region('Bulk copy').getByRole('button', { name: 'Start a copy' }).click();
    await dialog().getByRole('button', { name: 'Start copy' }).click();
    await bed.untilDone('backfill');
    await bed.becomes(FollowerState.IN_SYNC);
    await shows(/Cassandra holds every acknowledged write/);
  });

  it('shows both stores at work, with the figures of the API', async () => {
    await bed.flags.setRollout('shadow-read', 50);
    await bed.flags.setRollout('read-target', 25);
    await bed.untilDone('verification');
    await shows(/25 % of reads come from Cassandra/);
    await expect
      .poll(() => page.locator('#picture-description').textContent(), { timeout: 30_000 })
      .toMatch(/Target Cassandra follows, in sync: reads \d+ %/);
    await region('Latency of both stores').getByText('Same reads on both').click();
    await expect
      .poll(() => page.locator('.quantiles tbody tr').last().textContent(), { timeout: 30_000 })
      .toMatch(/Cassandra.* ms/);
    const { verification, backfill, generation, epoch } = await bed.get();
    const figure = (card: string, name: string) =>
      region(card).locator('.figures div', { hasText: name }).locator('dd').textContent();
    await expect
      .poll(() => figure('Verification', 'Rows'), { timeout: 10_000 })
      .toBe(verification?.rowCount.toLocaleString('en'));
    expect(await figure('Verification', 'Differences')).toBe('0');
    expect(await figure('Bulk copy', 'Rows')).toBe(backfill?.rowCount.toLocaleString('en'));
    await shows(`Control record: epoch ${epoch}, attach 1, generation ${generation}.`);
    const { transitions } = await bed.migrations.listTransitions({ parent: MIGRATION });
    const entries = region('History').getByRole('listitem');
    await expect.poll(() => entries.count(), { timeout: 10_000 }).toBe(transitions.length);
    const history = await entries.allTextContents();
    for (const [index, { reason }] of transitions.entries()) expect(history[index]).toContain(reason);
    const flag = region('Asked for by the flags').getByRole('link').first();
    expect(await flag.getAttribute('href')).toBe(
      `${inject('unleash').url}/projects/default/features/crossfade.medications.phase`,
    );
    await look('in-sync');
  });

  it.runIf(makesPictures)('is pictured for the documents', async () => {
    await page.waitForTimeout(CHARTS_MS);
    expect((await bed.get()).followerState).toBe(FollowerState.IN_SYNC);
    for (const colours of ['light', 'dark'] as const) {
      await documentPicture(browser, bed, `dashboard-${colours}`, { colours, width: 1280, height: 900 }, RESOURCE);
    }
    await documentPicture(browser, bed, 'dashboard-phone', { colours: 'light', width: 360, height: 760 }, RESOURCE);
  });

  it('shows a record that somebody changed in Cassandra, down to its field, and repairs it', async () => {
    await bed.flags.setRollout('shadow-read', 0);
    const { medications } = await bed.records().listMedications({ parent: bed.parents.at(-1) ?? '', pageSize: 1 });
    const name = medications[0]?.name ?? '';
    const [, patient, , id] = name.split('/');
    await bed.keyspace.run(
      `UPDATE ${bed.keyspace.name}.medications SET note = 'tampered'
        WHERE patient_id = '${patient}' AND medication_id = ${id}`,
    );
    await verify();
    const row = page.getByRole('row', { name: new RegExp(id ?? '') });
    await row.waitFor({ timeout: 60_000 });
    expect(await row.textContent()).toContain('note');
    expect(await row.textContent()).toContain('different');
    expect(await page.content()).not.toContain('tampered');
    expect((await bed.get()).openMismatchCount).toBe(1n);
    await look('mismatch-open');
    await bed.flags.setPhase('target-authority', true);
    await region('Waits for').getByText('mismatches_open').waitFor({ timeout: 20_000 });
    await bed.flags.setPhase('target-authority', false);
    await bed.until(({ wantedPhase }) => wantedPhase === Phase.SYNCHRONIZE);
    await row.getByRole('checkbox').check();
    await region('Open mismatches').getByRole('button', { name: 'Repair selected' }).click();
    await dialog().getByText(name).waitFor();
    await dialog().getByRole('button', { name: 'Repair' }).click();
    await shows('Repaired 1; 0 still open.');
    await region('Open mismatches').getByText('No mismatch is open.').waitFor();
    expect((await bed.get()).openMismatchCount).toBe(0n);
  });

  it('fences the source, and shows that authority has moved', async () => {
    await region('The source, at the end').getByRole('button', { name: 'Fence the source' }).click();
    await dialog().getByRole('button', { name: 'Fence' }).click();
    await shows(/Fenced: MySQL refuses/);
    expect((await bed.get()).sourceFenced).toBe(true);
    await verify();
    await bed.flags.setPhase('target-authority', true);
    await bed.until(
      ({ authority, followerState }) => authority === Store.TARGET && followerState === FollowerState.IN_SYNC,
    );
    await shows(/Cassandra decides\. Every write goes to both stores/);
    expect(await page.locator('[aria-current="step"]').textContent()).toContain('Handover');
    expect(await region('History').textContent()).toMatch(/writes paused \d/);
    await look('target-authority');
  });

  it('ends writing to the source only for who has typed the name', async () => {
    await bed.flags.setPhase('target-only', true);
    await bed.until(({ wantedPhase }) => wantedPhase === Phase.TARGET_ONLY);
    await verify();
    await region('Waits for').getByText('confirmation_missing').waitFor({ timeout: 60_000 });
    await look('confirmation-missing');
    await region('The source, at the end').getByRole('button', { name: 'Decommission …' }).click();
    await dialog().getByRole('button', { name: 'Decommission' }).click();
    await dialog().getByRole('alert').waitFor();
    await dialog()
      .getByLabel(/to confirm/)
      .fill('medication');
    await dialog().getByRole('button', { name: 'Decommission' }).click();
    await expect.poll(() => seen.troubles.length, { timeout: 20_000 }).toBe(2);
    await dialog().getByRole('alert').waitFor();
    expect((await bed.get()).phase).toBe(Phase.TARGET_AUTHORITY);
    // Chromium's own lines about the two refusals.
    expect(seen.troubles.splice(0)).toEqual([expect.stringContaining('400'), expect.stringContaining('400')]);
    await dialog()
      .getByLabel(/to confirm/)
      .fill(RESOURCE);
    await dialog().getByRole('button', { name: 'Decommission' }).click();
    await bed.becomes(FollowerState.DETACHED);
    await shows(/Cassandra alone is read and written/);
    expect(await page.locator('[aria-current="step"]').textContent()).toContain('Retired');
    await page.getByText('What remains to be dropped by hand').click();
    await look('target-only');
  });

  it('had no trouble in all that time', async () => {
    await goTo(page, bed.page, RESOURCE);
    expect(seen.troubles).toEqual([]);
  });
});
