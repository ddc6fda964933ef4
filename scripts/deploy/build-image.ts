/** Takes the steps of a Dockerfile, each as it is written, in clean folders: one for each stage. */
import { chmod, cp, mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { runCommand } from '../../stack/command.ts';
import type { Dockerfile, Stage, Step } from './dockerfile.ts';
import { enter, makeBase } from './root-folder.ts';

/** Where it is made. */
export interface BuildOptions {
  /** The build's context. */
  readonly context: string;
  /** An empty folder. */
  readonly folder: string;
  readonly onStep: (line: string) => void;
}

/** Instructions that change the image's config alone: BuildKit has read them. */
const CONFIG_ONLY = ['ARG', 'CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'STOPSIGNAL', 'USER'];
const SHELL = ['/bin/sh', '-c'];

/** The folder that is the root of the last stage. Throws at the first step that fails, with what it said. */
export async function buildImage({ stages, files }: Dockerfile, options: BuildOptions): Promise<string> {
  const roots = new Map<string, string>();
  let root = '';
  for (const [index, stage] of stages.entries()) {
    root = join(options.folder, `stage-${index}`);
    await mkdir(root);
    const base = roots.get(stage.base);
    if (base === undefined) await makeBase(root);
    else await cp(base, root, { recursive: true, verbatimSymlinks: true });
    await takeSteps(stage, root, { ...options, files, roots });
    roots.set(String(index), root);
    if (stage.name !== '') roots.set(stage.name, root);
  }
  return root;
}

interface Site extends BuildOptions {
  readonly files: readonly string[];
  readonly roots: ReadonlyMap<string, string>;
}

async function takeSteps(stage: Stage, root: string, site: Site): Promise<void> {
  let cwd = '/';
  let user = '0:0';
  for (const step of stage.steps) {
    const refused = step.unknown ?? [];
    if (refused.length > 0) throw new Error(`Dockerfile:${step.line}: this check can't do ${refused.join(', ')}`);
    const startedAt = performance.now();
    if (step.name === 'WORKDIR') {
      cwd = resolve(cwd, step.to ?? '');
      await mkdir(join(root, cwd), { recursive: true });
    } else if (step.name === 'USER') {
      user = step.owner ?? '';
    } else if (step.name === 'COPY') {
      await copy(step, root, cwd, site);
    } else if (step.name === 'RUN') {
      await run(step, { root, cwd, user });
    } else if (!CONFIG_ONLY.includes(step.name)) {
      throw new Error(`Dockerfile:${step.line}: this check does not know ${step.name}`);
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    site.onStep(`${step.code.replaceAll(/\s+/g, ' ').slice(0, 100)} (${seconds} s)`);
  }
}

async function run(step: Step, { root, cwd, user }: { root: string; cwd: string; user: string }): Promise<void> {
  const command = step.shell ? [...SHELL, ...(step.args ?? [])] : (step.args ?? []);
  const child = enter({ root, cwd, user, command, as: 'build', env: { HOME: '/root', ...step.env } });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const outputs = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const [code, ...said] = await Promise.all([exited, ...outputs]);
  if (code !== 0) throw new Error(`Dockerfile:${step.line}: ${step.code}\nended with ${code}:\n${said.join('')}`);
}

/** As COPY does: a folder's contents, or files; into a folder where the target ends in a slash or several come. */
async function copy(step: Step, root: string, cwd: string, site: Site): Promise<void> {
  const { sources = [], to = '', from, line } = step;
  if (sources.some((source) => /[*?[]/.test(source))) throw new Error(`Dockerfile:${line}: COPY with a pattern`);
  const stage = from === undefined || from === '' ? undefined : site.roots.get(from);
  if (from && stage === undefined) throw new Error(`Dockerfile:${line}: there is no stage ${from}`);
  const target = join(root, resolve(cwd, to));
  const intoFolder = to.endsWith('/') || sources.length > 1;
  for (const source of sources) {
    const path = stage === undefined ? join(site.context, source) : join(stage, source);
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
    if (isFolder === undefined) throw new Error(`Dockerfile:${line}: there is no ${source}`);
    const place = isFolder || !intoFolder ? target : join(target, basename(source));
    if (stage === undefined) await copyFromContext(source, isFolder, place, site, line);
    else await copyFromStage(path, isFolder, place);
    if (step.mode) await chmod(place, Number.parseInt(step.mode, 8));
    if (step.owner) await runCommand('chown', ['-R', step.owner, place]);
  }
}

async function copyFromContext(source: string, isFolder: boolean, place: string, site: Site, line: number) {
  const name = source.replace(/^\.\//, '').replace(/\/$/, '');
  const files = site.files.filter((file) => file === name || file.startsWith(`${name}/`));
  if (files.length === 0) throw new Error(`Dockerfile:${line}: .dockerignore leaves out ${source}`);
  for (const file of files) {
    await copyFile(join(site.context, file), isFolder ? join(place, file.slice(name.length)) : place);
  }
}

/** Thousands of files, and links among them. */
async function copyFromStage(path: string, isFolder: boolean, place: string): Promise<void> {
  await mkdir(isFolder ? place : dirname(place), { recursive: true });
  await runCommand('cp', ['-a', isFolder ? `${path}/.` : path, place]);
}

async function copyFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { verbatimSymlinks: true });
}
