/** Programs that run under a supervisor: started, waited for, paused, killed and stopped by process id. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SpawnRequest, SupervisorEvent, SupervisorRequest } from './supervisor-messages.ts';

/** How long the supervisor itself may take to come up or to end. */
const SUPERVISOR_DEADLINE_MS = 15_000;
/** How long a server gets between its stop signal and SIGKILL unless it says otherwise. */
const DEFAULT_GRACE_MS = 8_000;
/** The pause between two looks at whether a server is ready. */
const READY_POLL_MS = 50;
/** How much of a log's end an error message quotes. */
const LOG_TAIL_CHARACTERS = 1_500;

/** How a process ended: an exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program to run; see SpawnRequest for what each field means. */
export type ProcessSpec = Omit<SpawnRequest, 'type' | 'id'>;

/** A process that was started: its id, its end, and signals to its whole group. */
export interface RunningProcess {
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
}

interface Entry {
  pid?: number;
  readonly spawned: PromiseWithResolvers<number>;
  readonly exited: PromiseWithResolvers<Exit>;
}

/**
 * Starts processes that can't outlive this program: they belong to a supervisor process, which kills them and removes
 * `root` when this program ends in any way, SIGKILL included.
 */
export class Supervisor {
  /** The folder for data and logs; removed at the end. */
  readonly root: string;
  readonly #child: ChildProcess;
  readonly #entries = new Map<number, Entry>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #closing = false;

