/** `crossfade status --watch`: through a pseudo terminal, into a pipe, and beside a service without a dashboard. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { RecentMeasures } from '../../src/telemetry/recent-measures.ts';
import { testCall } from '../support/calls.ts';
import { createDashboardBed, type DashboardBed, type DashboardBedOptions } from '../support/dashboard-bed.ts';

const program = join(import.meta.dirname, '../../src/main.ts');
const PATIENCE = { timeout: 20_000, interval: 100 };
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const FRAME = '\u001b[?2026h\u001b[H';

let bed: DashboardBed;
let isUp = false;
const running: ChildProcessWithoutNullStreams[] = [];

afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  if (isUp) await stop();
});

async function stop(): Promise<void> {
  isUp = false;
  await bed.servers.stop();
}

async function start(options: DashboardBedOptions = {}): Promise<void> {
  bed = await createDashboardBed(options);
  isUp = true;
  await bed.change('medications', 'syncing');
  await bed.wants('medications', 'synchronize', [{ reason: 'capture_stopped', message: 'start it' }]);
  const measures = bed.measures.get('medications') as RecentMeasures;
  const { stores, migration } = measures.counters;
  for (let i = 0; i < 30; i++) {
    migration.read('medications', i < 10 ? 'target' : 'source', 'flag', 2);
    stores.storeCall('source', 'getMany', 'ok', 2);
    stores.storeCall('target', 'getMany', 'ok', 8);
    migration.compared('medications', 'shadow_read', i === 0 ? 'mismatch' : 'match');
  }
  measures.step(3_000_000n, 3);
  await bed.jobs.recordMismatch(
    {
      resource: 'medications',
      // What would clear the terminal, if it were printed as it is.
      key: Buffer.from('p1\u001b[2J'),
      kind: 'different',
      fieldPaths: ['note'],
      foundBy: 'verification',
    },
    testCall(),
  );
}

interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  output(): string;
  readonly ended: Promise<number | null>;
}

function run(command: string, parameters: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn(command, parameters, { env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', ...env } });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += String(part)));
  return { child, output: () => output, ended: new Promise((resolve) => child.on('exit', (code) => resolve(code))) };
}

const watching = (...more: readonly string[]): string[] => [
  program,
  'status',
  'medications',
  '--watch',
  '--server',
  `http://127.0.0.1:${bed.servers.httpPort}`,
  ...more,
];

/** On a pseudo terminal of this size, by util-linux's `script`. */
function runOnTerminal(columns: number, rows: number, env: Record<string, string> = {}): Run {
  const command = [process.execPath, ...watching()].map((part) => `'${part}'`).join(' ');
  const sized = `stty cols ${columns} rows ${rows}; exec ${command}`;
  return run('script', ['--quiet', '--return', '--flush', '--command', sized, '/dev/null'], {
    ...env,
    SHELL: '/bin/sh',
  });
}

/** The lines of the newest whole frame. */
function frame(output: string): string[] {
  const newest = output.split(FRAME).findLast((part) => part.includes('\u001b[?2026l')) ?? '';
  return stripVTControlCharacters(newest.split('\u001b[?2026l')[0] ?? '')
    .split('\r\n')
    .map((line) => line.trimEnd());
}

