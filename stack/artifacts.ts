/** The servers' programs: fetched once by Maven into its ordinary cache, unpacked once into this project's. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ROOT } from './command.ts';
import { releaseLock, takeLock } from './lock-file.ts';
import type { Supervisor } from './process.ts';

/** One line of progress for a person: what is being done, or what is done and how long it took. */
export type Progress = (line: string) => void;

/** What the making of an artifact needs. */
export interface ArtifactContext {
  readonly supervisor: Supervisor;
  readonly onProgress: Progress;
  readonly signal: AbortSignal;
}

/** The oldest Java that Cassandra 5 and Zipkin 3 run on. */
const JAVA_MAJOR = 17;
/** How long another process may take to prepare the same artifact: a slow line's download. */
const LOCK_DEADLINE_MS = 10 * 60_000;
const LOCK_POLL_MS = 150;
const TOOL_VERSION_DEADLINE_MS = 20_000;
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
/** Maven runs for seconds: compiling itself well costs more than it gains. */
const MAVEN_FLAGS = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

/** The folder of unpacked servers: CROSSFADE_CACHE, or .cache/ of the repository. */
export function cacheFolder(): string {
  return process.env.CROSSFADE_CACHE ?? join(ROOT, '.cache');
}

/** Throws, with the cure, when Java or Maven is missing or too old. Call it before anything is started. */
export async function checkTools(needs: { readonly java: boolean; readonly maven: boolean }): Promise<void> {
  const problems: string[] = [];
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    problems.push(`the bundled servers are built for Linux on x64; this is ${process.platform} on ${process.arch}`);
  }
  const [java, maven] = await Promise.all([
    needs.java ? javaProblem() : undefined,
    needs.maven ? mavenProblem() : undefined,
  ]);
  problems.push(...[java, maven].filter((problem) => problem !== undefined));
  if (problems.length > 0) throw new Error(`the servers can't be started here:\n  - ${problems.join('\n  - ')}`);
}

async function javaProblem(): Promise<string | undefined> {
  const cure = `Java ${JAVA_MAJOR} or newer is needed (Debian: apt install openjdk-17-jre-headless)`;
  const answer = await ask('java', ['-version']);
  if (answer.error !== undefined) return `${cure}: ${answer.error}`;
  // Before 9 a version began with 1.
  const major = Number(/version "(?:1\.)?(\d+)/.exec(answer.text)?.[1] ?? 0);
  return major < JAVA_MAJOR ? `${cure}: \`java -version\` says ${major}` : undefined;
}

async function mavenProblem(): Promise<string | undefined> {
  const answer = await ask('mvn', ['--version']);
  if (answer.error === undefined) return undefined;
  return `Maven is needed to fetch the servers (Debian: apt install maven): ${answer.error}`;
}

async function ask(command: string, args: string[]): Promise<{ text: string; error?: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: TOOL_VERSION_DEADLINE_MS });
    return { text: `${stdout}${stderr}` };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { text: '', error: missing ? `\`${command}\` is not on the PATH` : (error as Error).message };
  }
}

/** Whether the cache has the folder `name`. */
export function isCached(name: string): boolean {
  return existsSync(join(cacheFolder(), name));
}

/**
 * Returns the folder `name` of the cache, or below one of its folders, made by `make` when it is not there yet. Several processes may ask at once:
 * one makes it, the others wait; and the folder appears whole or not at all.
 */
export async function cached(
  name: string,
  signal: AbortSignal,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const cache = cacheFolder();
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  return withLock(join(cache, `${name}.lock`), signal, async () => {
    if (existsSync(folder)) return folder;
    const partial = join(cache, `${name}.part-${randomBytes(4).toString('hex')}`);
    await mkdir(partial);
    try {
      await make(partial);
      await rename(partial, folder);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
    return folder;
  });
}

/**
 * Fetches one artifact (`group:artifact:version[:type[:classifier]]`) into `folder`: as a file, or, where `unpack`
 * names files of the archive, those files.
 */
export async function fetchArtifact(
  context: ArtifactContext,
  coordinates: string,
  folder: string,
  unpack?: string,
): Promise<void> {
  const common = [`-Dartifact=${coordinates}`, `-DoutputDirectory=${folder}`];
  if (unpack === undefined) await maven(context, 'copy', common);
  else await maven(context, 'unpack', [...common, `-Dmdep.unpack.includes=${unpack}`]);
}

/** Fetches one artifact and everything that it needs at run time into `folder`, through a generated project file. */
export async function fetchWithDependencies(
  context: ArtifactContext,
  coordinates: string,
  folder: string,
): Promise<void> {
  const [groupId, artifactId, version] = coordinates.split(':');
  const pom = join(folder, 'pom.xml');
  await writeFile(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>crossfade</groupId><artifactId>stack</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency></dependencies>
</project>`,
  );
  await maven(context, 'copy-dependencies', ['-f', pom, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]);
  await rm(pom);
}

/** Maven's local cache is not made for two writers: one run at a time, across processes. */
async function maven(context: ArtifactContext, goal: string, args: readonly string[]): Promise<void> {
  const { supervisor, signal } = context;
  await withLock(join(cacheFolder(), 'maven.lock'), signal, () =>
    supervisor.run(
      {
        command: 'mvn',
        args: ['--batch-mode', '--quiet', `${DEPENDENCY_PLUGIN}:${goal}`, ...args],
        // The user's own options may hold a proxy or a cache's place.
        env: { MAVEN_OPTS: `${MAVEN_FLAGS} ${process.env.MAVEN_OPTS ?? ''}` },
        logFile: join(supervisor.root, 'maven.log'),
      },
      signal,
    ),
  );
}

/** The size of a folder's files in whole megabytes. */
export async function megabytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}

/** Whole tenths of a second since `startedAt` (performance.now()), as `1.2 s`. */
export function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(LOCK_DEADLINE_MS)]);
  while (!takeLock(path)) {
    deadline.throwIfAborted();
    await sleep(LOCK_POLL_MS, undefined, { signal: deadline });
  }
  try {
    return await work();
  } finally {
    releaseLock(path);
  }
}
