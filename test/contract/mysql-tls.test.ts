import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import type { MysqlAddress } from '../../src/stores/mysql/link.ts';
import { createMysqlPool, type MysqlPool } from '../../src/stores/mysql/pool.ts';
import { setUpSchema } from '../../src/stores/mysql/schema-setup.ts';
import { type Stack, startStack } from '../../stack/stack.ts';
import { testCall } from '../support/calls.ts';
import { createAuthority } from '../support/certificates.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { mysqlTable, placeResource, testResource } from '../support/resources.ts';

/** Two servers, beside the one that the other tests share and that has no TLS, take so long on a loaded machine. */
const START_TIMEOUT_MS = 120_000;

const authority = createAuthority('databases');
const checked = { ca: authority.cert, rejectUnauthorized: true, verifyIdentity: true };
const pools: MysqlPool[] = [];
const stacks: Stack[] = [];
let folder: string;
let database: TestDatabase;
let address: MysqlAddress;
/** Of a server whose certificate is for another name. */
let elsewhere: MysqlAddress;

/** A server with a certificate for this name; its address is by name, as certificates are. */
async function start(dns: string): Promise<MysqlAddress> {
  const { cert, key } = authority.issue({ commonName: 'db', dns: [dns], rsa: true });
  const files = { ca: authority.cert, cert, key };
  const flags = Object.keys(files).map((kind) => `--ssl-${kind}=${join(folder, `${dns}.${kind}`)}`);
  for (const [kind, content] of Object.entries(files)) await writeFile(join(folder, `${dns}.${kind}`), content);
  const stack = await startStack({ mysql: { bufferPoolMib: 32, extraFlags: ['--ssl', ...flags] }, storage: 'memory' });
  stacks.push(stack);
  if (stack.addresses.mysql === undefined) throw new Error('MySQL was not started');
  return { ...stack.addresses.mysql, host: 'localhost' };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crossfade-mysql-tls-'));
  [address, elsewhere] = await Promise.all([start('localhost'), start('db.hospital')]);
  database = await createTestDatabase({ ...address, host: '127.0.0.1' });
}, START_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await database?.drop();
  await Promise.all(stacks.map((stack) => stack.stop()));
  await rm(folder, { recursive: true });
});

function open(config: MysqlAddress): MysqlPool {
  const pool = createMysqlPool({ ...config, controlSchema: database.name });
  pools.push(pool);
  return pool;
}

/** The cipher of a connection; empty: none. */
async function cipher(config: MysqlAddress): Promise<unknown> {
  const sql = "SELECT VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = 'Ssl_cipher'";
  const { rows } = await open(config).client('authority').read(sql, [], testCall());
  return rows[0]?.[0];
}

describe('MySQL over TLS', () => {
  it('is used with a server whose certificate is good and for its name', async () => {
    expect(await cipher(address)).toBe('');
    expect(await cipher({ ...address, ssl: checked })).toMatch(/^[A-Z]/);
  });

  it('is not used with a server of another authority', async () => {
    const ssl = { ...checked, ca: createAuthority('others').cert };
    await expect(cipher({ ...address, ssl })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('checks the server’s name unless told to check its authority alone', async () => {
    await expect(cipher({ ...elsewhere, ssl: checked })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await cipher({ ...elsewhere, ssl: { ...checked, verifyIdentity: false } })).toMatch(/^[A-Z]/);
  });

  it('carries the binary log too', async () => {
    const pool = open({ ...address, ssl: checked });
    await setUpSchema(pool, testCall());
    const int = { kind: 'int', bits: 32, unsigned: false } as const;
    const resource = placeResource(testResource('safe', { id: int }, { amount: int }), database.name);
    await database.run(mysqlTable(resource));
    const log = createMysqlChangeLog({ pool, connection: { ...address, ssl: checked }, resource });
    const position = await log.position(testCall());
    await database.run('INSERT INTO safe VALUES (1, 2)');
    const done = new AbortController();
    const seen: string[] = [];
    for await (const events of log.stream(position, done.signal)) {
      seen.push(...events.map(({ type }) => type));
      if (seen.includes('change')) done.abort();
    }
    expect(seen).toContain('change');
  });
});
