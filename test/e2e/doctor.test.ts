import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { loadHospital } from '../../examples/hospital/load.ts';
import type { Finding } from '../../src/app/doctor/check.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { complaints, examine, of } from '../support/doctor.ts';

const THREE_REPLICAS = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 3}";

/** A process of its own starts slowly on a loaded machine. */
const PROCESS_TIMEOUT_MS = 60_000;

describe('a doctor at the hospital, with its flag server', () => {
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  let keyspace: TestKeyspace;
  let dropped: TestDatabase;

  beforeAll(async () => {
    [keyspace, dropped] = await Promise.all([createTestKeyspace(), createTestDatabase()]);
    await keyspace.run(`ALTER KEYSPACE ${keyspace.name} WITH replication = ${THREE_REPLICAS}`);
    await loadHospital({ mysql: inject('mysql'), database, rows: 500 });
  });

  afterAll(async () => {
    await dropped.run(`DROP DATABASE IF EXISTS ${database}`);
    await Promise.all([dropped.drop(), keyspace.drop()]);
  });

  function configOf(): object {
    const { host, port, user } = inject('mysql');
    return {
      descriptors: join(import.meta.dirname, '../../examples/hospital/hospital.binpb'),
      resources: [{ type: 'hospital.v1.Medication', mysqlSchema: database, cassandraKeyspace: keyspace.name }],
      stores: {
        mysql: { host, port, user, passwordEnv: 'MYSQL', controlSchema: dropped.name },
        cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: keyspace.name },
      },
      unleash: { url: `${inject('unleash').url}/api`, tokenEnv: 'TOKEN' },
      telemetry: { exporter: 'none' },
    };
  }

  function findings(token: string): Promise<readonly Finding[]> {
    return examine(configOf(), { MYSQL: inject('mysql').password, TOKEN: token });
  }

  async function crossfadeDoctor(...options: string[]): Promise<{ readonly code: number; readonly stdout: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-doctor-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const config = join(folder, 'crossfade.yaml');
    await writeFile(config, JSON.stringify(configOf()));
    const env = { PATH: process.env.PATH, MYSQL: inject('mysql').password, TOKEN: inject('unleash').clientToken };
    const args = [join(import.meta.dirname, '../../src/main.ts'), 'doctor', '--config', config, ...options];
    const run = promisify(execFile)(process.execPath, args, { env });
    return await run.then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
  }

  it('has nothing to say against it once its flags are there', async () => {
    const { url, adminToken, clientToken } = inject('unleash');
    await createFlags({ url, adminToken, project: 'default', environment: 'development' }, 'medications');
    await expect.poll(async () => complaints(await findings(clientToken)), { timeout: 20_000 }).toEqual([]);
  });

  it(
    'says so as a command',
    async () => {
      const text = await crossfadeDoctor('--strict');
      expect(text).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\n0 problems, 0 warnings, \d+ ok, 0 not checked\n$/),
      });
    },
    PROCESS_TIMEOUT_MS,
  );

  it(
    'says as JSON what would not outlast a longer outage',
    async () => {
      const json = await crossfadeDoctor('--json', '--outage', '60d');
      expect(json.code).toBe(1);
      const problems = (JSON.parse(json.stdout) as Finding[]).filter(({ outcome }) => outcome === 'problem');
      expect(problems.map(({ check }) => check)).toEqual([
        'config.log_ttl',
        'mysql.binlog_retention',
        'target.gc_grace_seconds',
      ]);
    },
    PROCESS_TIMEOUT_MS,
  );

  it('tells a token that the flag server refuses', async () => {
    const found = await findings('default:development.of-nobody');
    expect(of(found, 'flags.server')).toMatchObject([{ outcome: 'ok' }]);
    expect(of(found, 'flags.token')).toMatchObject([{ outcome: 'problem' }]);
    expect(JSON.stringify(found)).not.toContain('of-nobody');
  });
});
