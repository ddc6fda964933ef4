import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../../stack/stack.ts';

/** Starting MySQL takes two seconds, and many times that on a machine that is busy or has to fetch it first. */
const START_TIMEOUT_MS = 240_000;
const MAIN = fileURLToPath(new URL('../../stack/main.ts', import.meta.url));

describe('a stack of MySQL alone', () => {
  let stack: Stack;
  const ready: unknown[] = [];
  const lines: string[] = [];

  beforeAll(async () => {
    stack = await startStack({
      mysql: true,
      onReady: (address) => ready.push(address),
      onProgress: (line) => lines.push(line),
    });
  }, START_TIMEOUT_MS);
  afterAll(() => stack.stop());

  async function query(sql: string): Promise<Record<string, unknown>[]> {
    if (stack.mysql === undefined) throw new Error('MySQL was not started');
    const { host, port, user, password } = stack.mysql;
    const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 });
    try {
      const [rows] = await connection.query(sql);
      return rows as Record<string, unknown>[];
    } finally {
      await connection.end();
    }
  }

  test('says when the part is ready, with its address and the seconds it took', () => {
    expect(ready).toEqual([stack.addresses]);
    expect(lines.at(-1)).toMatch(/^MySQL ready \(\d+\.\d s\)$/);
    expect(stack.cassandra).toBeUndefined();
  });

  test('has the settings that change capture and durable writes need', async () => {
    const [settings] = await query(`SELECT @@log_bin, @@gtid_mode, @@enforce_gtid_consistency, @@binlog_format,
      @@binlog_row_image, @@binlog_row_metadata, @@binlog_row_value_options, @@binlog_order_commits, @@sync_binlog,
      @@innodb_flush_log_at_trx_commit, @@session_track_gtids, @@global.time_zone, @@bind_address`);
    expect(settings).toEqual({
      '@@log_bin': 1,
      '@@gtid_mode': 'ON',
      '@@enforce_gtid_consistency': 'ON',
      '@@binlog_format': 'ROW',
      '@@binlog_row_image': 'FULL',
      '@@binlog_row_metadata': 'FULL',
      '@@binlog_row_value_options': '',
      '@@binlog_order_commits': 1,
      '@@sync_binlog': 1,
      '@@innodb_flush_log_at_trx_commit': 1,
      '@@session_track_gtids': 'OWN_GTID',
      '@@global.time_zone': '+00:00',
      '@@bind_address': '127.0.0.1',
    });
  });

  test('has the same port and data after SIGKILL and a restart', async () => {
    await query('CREATE DATABASE kept');
    await stack.mysql?.kill();
    await expect(query('SELECT 1')).rejects.toThrow();
    await stack.mysql?.restart();
    expect(await query("SHOW DATABASES LIKE 'kept'")).toHaveLength(1);
  });

  test('removes its folder when it is stopped, which may be asked for twice', async () => {
    expect(existsSync(stack.root)).toBe(true);
    await Promise.all([stack.stop(), stack.stop()]);
    expect(existsSync(stack.root)).toBe(false);
    await expect(query('SELECT 1')).rejects.toThrow();
  });
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-test-'));
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function start(...args: string[]): { child: ChildProcess; ended: Promise<number | null>; errors: () => string } {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    return { child, ended: new Promise((resolve) => child.once('close', resolve)), errors: () => errors };
  }

  test('has a MariaDB with the settings that change capture and durable writes need', {
    timeout: START_TIMEOUT_MS,
  }, async () => {
    const stack = await startStack({ mariadb: true });
    const { host, port, user, password } = stack.addresses.mariadb ?? { host: '', port: 0, user: '', password: '' };
    const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 });
    try {
      const [rows] = await connection.query(`SELECT @@version LIKE '10.11.%-MariaDB%' AS version, @@log_bin AS log,
        @@binlog_format AS format, @@binlog_row_image AS image, @@binlog_row_metadata AS metadata,
        @@gtid_strict_mode AS strict, @@sync_binlog AS synced, @@innodb_flush_log_at_trx_commit AS flushed`);
      const rest = { metadata: 'FULL', strict: 1, synced: 1, flushed: 1 };
      expect(rows).toEqual([{ version: 1, log: 1, format: 'ROW', image: 'FULL', ...rest }]);
    } finally {
      await connection.end();
      await stack.stop();
    }
  });

  test('keeps its state file only while the stack is up, and ends well on Ctrl-C', {
    timeout: START_TIMEOUT_MS,
  }, async () => {
    const state = join(folder, 'state.json');
    const { child, ended } = start('--only', 'mysql', '--state', state);
    await expect.poll(() => existsSync(state), { timeout: START_TIMEOUT_MS, interval: 100 }).toBe(true);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(existsSync(state)).toBe(false);
  });

  test('interrupted while it starts, it ends at once and without an error message', {
    timeout: START_TIMEOUT_MS,
  }, async () => {
    const { child, ended, errors } = start('--only', 'mysql');
    setTimeout(() => child.kill('SIGTERM'), 700);
    expect(await ended).not.toBe(0);
    expect(errors()).not.toMatch(/error/i);
  });

  test('refuses a part that it does not know, by name', async () => {
    const { ended, errors } = start('--only', 'mysql,oracle');
    expect(await ended).toBe(1);
    expect(errors()).toContain('no part is called oracle');
  });
});