  private constructor(child: ChildProcess, root: string) {
    this.#child = child;
    this.root = root;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
    child.on('message', (event: SupervisorEvent) => this.#receive(event));
    void this.#ended.then(() => this.#orphaned());
  }

  /** Starts a supervisor whose folder is in `parent`, by default the system's for temporary files. Throws when it is not up within its deadline. */
  static async start(parent?: string): Promise<Supervisor> {
    const args = parent === undefined ? [] : [parent];
    const child = fork(fileURLToPath(new URL('./supervisor.ts', import.meta.url)), args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    const ready = Promise.withResolvers<string>();
    const timer = setTimeout(() => ready.reject(new Error('the supervisor did not start')), SUPERVISOR_DEADLINE_MS);
    child.once('message', (event: SupervisorEvent) => {
      if (event.type === 'ready') ready.resolve(event.root);
    });
    child.once('error', (error) => ready.reject(error));
    child.once('exit', (code) => ready.reject(new Error(`the supervisor ended at once, with code ${code}`)));
    try {
      return new Supervisor(child, await ready.promise);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The supervisor's own process id. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts one process; rejects when the command can't be run. */
  async spawn(spec: ProcessSpec): Promise<RunningProcess> {
    if (this.#closing) throw new Error('the stack is being stopped');
    const id = this.#nextId++;
    const entry: Entry = { spawned: Promise.withResolvers(), exited: Promise.withResolvers() };
    this.#entries.set(id, entry);
    this.#send({ ...spec, type: 'spawn', id });
    const pid = await entry.spawned.promise;
    return {
      pid,
      logFile: spec.logFile,
      exited: entry.exited.promise,
      signal: (signal) => this.#send({ type: 'signal', id, signal }),
    };
  }

  /** Runs a tool to its end. Rejects with its log's tail when it fails, and kills it when `signal` fires. */
  async run(spec: ProcessSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const running = await this.spawn(spec);
    const abort = () => running.signal('SIGKILL');
    signal.addEventListener('abort', abort, { once: true });
    try {
      const exit = await running.exited;
      signal.throwIfAborted();
      if (exit.code === 0) return;
      const how = exit.code === null ? `was killed by ${exit.signal}` : `ended with code ${exit.code}`;
      throw new Error(`${spec.command} ${how}:\n${await logTail(spec.logFile)}`);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Kills what still runs, removes the root folder, and ends the supervisor. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#send({ type: 'end' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), SUPERVISOR_DEADLINE_MS);
    await this.#ended;
    clearTimeout(timer);
    await rm(this.root, { recursive: true, force: true });
  }

  #send(request: SupervisorRequest): void {
    if (this.#child.connected) this.#child.send(request, () => {});
  }

  #receive(event: SupervisorEvent): void {
    if (event.type === 'ready' || event.type === 'broken') return;
    const entry = this.#entries.get(event.id);
    if (entry === undefined) return;
    switch (event.type) {
      case 'spawned':
        entry.pid = event.pid;
        entry.spawned.resolve(event.pid);
        return;
      case 'failed':
        entry.spawned.reject(new Error(event.message));
        this.#entries.delete(event.id);
        return;
      case 'exited':
        entry.exited.resolve({ code: event.code, signal: event.signal });
        this.#entries.delete(event.id);
    }
  }

  /** The supervisor is gone: whatever it still ran (only if it was killed itself) is killed from here. */
  #orphaned(): void {
    for (const [id, entry] of this.#entries) {
      entry.spawned.reject(new Error('the supervisor ended'));
      entry.spawned.promise.catch(() => {});
      if (entry.pid !== undefined) killGroup(entry.pid);
      entry.exited.resolve({ code: null, signal: 'SIGKILL' });
      this.#entries.delete(id);
    }
    // Processes that die this moment may still write.
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** What a server must say about itself to be managed. */
export interface ServerSpec {
  /** Names it in messages and in its log file. */
  readonly name: string;
  readonly process: Omit<ProcessSpec, 'logFile'>;
  /** One look: resolves when the server answers as it should, rejects when it does not yet. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly readyWithinMs: number;
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly graceMs?: number;
}

/** One server of the stack: the same port and data through kill, pause, resume and restart. */
export class ManagedServer {
  readonly name: string;
  readonly logFile: string;
  readonly #supervisor: Supervisor;
  readonly #spec: ServerSpec;
  #running: RunningProcess | undefined;

  constructor(supervisor: Supervisor, spec: ServerSpec) {
    this.#supervisor = supervisor;
    this.#spec = spec;
    this.name = spec.name;
    this.logFile = join(supervisor.root, `${spec.name}.log`);
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Starts the server and waits until it answers. Rejects with the log's tail when it ends or misses its deadline. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#running !== undefined) throw new Error(`${this.name} runs already`);
    signal.throwIfAborted();
    const running = await this.#supervisor.spawn({ ...this.#spec.process, logFile: this.logFile });
    this.#running = running;
    void running.exited.then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    await this.#ready(running, signal);
  }

  /** SIGKILL, as if the machine had taken it away; resolves when it is gone. */
  async kill(): Promise<void> {
    const running = this.#running;
    running?.signal('SIGKILL');
    await running?.exited;
  }

  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void {
    this.#running?.signal('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#running?.signal('SIGCONT');
  }

  /** Starts it again on the same port and data; stops it first when it runs. */
  async restart(signal: AbortSignal): Promise<void> {
    await this.stop();
    await this.start(signal);
  }

  /** Asks it to stop, and kills it when it has not within its grace. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.signal('SIGCONT');
    running.signal(this.#spec.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => running.signal('SIGKILL'), this.#spec.graceMs ?? DEFAULT_GRACE_MS);
    await running.exited;
    clearTimeout(timer);
  }

  async #ready(running: RunningProcess, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#spec.readyWithinMs)]);
    let ended: Exit | undefined;
    void running.exited.then((exit) => {
      ended = exit;
    });
    let last: unknown;
    while (!deadline.aborted && ended === undefined) {
      try {
        await this.#spec.probe(deadline);
        return;
      } catch (error) {
        last = error;
      }
      await sleep(READY_POLL_MS);
    }
    if (signal.aborted) await this.kill();
    signal.throwIfAborted();
    const why =
      ended === undefined ? `was not ready within ${this.#spec.readyWithinMs / 1000} s` : 'ended while starting';
    const message = `${this.name} ${why}; the end of its log:\n${await logTail(this.logFile)}`;
    await this.kill();
    throw new Error(message, { cause: last });
  }
}

async function logTail(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '(no log)');
  return text.slice(-LOG_TAIL_CHARACTERS);
}
