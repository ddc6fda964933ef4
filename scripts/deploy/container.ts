/** Runs the image that was built in a folder as a container would be: its entry point, its user, nothing writable. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageConfig } from './dockerfile.ts';
import { type Enter, enter, processIn } from './root-folder.ts';

/** What a container is run with. */
export interface ContainerOptions {
  readonly root: string;
  readonly image: ImageConfig;
  /** In place of the image's CMD. */
  readonly command?: readonly string[];
  /** In place of the image's ENTRYPOINT. */
  readonly entrypoint?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: Readonly<Record<string, string>>;
}

/** A container that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A container that runs. */
export interface Container {
  readonly ended: Promise<Ended>;
  /** The image's stop signal, to the container's first process. */
  stop(): void;
  /** SIGKILL, to all of it. */
  kill(): void;
  /** What its first process has in memory, in MiB. */
  residentMib(): number;
}

/** How long the first process may take to be there to be stopped. */
const STARTED_WITHIN_MS = 10_000;
const POLL_MS = 20;

/** Starts the image. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const { image } = options;
  const child = enter(enterOptions(options));
  const outputs = Promise.all([child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream))));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => outputs.then((said) => resolve({ code, output: said.join('') }), reject));
  });
  const signal = (name: NodeJS.Signals): void => {
    const first = processIn(child);
    if (first !== undefined) process.kill(first, name);
  };
  // With its user's change it lost what would end it with this process.
  const kill = (): void => signal('SIGKILL');
  process.once('exit', kill);
  void ended.finally(() => process.off('exit', kill)).catch(() => {});
  const untilMs = performance.now() + STARTED_WITHIN_MS;
  while (processIn(child) === undefined && child.exitCode === null && performance.now() < untilMs) await sleep(POLL_MS);
  return {
    ended,
    stop: () => signal(image.StopSignal as NodeJS.Signals),
    // With the first process its whole namespace ends; `unshare` alone could not take it along, as it has another user.
    kill,
    residentMib: () => {
      const status = readFileSync(`/proc/${processIn(child)}/status`, 'utf8');
      return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024);
    },
  };
}

/** Runs a command in the image to its end. */
export async function runContainer(options: ContainerOptions): Promise<Ended> {
  return (await startContainer(options)).ended;
}

/** Runs the image's HEALTHCHECK once, beside the instance on this machine's own network. */
export async function checkHealth(options: ContainerOptions): Promise<Ended> {
  const [kind, ...command] = options.image.Healthcheck?.Test ?? [];
  if (kind !== 'CMD') throw new Error('HEALTHCHECK needs a shell: write it as a list, with CMD');
  return runContainer({ ...options, entrypoint: [], command });
}

function enterOptions({ root, image, entrypoint, command, env, mounts }: ContainerOptions): Enter {
  const own = Object.fromEntries(image.Env.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]));
  return {
    root,
    as: 'run',
    user: image.User,
    cwd: image.WorkingDir,
    command: [...(entrypoint ?? image.Entrypoint), ...(command ?? image.Cmd)],
    env: { ...own, HOME: '/', ...env },
    mounts,
  };
}
