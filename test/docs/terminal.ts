/** A reader's terminals: bash, in one folder, with what was exported and defined before. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

/** What a command has printed, both streams as they came, and its exit code. */
export interface Printed {
  readonly output: string;
  readonly code: number;
}

const POLL_MS = 50;
const CTRL_C = '\u0003';
/** How long a program may take to end after Ctrl-C. */
const INTERRUPT_MS = 60_000;

/** A terminal: commands run one after the other, and variables and functions stay. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #output = '';

  constructor(folder: string, env: Readonly<Record<string, string>> = {}) {
    // A process group of its own, which goes with it.
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      env: { ...process.env, ...env },
      detached: true,
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Runs a command to its end. Throws when it takes longer than `timeoutMs`. */
  async run(command: string, timeoutMs: number): Promise<Printed> {
    const end = `end-${randomUUID()}`;
    this.#output = '';
    // Its standard input is not the shell's: a command that reads it would eat the next one.
    this.#shell.stdin.write(`{ ${command}\n} </dev/null 2>&1; printf '\\n%s %s\\n' ${end} $?\n`);
    const done = new RegExp(`\\n${end} (\\d+)\\n`);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = done.exec(this.#output);
      if (found !== null) return { output: this.#output.slice(0, found.index), code: Number(found[1]) };
      if (performance.now() > deadline) throw new Error(`${command}\ndid not end in ${timeoutMs} ms:\n${this.#output}`);
      if (this.#shell.exitCode !== null) throw new Error(`the shell has ended:\n${this.#output}`);
      await sleep(POLL_MS);
    }
  }

  /** Ends the shell and what it has started. */
  close(): void {
    killGroup(this.#shell.pid, 'SIGKILL');
  }
}

/** What a program that stays is started with. */
export interface StayingOptions {
  readonly folder: string;
  /** What the reader types first in each terminal. */
  readonly prelude: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether it is to draw, as it does on a terminal; else it prints lines. */
  readonly draws: boolean;
}

/** The size of the terminal that programs draw on, without colours. */
const SIZED = 'export TERM=xterm NO_COLOR=1; stty rows 60 cols 100';
/** Between what is drawn on a terminal at once. */
const FRAME = '\u001b[?2026h';

/** A program that stays until Ctrl-C, in a terminal of its own. */
export class StayingProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #draws: boolean;
  readonly #exited: Promise<unknown>;
  #output = '';

  constructor(command: string, { folder, prelude, env, draws }: StayingOptions) {
    const shell = ['bash', '--noprofile', '--norc', '-c', `${prelude}\n${command}`];
    // util-linux's `script` is a terminal to what runs in it.
    const typed = `${SIZED}; exec ${shell.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(' ')}`;
    const [program = '', ...args] = draws
      ? ['script', '--quiet', '--return', '--flush', '--command', typed, '/dev/null']
      : shell;
    this.#child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...env, SHELL: '/bin/sh' },
      detached: true,
    });
    this.#draws = draws;
    if (!draws) this.#child.stdin.end();
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** What it has printed so far; of one that draws what stands there now. */
  get output(): string {
    if (!this.#draws) return this.#output;
    const whole = this.#output.split(FRAME).slice(0, -1).at(-1) ?? '';
    return stripVTControlCharacters(whole).replaceAll('\r', '');
  }

  /** Waits until something is so. Throws, with what the program has printed, when it ends before that or takes too long. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isSo())) {
      if (this.#child.exitCode !== null) throw new Error(`it ended before ${what}:\n${this.#output}`);
      if (performance.now() > deadline) throw new Error(`not ${what} after ${timeoutMs} ms:\n${this.#output}`);
      await sleep(POLL_MS * 4);
    }
  }

  /** Ctrl-C, as the terminal sends it: to the whole group. Resolves to the exit code. */
  async interrupt(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      if (this.#draws) this.#child.stdin.write(CTRL_C);
      else killGroup(this.#child.pid, 'SIGINT');
      const late = AbortSignal.timeout(INTERRUPT_MS);
      await Promise.race([this.#exited, once(late, 'abort')]);
    }
    killGroup(this.#child.pid, 'SIGKILL');
    return this.#child.exitCode;
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended already.
  }
}
