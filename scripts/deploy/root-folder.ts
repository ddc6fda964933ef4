/**
 * Folders that stand for the root of an image, and programs that run in them as in a container: a mount namespace and a
 * process namespace of their own, the folder as root. Needs Linux with util-linux, and either root or user namespaces.
 *
 * No image can be fetched here, so what stands for `node:24…-slim` is made of this machine's Debian libraries and
 * programs, mounted read-only, and of a `/usr/local` of its own with Node 24 and npm, as the official image has them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT, runCommand } from '../../stack/command.ts';

/** How a program is run in a root folder. */
export interface Enter {
  readonly root: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `uid:gid`. Default: root. */
  readonly user?: string;
  /**
   * `build`: programs of the base image are there, root may write, npm knows what this machine's npm knows of its registry.
   * `run`: no program but Node's, and nothing can be written anywhere.
   */
  readonly as: 'build' | 'run';
  /** Files and folders of this machine that are seen read-only, by their place in the root folder. */
  readonly mounts?: Readonly<Record<string, string>>;
}

const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64' };
const FOLDERS = [
  'proc',
  'dev',
  'etc/ssl',
  'root/.npm',
  'tmp',
  'usr/bin',
  'usr/sbin',
  'usr/lib',
  'usr/lib64',
  'usr/share',
];
const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n';
/** Told to npm in a build, as `docker build` would by a secret. */
const REGISTRY_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'npm_config_registry'];
const NODE = join(ROOT, 'node_modules/node/bin/node');

/** Makes what stands for the base image. */
export async function makeBase(root: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(root, name));
  for (const [name, text] of Object.entries({ passwd: PASSWD, hosts: '', 'resolv.conf': '', npmrc: '' })) {
    await writeFile(join(root, 'etc', name), text);
  }
  await writeFile(join(root, 'root/.npmrc'), '');
  for (const device of ['null', 'urandom']) await writeFile(join(root, 'dev', device), '');
  const local = join(root, 'usr/local');
  await mkdir(join(local, 'bin'), { recursive: true });
  await cp(NODE, join(local, 'bin/node'));
  await cp(await npmFolder(), join(local, 'lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
}

/** The npm that runs this script, or the machine's. */
async function npmFolder(): Promise<string> {
  const running = process.env.npm_execpath;
  if (running?.endsWith('npm-cli.js')) return dirname(dirname(running));
  return join((await runCommand('npm', ['root', '--global'])).trim(), 'npm');
}

/** Starts a program in a root folder; it ends with whoever called, and its whole namespace with it. */
export function enter(options: Enter): ChildProcess {
  const { root, as, user = '0:0', command, cwd, env } = options;
  makeMountPoints(options);
  const [uid, gid] = user.split(':');
  const isRoot = process.getuid?.() === 0;
  // Who is not root becomes it in a namespace of users, and in another one inside of that the image's user.
  const asUser = isRoot ? `--setuid=${uid} --setgid=${gid}` : `--user --map-user=${uid} --map-group=${gid}`;
  const script = [
    'set -e',
    ...mounts(options).map((mount) => mount.map(quoted).join(' ')),
    // As a container's first process: a signal goes to it, and nothing stands between.
    `exec setpriv --no-new-privs unshare --root=${quoted(root)} --wd=${quoted(cwd)} ${asUser} -- "$@"`,
  ].join('\n');
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', ...(isRoot ? [] : ['--map-root-user'])];
  return spawn('unshare', [...namespaces, '/bin/sh', '-c', script, 'enter', ...command], {
    env: { ...env, ...(as === 'build' && registryEnvironment()) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The number here of the program that was started by {@link enter}; inside it is 1. Undefined before it runs, and after. */
export function processIn(entered: ChildProcess): number | undefined {
  try {
    const children = readFileSync(`/proc/${entered.pid}/task/${entered.pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch {
    return undefined;
  }
}

/** As an engine does, where the image lacks them. */
function makeMountPoints({ root, mounts = {} }: Enter): void {
  for (const [to, from] of Object.entries(mounts)) {
    const isFolder = statSync(from).isDirectory();
    mkdirSync(isFolder ? join(root, to) : dirname(join(root, to)), { recursive: true });
    if (!isFolder) writeFileSync(join(root, to), '', { flag: 'a' });
  }
}

function registryEnvironment(): Record<string, string> {
  return Object.fromEntries(
    REGISTRY_VARIABLES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function mounts({ root, as, mounts = {} }: Enter): string[][] {
  const bind = (from: string, to: string): string[] => ['mount', '--rbind', from, join(root, to)];
  const readOnly = (to: string): string[] => ['mount', '-o', 'remount,bind,ro', join(root, to)];
  const seen = (path: string): string[][] => (existsSync(path) ? [bind(path, path), readOnly(path)] : []);
  const host = as === 'build' ? ['/usr/bin', '/usr/sbin', '/usr/share', '/etc/ssl'] : [];
  const given = Object.entries(mounts).flatMap(([to, from]) => [bind(from, to), readOnly(to)]);
  return [
    ['mount', '--make-rprivate', '/'],
    ['mount', '--bind', root, root],
    ...['/usr/lib', '/usr/lib64', '/etc/hosts', '/etc/resolv.conf', ...host].flatMap(seen),
    ...['/dev/null', '/dev/urandom'].map((device) => bind(device, device)),
    ...(as === 'build' ? npmSettings(bind) : []),
    ...given,
    ...(as === 'run' ? [readOnly('.')] : []),
    ['mount', '-t', 'proc', 'proc', join(root, 'proc')],
  ];
}

/** The user's settings, and the cache, which is filled as it is by npm itself. */
function npmSettings(bind: (from: string, to: string) => string[]): string[][] {
  const settings = join(homedir(), '.npmrc');
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm');
  return [
    ...(existsSync(settings) ? [bind(settings, '/root/.npmrc')] : []),
    ...(existsSync(cache) ? [bind(cache, '/root/.npm')] : []),
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
