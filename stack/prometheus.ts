/** A Prometheus server and its promtool: those on the PATH, or Debian's, unpacked into the cache without installing it. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type ArtifactContext, cached } from './artifacts.ts';
import { runCommand } from './command.ts';
import { reservePort } from './ports.ts';
import { probeHttp } from './probes.ts';
import { ManagedServer, type Supervisor } from './process.ts';

const FOLDER = 'prometheus-debian';
/** Some 40 MB on a slow line; a list of packages first, where it is old. */
const APT_TIMEOUT_MS = 5 * 60_000;
const READY_WITHIN_MS = 60_000;
const CURE =
  'install Prometheus so that `prometheus` and `promtool` are on the PATH (Debian: apt install prometheus; others: https://prometheus.io/download)';

/** Where the two programs are. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** A server that is ready. */
export interface PrometheusServer {
  readonly url: string;
  readonly server: ManagedServer;
}

/** What to read, and by which rules to judge it. */
export interface PrometheusOptions {
  /** `host:port` of each instance. */
  readonly targets: readonly string[];
  readonly rules: readonly string[];
  /** Default 1 s: nobody waits for a minute in a test. */
  readonly scrapeInterval?: string;
}

/** Finds or fetches the programs. Throws, with the cure, where neither is possible. */
export async function fetchPrometheus(
  context: Pick<ArtifactContext, 'onProgress' | 'signal'>,
): Promise<PrometheusPrograms> {
  const [prometheus, promtool] = [onPath('prometheus'), onPath('promtool')];
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const folder = await cached(FOLDER, context.signal, async (made) => {
    context.onProgress('Prometheus: fetching Debian’s package, 40 MB');
    await fetchPackage(made, context.signal).catch((cause: unknown) => {
      throw new Error(`Prometheus is neither on the PATH nor to be had from Debian: ${CURE}`, { cause });
    });
  });
  const programs = join(folder, 'usr/bin');
  return { prometheus: join(programs, 'prometheus'), promtool: join(programs, 'promtool') };
}

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

async function fetchPackage(folder: string, signal: AbortSignal): Promise<void> {
  const run = (command: string, args: readonly string[]) =>
    runCommand(command, args, { cwd: folder, timeoutMs: APT_TIMEOUT_MS, signal });
  const download = () => run('apt-get', ['download', '--quiet', 'prometheus']);
  // The list of packages may name a version that the archive has replaced.
  await download().catch(async () => {
    await run('apt-get', ['update', '--quiet']);
    await download();
  });
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded no package');
  await run('dpkg-deb', ['--extract', file, '.']);
  await rm(join(folder, file));
}

/** Starts a server on 127.0.0.1, with its data below the supervisor's root, and waits until it answers. */
export async function startPrometheus(
  { supervisor, signal }: { readonly supervisor: Supervisor; readonly signal: AbortSignal },
  { prometheus }: PrometheusPrograms,
  options: PrometheusOptions,
): Promise<PrometheusServer> {
  const port = await reservePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = join(supervisor.root, 'prometheus');
  await mkdir(folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configOf(options)));
  const server = new ManagedServer(supervisor, {
    name: 'prometheus',
    process: {
      command: prometheus,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    },
    probe: (abort) => probeHttp(`${url}/-/ready`, abort),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(signal);
  return { url, server };
}

function configOf({ targets, rules, scrapeInterval = '1s' }: PrometheusOptions): object {
  return {
    global: { scrape_interval: scrapeInterval, evaluation_interval: scrapeInterval },
    rule_files: rules,
    scrape_configs: [{ job_name: 'crossfade', static_configs: [{ targets }] }],
  };
}
