import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

/** A child process that ends with this one, whatever happens to it. */
export interface Child {
  readonly process: ChildProcess;
  readonly logFile: string;
  /** Resolves when it has ended, to its exit code; null: by a signal. */
  readonly exited: Promise<number | null>;
  /** Asks it to end, and kills it after this long. */
  end(graceMs: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The end of what it logged. */
  logTail(): Promise<string>;
}

/** How to start one. */
export interface ChildOptions {
  readonly program: URL;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Gets what it prints; standard output too unless `pipeOutput`. */
  readonly logFile: string;
  /** Its standard output comes here instead. */
  readonly pipeOutput?: boolean;
  /** Whether it only makes load: it must not take the processors from what is being shown. */
  readonly makesLoad?: boolean;
}

const END_WITH_PARENT = new URL('./end-with-parent.ts', import.meta.url);
/** In MiB. What a request needs is garbage soon after: a larger young generation is collected less often. */
const YOUNG_GENERATION = '--max-semi-space-size=64';
const LOG_TAIL_CHARACTERS = 3_000;

/** Starts a program of Node in a process group of its own: a Ctrl-C at the terminal reaches the demo alone. */
export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, 'a');
  const child = fork(fileURLToPath(options.program), [...options.args], {
    detached: true,
    execArgv: [YOUNG_GENERATION, '--import', END_WITH_PARENT.href],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', options.pipeOutput ? 'pipe' : log, log, 'ipc'],
  });
  closeSync(log);
  if (options.makesLoad && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code));
  });
  return {
    process: child,
    logFile: options.logFile,
    exited,
    end: async (graceMs) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    logTail: async () => (await readFile(options.logFile, 'utf8').catch(() => '')).slice(-LOG_TAIL_CHARACTERS),
  };
}