describe('on a terminal', () => {
  it('shows the whole picture, redraws it in place, and gives the terminal back at Ctrl-C', async () => {
    await start();
    const { child, output, ended } = runOnTerminal(120, 40);
    await expect.poll(() => frame(output()).join('\n'), PATIENCE).toContain('syncing');
    const picture = frame(output()).join('\n');
    expect(picture).toMatch(/^crossfade 1\.2\.3 {2}instance one/);
    expect(picture).toMatch(/^medications {2}synchronize/m);
    expect(picture).toMatch(/source +mysql hospital\.medications +AUTHORITY\n +█+░+ +67 % of reads, 6\.7\/s/);
    expect(picture).toMatch(
      /target +cassandra hospital\.medications +follower syncing\n +█+░+ +33 % of reads, 3\.3\/s/,
    );
    expect(picture).toMatch(/waits for +capture_stopped: start it/);
    expect(picture).toMatch(/latency +source +p50 +p95 +p99 +target +p50/);
    expect(picture).toMatch(/shadow reads +29 equal, 1 different/);
    expect(picture).toMatch(/mismatches +1 open/);
    expect(picture).toMatch(/patients\/p1 +note +by verification/);
    expect(picture).toMatch(/history .*detached -> syncing: to syncing/);
    expect(output()).toContain('\u001b[1m');
    await bed.change('medications', 'joining');
    await expect.poll(() => frame(output()).join('\n'), PATIENCE).toContain('follower joining');
    child.stdin.write('\u0003');
    expect(await ended).toBe(0);
    const shown = output();
    expect(shown.startsWith(ENTER)).toBe(true);
    expect(shown.trimEnd().endsWith(LEAVE)).toBe(true);
    expect(shown.split(ENTER)).toHaveLength(2);
    // Drawn over, never cleared as a whole: that is what flickers.
    expect(shown).not.toContain('\u001b[2J');
  });

  it('fits a small terminal, without colours if so asked', async () => {
    await start();
    const { child, output, ended } = runOnTerminal(50, 12, { NO_COLOR: '1' });
    await expect.poll(() => frame(output()).length, PATIENCE).toBe(12);
    const lines = frame(output());
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(50);
    expect(lines.some((line) => line.endsWith('…'))).toBe(true);
    expect(lines.at(-1)).toMatch(/^… \d+ lines more$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours begin with.
    expect(output()).not.toMatch(/\u001b\[[0-9;]*m/);
    child.stdin.write('\u0003');
    expect(await ended).toBe(0);
  });

  it('stays when the service goes away, and says so', async () => {
    await start();
    const { child, output, ended } = runOnTerminal(100, 40);
    await expect.poll(() => frame(output()).join('\n'), PATIENCE).toContain('syncing');
    await stop();
    await expect.poll(() => frame(output()).join('\n'), PATIENCE).toMatch(/no news for \d+ s/);
    expect(frame(output()).join('\n')).toContain('syncing');
    child.stdin.write('\u0003');
    expect(await ended).toBe(0);
  });
});

describe('elsewhere', () => {
  it('prints a line now and then, and at once what changes', async () => {
    await start();
    const { child, output, ended } = run(process.execPath, watching());
    await expect.poll(() => output(), PATIENCE).toContain('syncing');
    await bed.change('medications', 'joining');
    await expect.poll(() => output(), PATIENCE).toContain('follower joining');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(output()).not.toContain('\u001b');
    const [first = ''] = output().split('\n');
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}medications: synchronize, follower syncing, authority source, reads\/s 6\.7 source 3\.3 target, /,
    );
    expect(first).toContain('1 open mismatches, waits for capture_stopped');
  });

  it('shows what the migration API knows where there is no dashboard', async () => {
    await start({ offersDashboard: false });
    const { child, output, ended } = run(process.execPath, watching());
    await expect.poll(() => output(), PATIENCE).toContain('follower syncing');
    await bed.change('medications', 'joining');
    await expect.poll(() => output(), PATIENCE).toContain('follower joining');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  it('prints JSON for programs, as before', async () => {
    await start();
    const { child, output, ended } = run(process.execPath, watching('--json'));
    await expect.poll(() => output().split('\n').length, PATIENCE).toBeGreaterThan(2);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(JSON.parse(output().split('\n')[0] ?? '')).toMatchObject({ name: 'migrations/medications' });
  });

  it('shows every migration once, also where they fill several pages', async () => {
    const others = Array.from({ length: 120 }, (_, i) => `a${String(i).padStart(3, '0')}`);
    await start({ resources: [...others, 'medications'] });
    const server = `http://127.0.0.1:${bed.servers.httpPort}`;
    const { output, ended } = run(process.execPath, [program, 'status', '--json', '--server', server]);
    expect(await ended).toBe(0);
    const names = output()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { name: string }).name);
    expect(names).toEqual([...others, 'medications'].map((id) => `migrations/${id}`));
  });

  it('ends with what is wrong, if it is wrong from the beginning', async () => {
    await start();
    const { output, ended } = run(process.execPath, watching().with(2, 'others'));
    expect(await ended).toBe(1);
    expect(output()).toMatch(/^crossfade: there is no such migration/);
  });
});
