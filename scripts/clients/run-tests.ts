import { spawn } from 'node:child_process';

/** A first run may download a language's packages. */
const TIMEOUT_MS = 8 * 60_000;
const SHOWN_OUTPUT_BYTES = 20_000;

/** What ends this process, or asks it to end. */
const ENDS = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A command that runs tests. */
export interface TestCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs a command and returns what it printed. It has a process group of its own, which ends with it: no test leaves anything behind.
 *
 * @throws Error with the end of its output when it fails, takes more than eight minutes, or can't be started
 */
export async function runTests({ command, args, cwd, env }: TestCommand): Promise<string> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended with all that it started.
    }
  };
  const timer = setTimeout(killGroup, TIMEOUT_MS);
  for (const end of ENDS) process.once(end, killGroup);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const output = Buffer.concat(chunks).toString();
    if (code === 0) return output;
    throw new Error(
      `${command} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${output.slice(-SHOWN_OUTPUT_BYTES)}`,
    );
  } finally {
    clearTimeout(timer);
    for (const end of ENDS) process.off(end, killGroup);
    killGroup();
  }
}
