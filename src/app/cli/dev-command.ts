import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The program that starts the servers: of a checkout, not of an installed service. */
const PROGRAM = fileURLToPath(new URL('../../../examples/hospital/dev.ts', import.meta.url));

/** Runs the checkout's development stack until it ends or the signal aborts. Throws a CommandError without a checkout. */
export async function runDev(options: readonly string[], signal: AbortSignal): Promise<number> {
  if (!existsSync(PROGRAM)) {
    throw new CommandError(
      '`crossfade dev` needs a checkout of the repository: clone it, and run `npm ci && npm run dev`',
    );
  }
  const child = spawn(process.execPath, [PROGRAM, ...options], { stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  signal.removeEventListener('abort', stop);
  return code ?? exitCodes.failed;
}
