import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { ManagedServer, type ServerSpec, Supervisor } from '../../stack/process.ts';

const PROGRAM = fileURLToPath(new URL('../support/supervised-program.ts', import.meta.url));
const GONE_WITHIN_MS = 6_000;

interface Started {
  readonly program: ChildProcess;
  readonly pids: readonly number[];
  readonly root: string;
  readonly supervisor: number;
}

async function startProgram(ending: string): Promise<Started> {
  const program = spawn(process.execPath, [PROGRAM, ending], { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: program.stdout })) {
    return { program, ...(JSON.parse(line) as Omit<Started, 'program'>) };
  }
  throw new Error('the program said nothing');
}

/** Whether a process is there and not only a zombie that nobody has waited for. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The process that the deaf server has started, which prints its id. */
async function helperOf(root: string): Promise<number> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  for (;;) {
    const pid = Number(readFileSync(join(root, 'log'), 'utf8'));
    if (pid > 0 || Date.now() > deadline) return pid;
    await sleep(20);
  }
}

async function left(started: Started): Promise<string[]> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  for (;;) {
    const rest = [
      ...started.pids.filter(runs).map((pid) => `process ${pid}`),
      ...(runs(started.supervisor) ? ['the supervisor'] : []),
      ...(existsSync(started.root) ? ['the folder'] : []),
    ];
    if (rest.length === 0 || Date.now() > deadline) return rest;
    await sleep(50);
  }
}

describe('a program with servers under a supervisor leaves nothing behind', () => {
  test.each(['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const)('when it gets %s', async (signal) => {
    const started = await startProgram('wait');
    expect(started.pids.every(runs)).toBe(true);
    started.program.kill(signal);
    expect(await left(started)).toEqual([]);
  });

  test('when it throws an error that nobody catches', async () => {
    expect(await left(await startProgram('throw'))).toEqual([]);
  });

  test('when it just exits', async () => {
    expect(await left(await startProgram('exit'))).toEqual([]);
  });

  test('when its supervisor is killed', async () => {
    const started = await startProgram('wait');
    process.kill(started.supervisor, 'SIGKILL');
    expect(await left(started)).toEqual([]);
    expect(started.program.exitCode).toBeNull();
    started.program.kill('SIGKILL');
  });

  test('not even helpers of a server that end on no signal but SIGKILL', async () => {
    const started = await startProgram('wait');
    const helper = await helperOf(started.root);
    expect(runs(helper)).toBe(true);
    started.program.kill('SIGKILL');
    expect(await left({ ...started, pids: [...started.pids, helper] })).toEqual([]);
  });
});

describe('a managed server', () => {
  let supervisor: Supervisor | undefined;
  afterEach(async () => {
    await supervisor?.close();
  });

  async function server(script: string, spec: Partial<ServerSpec> = {}): Promise<ManagedServer> {
    supervisor = await Supervisor.start();
    const marker = join(supervisor.root, 'ready');
    return new ManagedServer(supervisor, {
      name: 'example',
      process: { command: 'sh', args: ['-c', script.replaceAll('READY', marker)] },
      probe: async () => {
        if (!existsSync(marker)) throw new Error('not yet');
      },
      readyWithinMs: 5_000,
      ...spec,
    });
  }

  const signal = () => AbortSignal.timeout(10_000);

  test('is started when it answers, and started again after SIGKILL under a new process id', async () => {
    const example = await server('sleep 0.2; touch READY; exec sleep 600');
    await example.start(signal());
    const first = example.pid;
    await example.kill();
    expect(example.pid).toBeUndefined();
    await example.restart(signal());
    expect(example.pid).toBeTypeOf('number');
    expect(example.pid).not.toBe(first);
  });

  test('stands still between pause and resume', async () => {
    const example = await server('touch READY; while :; do echo x; sleep 0.02; done');
    await example.start(signal());
    const written = () => readFileSync(example.logFile).length;
    example.pause();
    await sleep(150);
    const atPause = written();
    await sleep(300);
    expect(written()).toBe(atPause);
    example.resume();
    await expect.poll(written, { timeout: 5_000 }).toBeGreaterThan(atPause);
  });

  test('is killed when it does not stop within its grace, paused or not', async () => {
    const example = await server('trap "" TERM; touch READY; while :; do sleep 0.05; done', { graceMs: 200 });
    await example.start(signal());
    example.pause();
    await example.stop();
    expect(example.pid).toBeUndefined();
  });

  test('that ends while starting says so with the end of its log', async () => {
    const example = await server('echo the reason; exit 3');
    await expect(example.start(signal())).rejects.toThrow(/example ended while starting[\s\S]*the reason/);
  });

  test('that is never ready is killed at its deadline', async () => {
    const example = await server('exec sleep 600', { readyWithinMs: 300 });
    await expect(example.start(signal())).rejects.toThrow('example was not ready within 0.3 s');
    expect(example.pid).toBeUndefined();
  });

  test('whose start is aborted is killed, and the reason is the one given', async () => {
    const example = await server('exec sleep 600');
    const aborted = new AbortController();
    const starting = example.start(aborted.signal);
    setTimeout(() => aborted.abort(new Error('no longer wanted')), 100);
    await expect(starting).rejects.toThrow('no longer wanted');
    expect(example.pid).toBeUndefined();
  });

  test('whose command does not exist fails with its name', async () => {
    supervisor = await Supervisor.start();
    const example = new ManagedServer(supervisor, {
      name: 'example',
      process: { command: '/nonexistent/server', args: [] },
      probe: async () => {},
      readyWithinMs: 1_000,
    });
    await expect(example.start(signal())).rejects.toThrow('/nonexistent/server');
  });

  test('a tool that fails quotes its log', async () => {
    supervisor = await Supervisor.start();
    const logFile = join(supervisor.root, 'tool.log');
    const spec = { command: 'sh', args: ['-c', 'echo broken >&2; exit 7'], logFile };
    await expect(supervisor.run(spec, signal())).rejects.toThrow(/ended with code 7:\nbroken/);
  });
});
