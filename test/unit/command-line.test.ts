import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../src/main.ts');
/** A port on which nobody listens: the system's own discard service, if any, answers no HTTP. */
const NOBODY = 'http://127.0.0.1:9';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function crossfade(...args: string[]): Promise<Run> {
  try {
    const env = { PATH: process.env.PATH ?? '' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
      env,
      timeout: 20_000,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** Without `flags`, whose examples are those of its own commands. */
const commands = [
  'init',
  'serve',
  'doctor',
  'status',
  'history',
  'backfill',
  'verify',
  'repair',
  'fence',
  'decommission',
  'dev',
];

describe('the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crossfade-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('shows every command and examples with --help', async () => {
    const { code, stdout } = await crossfade('--help');
    expect(code).toBe(0);
    for (const command of [...commands, 'flags']) expect(stdout).toContain(command);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('Exit codes:');
  });

  it.each(commands)('shows examples of %s', async (command) => {
    const { code, stdout } = await crossfade(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`crossfade ${command}`);
    expect(stdout).toContain('Examples:');
  });

  it('ends with 2 for a wrong command line, and says what is wrong', async () => {
    expect(await crossfade('nonsense')).toMatchObject({ code: 2, stderr: expect.stringContaining('nonsense') });
    expect(await crossfade('verify')).toMatchObject({ code: 2, stderr: expect.stringContaining('resource') });
    expect(await crossfade('backfill', 'a', '--rate', 'fast')).toMatchObject({ code: 2 });
  });

  it.each([
    ['mysql://app@127.0.0.1:3306', 'no schema'],
    ['mysql://127.0.0.1/shop', 'no user'],
    ['postgres://app@127.0.0.1/shop', 'no MySQL'],
    ['127.0.0.1', 'not a URL'],
  ])('ends with 2 where init can not know the schema: %s', async (url, what) => {
    const { code, stderr } = await crossfade('init', '--mysql', url, '--tables', 'a', '--out', folder);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(what) });
  });

  it('ends with 1 and says so where MySQL can not be reached, and writes nothing', async () => {
    const out = join(folder, 'unreached');
    const { code, stderr } = await crossfade(
      'init',
      '--mysql',
      'mysql://app@127.0.0.1:9/shop',
      '--tables',
      'a',
      '--out',
      out,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^crossfade: .*MySQL/);
    await expect(access(out)).rejects.toThrow('ENOENT');
  });

  it('ends with 2 for a doctor without a config, or with an outage that is no time', async () => {
    expect(await crossfade('doctor')).toMatchObject({ code: 2, stderr: expect.stringContaining('--config') });
    expect(await crossfade('doctor', '--config', 'a', '--outage', 'long')).toMatchObject({ code: 2 });
  });

  it('ends with 2 for a wrong config, and names every mistake', async () => {
    const config = join(folder, 'wrong.yaml');
    await writeFile(config, 'resources: []\nstores: { mysql: { host: db } }\n');
    const { code, stderr } = await crossfade('serve', '--config', config);
    expect(code).toBe(2);
    for (const key of ['descriptors', 'resources', 'stores.mysql.user']) expect(stderr).toContain(key);
    expect(stderr).not.toContain('at ');
  });

  it('ends with 1 when a doctor finds problems, which it prints as an array', async () => {
    const config = join(folder, 'nobody.yaml');
    const mysql = { host: '127.0.0.1', port: 9, user: 'crossfade' };
    const descriptors = join(import.meta.dirname, '../../examples/hospital/hospital.binpb');
    const resources = [{ type: 'hospital.v1.Medication' }];
    await writeFile(config, JSON.stringify({ descriptors, resources, stores: { mysql } }));
    const { code, stdout, stderr } = await crossfade('doctor', '--config', config, '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const problems = JSON.parse(stdout).filter(({ outcome }: { outcome: string }) => outcome === 'problem');
    expect(problems).toMatchObject([{ check: 'mysql.reachable', subject: 'MySQL 127.0.0.1:9' }]);
  });

  it('ends with 4 when no service answers, and says how to mend it', async () => {
    const { code, stderr } = await crossfade('status', '--server', NOBODY);
    expect(code).toBe(4);
    expect(stderr).toContain('--server');
  });

  it('ends with 2 for a decommission without a confirmation where nobody can be asked', async () => {
    const { code, stderr } = await crossfade('decommission', 'medications', '--server', NOBODY);
    expect(code).toBe(2);
    expect(stderr).toContain('--confirm medications');
  });

  it('sets flags only to what there is, and ports to ports', async () => {
    const set = ['flags', 'set', 'medications', '--unleash-url', NOBODY];
    const nothing = await crossfade(...set);
    expect(nothing).toMatchObject({ code: 2 });
    expect(nothing.stderr).toContain('--phase, --read-target or --shadow-read');
    expect((await crossfade(...set, '--phase', 'forward')).stderr).toContain(
      'source-only, synchronize, target-authority',
    );
    expect((await crossfade(...set, '--read-target', '101')).stderr).toContain('from 0 to 100');
    expect((await crossfade('serve', '--config', 'x.yaml', '--http-port', '65536')).stderr).toContain('0 to 65535');
  });

  it('asks for a token before it creates flags', async () => {
    const { code, stderr } = await crossfade('flags', 'create', 'medications', '--unleash-url', NOBODY);
    expect(code).toBe(2);
    expect(stderr).toContain('UNLEASH_ADMIN_TOKEN');
  });
});
