import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createApiClients } from '../../src/app/cli/api.ts';
import { runJob } from '../../src/app/cli/migration-commands.ts';
import { FollowerState, JobKind, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { reservePort } from '../../stack/ports.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { createFlagAdmin, type FlagAdmin } from '../support/flag-admin.ts';
import { closeInit, createFolder, init, initServers } from '../support/init-service.ts';

const root = join(import.meta.dirname, '../..');
const ROWS = 300;
const WRITERS = 4;
const WRITE_EVERY_MS = 50;
const WITHIN_MS = 120_000;
const WHOLE_TIMEOUT_MS = 300_000;

/** What was acknowledged: the number that each record had last. */
type Acknowledged = Map<string, number>;

/**
 * As a user goes it: definitions by init, of which none is edited; the program itself; flags. In the project `mariadb` the source is
 * one, whose log and procedures are of another kind.
 */
describe('the whole path, with definitions that init has written', { timeout: WHOLE_TIMEOUT_MS }, () => {
  // Flags are shared by all that run on one flag server.
  const own = randomBytes(4)
    .toString('hex')
    .replace(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
  const Own = own.charAt(0).toUpperCase() + own.slice(1);
  const [notes, things] = [`${own}_notes`, `${own}_things`];
  const acknowledged: Acknowledged = new Map();
  const writing = new AbortController();
  let writers: Promise<unknown> = Promise.resolve();
  let database: TestDatabase;
  let keyspace: TestKeyspace;
  let folder: string;
  let flags: Readonly<Record<'notes' | 'things', FlagAdmin>>;
  let ports: readonly number[];
  let http: string;
  let instance: ChildProcess;

  beforeAll(async () => {
    [database, keyspace, folder] = await Promise.all([createTestDatabase(), createTestKeyspace(), createFolder()]);
    await database.run(`
      CREATE TABLE ${notes} (
        owner VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, id BIGINT NOT NULL,
        n INT UNSIGNED NOT NULL DEFAULT 7, doc JSON, amount DECIMAL(12,2) NOT NULL DEFAULT 1.50,
        at DATETIME(6) NULL, changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
        PRIMARY KEY (owner, id));
      CREATE TABLE ${things} (id INT PRIMARY KEY, label VARCHAR(60));
      INSERT INTO ${things} VALUES (1, 'one'), (2, 'other');
      INSERT INTO ${notes} (owner, id, n, doc, at) VALUES ${Array.from(
        { length: ROWS },
        (_, i) => `('before', ${i}, ${i}, '{"a": [1, 2.50], "é": ${i}}', '2024-02-29 10:00:00.123456')`,
      ).join(', ')}`);
    const { url, adminToken } = inject('unleash');
    const ran = await init(database.name, `${notes},${things}`, folder, {
      keyspace: keyspace.name,
      servers: initServers(`${url}/api`),
    });
    expect(ran.complete, ran.report).toBe(true);
    for (const id of [notes, things]) {
      await createFlags({ url, adminToken, project: 'default', environment: 'development' }, id);
    }
    const unleash = inject('unleash');
    flags = { notes: createFlagAdmin(unleash, notes), things: createFlagAdmin(unleash, things) };
    ports = [await reservePort(), await reservePort()];
    http = `http://127.0.0.1:${ports[1]}`;
    await start();
  }, WHOLE_TIMEOUT_MS);

  afterAll(async () => {
    writing.abort();
    await writers;
    await kill();
    await database.run(`DROP DATABASE IF EXISTS crossfade_${database.name}`);
    await keyspace.run(`DROP KEYSPACE IF EXISTS crossfade_${database.name}`);
    await Promise.all([database.drop(), keyspace.drop(), closeInit()]);
  });

  async function start(): Promise<void> {
    const args = ['--grpc-port', String(ports[0]), '--http-port', String(ports[1])];
    const config = join(folder, 'crossfade.yaml');
    instance = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', '--config', config, ...args], {
      env: { ...process.env, MYSQL_PASSWORD: inject('mysql').password, UNLEASH_TOKEN: inject('unleash').clientToken },
      stdio: 'ignore',
    });
    const isReady = async (): Promise<boolean> => (await fetch(`${http}/readyz`).catch(() => null))?.ok ?? false;
    await vi.waitUntil(isReady, { timeout: WITHIN_MS, interval: 100 });
  }

  async function kill(): Promise<void> {
    const exited = once(instance, 'exit');
    if (instance.kill('SIGKILL')) await exited;
  }

  async function call(method: string, request: unknown): Promise<{ servedBy: string; body: Record<string, unknown> }> {
    const response = await fetch(`${http}/sample.v1.${Own}${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const body = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(JSON.stringify(body));
    return { servedBy: response.headers.get('crossfade-served-by') ?? '', body };
  }

  /** Writes a record of its own again and again; what fails, as while the service is down, was not acknowledged. */
  async function keepWriting(_: unknown, index: number): Promise<void> {
    const name = `owners/writer/${own}Notes/${index}`;
    for (let n = 1; !writing.signal.aborted; n++) {
      const note = { name, n };
      const written =
        acknowledged.get(name) === undefined
          ? call(`Notes/Create${Own}Note`, {
              parent: 'owners/writer',
              [`${own}NoteId`]: String(index),
              [`${own}Note`]: { n },
            })
          : call(`Notes/Update${Own}Note`, { [`${own}Note`]: note, updateMask: 'n' });
      await written.then(
        () => acknowledged.set(name, n),
        // Of a create whose answer was lost only this tells.
        (error: Error) => error.message.includes('RECORD_ALREADY_EXISTS') && acknowledged.set(name, 0),
      );
      await sleep(WRITE_EVERY_MS);
    }
  }

  /** Fails where a record is older than its last acknowledged write. */
  async function expectNothingLost(): Promise<void> {
    expect(acknowledged.size).toBe(WRITERS);
    for (const [name, n] of new Map(acknowledged)) {
      const { body } = await call(`Notes/Get${Own}Note`, { name });
      expect(Number(body.n), name).toBeGreaterThanOrEqual(n);
    }
  }

  async function becomes(id: string, authority: Store): Promise<void> {
    const isThere = async (): Promise<boolean> => {
      const found = await createApiClients({ server: http })
        .client.getMigration({ name: `migrations/${id}` })
        .catch(() => null);
      return found?.followerState === FollowerState.IN_SYNC && found.authority === authority;
    };
    await vi.waitUntil(isThere, { timeout: WITHIN_MS, interval: 200 });
  }

  async function verify(id: string): Promise<void> {
    const lines: string[] = [];
    const output = { line: (line: string) => void lines.push(line), terminal: false, json: false };
    const context = { ...createApiClients({ server: http }), output, signal: new AbortController().signal };
    expect(await runJob(context, JobKind.VERIFICATION, id, {}), lines.join('\n')).toBe(0);
  }

  it('copies while it is written through the service and past it, and through a kill', async () => {
    writers = Promise.all(Array.from({ length: WRITERS }, keepWriting));
    await Promise.all([flags.notes.setPhase('synchronize', true), flags.things.setPhase('synchronize', true)]);
    await database.run(`UPDATE ${notes} SET n = n + 1000 WHERE owner = 'before' AND id < 50`);
    await database.run(`DELETE FROM ${notes} WHERE owner = 'before' AND id = 60`);
    await kill();
    await database.run(`UPDATE ${notes} SET doc = '[]' WHERE owner = 'before' AND id > 250`);
    await start();
    await Promise.all([becomes(notes, Store.SOURCE), becomes(things, Store.SOURCE)]);
    await database.run(`INSERT INTO ${things} VALUES (3, 'third')`);
    await verify(notes);
    await verify(things);
    await expectNothingLost();
  });

  it('reads from Cassandra at 100 %, also records that have no parent', async () => {
    const list = (): ReturnType<typeof call> => call(`Things/List${Own}Things`, {});
    const before = await list();
    await flags.things.setRollout('read-target', 100);
    await vi.waitUntil(async () => (await list()).servedBy === 'target; reason=flag', 10_000);
    expect((await list()).body).toEqual(before.body);
    expect(before.body[`${own}Things`]).toHaveLength(3);
  });

  it('hands authority to Cassandra and takes it back, through kills', async () => {
    await flags.notes.setPhase('target-authority', true);
    await becomes(notes, Store.TARGET);
    await kill();
    await start();
    await becomes(notes, Store.TARGET);
    await expectNothingLost();
    await verify(notes);
    await flags.notes.setPhase('target-authority', false);
    await kill();
    await start();
    await becomes(notes, Store.SOURCE);
    writing.abort();
    await writers;
    await expectNothingLost();
    await verify(notes);
  });
});
