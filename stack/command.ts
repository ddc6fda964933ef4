/** Programs of others that run to their end: compilers, generators, test runners of other languages. Servers are `process.ts`'s. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** The repository. */
export const ROOT = join(import.meta.dirname, '..');

/** Long enough to download and build a tool on a slow machine. */
const DEFAULT_TIMEOUT_MS = 10 * 60_000;
/** Of what a command printed, the part that its failure quotes. */
const QUOTED_CHARACTERS = 20_000;
/** What asks this process to end, and that it ends. */
const ENDS = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Where a command runs, and for how long. */
export interface CommandOptions {
  /** Default: the repository. */
  readonly cwd?: string;
  /** Default: this process'. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: ten minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Exit codes that are no failure. Default: 0 alone. */
  readonly accepted?: readonly number[];
}

/** A command that failed. Its message has the end of what was printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** Whether there is no such program, so that its cure is to install it. */
  readonly isMissing: boolean;

  constructor(message: string, options: { readonly isMissing?: boolean; readonly cause?: unknown } = {}) {
    super(message, options);
    this.isMissing = options.isMissing ?? false;
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Runs a command and returns what it printed on its standard output. It has a process group of its own, which ends with it, with the
 * time-out, with `signal` and with this process: nothing that it started is left behind. Throws a {@link CommandError}.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { cwd = ROOT, env = process.env, timeoutMs = DEFAULT_TIMEOUT_MS, accepted = [0] } = options;
  const said = [command, ...args.slice(0, 1)].join(' ');
  const limits = [AbortSignal.timeout(timeoutMs), ...(options.signal === undefined ? [] : [options.signal])];
  const limit = AbortSignal.any(limits);
  limit.throwIfAborted();
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const release = bindLife(child, limit);
  try {
    const [code, stdout, stderr] = await Promise.all([exitOf(child), textOf(child.stdout), textOf(child.stderr)]);
    if (code !== null && accepted.includes(code)) return stdout;
    const how = limit.aborted ? `was ended: ${limit.reason}` : `ended with ${code ?? 'a signal'}`;
    throw new CommandError(`${said} ${how}:\n${`${stdout}${stderr}`.trim().slice(-QUOTED_CHARACTERS)}`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = isMissing ? 'is not on the PATH, or its folder is not there' : (error as Error).message;
    throw new CommandError(`${said}: ${why}`, { isMissing, cause: error });
  } finally {
    release();
  }
}

async function exitOf(child: Child): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

async function textOf(stream: Readable): Promise<string> {
  return (await buffer(stream)).toString();
}

/** Ends the command's group when its time is over, and when this process ends or is asked to. Returns what undoes that, and ends it now. */
function bindLife({ pid }: Child, limit: AbortSignal): () => void {
  const kill = (): void => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended, with all that it started.
    }
  };
  const onEnd = (end: unknown): void => {
    kill();
    // Whoever listens decides what becomes of this process; where nobody else does, it ends as it would have.
    const name = ENDS.find((one) => one === end);
    if (name !== undefined && name !== 'exit' && process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  limit.addEventListener('abort', kill, { once: true });
  for (const end of ENDS) process.once(end, onEnd);
  return () => {
    limit.removeEventListener('abort', kill);
    for (const end of ENDS) process.off(end, onEnd);
    kill();
  };
}
